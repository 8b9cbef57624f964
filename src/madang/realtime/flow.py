"""A client's way into a map, which takes several requests: what was decided at the first, and what waits."""

from madang.base.limits import REALTIME_MAP_BEHIND, REALTIME_QUEUE_BYTES
from madang.realtime.ask import Ask
from madang.realtime.core import Core
from madang.realtime.publication import NOWHERE, Position, Publication
from madang.realtime.room import Room


class Tap(list[Publication]):
    """What comes while pages are read, up to a bound."""

    __slots__ = ("_size", "overflown")

    def __init__(self) -> None:
        super().__init__()
        self._size = 0
        self.overflown = False

    def append(self, publication: Publication) -> None:
        self._size += len(publication.data)
        fits = len(self) < REALTIME_MAP_BEHIND and self._size <= REALTIME_QUEUE_BYTES
        if fits and not self.overflown:
            super().append(publication)
        else:
            self.overflown = True
            self.clear()


class Flow:
    """From the first page until it is live, or gives up."""

    __slots__ = ("_core", "ask", "cursor", "expired", "frozen", "room", "stream_top", "tap", "until")

    def __init__(self, core: Core, ask: Ask, timeout_s: float) -> None:
        self._core = core
        self.ask = ask
        self.until = core.sweeper.now + timeout_s
        self.cursor = ""
        """Where the next page begins."""
        self.frozen: Position = NOWHERE
        """Where the map stood when the first page was read: what came later follows the pages."""
        self.stream_top: int | None = None
        """Where it stood when the client began to read changes."""
        self.room: Room | None = None
        self.tap: Tap | None = None
        """Of a map that keeps no changes."""
        self.expired = False
        core.flows.add(self)

    def listen(self, room: Room) -> None:
        """Keep what comes from now on."""
        self.room, self.tap = room, Tap()
        room.taps.append(self.tap)

    def end(self) -> None:
        """It is live, or will never be."""
        self._core.flows.discard(self)
        room, tap, self.room, self.tap = self.room, self.tap, None, None
        if room is not None:
            room.taps[:] = [other for other in room.taps if other is not tap]
            self._core.entered(room)

    def expire(self) -> None:
        """It takes too long: who goes on is told."""
        self.expired = True
        self.end()
