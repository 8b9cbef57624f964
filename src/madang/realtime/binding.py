"""A namespace and what was bound to it."""

from collections.abc import Callable

import msgspec

from madang.realtime.channel import ChannelOptions
from madang.realtime.gate import ChannelGate
from madang.realtime.ports import ChannelEvents, ChannelHandler, MapHandler
from madang.realtime.shared_poll import PollSource


class Binding(msgspec.Struct, frozen=True):
    """A namespace and what was bound to it."""

    name: str
    options: ChannelOptions
    handler: ChannelHandler | None = None
    gate: ChannelGate | None = None
    events: ChannelEvents | None = None
    pattern: Callable[[str], object] | None = None
    keys: MapHandler | None = None
    """Decides about clients' keys of a map."""
    polled: PollSource | None = None
    """Where the values of a shared poll are."""

    @property
    def client_refresh(self) -> bool:
        """Whether clients refresh their subscriptions themselves, with a new token."""
        return self.handler is None or not self.handler.does.sub_refresh
