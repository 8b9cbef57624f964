"""Who is watching: playback sessions of every way out, counted by session and not by socket."""

import msgspec

from madang.base.ids import ChannelId, SessionId
from madang.base.limits import AUDIENCE_FORGET_S, AUDIENCE_SESSIONS

SWEEP_S = 5.0
"""A sweep looks at every session, so it does so no more often."""
_HELD = float("inf")
"""Last sight of a session whose connection is open."""


class AudienceStats(msgspec.Struct, frozen=True):
    """The audience of one channel now and since its broadcast began."""

    count: int
    peak: int
    viewer_s: float
    """Seconds watched, of all sessions together."""
    doors: dict[str, int]
    """Sessions by way out: `hls`, `dash`, `flv`, `wsflv`, `rtmp`, `whep`."""


class _Room:
    """One channel's sessions."""

    __slots__ = ("began", "changed_at", "doors", "held", "peak", "seen", "viewer_s")

    def __init__(self, now: float) -> None:
        self.began = False
        self.changed_at = now
        self.doors: dict[SessionId, str] = {}
        self.held: dict[SessionId, int] = {}
        """Open connections of a session: a reconnecting one may overlap itself."""
        self.peak = 0
        self.seen: dict[SessionId, float] = {}
        self.viewer_s = 0.0

    def settle(self, now: float) -> None:
        """Add the seconds watched since the count last changed."""
        self.viewer_s += len(self.seen) * (now - self.changed_at)
        self.changed_at = now


class Audience:
    """Sessions by channel. A session of requests (HLS, DASH) is `touch`ed by each request; a session of a
    connection (FLV, RTMP, WHEP) is entered and left; `now` is monotonic seconds.

    A session counts from its first sight until AUDIENCE_FORGET_S, and at most SWEEP_S more, after its
    last; `sweep`, called about once a second, forgets. Beyond AUDIENCE_SESSIONS newcomers are not counted.
    """

    def __init__(self) -> None:
        self.sessions = 0
        """Sessions of all channels."""
        self.uncounted = 0
        """Sights of sessions beyond the bound."""
        self._rooms: dict[ChannelId, _Room] = {}
        self._swept_at = float("-inf")

    def touch(self, channel: ChannelId, session: SessionId, now: float, door: str = "hls") -> None:
        """A request of this session was answered now. O(1)."""
        room = self._rooms.get(channel)
        if room is not None:
            seen = room.seen
            if session in seen:
                if session not in room.held:
                    seen[session] = now
                return
        self._add(channel, session, now, door)

    def enter(self, channel: ChannelId, session: SessionId, now: float, door: str = "flv") -> None:
        """A connection began to play; its session counts until as many `leave`s."""
        room = self._rooms.get(channel)
        if (room is None or session not in room.seen) and not self._add(channel, session, now, door):
            return
        room = self._rooms[channel]
        room.seen[session] = _HELD
        room.held[session] = room.held.get(session, 0) + 1

    def leave(self, channel: ChannelId, session: SessionId, now: float) -> None:
        """A connection ended; unknown sessions are ignored."""
        room = self._rooms.get(channel)
        if room is None or session not in room.held:
            return
        room.held[session] -= 1
        if not room.held[session]:
            del room.held[session]
            self._remove(room, session, now)

    def count(self, channel: ChannelId, now: float) -> int:
        """Sessions of this channel now."""
        room = self._rooms.get(channel)
        return len(room.seen) if room is not None else 0

    def stats(self, channel: ChannelId, now: float) -> AudienceStats:
        """Count, peak, seconds watched, and sessions by door."""
        room = self._rooms.get(channel)
        if room is None:
            return AudienceStats(0, 0, 0.0, {})
        room.settle(now)
        doors: dict[str, int] = {}
        for door in room.doors.values():
            doors[door] = doors.get(door, 0) + 1
        return AudienceStats(len(room.seen), room.peak, room.viewer_s, doors)

    def begin(self, channel: ChannelId, now: float) -> None:
        """A broadcast began: peak and seconds watched start over with those who are waiting."""
        room = self._rooms.setdefault(channel, _Room(now))
        room.began = True
        room.changed_at = now
        room.peak = len(room.seen)
        room.viewer_s = 0.0

    def end(self, channel: ChannelId, now: float) -> AudienceStats:
        """The broadcast ended: what it had; sessions that are still there go on counting."""
        stats = self.stats(channel, now)
        room = self._rooms.get(channel)
        if room is not None:
            room.began = False
            if not room.seen:
                del self._rooms[channel]
        return stats

    def sweep(self, now: float) -> None:
        """Forget sessions of requests that were not seen for AUDIENCE_FORGET_S."""
        if now - self._swept_at < SWEEP_S:
            return
        self._swept_at = now
        oldest = now - AUDIENCE_FORGET_S
        for channel, room in list(self._rooms.items()):
            for session in [session for session, seen in room.seen.items() if seen < oldest]:
                last = room.seen[session]
                self._remove(room, session, now)
                room.viewer_s = max(0.0, room.viewer_s - (now - last))
            if not room.seen and not room.began:
                del self._rooms[channel]

    def _add(self, channel: ChannelId, session: SessionId, now: float, door: str) -> bool:
        if self.sessions >= AUDIENCE_SESSIONS:
            self.uncounted += 1
            return False
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = _Room(now)
        room.settle(now)
        room.seen[session] = now
        room.doors[session] = door
        room.peak = max(room.peak, len(room.seen))
        self.sessions += 1
        return True

    def _remove(self, room: _Room, session: SessionId, now: float) -> None:
        room.settle(now)
        del room.seen[session], room.doors[session]
        self.sessions -= 1
