"""The rooms behind the realtime server: subscriptions, publications and methods of their namespaces."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec

from madang.base.errors import Overloaded
from madang.base.roles import ChannelRole
from madang.chat import refusals, rights
from madang.chat.commands import Commands, is_command, rename
from madang.chat.desk import Desk
from madang.chat.members import ACCOUNT, COLORS, Member, claimed_role
from madang.chat.moderation import Moderation, demand
from madang.chat.nodes import Do, Enter, Nodes
from madang.chat.ports import Query
from madang.chat.room import CHAT, MODERATORS, Room
from madang.chat.rooms import Rooms
from madang.chat.rows import audit_of, message_of
from madang.chat.sending import Draft, Sending
from madang.chat.settings import SettingsChange
from madang.chat.words import Waiting, encode
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
_DATA_BYTES: Final = 16 * 1024
Text = Annotated[str, msgspec.Meta(max_length=256)]
Count = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Entering(msgspec.Struct, frozen=True):
    """What a subscribe may carry."""

    nick: Text = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of all methods; each uses its own."""

    channel: Text
    text: str | None = None
    nonce: str = ""
    reply_to: Text = ""
    action: bool = False
    id: Text = ""
    ids: Annotated[list[Text], msgspec.Meta(max_length=100)] = []
    user: Text = ""
    reason: str = ""
    duration_s: int | None = None
    ip: bool = False
    color: str | int = "primary"
    preset: Text = ""
    role: ChannelRole | None = None
    until: float | None = None
    nick: str = ""
    before: int | None = None
    cursor: str | None = None
    limit: Count = 50
    page: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Relayed(msgspec.Struct, frozen=True, array_like=True):
    """A snapshot on its way to another node, as JSON: a room without messages, and these."""

    state: bytes
    messages: bytes


class _Named(msgspec.Struct):
    name: str = ""


_carry = msgspec.msgpack.Encoder().encode
_read_relayed = msgspec.msgpack.Decoder(Relayed).decode
_read_named = msgspec.json.Decoder(_Named).decode
_read_entering = msgspec.json.Decoder(Entering).decode
_read_asked = msgspec.json.Decoder(Asked).decode
_read_draft = msgspec.json.Decoder(Draft).decode
Method = Callable[["Chatting", Room, Member, RpcRequest, Asked], Awaitable[Any]]


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
        nick = _entering(request.data).nick

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
        if request.method.removeprefix(PREFIX) not in _METHODS:
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
            nodes.renamed(channel, caller, _read_named(answer).name)
        return answer

    async def act(self, room: Room, request: RpcRequest, asked: Asked) -> bytes:
        """A method in a room that is run here."""
        name, caller = request.method.removeprefix(PREFIX), request.caller
        method = _METHODS.get(name)
        if not caller.client:
            member, method = self._absent(room, caller.user, name), _INNER.get(name) or method
        else:
            found = room.members.get(caller.user)
            if found is None:
                raise PERMISSION_DENIED
            member = found
            if method is not _send:
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
            if method not in _ANYBODYS:
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
        return _carry(Relayed(state, room.view.newest()))

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


class Moderating(Chatting):
    """The same for `madang_mod`: managers and above, with the hold queue and the audit; its own gate."""

    does = Does(subscribe=True, publish=True)

    async def admit(self, caller: Caller, channel: str, data: bytes) -> None:
        """Managers of this channel alone."""
        if not self.holds(caller, channel):
            raise PERMISSION_DENIED

    def holds(self, caller: Caller, channel: str) -> bool:
        identity, name = self.rooms.yard.identity, channel.partition(":")[2]
        room = self.rooms.known(name)
        member = room.members.get(caller.user) if room is not None else None
        if member is not None:
            return rights.moderates(member.role)
        account = caller.user.removeprefix(ACCOUNT)
        if account == caller.user:
            return rights.moderates(claimed_role(caller, name, self.rooms.yard.clock.wall()))
        return rights.moderates(identity.standing(account, name).role)

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply:
        caller, channel, nodes = request.caller, request.channel.removeprefix(MODERATORS), self.nodes

        async def here(room: Room) -> bytes:
            return await self._desk(room, caller)

        if nodes is None:
            data = await here(await self._room(channel))
        else:

            async def there(node: str, within_s: float) -> bytes:
                return await nodes.ask(node, Enter(channel, caller, desk=True), within_s)

            data = await nodes.anywhere(channel, here, there)
        return SubscribeReply(data=data, force_recovery=False)

    async def entering(self, room: Room, question: Any) -> bytes:
        return await self._desk(room, question.caller)

    async def _desk(self, room: Room, caller: Caller) -> bytes:
        member = room.members.get(caller.user)
        if member is None and caller.user.startswith(ACCOUNT):
            member = room.members.absent(caller.user.removeprefix(ACCOUNT), room.yard.clock.wall())
        if member is None or not rights.moderates(member.role):
            raise PERMISSION_DENIED
        return encode(await self._snapshot(room))

    async def _snapshot(self, room: Room) -> dict[str, Any]:
        find, here = room.yard.pump.log.find, {"channel": room.channel}
        try:
            held = await find(Query(table="chat_held", where={**here, "state": "held"}, newest=False))
            audit = await find(Query(table="chat_audit", where=here, limit=50))
        except Overloaded as error:
            raise INTERNAL from error
        waiting = [Waiting(channel=room.channel, message=message_of(r), reason=r["reason"]) for r in held]
        return {
            "held": waiting,
            "audit": [audit_of(row) for row in audit],
            "counts": {"held": room.held},
        }

    async def publish(self, request: PublishRequest) -> PublishReply:
        raise PERMISSION_DENIED

    def unsubscribed(self, caller: Caller, channel: str) -> None:
        return None


def relayed(answer: bytes, since: Position) -> SubscribeReply:
    """A reply with a snapshot that another node made after the channel had come to `since`."""
    kept = _read_relayed(answer)

    def snapshot(joined: Joined) -> bytes:
        return kept.state if joined.recovered else kept.state[:-1] + b',"messages":' + kept.messages + b"}"

    return SubscribeReply(snapshot=snapshot, since=since)


def _entering(data: bytes) -> Entering:
    if not data or len(data) > _DATA_BYTES:
        return Entering()
    try:
        return _read_entering(data)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return Entering()


def read_asked(data: bytes) -> Asked:
    if len(data) > _DATA_BYTES:
        raise refusals.invalid("data")
    try:
        return _read_asked(data)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise refusals.invalid("data") from error


# --- the methods


async def _send(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.text is None:
        raise refusals.invalid("text")
    draft = Draft(text=asked.text, nonce=asked.nonce, reply_to=asked.reply_to, action=asked.action)
    return await chat.say(room, member, request.caller.peer, draft)


async def _edit(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return {"edited_at": await chat.sending.edit(room, member, asked.id, asked.text or "")}


async def _delete(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    ids = asked.ids or [asked.id]
    return {"deleted": await chat.moderation.delete(room, member, ids, asked.reason)}


async def _clear(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return {"through": await chat.moderation.clear(room, member)}


async def _timeout(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.duration_s is None:
        raise refusals.invalid("duration_s")
    until = await chat.moderation.ban(
        room, member, asked.user, duration_s=asked.duration_s, reason=asked.reason
    )
    return {"until": until}


async def _ban(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.ip:
        await chat.moderation.ban_address(room, member, asked.user, asked.reason)
    else:
        await chat.moderation.ban(room, member, asked.user, reason=asked.reason)
    return {}


async def _unban(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.unban(room, member, asked.user)
    return {}


async def _shadow(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.shadow(room, member, asked.user, asked.reason)
    return {}


async def _unshadow(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.unban(room, member, asked.user, "shadow")
    return {}


async def _pin(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.pin(room, member, asked.id, asked.duration_s)
    return {}


async def _unpin(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.unpin(room, member, asked.id)
    return {}


async def _announce(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return await chat.sending.announce(room, member, asked.text or "", str(asked.color))


async def _settings(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    given = msgspec.json.decode(request.data)
    given.pop("channel", None)
    try:
        change = msgspec.convert(given, SettingsChange)
    except msgspec.ValidationError as error:
        raise refusals.invalid("settings") from error
    return await chat.moderation.settings(room, member, change)


async def _preset(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return await chat.moderation.preset(room, member, asked.preset)


async def _approve(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.sending.resolve(room, member, asked.id, approve=True)
    return {}


async def _deny(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.sending.resolve(room, member, asked.id, approve=False)
    return {}


async def _role(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.role is None:
        raise refusals.invalid("role")
    until = room.yard.clock.wall() + asked.duration_s if asked.duration_s else asked.until
    await chat.moderation.role(room, member, asked.user, asked.role, until)
    return {}


async def _nick(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return {"name": rename(room, member, asked.nick)}


async def _color(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if not isinstance(asked.color, int) or not 0 <= asked.color < COLORS:
        raise refusals.invalid("color")
    member.color = asked.color
    return {}


async def _user(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.user != member.user:
        demand(member, "timeout", room)
    return await chat.desk.card(room, asked.user)


async def _history(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    page = await chat.desk.messages(room.channel, below=asked.before, limit=asked.limit)
    return {"messages": page.items, "next": page.next}


async def _commands(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return {"commands": chat.commands.available(room, member)}


_METHODS: Final[dict[str, Method]] = {
    "send": _send,
    "edit": _edit,
    "delete": _delete,
    "clear": _clear,
    "timeout": _timeout,
    "ban": _ban,
    "unban": _unban,
    "shadow": _shadow,
    "unshadow": _unshadow,
    "pin": _pin,
    "unpin": _unpin,
    "announce": _announce,
    "settings": _settings,
    "preset": _preset,
    "approve": _approve,
    "deny": _deny,
    "role": _role,
    "nick": _nick,
    "color": _color,
    "user": _user,
    "history": _history,
    "commands": _commands,
}


# --- by REST alone


async def _snapshot(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return msgspec.Raw(room.snapshot(None, messages=True))


async def _chatters(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return chat.desk.chatters(room, asked.cursor, asked.page)


async def _card(chat: Chatting, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return await chat.desk.card(room, asked.user)


_INNER: Final[dict[str, Method]] = {"snapshot": _snapshot, "chatters": _chatters, "user": _card}
_ANYBODYS: Final = ("snapshot", "commands")
