"""What happens in rooms beside talk, as methods of the realtime server: `paid.*`, `poll.*`, `effect.*`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec

from madang.base.errors import Overloaded
from madang.chat import refusals
from madang.chat.effects.effects import Effects
from madang.chat.effects.kinds import Effect
from madang.chat.nodes import Nodes
from madang.chat.polls.polls import Polls, PollWish
from madang.chat.questions import Do
from madang.chat.room import Room
from madang.chat.superchat.desk import SuperChat
from madang.chat.superchat.door import Door, Guest
from madang.chat.superchat.ordering import Wish
from madang.chat.superchat.words import encode
from madang.realtime.gate import Caller
from madang.realtime.ports import (
    INTERNAL,
    METHOD_NOT_FOUND,
    PERMISSION_DENIED,
    Does,
    PublishReply,
    PublishRequest,
    RefreshReply,
    RpcRequest,
    SubscribeReply,
    SubscribeRequest,
)

PREFIXES: Final = ("paid.", "poll.", "effect.")
OPEN_POLL: Final = "poll.open"
"""Asked by nodes alone, which show anybody how a poll stands."""
Text = Annotated[str, msgspec.Meta(max_length=64)]


class _Where(msgspec.Struct):
    channel: Text


class _Order(msgspec.Struct, kw_only=True):
    amount: int
    currency: Text
    provider: Text
    nonce: Text
    text: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    anonymous: bool = False


class _Vote(msgspec.Struct, kw_only=True):
    id: Text
    choice: int = -1


class _Send(msgspec.Struct, kw_only=True):
    emoji: Text
    wall: int | None = None


class _Trigger(msgspec.Struct, kw_only=True):
    kind: Text
    emoji: Text = ""
    test: bool = False


class Stage:
    """Implements `realtime.ports.ChannelHandler`, of which it answers methods alone."""

    does = Does(rpc=True)

    def __init__(self, door: Door, paid: SuperChat, polls: Polls, effects: Effects) -> None:
        self.door, self.paid, self.polls, self.effects = door, paid, polls, effects
        self.nodes: Nodes | None = None
        """Where several nodes share rooms."""
        self._methods: dict[str, Callable[[Guest, str, bytes], Awaitable[Any]]] = {
            "paid.order": self._order,
            "poll.create": self._create,
            "poll.vote": self._vote,
            "poll.end": self._end,
            "effect.map": self._map,
            "effect.send": self._send,
            "effect.trigger": self._trigger,
        }

    async def rpc(self, request: RpcRequest) -> bytes:
        if request.method not in self._methods:
            raise METHOD_NOT_FOUND
        if self.nodes is None:
            return await self.act(request)
        nick = self.nodes.nick(_read(request.data, _Where).channel, request.caller)
        if nick is None:
            raise PERMISSION_DENIED
        return await self.ask(request, nick)

    async def ask(self, request: RpcRequest, nick: str = "") -> bytes:
        """A method by somebody who was let in, wherever their room is run; without a client it comes by
        REST."""
        nodes, caller, channel = self.nodes, request.caller, _read(request.data, _Where).channel
        if nodes is None:
            return await self.act(request)

        async def here(room: Room) -> bytes:
            nodes.admit(room, caller, nick)
            return await self.act(request)

        async def there(node: str, within_s: float) -> bytes:
            return await nodes.ask(node, Do(channel, caller, nick, request.method, request.data), within_s)

        return await nodes.anywhere(channel, here, there)

    async def act(self, request: RpcRequest) -> bytes:
        """A method in a room that is run here."""
        channel = _read(request.data, _Where).channel
        if request.method == OPEN_POLL and not request.caller.client:
            return self.polls.current(channel)
        method = self._methods.get(request.method)
        if method is None:
            raise METHOD_NOT_FOUND
        guest = await self.door.who(request.caller, channel)
        try:
            return encode(await method(guest, channel, request.data))
        except Overloaded as error:
            raise INTERNAL from error

    async def doing(self, room: Room, question: Any) -> bytes:
        """A method for another node."""
        return await self.act(RpcRequest(caller=question.caller, method=question.method, data=question.data))

    async def _order(self, guest: Guest, channel: str, data: bytes) -> Any:
        asked = _read(data, _Order)
        wish = Wish(channel=channel, **msgspec.structs.asdict(asked))
        order = await self.paid.order(guest, wish)
        return {"order": order.id, "state": order.state, "url": f"/pay/{order.id}"}

    async def _create(self, guest: Guest, channel: str, data: bytes) -> Any:
        fields = _read(data, dict[str, Any])
        fields.pop("channel", None)
        try:
            wish = msgspec.convert(fields, PollWish)
        except msgspec.ValidationError as error:
            raise refusals.invalid("poll") from error
        return await self.polls.create(guest, channel, wish)

    async def _vote(self, guest: Guest, channel: str, data: bytes) -> Any:
        asked = _read(data, _Vote)
        await self.polls.vote(guest, channel, asked.id, asked.choice)
        return {}

    async def _end(self, guest: Guest, channel: str, data: bytes) -> Any:
        return await self.polls.end(guest, channel, _read(data, _Vote).id)

    async def _map(self, guest: Guest, channel: str, data: bytes) -> Any:
        return await self.effects.map_of(channel)

    async def _send(self, guest: Guest, channel: str, data: bytes) -> Effect:
        asked = _read(data, _Send)
        return await self.effects.send(guest, channel, asked.emoji, asked.wall)

    async def _trigger(self, guest: Guest, channel: str, data: bytes) -> Effect:
        asked = _read(data, _Trigger)
        return await self.effects.trigger(guest, channel, asked.kind, asked.emoji, test=asked.test)

    # --- what it does not do

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply:
        raise PERMISSION_DENIED

    async def publish(self, request: PublishRequest) -> PublishReply:
        raise PERMISSION_DENIED

    async def refresh(self, caller: Caller) -> RefreshReply:
        return RefreshReply()

    async def sub_refresh(self, caller: Caller, channel: str) -> RefreshReply:
        return RefreshReply()

    def unsubscribed(self, caller: Caller, channel: str) -> None:
        return None


def _read(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise refusals.invalid("data") from error
