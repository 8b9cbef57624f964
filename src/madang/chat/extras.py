"""What rooms have beside talk, assembled: paid messages, polls, effects, filters, overlays."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from madang.base.errors import Overloaded
from madang.base.ids import encode_id
from madang.base.limits import POLL_TICK_S
from madang.chat.chat import Chat
from madang.chat.effects.effects import Effects
from madang.chat.effects.kinds import Effect
from madang.chat.effects.spotting import may_have_emoji
from madang.chat.members import ACCOUNT
from madang.chat.nodes import Nodes, answered
from madang.chat.overlays import Overlays
from madang.chat.polls.polls import Poll, Polls
from madang.chat.ports import DeposedError, Fenced, PaymentFault
from madang.chat.questions import Changed, Keep, Part, Post, TakeDown
from madang.chat.room import Room
from madang.chat.roomfilters import RoomFilters
from madang.chat.stage import OPEN_POLL, PREFIXES, Stage
from madang.chat.superchat.desk import SuperChat
from madang.chat.superchat.door import Guest
from madang.chat.superchat.orders import Order
from madang.chat.superchat.rooms import RoomDoor, guest_of
from madang.chat.words import Message, encode
from madang.realtime.broker import BrokerError
from madang.realtime.gate import Caller
from madang.realtime.ports import ReplyError, RpcRequest

RECONCILE_S: Final = 60.0
"""How often orders that wait are asked about; also at the start, for what came while we were away."""
_AWAY = (ReplyError, Overloaded, BrokerError, PaymentFault, Fenced, DeposedError, OSError)
_read_poll = msgspec.json.Decoder(Poll | None).decode
_log = structlog.get_logger()


class Extras:
    """One object that the wiring and the API share."""

    def __init__(self, chat: Chat, filters: RoomFilters, entropy: Callable[[int], bytes], key: bytes) -> None:
        """`key` is what overlays' secrets are made with."""
        yard = chat.yard
        self._chat, self._clock, self._entropy = chat, yard.clock, entropy
        self.door = RoomDoor(chat.rooms, chat.sending)
        log = yard.pump.log
        self.filters = filters
        self.paid = SuperChat(log, self.door, filters, yard.clock, self._order_id)
        self.polls = Polls(log, self.door, filters, yard.clock, yard.new_id)
        self.effects = Effects(log, self.door, yard.clock, yard.new_id)
        self.overlays = Overlays(log, self.door, yard.clock, yard.new_id, key)
        self.stage = Stage(self.door, self.paid, self.polls, self.effects)
        self.paid.on_shown = self._effect_of
        self._nodes: Nodes | None = None
        self._due: asyncio.Queue[Callable[[], Awaitable[Effect | None]]] = asyncio.Queue(maxsize=1000)
        """Effects of what was just shown."""
        self._stale: dict[Changed, None] = {}
        """What other nodes changed of that which is kept in memory."""

    def bind(self) -> None:
        """Take over our methods, and our parts of every room's snapshot."""
        for prefix in PREFIXES:
            self._chat.yard.crowd.bind_rpc(prefix, self.stage)
        self._chat.rooms.opened.append(self._fill)
        self._chat.rooms.resumed.append(self._fill_parts)
        self._chat.sending.on_said = self._effect_in
        self._chat.moderation.remove_paid = self.paid.remove_message

    def share(self, nodes: Nodes) -> None:
        """Rooms are shared with other nodes: what is done in them finds its way."""
        door, stage = self.door, self.stage
        self._nodes = stage.nodes = door.nodes = nodes
        self._chat.share(nodes)
        self._chat.beside |= dict.fromkeys(PREFIXES, stage)
        nodes.answers |= {
            Post: answered(door.do_post),
            TakeDown: answered(door.do_take_down),
            Part: answered(door.do_part),
            Keep: answered(door.do_keep),
        }
        nodes.changed.append(self._changed)
        self._chat.rooms.closed.append(self.polls.drop)
        self.filters.on_set = partial(nodes.spread, "filter")
        self.effects.on_set = partial(nodes.spread, "effects")

    def _changed(self, news: Changed) -> None:
        self._stale[news] = None

    async def _renew(self) -> None:
        """What cannot be read now is read with the next tick."""
        for news in tuple(self._stale):
            del self._stale[news]
            try:
                await self._reload(news)
            except _AWAY as error:
                self._stale[news] = None
                _log.warning("chat_rules_not_renewed", reason=str(error))

    async def _reload(self, news: Changed) -> None:
        if news.kind == "filter":
            await self.filters.reload(news.channel)
        elif news.kind == "effects":
            self.effects.reload(news.channel)
        elif news.kind == "names":
            for room in self._chat.rooms:
                await self._chat.rooms.reload(room)

    async def load(self) -> None:
        """What was kept: rules of rooms, polls that are open (of a shared room when it is taken)."""
        await self.filters.load()
        if self._nodes is None:
            await self.polls.load()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            tasks.create_task(self._reconcile())
            tasks.create_task(self._set_off())

    async def guest(self, account: str, channel: str) -> Guest:
        """An account that acts in a room by the API."""
        return guest_of(*await self._chat.look(account, channel))

    async def act(self, account: str, channel: str, method: str, **fields: Any) -> Any:
        """A method of polls or effects by an account that need not be connected; its answer as plain
        values."""
        if self._nodes is None:
            await self._chat.rooms.open(channel)
        caller = Caller(client="", user=ACCOUNT + account)
        data = encode({"channel": channel, **fields})
        return msgspec.json.decode(await self.stage.ask(RpcRequest(caller=caller, method=method, data=data)))

    async def polls_of(self, channel: str, before: str | None, limit: int) -> list[Poll]:
        """A channel's polls, the newest first; the one that is open as it stands where the room is run.
        Raises error 100."""
        found = await self.polls.history(channel, before, limit)
        if self._nodes is None or all(poll.state != "open" for poll in found):
            return found
        request = RpcRequest(
            caller=Caller(client="", user=""), method=OPEN_POLL, data=encode({"channel": channel})
        )
        stands = _read_poll(await self.stage.ask(request))
        if stands is None:  # it ended meanwhile
            return await self.polls.history(channel, before, limit)
        return [stands if poll.id == stands.id else poll for poll in found]

    def now_ms(self) -> int:
        return int(self._clock.wall() * 1000)

    async def _fill(self, room: Room) -> None:
        if self._nodes is not None:
            await self.filters.reload(room.channel)
            self.effects.reload(room.channel)
            await self.polls.load(room.channel)
        room.parts["poll"] = self.polls.current(room.channel)
        await self._fill_parts(room)

    async def _fill_parts(self, room: Room) -> None:
        """What is open as it stands; a poll that has ended stays as it was shown."""
        if (poll := self.polls.current(room.channel)) != b"null":
            room.parts["poll"] = poll
        room.parts["paid"] = await self.paid.boards.ticker(room.channel)
        room.parts["goal"] = await self.paid.boards.goal_part(room.channel)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(POLL_TICK_S)
            await self._renew()
            try:
                await self.polls.tick()
                for room in self._chat.rooms:
                    if room.parts["paid"] != b"[]":
                        await self.paid.boards.tell_ticker(room.channel)
            except _AWAY as error:
                _log.warning("chat_tick_failed", reason=str(error))

    async def _reconcile(self) -> None:
        while True:
            try:
                await self.paid.reconcile()
            except _AWAY as error:
                _log.warning("payments_not_reconciled", reason=str(error))
            await asyncio.sleep(RECONCILE_S)

    def _effect_of(self, order: Order) -> None:
        if not self._due.full():
            self._due.put_nowait(partial(self.effects.paid, order))

    def _effect_in(self, channel: str, message: Message) -> None:
        if may_have_emoji(message.text) and not self._due.full():
            self._due.put_nowait(partial(self.effects.said, channel, message.user, message.text))

    async def _set_off(self) -> None:
        while True:
            due = await self._due.get()
            try:
                await due()
            except _AWAY as error:
                _log.warning("effect_failed", reason=str(error))

    def _order_id(self) -> str:
        """Sorts by time; 80 random bits are what keeps an order's page from strangers."""
        moment = int(self._clock.wall() * 1000)
        return encode_id((moment << 80 | int.from_bytes(self._entropy(10), "big")).to_bytes(16, "big"))
