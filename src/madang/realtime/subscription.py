"""One channel of one connection."""

from collections.abc import Sequence

from madang.realtime.group import Group
from madang.realtime.own_keys import OwnKey
from madang.realtime.poll_items import Tracking
from madang.realtime.room import Room
from madang.realtime.shared_poll import Poll


class Subscription:
    """Where it stands, what it was promised and until when."""

    __slots__ = (
        "claimed", "client_refresh", "expires_at", "group", "info", "join_leave", "keys", "positioned",
        "presence", "room", "server_side", "tracked", "watch",
    )  # fmt: skip

    def __init__(self, room: Room, group: Group) -> None:
        self.room = room
        self.group = group
        self.watch: Group | None = None
        self.tracked: tuple[Poll, Tracking] | None = None
        """Of a shared poll: its keys."""
        self.info = b""
        self.expires_at = 0.0
        """Seconds since 1970-01-01 UTC; 0 for never."""
        self.client_refresh = True
        self.server_side = False
        self.claimed = False
        """The connection's token asks for it."""
        self.positioned = False
        self.presence = False
        self.join_leave = False
        self.keys: Sequence[OwnKey] = ()
