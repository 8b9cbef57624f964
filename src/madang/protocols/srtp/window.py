"""The packet index of what an SSRC sends (RFC 3711 section 3.3.1) and what was seen of it (section 3.3.2)."""

from typing import Final

WIDTH: Final = 1024
"""Packets that may come late; RFC 3711 asks for 64 at least, video at 60 Mbit/s needs more."""
_MASK: Final = (1 << WIDTH) - 1


class Window:
    """Of one SSRC. Ask `index_of`, check the packet, then `take` it: forged packets change nothing."""

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1
        """The highest index that was taken: rollover counter and sequence number as one number."""
        self._seen = 0

    def index_of(self, sequence: int) -> int:
        """The likeliest index of a 16-bit sequence number; negative ones are older than the first packet."""
        highest = self.highest
        if highest < 0:
            return sequence
        distance = (sequence - highest) & 0xFFFF
        return highest + distance - 0x10000 if distance >= 0x8000 else highest + distance

    def is_new(self, index: int) -> bool:
        """Whether the packet was not seen and is not too old to know."""
        age = self.highest - index
        return index >= 0 and (age < 0 or (age < WIDTH and not self._seen >> age & 1))

    def take(self, index: int) -> None:
        """The packet was genuine."""
        age = self.highest - index
        if age >= 0:
            self._seen |= 1 << age
        else:
            self._seen = (self._seen << -age | 1) & _MASK if -age < WIDTH else 1
            self.highest = index
