"""The chat, assembled: one object that the realtime server's namespaces, the API and the wiring share."""

import asyncio
from typing import Any, Protocol

import msgspec
import structlog

from madang.base.limits import CHAT_RECOVERY
from madang.chat.asked import read_asked
from madang.chat.counters import ChatCounters
from madang.chat.desk import Desk
from madang.chat.farewell import Farewell
from madang.chat.handler import PREFIX, Chatting
from madang.chat.members import ACCOUNT, Member
from madang.chat.moderating import Moderating
from madang.chat.moderation import Moderation
from madang.chat.nodes import Nodes
from madang.chat.questions import Do, Enter
from madang.chat.rates import Rates
from madang.chat.room import Room, Yard
from madang.chat.rooms import Rooms
from madang.chat.sending import Sending
from madang.chat.settings import ChatSettings
from madang.chat.words import encode
from madang.realtime.broker import BrokerError
from madang.realtime.channel import ChannelOptions
from madang.realtime.gate import Caller, ChannelGate
from madang.realtime.ports import ReplyError, RpcRequest

_AGAIN_S = 1.0
_log = structlog.get_logger()
HISTORY_S = 600.0
"""How long a client may have been away and still catch up."""
ROOM_OPTIONS = ChannelOptions(
    history_size=CHAT_RECOVERY,
    history_ttl_s=HISTORY_S,
    force_recovery=True,
    force_positioning=True,
    allow_subscribe_for_client=True,
    allow_publish_for_subscriber=True,
    allow_tags_filter=True,
    shed=True,
)
MODERATORS_OPTIONS = ChannelOptions(
    history_size=100, history_ttl_s=HISTORY_S, force_positioning=True, allow_subscribe_for_client=True
)


class Doing(Protocol):
    """Does methods for other nodes in rooms that are run here."""

    async def doing(self, room: Room, question: Any) -> bytes: ...


class Chat:
    """Rooms, and everything that is done in them."""

    def __init__(self, yard: Yard, secret: bytes) -> None:
        """`secret` stands between banned addresses and whoever reads the database."""
        self.counters = ChatCounters()
        self.yard = yard
        self.pump = yard.pump
        self.rooms = Rooms(self.yard)
        self.moderation = Moderation(secret)
        self.sending = Sending(Rates(), self.moderation, self.counters)
        self.desk = Desk(self.rooms)
        self.farewell = Farewell(yard.pump.log, yard.pump, self.rooms)
        self.handler = Chatting(self.rooms, self.sending, self.moderation, self.desk)
        self.moderators = Moderating(self.rooms, self.sending, self.moderation, self.desk)
        self.nodes: Nodes | None = None
        """Where several nodes share rooms."""
        self.beside: dict[str, Doing] = {}
        """Who does the methods of other prefixes for other nodes."""
        self._rechecks = asyncio.Event()

    def share(self, nodes: Nodes) -> None:
        """Rooms are shared with other nodes: what is done in them finds its way."""
        self.nodes = self.handler.nodes = self.moderators.nodes = self.farewell.nodes = nodes

        async def entering(room: Room, asked: Any) -> bytes:
            return await (self.moderators if asked.desk else self.handler).entering(room, asked)

        async def doing(room: Room, asked: Any) -> bytes:
            prefix = asked.method.partition(".")[0] + "."
            return await self.beside.get(prefix, self.handler).doing(room, asked)

        nodes.answers |= {Enter: entering, Do: doing}

    def configure(self, settings: ChatSettings) -> None:
        self.yard.settings = settings

    def bind(self, gate: ChannelGate) -> None:
        """Take over our namespaces; `gate` says who may watch a channel."""
        crowd = self.yard.crowd
        crowd.bind("madang_chat", ROOM_OPTIONS, self.handler, gate)
        crowd.bind("madang_mod", MODERATORS_OPTIONS, self.moderators, self.moderators)
        crowd.bind_rpc(PREFIX, self.handler)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.pump.run())
            tasks.create_task(self.rooms.run())
            tasks.create_task(self._recheck())
            if self.nodes is not None:
                tasks.create_task(self.nodes.run())

    def changed(self) -> None:
        """Accounts, roles or channels are others than before: act on live connections soon."""
        self._rechecks.set()

    async def _recheck(self) -> None:
        while True:
            await self._rechecks.wait()
            self._rechecks.clear()
            try:
                await self.rooms.recheck()
            except (ReplyError, BrokerError) as error:  # the broker is away: again when it may be back
                _log.warning("chat_not_rechecked", reason=str(error))
                self._rechecks.set()
                await asyncio.sleep(_AGAIN_S)

    # --- for the API

    async def look(self, account: str, channel: str) -> tuple[Room, Member]:
        """A room for reading, and an account in it that need not be connected."""
        room = await self.rooms.look(channel)
        return room, room.members.absent(account, self.yard.clock.wall())

    async def act(self, account: str, channel: str, peer: str, method: str, **fields: Any) -> Any:
        """A method of `docs/4-api/chat.md` by an account that need not be connected, or by nobody (`""`),
        wherever the room is run; its answer as plain values. Raises refusals, and 100."""
        caller = Caller(client="", user=ACCOUNT + account if account else "", peer=peer)
        data = encode({"channel": channel, **fields})
        request = RpcRequest(caller=caller, method=PREFIX + method, data=data)
        return msgspec.json.decode(await self.handler.ask(request, read_asked(data)))

    async def forget_account(self, account: str) -> None:
        """Take an account's name off its messages: its text stays where it was said."""
        await self.farewell.forget(account)
