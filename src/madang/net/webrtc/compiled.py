"""The fan-out's inner loop in C (`seal.c`), where the build had a compiler and the system has libcrypto.

Without it everything works the same by `fanout.Group`'s own loop: the twin that the tests run beside it.
"""

import ctypes
import os
import socket
from collections.abc import Sequence
from ctypes import c_char_p, c_int, c_uint32, c_void_p
from pathlib import Path as File
from struct import Struct
from typing import Final, NamedTuple

LIBRARY: Final = File(__file__).with_name("_seal.so")
_CRYPTO: Final = (b"libcrypto.so.3", b"libcrypto.so.1.1")
_PACKET = Struct("=III12s")
_RUN = Struct("=III")
_IPV4 = Struct("=H2s4s8x")
_IPV6 = Struct("=H2sI16sI")


class Frame(NamedTuple):
    """A frame with a lane's headers, as `seal_send` reads it."""

    plain: bytes
    packets: bytes
    packet_count: int
    runs: bytes
    run_count: int


class Handle:
    """A viewer's key and address on the other side."""

    __slots__ = ("_library", "pointer")

    def __init__(self, library: ctypes.CDLL, pointer: int) -> None:
        self._library = library
        self.pointer = pointer

    def __del__(self) -> None:
        self._library.viewer_free(self.pointer)


class Seal:
    """The library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.viewer_new.argtypes = [c_char_p, c_char_p, c_char_p, c_uint32]
        library.viewer_new.restype = c_void_p
        library.viewer_free.argtypes = [c_void_p]
        library.viewer_free.restype = None
        library.seal_send.argtypes = [
            c_int, c_void_p, c_int, c_char_p, c_uint32, c_char_p, c_int, c_char_p, c_int, c_void_p
        ]  # fmt: skip
        self._error = c_int()
        self._error_at = ctypes.addressof(self._error)

    def viewer(self, key: bytes, salt: int, sock: socket.socket, name: Sequence[object]) -> Handle | None:
        """A viewer at `name`, an address of the socket's family."""
        port = int(str(name[1])).to_bytes(2, "big")
        host = socket.inet_pton(sock.family, str(name[0]).partition("%")[0])
        if sock.family == socket.AF_INET:
            address = _IPV4.pack(sock.family, port, host)
        else:
            flow, scope = (int(str(part)) for part in (*name[2:4], 0, 0)[:2])
            address = _IPV6.pack(sock.family, port, flow, host, scope)
        pointer = self._library.viewer_new(key, salt.to_bytes(12, "big"), address, len(address))
        return Handle(self._library, pointer) if pointer else None

    def send(self, fd: int, pointers: int, count: int, frame: Frame) -> tuple[int, int]:
        """Seal and send the frame to `count` viewers whose handles are at the address `pointers`: how many
        have all of it, and the errno that ended it, or 0."""
        plain = frame.plain
        done: int = self._library.seal_send(
            fd, pointers, count, plain, len(plain), frame.packets, frame.packet_count,
            frame.runs, frame.run_count, self._error_at,
        )  # fmt: skip
        return done, self._error.value


def pack_packet(at: int, header: int, payload: int, base: int) -> bytes:
    """A packet's place in `Frame.plain`, the lengths of its parts, and its nonce before the salt."""
    return _PACKET.pack(at, header, payload, base.to_bytes(12, "big"))


def pack_run(at: int, length: int, segment: int) -> bytes:
    """A run's place, its length, and that of each packet; 0 for a single one."""
    return _RUN.pack(at, length, segment)


def load(path: File = LIBRARY) -> Seal | None:
    """The library, where it was built and works; MADANG_PURE_PYTHON=1 leaves it alone."""
    if os.environ.get("MADANG_PURE_PYTHON") == "1" or not path.exists():
        return None
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None  # built for another machine
    if not any(library.seal_open(name) for name in _CRYPTO):
        return None
    return Seal(library)
