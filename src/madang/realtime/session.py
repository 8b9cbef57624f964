"""One connection: who it is, what it is subscribed to, how it begins and ends.

No task, no queue of its own while it keeps up. Its two directions are `sending` and `receiving`, its timers
`timing`.
"""

from collections.abc import Awaitable, Callable

from madang.protocols.centrifugo import codes
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code
from madang.realtime.channel import namespace_of
from madang.realtime.core import Core
from madang.realtime.flow import Flow
from madang.realtime.gate import Caller
from madang.realtime.publication import ClientInfo
from madang.realtime.sending import CLOSED, OPEN, Link
from madang.realtime.subscription import Subscription
from madang.realtime.timing import Timing
from madang.realtime.wires import Wire

Handle = Callable[["Session", m.Command], Awaitable[None]]


class _Gone:
    """The transport of a connection that is closed."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        """Nobody reads."""


_GONE = _Gone()


class Session(Timing):
    """Implements `core.Guest`. `handle` answers one command."""

    __slots__ = ("_handle", "flows", "session", "since")

    def __init__(self, core: Core, link: Link, wire: Wire, caller: Caller, handle: Handle) -> None:
        super().__init__(core, link, wire, caller)
        self._handle = handle
        self.since = core.clock.wall()
        self.session = ""
        self.flows: dict[str, Flow] | None = None
        """Maps that it is on its way into."""

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(self.subscriptions)

    def answer(self, command: m.Command) -> Awaitable[None]:
        return self._handle(self, command)

    def begin(self) -> None:
        """The connect has succeeded."""
        self.state = OPEN
        self._core.enter(self)
        self._core.counters.connections += 1
        self.begin_pings()

    # --- its channels -------------------------------------------------------------------------------

    def info(self, channel: str = "") -> ClientInfo:
        """Who it is, as the others see it."""
        subscription = self.subscriptions.get(channel)
        caller = self.caller
        return ClientInfo(caller.user, caller.client, caller.info, subscription.info if subscription else b"")

    def leave(self, channel: str) -> Subscription | None:
        """End a subscription without telling the client; what comes later is not written to it any more."""
        self.give_up(channel)
        subscription = self.subscriptions.get(channel)
        if subscription is None:
            return None
        core, info = self._core, self.info(channel)
        del self.subscriptions[channel]
        room = subscription.room
        room.leave(self, subscription.group)
        room.positioned -= subscription.positioned
        if subscription.watch is not None:
            room.leave(self, subscription.watch)
        if subscription.tracked is not None:
            poll, tracking = subscription.tracked
            poll.leave(tracking)
        core.settle_room(room)
        if subscription.presence:
            core.later(core.broker_leave(channel, info))
        if subscription.join_leave:
            core.later(core.broker.publish_leave(channel, info))
        if subscription.keys:
            core.later(core.leave_keys(subscription.keys))
        handler = core.handler_of(channel)
        if handler is not None:
            handler.unsubscribed(self.caller, channel)
        return subscription

    def give_up(self, channel: str) -> None:
        """It will not come into this map, or is in it."""
        flow = self.flows.pop(channel, None) if self.flows else None
        if flow is not None:
            flow.end()

    def end_subscription(self, channel: str, code: Code) -> None:
        if self.leave(channel) is not None:
            self._core.counters.unsubscribes += 1
            self.push(m.Push(channel, unsubscribe=m.Unsubscribe(code.number, code.words)))

    def lose(self, channel: str) -> None:
        subscription = self.subscriptions.get(channel)
        if subscription is None or not subscription.positioned:
            return
        if subscription.server_side:
            self.disconnect(codes.INSUFFICIENT_STATE)
        else:
            self.end_subscription(channel, codes.UNSUBSCRIBE_INSUFFICIENT)

    def recheck(self) -> None:
        """Ask the gates whether what they admitted still holds."""
        core = self._core
        if core.gate is not None and not core.gate.holds(self.caller):
            self.disconnect(codes.FORCE_DISCONNECT)
            return
        for channel in self.channels:
            binding = core.bindings.get(namespace_of(channel))
            gate = None if binding is None else binding.gate
            if gate is not None and not gate.holds(self.caller, channel):
                self.end_subscription(channel, codes.SERVER_UNSUBSCRIBE)

    # --- ends ----------------------------------------------------------------------------------------

    def disconnect(self, code: Code) -> None:
        if self.state == CLOSED:
            return
        self._core.counters.disconnects += 1
        held, link, transport = self.held, self._link, self.transport
        self.close()
        # Where it is another one, nothing is said yet: how it ends is said first.
        if held and transport is link.transport and code.number != codes.SLOW.number:
            transport.write(b"".join([frame for frame, _ in held]))
        link.end(code)

    def close(self) -> None:
        """The connection is over: leave everywhere."""
        if self.state == CLOSED:
            return
        for channel in (*self.subscriptions, *(self.flows or ())):
            self.leave(channel)
        self._core.leave(self)
        self.state = CLOSED
        self.transport = _GONE
        self.held = None
        self._inbox = None
