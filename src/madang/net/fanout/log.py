"""The shared byte log: what one stream sent lately in one format, kept once for all its viewers."""

from bisect import bisect_left

from madang.base.limits import VIEWER_QUEUE_BYTES, VIEWER_QUEUE_S

Piece = bytes | memoryview


class Log:
    """Rendered pieces by position (the count of pieces before them), at most VIEWER_QUEUE_BYTES and
    VIEWER_QUEUE_S of them: a viewer whose position is older than `start` has fallen behind.

    Whoever waits keeps a position, never bytes. Pieces behind `served` are kept whatever comes, for nobody
    is to blame for them: the loop itself has not yet come to send them.
    """

    __slots__ = ("_bytes", "_headers", "_keys", "_pieces", "_times", "end", "served", "start")

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self.served = 0
        self._pieces: list[Piece] = []
        self._times: list[float] = []
        self._bytes = 0
        self._keys: list[int] = []
        self._headers: list[bytes] = []

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def size(self) -> int:
        """Bytes of all pieces that are kept."""
        return self._bytes

    def append(self, piece: Piece, now: float, headers: bytes | None = None) -> None:
        """Add a piece. `headers` marks it as a place to begin: what a decoder needs before it."""
        if headers is not None:
            self._keys.append(self.end)
            self._headers.append(headers)
        self._pieces.append(piece)
        self._times.append(now)
        self._bytes += len(piece)
        self.end += 1
        oldest = now - VIEWER_QUEUE_S
        while self.start < self.served and (self._bytes > VIEWER_QUEUE_BYTES or self._times[0] < oldest):
            self.forget(self.start + 1)

    def forget(self, position: int) -> None:
        """Drop the pieces before `position`."""
        count = min(position, self.end) - self.start
        if count <= 0:
            return
        self._bytes -= sum(map(len, self._pieces[:count]))
        del self._pieces[:count]
        del self._times[:count]
        self.start += count
        stale = bisect_left(self._keys, self.start)
        del self._keys[:stale]
        del self._headers[:stale]

    def between(self, begin: int, end: int) -> list[Piece]:
        """The pieces from `begin` up to `end`; those that were dropped are missing."""
        return self._pieces[max(begin - self.start, 0) : max(end - self.start, 0)]

    def slice(self, begin: int, end: int, limit_bytes: int) -> list[Piece]:
        """The first pieces of `between(begin, end)` that reach `limit_bytes` together."""
        pieces = self.between(begin, end)
        size = 0
        for count, piece in enumerate(pieces, 1):
            size += len(piece)
            if size >= limit_bytes:
                return pieces[:count]
        return pieces

    def keyframe(self, position: int) -> tuple[int, bytes] | None:
        """The first place to begin at or behind `position`, and its headers."""
        index = bisect_left(self._keys, position)
        return (self._keys[index], self._headers[index]) if index < len(self._keys) else None
