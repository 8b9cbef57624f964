"""Reading a publisher in batches: what the kernel is asked for, and that nothing is left lying."""

import select
import socket
from collections.abc import Iterator

import pytest

from madang.net.rtmp.gathering import GATHER_BYTES_MAX, GATHER_BYTES_MIN, Gathering

QUARTER_S = 0.25


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A publisher's socket and ours."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        theirs = socket.create_connection(door.getsockname())
        ours, _ = door.accept()
    with theirs, ours:
        yield theirs, ours


def readable(sock: socket.socket, seconds: float) -> bool:
    return bool(select.select([sock], [], [], seconds)[0])


def gathering(sock: socket.socket, rate: int) -> Gathering:
    """At work on a stream of so many bytes a second."""
    made = Gathering(sock, 1000)
    made.look(1000 + int(rate * QUARTER_S), QUARTER_S)
    return made


def test_sound_waits_for_the_picture_behind_it(ends: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = ends
    assert gathering(ours, 125_000).bytes == 1250
    theirs.sendall(bytes(300))
    assert not readable(ours, 0.05)
    theirs.sendall(bytes(3000))
    assert readable(ours, 5)


def test_silence_leaves_nothing_unread(ends: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = ends
    made = gathering(ours, 125_000)
    theirs.sendall(b"deleteStream")
    assert not readable(ours, 0.05)
    made.look(1000 + 31_250, QUARTER_S)
    assert made.bytes == 1
    assert readable(ours, 5)


def test_the_end_wakes_at_once(ends: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = ends
    gathering(ours, 125_000)
    theirs.sendall(b"x")
    theirs.close()
    assert readable(ours, 5)


class Asked:
    """A socket that keeps what it was asked."""

    def __init__(self) -> None:
        self.values: list[int] = []

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_RCVLOWAT)
        self.values.append(value)


def test_the_kernel_is_asked_only_for_what_changed() -> None:
    asked, received = Asked(), 0
    made = Gathering(asked, received)
    for rate in (10_000, 100_000, 90_000, 100_000, 80_000, 1_000_000, 2_000_000, 60_000, 0, 0):
        received += int(rate * QUARTER_S)
        made.look(received, QUARTER_S)
    assert asked.values == [1000, GATHER_BYTES_MAX, 600, 1]


@pytest.mark.parametrize("rate", [0, 1000, 100 * GATHER_BYTES_MIN - 100])
def test_who_sends_little_is_read_at_once(rate: int) -> None:
    asked = Asked()
    Gathering(asked, 0).look(int(rate * QUARTER_S), QUARTER_S)
    assert asked.values == []
