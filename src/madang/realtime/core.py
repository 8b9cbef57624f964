"""What all connections of this node share: namespaces, rooms, who is here, and the broker's other end."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

import msgspec
import re2
from msgspec import Raw

from madang.base.clock import Clock
from madang.base.limits import REALTIME_CHANNEL_BYTES, REALTIME_JOINS_PER_S, REALTIME_SHARED_STRETCHES
from madang.base.secret import Secret
from madang.net.deadlines import Sweeper
from madang.protocols.centrifugo import codes
from madang.protocols.centrifugo import messages as m
from madang.realtime.binding import Binding as Binding
from madang.realtime.broker import Broker, BrokerError, HistoryQuery
from madang.realtime.channel import (
    BUILT_IN_PREFIX,
    NAMESPACE_BOUNDARY,
    PRIVATE_PREFIX,
    ChannelOptions,
    namespace_of,
)
from madang.realtime.counters import RealtimeCounters
from madang.realtime.driving import Spawn, drive
from madang.realtime.gate import Caller, ConnectGate
from madang.realtime.group import Member
from madang.realtime.jwks import KeySets
from madang.realtime.limiter import Buckets
from madang.realtime.maps import KeyOptions, MapBroker, MapRetention
from madang.realtime.own_keys import OwnKey, kept, keys_of
from madang.realtime.people import People
from madang.realtime.ports import (
    BAD_REQUEST,
    NOT_AVAILABLE,
    UNKNOWN_CHANNEL,
    ChannelHandler,
)
from madang.realtime.publication import ClientInfo, Position, Publication
from madang.realtime.room import Room
from madang.realtime.settings import RealtimeSettings
from madang.realtime.shared_poll import Found
from madang.realtime.shared_polls import Polls
from madang.realtime.tokens import Tokens

log = logging.getLogger(__name__)
Entropy = Callable[[int], bytes]
_TOLD_EVERY_S: Final = 60.0
USER_NAMESPACE: Final = BUILT_IN_PREFIX + "user"


class Underway(Protocol):
    """Somebody who is on the way into a map."""

    until: float
    """In the sweeper's time."""

    def expire(self) -> None: ...


class Core(People):
    """Implements the broker's `Subscriber` and the rooms' `Owner`."""

    def __init__(
        self, settings: RealtimeSettings, clock: Clock, entropy: Entropy, sweeper: Sweeper, spawn: Spawn
    ) -> None:
        super().__init__()
        self.settings = settings
        self.clock = clock
        self.entropy = entropy
        self.sweeper = sweeper
        self.node = entropy(8).hex()
        self.draining = False
        """Nobody else is let in, not who is on the way either."""
        self.counters = RealtimeCounters()
        self.broker: Broker
        self.tokens: Tokens
        self.subscription_tokens: Tokens
        self.key_sets: KeySets
        self.own_secret = Secret("")
        """Signs this server's own tokens."""
        self.gate: ConnectGate | None = None
        self.refresher: ChannelHandler | None = None
        self.rooms: dict[str, Room] = {}
        self.headers: tuple[bytes, ...] = ()
        """Headers of the client's request that some handler asks for, lower case."""
        self.emulated: frozenset[str] = frozenset()
        """Headers that clients may say in their connect command."""
        self.rpc: dict[str, ChannelHandler] = {}
        self.bindings: dict[str, Binding] = {}
        self.polls = Polls(self, entropy, settings.shared_poll.concurrency_limit)
        self.shared: OrderedDict[object, Raw] = OrderedDict()
        self.on_message: Callable[[str, bytes], None] = lambda sender, message: None
        self.is_blocked: Callable[[str], bool] = lambda user: False
        self.is_revoked: Callable[[str, str, float], bool] = lambda token_id, user, issued_at: False
        self.keep_alone: Callable[[Caller], None] = lambda caller: None
        """End the other connections of this one's user, on every node."""
        self.per_user = Buckets(settings.commands_per_user)
        self.per_ip = Buckets(settings.commands_per_ip)
        self.is_exempt: Callable[[str], bool] = lambda peer: True
        """Whether limits by address spare this one."""
        self.flows: set[Underway] = set()
        self._expiring = False
        self._joins = Buckets(REALTIME_JOINS_PER_S, REALTIME_JOINS_PER_S)
        self._publishing: dict[str, Buckets] = {}
        self._told_again_at = 0.0
        self._spawn = spawn
        for name, options in (*settings.namespaces.items(), ("", settings.without_namespace)):
            self.bind(Binding(name, options))
        self.bind(Binding(USER_NAMESPACE, ChannelOptions()))

    def take_keys(self) -> None:
        """The keys of the settings from now on."""
        settings, sets, own = self.settings, self.key_sets, self.own_secret
        self.tokens = Tokens(settings.token, self.clock, sets, own)
        separate = settings.subscription_token
        self.subscription_tokens = (
            self.tokens if separate is None else Tokens(separate, self.clock, sets, own)
        )

    def configure(self, settings: RealtimeSettings) -> None:
        """Other settings from now on. Subscriptions of a namespace that is gone end with 2000; others go on,
        with the options that they began with."""
        gone = set(self.settings.namespaces) - set(settings.namespaces)
        self.settings = settings
        self.take_keys()
        self.polls.allow(settings.shared_poll.concurrency_limit)
        for guest in tuple(self.guests.values()) if gone else ():
            for channel in guest.channels:
                if namespace_of(channel) in gone:
                    guest.end_subscription(channel, codes.SERVER_UNSUBSCRIBE)
        for name in gone:
            del self.bindings[name]
        for name, options in (*settings.namespaces.items(), ("", settings.without_namespace)):
            self.bind(Binding(name, options))
            for room in self.rooms.values():
                if namespace_of(room.channel) == name:
                    room.options = options

    # --- names ---------------------------------------------------------------------------------------

    def bind(self, binding: Binding) -> None:
        pattern = binding.options.channel_regex
        if pattern:
            binding = msgspec.structs.replace(binding, pattern=re2.compile(pattern).search)
        self.bindings[binding.name] = binding

    def binding(self, channel: str) -> Binding:
        """The namespace of a channel. Raises ReplyError 102 and 107."""
        if not channel or len(channel) > REALTIME_CHANNEL_BYTES:
            raise BAD_REQUEST
        binding = self.bindings.get(namespace_of(channel))
        if binding is None:
            raise UNKNOWN_CHANNEL
        if binding.pattern is None:
            if not channel.isascii() or not channel.isprintable():
                raise BAD_REQUEST
        else:
            rest = channel.removeprefix(PRIVATE_PREFIX)
            if not binding.pattern(rest.partition(NAMESPACE_BOUNDARY)[2] if binding.name else rest):
                raise BAD_REQUEST
        return binding

    def handler_of(self, channel: str) -> ChannelHandler | None:
        """Whose channel it is; also of a namespace that is gone."""
        binding = self.bindings.get(namespace_of(channel))
        return None if binding is None else binding.handler

    def poll_of(self, channel: str) -> Found | None:
        """How a channel is polled, where its namespace is a shared poll with a backend."""
        binding = self.bindings.get(namespace_of(channel))
        if binding is None or binding.polled is None:
            return None
        return Found(binding.options.shared_poll, binding.polled)

    def publish_wait_s(self, channel: str, options: ChannelOptions, user: str) -> float:
        """Seconds until the channel's and the user's own rates in it allow one more; 0 takes it (A57)."""
        now = self.sweeper.now
        for key, rate, burst in (
            (channel, options.channel_publish_rate, 1.0),
            (f"{user}\n{channel}", options.publish_rate, 2.0),
        ):
            if rate:
                buckets = self._publishing.get(f"{rate}")
                if buckets is None:
                    buckets = self._publishing[f"{rate}"] = Buckets(rate, max(rate * burst, 1.0))
                if not buckets.take(key, now):
                    return buckets.wait_s(key, now)
        return 0.0

    # --- rooms ---------------------------------------------------------------------------------------

    async def room(self, channel: str, binding: Binding) -> Room:
        """The channel's room; made, and told to the broker, for its first subscriber. It stays until who
        enters calls `entered`. Raises BrokerError."""
        room = self.rooms.get(channel)
        if room is None:
            room = self.rooms[channel] = Room(channel, binding.options, self)
            if binding.events is not None:
                binding.events.occupied(channel)
        room.entering += 1
        if not self.broker.in_process and not len(room):
            try:
                await self.broker.subscribe(channel)
            except BaseException:
                self.entered(room)
                raise
        return room

    def entered(self, room: Room) -> None:
        """One who was on the way into a room is a member, or will not be."""
        room.entering -= 1
        self.settle_room(room)

    def settle_room(self, room: Room) -> None:
        """Forget a room without subscribers."""
        if room.groups or room.entering or self.rooms.get(room.channel) is not room:
            return
        room.close()
        del self.rooms[room.channel]
        binding = self.bindings.get(namespace_of(room.channel))
        if binding is not None and binding.events is not None:
            binding.events.vacated(room.channel)
        if not self.broker.in_process:
            self.later(self._unsubscribe(room.channel))

    async def _unsubscribe(self, channel: str) -> None:
        if channel not in self.rooms:
            await self.broker.unsubscribe(channel)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Something for the broker that nobody waits for."""
        drive(self._attempt(work), self._spawn)

    async def broker_tell(self, message: bytes, node: str) -> None:
        await self.broker.tell(message, node)

    async def broker_leave(self, channel: str, info: ClientInfo) -> None:
        await self.broker.remove_presence(channel, info.client, info.user)

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except BrokerError as error:
            self.broker_failed(error)

    def broker_failed(self, error: BrokerError) -> None:
        """What nobody waits for did not reach the broker; while it is away, that is many things a second."""
        self.counters.broker_errors += 1
        if self.sweeper.now >= self._told_again_at:
            self._told_again_at = self.sweeper.now + _TOLD_EVERY_S
            log.warning("the broker failed: %s", error)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        drive(work, self._spawn)

    def share(self, key: object, make: Callable[[], Raw]) -> Raw:
        """Bytes that many clients get alike: made once."""
        found = self.shared.get(key)
        if found is None:
            found = self.shared[key] = make()
            if len(self.shared) > REALTIME_SHARED_STRETCHES:
                self.shared.popitem(last=False)
        return found

    # --- maps ----------------------------------------------------------------------------------------

    @property
    def maps(self) -> MapBroker:
        """Raises ReplyError 108 where the broker keeps none."""
        maps = self.broker.maps
        if maps is None:
            raise NOT_AVAILABLE
        return maps

    def retention(self, channel: str) -> MapRetention | None:
        """What a map keeps; None where the channel is none, or the broker keeps no maps."""
        binding = self.bindings.get(namespace_of(channel))
        if binding is None or not binding.options.is_map or self.broker.maps is None:
            return None
        return binding.options.map.keeps

    def enter_keys(
        self, caller: Caller, channel: str, options: ChannelOptions, chan_info: bytes
    ) -> Sequence[OwnKey]:
        """Set the keys that come with a subscription."""
        found = keys_of(caller, channel, options, chan_info)
        if found and (told := kept(found, self.retention)):
            self.later(self.maps.keep(told))
        return found

    async def leave_keys(self, keys: Sequence[OwnKey]) -> None:
        """Remove the keys that go with a subscription."""
        for own in keys:
            retention = self.retention(own.channel) if own.leaves else None
            if retention is not None:
                await self.maps.remove(own.channel, own.key, KeyOptions(retention=retention))

    async def sweep_maps(self) -> None:
        """Once a second: keys, and those who take too long to come in."""
        for flow in tuple(self.flows):
            if flow.until <= self.sweeper.now:
                flow.expire()
        maps = self.broker.maps
        if maps is None or self._expiring or not any(each.options.is_map for each in self.bindings.values()):
            return
        self._expiring = True
        try:
            await maps.expire(self.retention)
        finally:
            self._expiring = False

    # --- Subscriber ----------------------------------------------------------------------------------

    def on_publication(self, channel: str, publication: Publication, top: Position) -> None:
        self.counters.publications += 1
        room = self.rooms.get(channel)
        if room is not None:
            if publication.offset == 1:
                publication = msgspec.structs.replace(publication, epoch=top.epoch)
            room.publish(publication, top)

    def on_join(self, channel: str, info: ClientInfo) -> None:
        self._announce(channel, info, m.Push(channel, join=_told(info)))

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        self._announce(channel, info, m.Push(channel, leave=_told(info)))

    def _announce(self, channel: str, info: ClientInfo, push: m.Push) -> None:
        room = self.rooms.get(channel)
        if room is not None and self._joins.take(channel, self.sweeper.now):
            room.announce(push)

    def on_redact(self, channel: str, offset: int, data: bytes) -> None:
        self.shared.clear()
        room = self.rooms.get(channel)
        if room is not None:
            room.redact(offset, data)

    def on_clear(self, channel: str) -> None:
        room = self.rooms.get(channel)
        if room is not None:
            room.top = None
            for member in room.members():
                member.end_subscription(channel, codes.UNSUBSCRIBE_INVALIDATED)

    def on_node_message(self, sender: str, message: bytes) -> None:
        self.on_message(sender, message)

    def on_gap(self, channels: Sequence[str] | None) -> None:
        names = tuple(self.rooms) if channels is None else channels
        for room in [self.rooms[name] for name in names if name in self.rooms]:
            if room.positioned:
                self.later(self.check_position(room))

    async def check_position(self, room: Room) -> None:
        """Compare what came with what the broker has (F: a lost message of the bus)."""
        known = room.top
        if room.options.is_map:
            stretch = await self.maps.stream(room.channel, 0, 0, room.options.map.keeps)
        else:
            stretch = await self.broker.history(room.channel, HistoryQuery(limit=0), room.options.retention)
        await room.reach(stretch.top)
        now, there = room.top, stretch.top
        if known is None or now is None:
            return
        if (now == known and there != known) or (now.epoch == there.epoch and now.offset < there.offset):
            room.top = there
            self.on_missed(room)

    # --- Owner ---------------------------------------------------------------------------------------

    def catch_up(self, room: Room, top: Position) -> None:
        """What the broker has told to be the channel's end is the room's as well."""
        known = room.top
        if known is None or known.epoch != top.epoch or known.offset < top.offset:
            room.top = top
            if known is not None:
                self.on_missed(room)

    def on_missed(self, room: Room) -> None:
        if not room.positioned:
            return
        self.counters.gaps += 1
        for member in room.members():
            member.lose(room.channel)

    def on_unfit(self, members: list[Member]) -> None:
        for member in members:
            member.disconnect(codes.INAPPROPRIATE_PROTOCOL)


def _told(info: ClientInfo) -> m.JoinLeave:
    return m.JoinLeave(m.ClientInfo(info.user, info.client, m.raw(info.conn_info), m.raw(info.chan_info)))
