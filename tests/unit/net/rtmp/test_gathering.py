"""Reading a publisher in batches: what the kernel is asked for, and that nothing is left lying."""

import select
import socket
from collections.abc import Iterator

import pytest

from madang.net.rtmp.gathering import (
    GATHER_BYTES_MAX,
    GATHER_BYTES_MIN,
    GATHER_UNWATCHED_BYTES_MAX,
    Gathering,
)

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
    made.look(1000 + int(rate * QUARTER_S), QUARTER_S, True)
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
    made.look(1000 + 31_250, QUARTER_S, True)
    assert made.bytes == 1
    assert readable(ours, 5)


def test_unwatched_pictures_come_together_until_somebody_comes(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    theirs, ours = ends
    made = Gathering(ours, 0)
    made.look(31_250, QUARTER_S, False)
    assert made.bytes == 12_500
    theirs.sendall(bytes(8000))
    assert not readable(ours, 0.05)
    made.look(62_500, QUARTER_S, True)
    assert made.bytes == 1250
    assert readable(ours, 5)
    made.look(10_000_000, QUARTER_S, False)
    assert made.bytes == GATHER_UNWATCHED_BYTES_MAX


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
        made.look(received, QUARTER_S, True)
    assert asked.values == [1000, GATHER_BYTES_MAX, 600, 1]


@pytest.mark.parametrize(
    ("rate", "watched"), [(0, True), (1000, True), (100 * GATHER_BYTES_MIN - 100, True), (5000, False)]
)
def test_who_sends_little_is_read_at_once(rate: int, watched: bool) -> None:
    asked = Asked()
    Gathering(asked, 0).look(int(rate * QUARTER_S), QUARTER_S, watched)
    assert asked.values == []
