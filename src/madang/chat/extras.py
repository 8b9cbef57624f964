"""What rooms have beside talk, assembled: paid messages, polls, effects, filters, overlays."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog

from madang.base.errors import Overloaded
from madang.base.ids import encode_id
from madang.base.limits import POLL_TICK_S
from madang.chat import rights
from madang.chat.chat import Chat
from madang.chat.effects.effects import Effects
from madang.chat.effects.kinds import Effect
from madang.chat.effects.spotting import may_have_emoji
from madang.chat.overlays import Overlays
from madang.chat.polls.polls import Polls
from madang.chat.ports import PaymentFault
from madang.chat.room import Room
from madang.chat.roomfilters import RoomFilters
from madang.chat.stage import PREFIXES, Stage
from madang.chat.superchat.desk import SuperChat
from madang.chat.superchat.door import Guest
from madang.chat.superchat.orders import Order
from madang.chat.superchat.rooms import RoomDoor
from madang.chat.words import Message
from madang.realtime.broker import BrokerError
from madang.realtime.ports import ReplyError

RECONCILE_S: Final = 60.0
"""How often orders that wait are asked about; also at the start, for what came while we were away."""
_AWAY = (ReplyError, Overloaded, BrokerError, PaymentFault, OSError)
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
        self._due: asyncio.Queue[Callable[[], Awaitable[Effect | None]]] = asyncio.Queue(maxsize=1000)
        """Effects of what was just shown."""

    def bind(self) -> None:
        """Take over our methods, and our parts of every room's snapshot."""
        for prefix in PREFIXES:
            self._chat.yard.crowd.bind_rpc(prefix, self.stage)
        self._chat.rooms.opened.append(self._fill)
        self._chat.sending.on_said = self._effect_in

    async def load(self) -> None:
        """What was kept: rules of rooms, polls that are open."""
        await self.filters.load()
        await self.polls.load()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            tasks.create_task(self._reconcile())
            tasks.create_task(self._set_off())

    async def guest(self, account: str, channel: str) -> Guest:
        """An account that acts in a room by the API."""
        room, member = await self._chat.enter(account, channel)
        can = rights.abilities(member.role, muted=room.muted(member.user) is not None)
        return Guest(author=member.author(), role=member.role, can=can)

    def now_ms(self) -> int:
        return int(self._clock.wall() * 1000)

    async def _fill(self, room: Room) -> None:
        room.parts["poll"] = self.polls.current(room.channel)
        room.parts["paid"] = await self.paid.ticker(room.channel)
        room.parts["goal"] = await self.paid.goal_part(room.channel)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(POLL_TICK_S)
            try:
                await self.polls.tick()
                for room in self._chat.rooms:
                    if room.parts["paid"] != b"[]":
                        await self.paid.tell_ticker(room.channel)
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
