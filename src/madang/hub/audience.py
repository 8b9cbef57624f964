"""Who is watching: playback sessions of every way out, counted by session and not by socket."""

from madang.base.ids import ChannelId, SessionId


class Audience:
    """Sessions by channel. A session of requests (HLS, DASH) is `touch`ed by each request; a session of a
    connection (FLV, RTMP, WHEP) is entered and left; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._seen: dict[ChannelId, dict[SessionId, float]] = {}

    def touch(self, channel: ChannelId, session: SessionId, now: float) -> None:
        """A request of this session was answered now."""
        self._seen.setdefault(channel, {})[session] = now

    def enter(self, channel: ChannelId, session: SessionId, now: float) -> None:
        """A connection began to play; it counts until `leave`."""
        self._seen.setdefault(channel, {})[session] = float("inf")

    def leave(self, channel: ChannelId, session: SessionId, now: float) -> None:
        self._seen.get(channel, {}).pop(session, None)

    def count(self, channel: ChannelId, now: float) -> int:
        """Sessions of this channel now."""
        return len(self._seen.get(channel, {}))
