"""One connection: what it is subscribed to, what waits for it, its timers and its end.

No task, no queue of its own while it keeps up: rooms write to its transport. While the transport is full,
what it
should get is held, in references to the shared frames; who falls too far behind loses plain publications
where
the namespace sheds, and the connection elsewhere.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import (
    REALTIME_KEPT_BYTES,
    REALTIME_PLAIN_BYTES,
    REALTIME_TTL_S,
    REALTIME_WAITING_COMMANDS,
    REALTIME_WRITE_BYTES,
)
from madang.protocols.centrifugo import binary, codes, text
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code
from madang.realtime.broker import BrokerError
from madang.realtime.channel import namespace_of
from madang.realtime.core import Core
from madang.realtime.driving import settle
from madang.realtime.gate import Caller
from madang.realtime.group import Batch, Group, Writable
from madang.realtime.limiter import BURST_S
from madang.realtime.ports import (
    EXPIRED,
    INTERNAL,
    TOKEN_EXPIRED,
    Disconnect,
    RefreshReply,
    ReplyError,
    too_many,
)
from madang.realtime.publication import ClientInfo
from madang.realtime.room import Room
from madang.realtime.wires import Wire

log = logging.getLogger(__name__)

CONNECTING: Final = 0
OPEN: Final = 1
FAILED: Final = 2
"""Its connect was answered with an error: nothing more is said until it goes."""
CLOSED: Final = 3

_NEVER: Final = float("inf")


class _Gone:
    """The transport of a connection that is closed."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        """Nobody reads."""


GONE: Final = _Gone()


class Link(Protocol):
    """A session's transport, whatever it is."""

    deadline: float
    bucket: int

    @property
    def transport(self) -> Writable: ...

    def end(self, code: Code) -> None:
        """Say goodbye in the transport's own terms, and close."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def on_deadline(self) -> None: ...


class Subscription:
    """One channel of one connection."""

    __slots__ = ("client_refresh", "expires_at", "group", "info", "join_leave", "positioned", "presence",
    "room",
                 "server_side", "watch")  # fmt: skip

    def __init__(self, room: Room, group: Group) -> None:
        self.room = room
        self.group = group
        self.watch: Group | None = None
        self.info = b""
        self.expires_at = 0.0
        """Seconds since 1970-01-01 UTC; 0 for never."""
        self.client_refresh = True
        self.server_side = False
        self.positioned = False
        self.presence = False
        self.join_leave = False


Held = tuple[bytes, bool]
"""A frame, and whether it may be left out."""
Handle = Callable[["Session", m.Command], Awaitable[None]]


class Session:
    """Implements `core.Guest`. `handle` answers one command."""

    __slots__ = (
        "_allowance", "_allowed_at", "_busy", "_core", "_handle", "_held_bytes", "_inbox", "_link",
        "_ping_at",
        "_plain_bytes", "_pong_by", "caller", "client_refresh", "expires_at", "held", "pings", "session",
        "since",
        "sheds", "state", "subscriptions", "transport", "wire",
    )  # fmt: skip

    def __init__(self, core: Core, link: Link, wire: Wire, caller: Caller, handle: Handle) -> None:
        self._core = core
        self._link = link
        self._handle = handle
        self.wire = wire
        self.caller = caller
        self.transport: Writable = link.transport
        self.state = CONNECTING
        self.subscriptions: dict[str, Subscription] = {}
        self.since = core.clock.wall()
        self.session = ""
        self.expires_at = 0.0
        """Seconds since 1970-01-01 UTC; 0 for never."""
        self.client_refresh = True
        self.sheds = False
        self.pings = True
        """Pings are of the protocol; False where the transport has its own."""
        self.held: deque[Held] | None = None
        self._held_bytes = 0
        self._plain_bytes = 0
        self._inbox: deque[m.Command | PeerError] | None = None
        self._busy = False
        self._ping_at = _NEVER
        self._pong_by = _NEVER
        self._allowance = core.settings.commands_per_connection * BURST_S
        self._allowed_at = core.sweeper.now
        core.sweeper.expire(link, core.settings.stale_s)

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(self.subscriptions)

    @property
    def is_open(self) -> bool:
        return self.state != CLOSED

    # --- what it says --------------------------------------------------------------------------------

    def on_message(self, data: str | bytes) -> None:
        """Commands: one message of the transport, or one emulation request."""
        if self.state == CLOSED:
            return
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = deque()
        try:
            if not self.wire.binary:
                inbox.extend(text.parse_commands(data))
            elif isinstance(data, bytes):
                inbox.extend(binary.parse_commands(data))
            else:
                raise PeerError("3501", "text to a Protobuf connection")
        except PeerError as error:
            inbox.append(error)
        if not self._busy:
            self._busy = True
            self._core.run(self._work())
        elif len(inbox) > REALTIME_WAITING_COMMANDS:
            self._link.pause_reading()

    def receive(self, data: bytes) -> None:
        self.on_message(data)

    def begin_with(self, request: m.ConnectRequest) -> None:
        """Connect a unidirectional client, which sends no commands."""
        self._inbox = deque((m.Command(1, connect=request),))
        self._busy = True
        self._core.run(self._work())

    def begin_from(self, data: str | bytes) -> None:
        """The first message of a unidirectional websocket is its connect request; others are ignored."""
        if self.state == CONNECTING and not self._busy:
            told = data.encode() if isinstance(data, str) else data
            self.on_message(b'{"id":1,"connect":%b}' % text.one_line(told or b"{}"))

    async def _work(self) -> None:
        """Answer what came, one after another; never two of one connection at once."""
        inbox = self._inbox
        while inbox and self.state != CLOSED:
            item = inbox.popleft()
            if isinstance(item, PeerError):
                log.info("realtime: %s of %s: %s", self.caller.client, self.caller.peer, item.reason)
                self.disconnect(codes.BAD_REQUEST)
                break
            await self._answer(item)
        self._busy = False
        self._inbox = None
        if self.state != CLOSED:
            self._link.resume_reading()

    async def _answer(self, command: m.Command) -> None:
        if not command.id and command.send is None:
            self._on_pong(command)
            return
        try:
            if not self._allowed():
                raise too_many(self._wait_s())
            await self._handle(self, command)
        except ReplyError as error:
            self.refuse(command.id, error)
        except Disconnect as error:
            self.disconnect(Code(error.number, error.message))
        except BrokerError:
            self._core.counters.broker_errors += 1
            self.refuse(command.id, INTERNAL)
        except Exception:
            self._core.counters.handler_errors += 1
            log.exception("realtime: a command of %s failed", self.caller.client)
            self.refuse(command.id, INTERNAL)

    def _allowed(self) -> bool:
        """Whether the connection's, the user's and the address's own rates allow one more command (A57)."""
        core = self._core
        core.counters.commands += 1
        now, rate = core.sweeper.now, core.settings.commands_per_connection
        self._allowance = min(self._allowance + (now - self._allowed_at) * rate, rate * BURST_S)
        self._allowed_at = now
        caller = self.caller
        allowed = not rate or self._allowance >= 1
        if allowed:
            self._allowance -= 1
            allowed = (not caller.user or core.per_user.take(caller.user, now)) and (
                core.is_exempt(caller.peer) or core.per_ip.take(caller.peer, now)
            )
        if not allowed:
            core.counters.rate_limited += 1
        return allowed

    def _wait_s(self) -> float:
        """How long until one more command is allowed."""
        core, caller = self._core, self.caller
        now, rate = core.sweeper.now, core.settings.commands_per_connection
        own = (1 - self._allowance) / rate if rate else 0.0
        peer = 0.0 if core.is_exempt(caller.peer) else core.per_ip.wait_s(caller.peer, now)
        return max(own, core.per_user.wait_s(caller.user, now) if caller.user else 0.0, peer)

    def _on_pong(self, command: m.Command) -> None:
        if self.state != OPEN or command != _PONG or self._pong_by == _NEVER:
            log.info("realtime: %s sends a pong nobody waits for", self.caller.client)
            self.disconnect(codes.BAD_REQUEST)
            return
        self._pong_by = _NEVER

    def on_transport_pong(self) -> None:
        """The transport's own pong, where it has them."""
        self._pong_by = _NEVER

    # --- what it is told -----------------------------------------------------------------------------

    def send(self, frames: bytes) -> None:
        """Write whole frames, behind what is held."""
        if self.held is None:
            self.transport.write(frames)
        else:
            self._keep(frames)

    def reply(self, reply: m.Reply) -> None:
        if self.state != CLOSED:
            self.send(self.wire.reply(reply))

    def refuse(self, number: int, error: ReplyError) -> None:
        """Answer a command with an error; one without id cannot be answered."""
        if self.state == CLOSED:
            return
        self._core.counters.replies_error += 1
        if self.wire.bare:
            self.disconnect(self._as_disconnect(error.number))
            return
        if self.state == CONNECTING:
            self.state = FAILED
        self.reply(m.Reply(number, error=m.Error(error.number, error.message, error.temporary)))

    def _as_disconnect(self, number: int) -> Code:
        """Unidirectional clients hear no errors: what ends their connection in place of one."""
        told = self._core.settings.unidirectional_disconnects.get(number)
        if told is not None:
            return Code(told.code, told.reason)
        expired = number in (TOKEN_EXPIRED.number, EXPIRED.number)
        return codes.CONNECTION_EXPIRED if expired else codes.SERVER_ERROR

    def push(self, push: m.Push) -> None:
        if self.state != CLOSED:
            self.send(self.wire.push(push))

    def hold(self, batch: Batch) -> None:
        """What a room's sweep brings while the transport is full."""
        held, user = self.held, self.caller.user
        if held is None:
            self.transport.write(b"".join([entry.frame for entry in batch]))
            return
        for entry in batch:
            plain = entry.plain and user not in entry.kept_for
            size = len(entry.frame)
            held.append((entry.frame, plain))
            self._held_bytes += size
            if plain:
                self._plain_bytes += size
        if self._plain_bytes > REALTIME_PLAIN_BYTES:
            self._shed()
        self._check_backlog()

    def _keep(self, frames: bytes) -> None:
        assert self.held is not None
        self.held.append((frames, False))
        self._held_bytes += len(frames)
        self._check_backlog()

    def _shed(self) -> None:
        """Leave out the eldest plain publications, down to half of the bound."""
        assert self.held is not None
        kept: deque[Held] = deque()
        for frame, plain in self.held:
            if plain and self._plain_bytes > REALTIME_PLAIN_BYTES // 2:
                self._plain_bytes -= len(frame)
                self._held_bytes -= len(frame)
                self._core.counters.shed += 1
            else:
                kept.append((frame, plain))
        self.held = kept

    def _check_backlog(self) -> None:
        most = min(self._core.settings.queue_bytes, REALTIME_KEPT_BYTES if self.sheds else _NEVER)
        if self._held_bytes - self._plain_bytes > most:
            self._core.counters.slow += 1
            self.disconnect(codes.SLOW)

    def pause(self) -> None:
        """The transport is full."""
        if self.held is None and self.state != CLOSED:
            self.held = deque()

    def resume(self, is_full: Callable[[], bool]) -> None:
        """The transport has room again: write what was held, as far as it takes it."""
        while (held := self.held) is not None and not is_full() and self.state != CLOSED:
            frames: list[bytes] = []
            size = 0
            while held and size < REALTIME_WRITE_BYTES:
                frame, plain = held.popleft()
                frames.append(frame)
                size += len(frame)
                if plain:
                    self._plain_bytes -= len(frame)
            self._held_bytes -= size
            if not held:
                self.held = None
            if frames:
                self.transport.write(b"".join(frames))

    # --- timers --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The connect has succeeded."""
        core = self._core
        self.state = OPEN
        core.enter(self)
        core.counters.connections += 1
        every = core.settings.ping_s
        if every:
            # Those who come together are not all pinged together.
            self._ping_at = core.sweeper.now + every / 2 + (len(core.guests) * 0.618) % 1 * every / 2
        self.arm()

    def arm(self) -> None:
        """Set the one deadline of the connection to whatever comes first."""
        core = self._core
        first = min(self._ping_at, self._pong_by)
        if self.expires_at:
            first = min(first, self._expiry(self.expires_at, self.client_refresh))
        for subscription in self.subscriptions.values():
            if subscription.expires_at:
                first = min(first, self._expiry(subscription.expires_at, subscription.client_refresh))
        core.sweeper.expire(self._link, max(first - core.sweeper.now, 0.0))

    def _expiry(self, expires_at: float, client_refresh: bool) -> float:
        """In the sweeper's time; clients have a while to refresh."""
        left = expires_at - self._core.clock.wall()
        return self._core.sweeper.now + left + (self._core.settings.expired_s if client_refresh else 0.0)

    def on_deadline(self) -> None:
        """Called through the link, by the sweeper."""
        if self.state == CLOSED:
            return
        if self.state != OPEN:
            self.disconnect(codes.STALE)
            return
        now = self._core.sweeper.now
        if now >= self._pong_by:
            self.disconnect(codes.NO_PONG)
            return
        if self.expires_at and self._expiry(self.expires_at, self.client_refresh) <= now:
            self._expire()
        for channel, subscription in tuple(self.subscriptions.items()):
            at = subscription.expires_at
            if at and self._expiry(at, subscription.client_refresh) <= now:
                self._expire_subscription(channel, subscription)
        if self.state == OPEN:
            if now >= self._ping_at:
                self._ping(now)
            self.arm()

    def _ping(self, now: float) -> None:
        settings = self._core.settings
        self._ping_at = now + settings.ping_s
        if self.held is None or not self.held:  # who has unread frames needs no ping
            self.send(self.wire.ping)
        if settings.pong_s and self.wire.answers:
            self._pong_by = min(self._pong_by, now + settings.pong_s)

    def _expire(self) -> None:
        refresher = self._core.refresher
        if self.client_refresh or refresher is None:
            self.disconnect(codes.CONNECTION_EXPIRED)
            return
        self.expires_at = 0.0
        self._core.run(self._refresh(None))

    def _expire_subscription(self, channel: str, subscription: Subscription) -> None:
        if not subscription.client_refresh:
            subscription.expires_at = 0.0
            self._core.run(self._refresh(channel))
        elif subscription.server_side:
            self.disconnect(codes.SUBSCRIPTION_EXPIRED)
        else:
            self.end_subscription(channel, codes.UNSUBSCRIBE_EXPIRED)

    async def _refresh(self, channel: str | None) -> None:
        """Ask the handler that let them in whether connection or subscription may go on."""
        core = self._core
        await settle()
        try:
            if channel is None:
                assert core.refresher is not None
                reply = await core.refresher.refresh(self.caller)
            else:
                handler = core.handler_of(channel)
                if handler is None or not handler.does.sub_refresh:
                    reply = RefreshReply(expired=True)  # other settings than it began with
                else:
                    reply = await handler.sub_refresh(self.caller, channel)
        except (PeerError, BrokerError) as error:
            log.info("realtime: a refresh of %s failed: %s", self.caller.client, error)
            self.disconnect(codes.SERVER_ERROR)
            return
        except Exception:
            core.counters.handler_errors += 1
            log.exception("realtime: a refresh of %s failed", self.caller.client)
            self.disconnect(codes.SERVER_ERROR)
            return
        if self.state != OPEN:
            return
        subscription = self.subscriptions.get(channel) if channel is not None else None
        if reply.expired and channel is not None:
            self.end_subscription(channel, codes.UNSUBSCRIBE_EXPIRED)
        elif reply.expired:
            self.disconnect(codes.CONNECTION_EXPIRED)
        elif subscription is not None:
            subscription.expires_at = reply.expires_at
            subscription.info = subscription.info if reply.info is None else reply.info
        elif channel is None:
            self.expires_at = reply.expires_at
            self._tell_more(reply)
        if self.state == OPEN:
            self.arm()

    def _tell_more(self, reply: RefreshReply) -> None:
        """A refresh may change what others see, and what the backend knows."""
        caller = self.caller
        info = caller.info if reply.info is None else reply.info
        meta = caller.meta if reply.meta is None else reply.meta
        self.caller = msgspec.structs.replace(caller, info=info, meta=meta)

    def ttl(self, expires_at: float) -> int:
        """Whole seconds until then, as clients are told; at most a year."""
        return max(min(int(expires_at - self._core.clock.wall()), int(REALTIME_TTL_S)), 1)

    # --- ends ----------------------------------------------------------------------------------------

    def info(self, channel: str = "") -> ClientInfo:
        """Who it is, as the others see it."""
        subscription = self.subscriptions.get(channel)
        caller = self.caller
        return ClientInfo(caller.user, caller.client, caller.info, subscription.info if subscription else b"")

    def leave(self, channel: str) -> Subscription | None:
        """End a subscription without telling the client; what comes later is not written to it any more."""
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
        core.settle_room(room)
        if subscription.presence:
            core.later(core.broker_leave(channel, info))
        if subscription.join_leave:
            core.later(core.broker.publish_leave(channel, info))
        handler = core.handler_of(channel)
        if handler is not None:
            handler.unsubscribed(self.caller, channel)
        return subscription

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

    def disconnect(self, code: Code) -> None:
        """End the connection from our side."""
        if self.state == CLOSED:
            return
        self._core.counters.disconnects += 1
        held, link = self.held, self._link
        self.close()
        if held is None or code.number != codes.SLOW.number:
            link.transport.write(b"".join([frame for frame, _ in held or ()]))
        link.end(code)

    def close(self) -> None:
        """The connection is over: leave everywhere."""
        if self.state == CLOSED:
            return
        for channel in tuple(self.subscriptions):
            self.leave(channel)
        self._core.leave(self)
        self.state = CLOSED
        self.transport = GONE
        self.held = None
        self._inbox = None


_PONG: Final = m.Command()
