"""The crowd as other rooms use it: publish, presence, history, and commands to the connections of users.

Implements `ports.Crowd`. What targets users is done here and told to the other nodes through the broker.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeVar

import msgspec

from madang.base.clock import Clock
from madang.base.errors import Overloaded
from madang.base.limits import (
    REALTIME_LISTED,
    REALTIME_SLICE,
    REALTIME_TAGS_BYTES,
)
from madang.base.secret import Secret
from madang.net.deadlines import Sweeper
from madang.net.outbound import Outbound
from madang.protocols.centrifugo import codes
from madang.realtime import nodes
from madang.realtime.banned import Banned
from madang.realtime.broker import Broker, BrokerError, HistoryQuery, Outgoing, PresenceStats, Stretch
from madang.realtime.channel import ChannelOptions
from madang.realtime.commanding import Commanding
from madang.realtime.connecting import personal_channel
from madang.realtime.core import Binding, Core, Entropy
from madang.realtime.driving import Spawn, settle
from madang.realtime.gate import Caller, ChannelGate, ConnectGate, ServerSubscription
from madang.realtime.jwks import KeySets
from madang.realtime.neighbours import Neighbours
from madang.realtime.poll_items import Value
from madang.realtime.ports import (
    BAD_REQUEST,
    INTERNAL,
    Ban,
    Bans,
    ChannelEvents,
    ChannelHandler,
    Connection,
    Refreshed,
    ReplyError,
    Target,
)
from madang.realtime.publication import (
    DEFAULT,
    ClientInfo,
    Position,
    Published,
    PublishOptions,
)
from madang.realtime.settings import RealtimeSettings
from madang.realtime.staying import Staying
from madang.realtime.surveys import Surveys

log = logging.getLogger(__name__)
_CHECK_POSITIONS_S: Final = 40.0
_T = TypeVar("_T")
_NO_SECRET: Final = Secret("")


class Engine:
    """The whole crowd of this node. `start` before the first connection, `close` at the end."""

    def __init__(
        self, settings: RealtimeSettings, clock: Clock, entropy: Entropy, sweeper: Sweeper, spawn: Spawn
    ) -> None:
        self.core = Core(settings, clock, entropy, sweeper, spawn)
        self.core.on_message = self._hear
        self.node = self.core.node
        self.neighbours = Neighbours(self.core)
        self.counters = self.core.counters
        self.bans: Bans | None = None
        """Where bans outlast this process; without, they end with it."""
        self._banned = Banned(clock)
        self._commanding = Commanding(self.core, self._banned)
        self.core.is_blocked, self.core.is_revoked = self._banned.has_user, self._banned.has_token
        self.core.keep_alone = self._keep_alone
        self._surveys = Surveys(self.core, self._answer)
        self._staying = Staying(self.core)
        self._checked_at = sweeper.now
        self._recheck: Iterator[None] | None = None

    def use(self, broker: Broker, outbound: Outbound, own_secret: Secret = _NO_SECRET) -> None:
        """Give it its broker and its way out; `own_secret` signs this server's own tokens."""
        core = self.core
        core.broker = broker
        core.key_sets = KeySets(outbound, core.clock)
        core.own_secret = own_secret
        core.take_keys()

    async def start(self) -> None:
        if self.bans is not None:
            self._banned.load(await self.bans.load(self.core.clock.wall()))
        await self.core.broker.start(self.node, self.core)

    async def close(self) -> None:
        self.core.polls.close()
        await self.core.broker.close()

    @property
    def draining(self) -> bool:
        return self.core.draining

    # --- Crowd: namespaces ---------------------------------------------------------------------------

    def bind(
        self,
        namespace: str,
        options: ChannelOptions,
        handler: ChannelHandler | None = None,
        gate: ChannelGate | None = None,
        *,
        events: ChannelEvents | None = None,
    ) -> None:
        self.core.bind(Binding(namespace, options, handler, gate, events))

    def bind_rpc(self, prefix: str, handler: ChannelHandler) -> None:
        self.core.rpc[prefix] = handler

    def guard(self, gate: ConnectGate, refresher: ChannelHandler | None = None) -> None:
        self.core.gate = gate
        self.core.refresher = refresher

    # --- Crowd: channels -----------------------------------------------------------------------------

    async def publish(self, channel: str, data: bytes, options: PublishOptions = DEFAULT) -> Published:
        try:
            return await self.core.broker.publish(channel, data, self._complete(channel, options))
        except BrokerError:
            self.counters.broker_errors += 1
            raise INTERNAL from None

    async def broadcast(
        self, channels: Sequence[str], data: bytes, options: PublishOptions = DEFAULT
    ) -> Sequence[Published | ReplyError]:
        results: dict[int, Published | ReplyError] = {}
        items: dict[int, Outgoing] = {}
        for index, channel in enumerate(channels):
            try:
                items[index] = Outgoing(channel, data, self._complete(channel, options))
            except ReplyError as error:
                results[index] = error
        try:
            published = await self.core.broker.publish_many(list(items.values()))
        except BrokerError as error:
            published = [error] * len(items)
        for index, one in zip(items, published, strict=True):
            results[index] = INTERNAL if isinstance(one, BrokerError) else one
        return [results[index] for index in range(len(channels))]

    def _complete(self, channel: str, options: PublishOptions) -> PublishOptions:
        own = self.core.binding(channel).options
        if options.tags and sum(len(key) + len(value) for key, value in options.tags.items()) > (
            REALTIME_TAGS_BYTES
        ):
            raise BAD_REQUEST
        return msgspec.structs.replace(
            options, retention=own.retention, delta=options.delta or own.delta_publish
        )

    async def publish_poll(self, channel: str, value: Value, epoch: str) -> None:
        """A value for whoever tracks its key, on every node; `epoch` as in the backend's answers."""
        await self._do(nodes.PollTold(channel, value, epoch))

    async def publish_to_user(self, user: str, data: bytes, options: PublishOptions = DEFAULT) -> Published:
        return await self.publish(personal_channel(user), data, options)

    async def redact(self, channel: str, offset: int, data: bytes) -> bool:
        return await self._ask(self.core.broker.redact(channel, offset, data))

    async def history(self, channel: str, query: HistoryQuery) -> Stretch:
        options = self.core.binding(channel).options
        return await self._ask(self.core.broker.history(channel, query, options.retention))

    async def remove_history(self, channel: str) -> None:
        self.core.binding(channel)
        self.core.shared.clear()
        await self._ask(self.core.broker.remove_history(channel))

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        self.core.binding(channel)
        return await self._ask(self.core.broker.presence(channel))

    async def presence_stats(self, channel: str) -> PresenceStats:
        self.core.binding(channel)
        return await self._ask(self.core.broker.presence_stats(channel))

    async def _ask(self, question: Coroutine[object, object, _T]) -> _T:
        try:
            return await question
        except BrokerError:
            self.counters.broker_errors += 1
            raise INTERNAL from None

    # --- Crowd: connections of users -----------------------------------------------------------------

    async def subscribe(
        self,
        target: Target,
        channel: str,
        subscription: ServerSubscription,
        recover: Position | None = None,
    ) -> None:
        self.core.binding(channel)
        told = nodes.SubscribeTold(target, channel, subscription, recover)
        await self._commanding.subscribe(told)
        await self._tell(told)

    async def unsubscribe(
        self, target: Target, channel: str, code: int = 2000, reason: str = "server unsubscribe"
    ) -> None:
        self.core.binding(channel)
        await self._do(nodes.UnsubscribeTold(target, channel, code, reason))

    async def disconnect(self, target: Target, code: int = 3503, reason: str = "force disconnect") -> None:
        await self._do(nodes.DisconnectTold(target, code, reason))

    def _keep_alone(self, caller: Caller) -> None:
        target = Target(user=caller.user, spare=(caller.client,))
        told = nodes.DisconnectTold(target, *codes.CONNECTION_LIMIT)
        self._commanding.perform(told)
        if not self.core.broker.in_process:
            self.core.later(self.core.broker_tell(nodes.encode(told), ""))

    async def refresh(self, target: Target, refreshed: Refreshed) -> None:
        await self._do(nodes.RefreshTold(target, refreshed))

    async def block(self, user: str, until: float) -> None:
        """Refuse a user's connections until then (seconds since 1970-01-01 UTC; 0 unblocks), and end those
        there are."""
        await self._do(nodes.BlockTold(user, until))
        if until:
            await self.disconnect(Target(user=user))
        await self._keep(Ban("user", user, until))

    async def revoke_tokens(self, user: str, issued_before: float, until: float) -> None:
        """Refuse a user's tokens that were issued before, until they have all expired, and end the
        connections: clients come back with a new token."""
        await self._do(nodes.BlockTold(user, until, issued_before))
        await self.disconnect(Target(user=user), *codes.STATE_INVALIDATED)
        await self._keep(Ban("tokens", user, until, issued_before))

    async def revoke_token(self, token_id: str, until: float) -> None:
        """Refuse one token, by its `jti`, until it has expired, and end the connections that were made with
        it."""
        await self._do(nodes.RevokeTold(token_id, until))
        await self._keep(Ban("token", token_id, until))

    async def _keep(self, ban: Ban) -> None:
        """Raises ReplyError 100: it acts now, and would not after a restart."""
        if self.bans is None:
            return
        await settle()
        try:
            await self.bans.keep(ban, self.core.clock.wall())
        except Overloaded:
            raise INTERNAL from None

    def recheck(self) -> None:
        self._recheck = self._rechecking()
        self._slice(self._recheck)

    def _rechecking(self) -> Iterator[None]:
        steps = self._recheck
        for index, guest in enumerate(tuple(self.core.guests.values()), 1):
            guest.recheck()
            if index % REALTIME_SLICE == 0:
                yield
                if steps is not self._recheck:
                    return  # a later one has begun

    def _slice(self, steps: Iterator[None]) -> None:
        """Go through many connections in slices, so that nobody waits for all of them."""
        for _ in steps:
            asyncio.get_running_loop().call_soon(self._slice, steps)
            return

    def subscribers(self, channel: str) -> int:
        room = self.core.rooms.get(channel)
        return len(room) if room is not None else 0

    def connections(self, user: str = "", channel: str = "") -> Sequence[Connection]:
        guests = self.core.of_user(user) if user else self.core.guests.values()
        found = []
        for guest in guests:
            if channel and channel not in guest.channels:
                continue
            found.append(Connection(caller=guest.caller, since=guest.since, channels=tuple(guest.channels)))
            if len(found) >= REALTIME_LISTED:
                break
        return found

    def channels(self, pattern: str = "") -> Mapping[str, int]:
        """Channels with subscribers on this node, and how many; `pattern` has `*` and `?`."""
        found: dict[str, int] = {}
        for name, room in self.core.rooms.items():
            if not pattern or fnmatchcase(name, pattern):
                found[name] = len(room)
                if len(found) >= REALTIME_LISTED:
                    break
        return found

    # --- nodes ---------------------------------------------------------------------------------------

    async def _do(self, told: nodes.AnyTold) -> None:
        self._commanding.perform(told)
        await self._tell(told)

    async def _tell(self, told: nodes.AnyTold, node: str = "") -> bool:
        if self.core.broker.in_process:
            return not node
        return await self._ask(self.core.broker.tell(nodes.encode(told), node))

    def _hear(self, sender: str, message: bytes) -> None:
        told = nodes.decode(message)
        if isinstance(told, nodes.AskTold | nodes.AnswerTold):
            self._surveys.hear(sender, told)
        elif isinstance(told, nodes.SubscribeTold):
            self.core.run(self._commanding.subscribe_quietly(told))
        elif isinstance(told, nodes.CallTold | nodes.ReturnTold | nodes.NewsTold):
            self.neighbours.hear(sender, told)
        elif told is not None:
            self._commanding.perform(told)

    async def emulate(self, node: str, session: str, data: bytes) -> bool:
        """Commands that came beside their connection; False when no such node listens."""
        told = nodes.EmulationTold(session, data)
        if node == self.node:
            self._commanding.perform(told)
            return True
        try:
            return await self._tell(told, node)
        except ReplyError:
            return False

    async def survey(self, kind: str, about: str = "") -> Mapping[str, bytes]:
        """Ask every node; the answers that came within a second, by node. Raises ReplyError 100."""
        return await self._surveys.ask(kind, about)

    def _answer(self, kind: str, about: str) -> bytes:
        if kind == "channels":
            return msgspec.json.encode(self.channels(about))
        if kind == "connections":
            user, _, channel = about.partition("\n")
            return msgspec.json.encode(self.connections(user, channel))
        return msgspec.json.encode(self.numbers())

    def numbers(self) -> Mapping[str, int]:
        """What `info` tells of this node."""
        core = self.core
        return {
            "num_clients": len(core.guests),
            "num_users": len(core.users),
            "num_subs": sum(len(room) for room in core.rooms.values()),
            "num_channels": len(core.rooms),
        }

    # --- time ----------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Once a second: presence is refreshed and positions are compared where the broker is elsewhere."""
        now, core = self.core.sweeper.now, self.core
        self._staying.step()
        core.later(core.sweep_maps())
        if now - self._checked_at >= _CHECK_POSITIONS_S and not core.broker.in_process:
            self._checked_at = now
            core.on_gap(None)

    def drain(self) -> None:
        """Tell everybody to come back elsewhere or later."""
        self.core.draining = True
        for guest in tuple(self.core.guests.values()):
            guest.disconnect(codes.SHUTDOWN)
