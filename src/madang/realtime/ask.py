"""How a connection enters a channel: what the client said, and what was decided about it."""

from collections.abc import Callable

import msgspec

from madang.protocols.centrifugo import messages as m
from madang.realtime.gate import ServerSubscription
from madang.realtime.ports import Joined
from madang.realtime.publication import Position, Publication


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection enters."""

    request: m.SubscribeRequest
    """What the client said: recovery, positioning, deltas."""
    subscription: ServerSubscription = ServerSubscription()
    """What token, handler or server said."""
    filter: m.FilterNode | None = None
    snapshot: Callable[[Joined], bytes] | None = None
    server_side: bool = False
    claimed: bool = False
    client_refresh: bool = True
    missed: list[Publication] | None = None
    """Gets the recovered publications, where they travel one by one instead of in the result."""
    since: Position | None = None
    """What was published after this is not in `snapshot`: `later` gets it, to be sent behind the reply."""
    later: list[Publication] = []
