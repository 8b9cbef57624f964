"""How much a publisher must have sent before it is read: work is done per batch, not per message.

An encoder writes every message by itself, the sound in a few hundred bytes, and each write would cost a
wake-up, a read and a pass through the parser. So the kernel is asked (SO_RCVLOWAT) to wake the loop for
some milliseconds of the stream at its present rate: the sound comes with the picture behind it, and three
pictures together while nobody watches. Who sends little or falls silent is read at once, and the end of a
connection always is.
"""

import socket
from typing import Final, Protocol

GATHER_S: Final = 0.01
"""Of the stream at its rate; a picture is more, and never waits for the next."""
GATHER_UNWATCHED_S: Final = 0.1
"""Of a stream that nobody follows: pictures that nobody waits for may come together."""
GATHER_BYTES_MIN: Final = 512
"""Less is not worth it, and is the first sign of a publisher that stops."""
GATHER_BYTES_MAX: Final = 2048
"""The sound between two pictures, and no more: what a scene that suddenly stands still may hold up."""
GATHER_UNWATCHED_BYTES_MAX: Final = 65_536
"""Half of what the kernel keeps of a connection at first, so that its sender never has to wait."""


class Options(Protocol):
    """A socket, or what stands for one."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """As that of `socket.socket`."""
        ...


class Gathering:
    """Of one publisher. `look` is to be called a few times a second: for so long, at most, may the last
    bytes before a silence be left unread."""

    __slots__ = ("_seen", "_socket", "bytes")

    def __init__(self, sock: Options, received_bytes: int) -> None:
        self.bytes = 1
        """That wake the loop."""
        self._socket = sock
        self._seen = received_bytes

    def look(self, received_bytes: int, elapsed_s: float, watched: bool) -> None:
        """Follow the rate: `received_bytes` in all, `elapsed_s` after the last look."""
        gained, self._seen = received_bytes - self._seen, received_bytes
        rate = gained / elapsed_s
        if watched:
            least = wanted = min(int(rate * GATHER_S), GATHER_BYTES_MAX)
        else:  # the rate is that of a few large reads, and looks uneven
            wanted = min(int(rate * GATHER_UNWATCHED_S), GATHER_UNWATCHED_BYTES_MAX)
            least = wanted // 2
        if wanted < GATHER_BYTES_MIN:
            least = wanted = 1
        if not least <= self.bytes <= 2 * wanted:
            self.bytes = wanted
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
