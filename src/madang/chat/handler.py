"""A room behind the realtime server: subscriptions, publications and methods of `madang_chat`."""

from typing import Any, Final

import msgspec

from madang.base.errors import Overloaded
from madang.chat import refusals
from madang.chat.asked import Asked, Relayed, carry, read_asked, read_entering, read_named, relayed
from madang.chat.commands import Commands, is_command
from madang.chat.desk import Desk
from madang.chat.members import ACCOUNT, Member
from madang.chat.methods import ANYBODYS, INNER, METHODS, send
from madang.chat.moderation import Moderation
from madang.chat.nodes import Nodes
from madang.chat.questions import Do, Enter
from madang.chat.room import CHAT, Room
from madang.chat.rooms import Rooms
from madang.chat.sending import Draft, Sending
from madang.chat.words import encode
from madang.realtime.broker import HistoryQuery
from madang.realtime.gate import Caller
from madang.realtime.ports import (
    INTERNAL,
    METHOD_NOT_FOUND,
    PERMISSION_DENIED,
    Does,
    Joined,
    PublishReply,
    PublishRequest,
    RefreshReply,
    RpcRequest,
    SubscribeReply,
    SubscribeRequest,
)
from madang.realtime.publication import Position

PREFIX: Final = "chat."
_read_draft = msgspec.json.Decoder(Draft).decode


class Chatting:
    """Implements `realtime.ports.ChannelHandler` for `madang_chat`."""

    does = Does(subscribe=True, publish=True, rpc=True)

    def __init__(self, rooms: Rooms, sending: Sending, moderation: Moderation, desk: Desk) -> None:
        self.rooms = rooms
        self.sending = sending
        self.moderation = moderation
        self.desk = desk
        self.commands = Commands(sending, moderation)
        self.nodes: Nodes | None = None
        """Where several nodes share rooms."""

    # --- ChannelHandler

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply:
        """Let somebody in; the snapshot is made when it is known how the subscription began."""
        caller, channel = request.caller, request.channel.removeprefix(CHAT)
        if not caller.user:
            raise PERMISSION_DENIED
        nick = read_entering(request.data).nick

        async def here(room: Room) -> SubscribeReply:
            member = room.members.enter(caller, room.yard.clock.wall(), nick)

            def snapshot(joined: Joined) -> bytes:
                return room.snapshot(member, messages=not joined.recovered)

            return SubscribeReply(snapshot=snapshot)

        nodes = self.nodes
        if nodes is None:
            return await here(await self._room(channel))

        async def there(node: str, within_s: float) -> SubscribeReply:
            since = await self._since(request.channel)
            return relayed(await nodes.ask(node, Enter(channel, caller, nick), within_s), since)

        reply = await nodes.anywhere(channel, here, there)
        nodes.entered(channel, caller, nick)
        return reply

    async def publish(self, request: PublishRequest) -> PublishReply:
        """`publish` is `chat.send` without its answer."""
        try:
            draft = _read_draft(request.data)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise refusals.invalid("data") from error
        channel = request.channel.removeprefix(CHAT)
        if self.nodes is not None:
            data = encode({"channel": channel, **msgspec.structs.asdict(draft)})
            await self.rpc(RpcRequest(caller=request.caller, method=f"{PREFIX}send", data=data))
            return PublishReply(done=True)
        room, member = await self._inside(request.caller, channel)
        await self.say(room, member, request.caller.peer, draft)
        return PublishReply(done=True)

    async def rpc(self, request: RpcRequest) -> bytes:
        if request.method.removeprefix(PREFIX) not in METHODS:
            raise METHOD_NOT_FOUND
        asked = read_asked(request.data)
        if self.nodes is None:
            room, _ = await self._inside(request.caller, asked.channel)
            return await self.act(room, request, asked)
        nick = self.nodes.nick(asked.channel, request.caller)
        if nick is None:
            raise PERMISSION_DENIED
        return await self.ask(request, asked, nick)

    async def ask(self, request: RpcRequest, asked: Asked, nick: str = "") -> bytes:
        """A method by somebody who was let in, wherever their room is run; without a client it comes by REST.
        Raises refusals, and 100."""
        channel, caller, nodes = asked.channel, request.caller, self.nodes

        async def here(room: Room) -> bytes:
            if nodes is not None:
                nodes.admit(room, caller, nick)
            return await self.act(room, request, asked)

        if nodes is None:
            return await here(await self._room(channel))

        async def there(node: str, within_s: float) -> bytes:
            do = Do(channel, caller, nick, request.method, request.data)
            return await nodes.ask(node, do, within_s)

        answer = await nodes.anywhere(channel, here, there)
        if request.method == f"{PREFIX}nick":
            nodes.renamed(channel, caller, read_named(answer).name)
        return answer

    async def act(self, room: Room, request: RpcRequest, asked: Asked) -> bytes:
        """A method in a room that is run here."""
        name, caller = request.method.removeprefix(PREFIX), request.caller
        method = METHODS.get(name)
        if not caller.client:
            member, method = self._absent(room, caller.user, name), INNER.get(name) or method
        else:
            found = room.members.get(caller.user)
            if found is None:
                raise PERMISSION_DENIED
            member = found
            if method is not send:
                self.sending.rates.admit_call(member, room.yard.clock.monotonic())
        if method is None:
            raise METHOD_NOT_FOUND
        try:
            return encode(await method(self, room, member, request, asked))
        except Overloaded as error:
            raise INTERNAL from error

    def _absent(self, room: Room, user: str, method: str) -> Member:
        """Who acts by REST: an account, or nobody at all, who may see what everybody sees."""
        if not user:
            if method not in ANYBODYS:
                raise PERMISSION_DENIED
            return Member("", "")
        return room.members.absent(user.removeprefix(ACCOUNT), room.yard.clock.wall())

    async def refresh(self, caller: Caller) -> RefreshReply:
        return RefreshReply()

    async def sub_refresh(self, caller: Caller, channel: str) -> RefreshReply:
        return RefreshReply()

    def unsubscribed(self, caller: Caller, channel: str) -> None:
        name = channel.removeprefix(CHAT)
        room = self.rooms.known(name)
        if room is not None:
            room.members.leave(caller)
        if self.nodes is not None:
            self.nodes.left(name, caller)

    # --- between nodes

    async def entering(self, room: Room, question: Any) -> bytes:
        """The snapshot for somebody who is connected to another node: without messages, and the messages."""
        member = room.members.get(question.caller.user)
        state = room.snapshot(member, messages=False)
        return carry(Relayed(state, room.view.newest()))

    async def doing(self, room: Room, question: Any) -> bytes:
        """A method for another node."""
        request = RpcRequest(caller=question.caller, method=question.method, data=question.data)
        return await self.act(room, request, read_asked(request.data))

    async def _since(self, channel: str) -> Position:
        """Where a channel stands now: all up to here will be in a snapshot that is asked for from now on."""
        return (await self.rooms.yard.crowd.history(channel, HistoryQuery(limit=0))).top

    # --- shared

    async def say(self, room: Room, member: Member, peer: str, draft: Draft) -> Any:
        """A message or a command."""
        if is_command(draft.text):
            return await self.commands.run(room, member, peer, draft)
        if draft.text.startswith("//"):
            draft = msgspec.structs.replace(draft, text=draft.text[1:])
        try:
            return await self.sending.send(room, member, peer, draft)
        except Overloaded as error:
            raise INTERNAL from error

    async def _room(self, channel: str) -> Room:
        try:
            return await self.rooms.open(channel)
        except Overloaded as error:
            raise INTERNAL from error

    async def _inside(self, caller: Caller, channel: str) -> tuple[Room, Member]:
        """The room that a caller is in: who is not subscribed does nothing there (no cross-room deeds)."""
        room = self.rooms.known(channel)
        member = room.members.get(caller.user) if room is not None else None
        if room is None or member is None or caller.client not in member.clients:
            raise PERMISSION_DENIED
        return room, member
