"""Reading bits from bytes: fixed-width fields and Exp-Golomb codes (H.264 section 9.1)."""

from madang.base.errors import PeerError


class BitReader:
    """Reads `data` from its most significant bit; running out raises PeerError. A read costs what it
    reads, however long the data are."""

    __slots__ = ("_data", "_length", "_position")

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self._length = len(data) * 8
        self._position = 0

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self._length - self._position

    def read(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        end = self._position + count
        if end > self._length:
            raise PeerError("malformed", "bitstream ends inside a field")
        last = (end + 7) >> 3
        field = int.from_bytes(self._data[self._position >> 3 : last], "big") >> ((last << 3) - end)
        self._position = end
        return field & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        """Pass over `count` bits."""
        if count > self.left:
            raise PeerError("malformed", "bitstream ends inside a field")
        self._position += count

    def flag(self) -> bool:
        """The next bit."""
        return self.read(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb code; more than 32 leading zeros raise PeerError."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise PeerError("malformed", "Exp-Golomb code is too long")
        return (1 << zeros) - 1 + (self.read(zeros) if zeros else 0)

    def se(self) -> int:
        """A signed Exp-Golomb code (H.264 section 9.1.1)."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)
