"""The loop in C: its answers when something is wrong, and that nothing is missing without it."""

import ctypes
import errno
import os
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from madang.net.webrtc import compiled
from madang.net.webrtc.compiled import Frame, Handle, Seal, pack_packet, pack_run

KEY, SALT = bytes(range(16)), 0x0102030405060708090A0B0C
HEADER, BODY, TAG = b"\x80\x60" + bytes(10), b"a picture" * 9, bytes(16)
LIBRARY = compiled.load()
BUILT = [LIBRARY] if LIBRARY is not None else []


def frame(base: int = 7, count: int = 1) -> Frame:
    size = len(HEADER + BODY + TAG)
    packets = b"".join(pack_packet(at * size, 12, len(BODY), base + at) for at in range(count))
    run = pack_run(0, size * count, size if count > 1 else 0)
    return Frame((HEADER + BODY + TAG) * count, packets, count, run, 1)


def pointers(*handles: Handle) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(handles))(*(handle.pointer for handle in handles))


@pytest.mark.parametrize("seal", BUILT)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_is_sent_is_what_python_seals(seal: Seal, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as out, socket.socket(family, socket.SOCK_DGRAM) as into:
        try:
            into.bind((host, 0))
        except OSError:
            return  # a machine without IPv6
        into.settimeout(60)
        handles = [seal.viewer(KEY, SALT + n, out, into.getsockname()) for n in range(3)]
        assert all(handles)
        at = pointers(*[handle for handle in handles if handle is not None])
        assert seal.send(out.fileno(), ctypes.addressof(at), 3, frame(count=2)) == (3, 0)
        for viewer in range(3):
            for packet in range(2):
                nonce = (SALT + viewer ^ 7 + packet).to_bytes(12, "big")
                assert into.recv(2048) == HEADER + AESGCM(KEY).encrypt(nonce, BODY, HEADER)


@pytest.mark.parametrize("seal", BUILT)
def test_errors_say_how_far_it_came(seal: Seal) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        handle = seal.viewer(KEY, SALT, out, ("127.0.0.1", 9))
        assert handle is not None
        at = pointers(handle)
        assert seal.send(-1, ctypes.addressof(at), 1, frame()) == (0, errno.EBADF)
        empty = Frame(b"", b"", 0, b"", 0)
        assert seal.send(out.fileno(), ctypes.addressof(at), 1, empty) == (0, errno.EINVAL)
        large = Frame(bytes(70_000), pack_packet(0, 12, 69_972, 1), 1, pack_run(0, 70_000, 0), 1)
        assert seal.send(out.fileno(), ctypes.addressof(at), 1, large) == (0, errno.EMSGSIZE)


def test_without_the_library_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled.load(tmp_path / "_seal.so") is None
    (tmp_path / "_seal.so").write_bytes(os.urandom(100))
    assert compiled.load(tmp_path / "_seal.so") is None
    monkeypatch.setenv("MADANG_PURE_PYTHON", "1")
    assert compiled.load() is None
