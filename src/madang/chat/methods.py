"""The methods of a room, `chat.*`: each takes the room, who asks, and the fields that it uses."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec

from madang.chat import refusals
from madang.chat.asked import Asked
from madang.chat.commands import Commands, rename
from madang.chat.desk import Desk
from madang.chat.members import COLORS, Member
from madang.chat.moderation import Moderation
from madang.chat.room import Room
from madang.chat.sending import Draft, Sending
from madang.chat.settings import SettingsChange
from madang.chat.targets import demand
from madang.realtime.ports import RpcRequest


class Doer(Protocol):
    """Whose methods they are."""

    sending: Sending
    moderation: Moderation
    desk: Desk
    commands: Commands

    async def say(self, room: Room, member: Member, peer: str, draft: Draft) -> Any: ...


Method = Callable[[Doer, Room, Member, RpcRequest, Asked], Awaitable[Any]]


async def send(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.text is None:
        raise refusals.invalid("text")
    draft = Draft(text=asked.text, nonce=asked.nonce, reply_to=asked.reply_to, action=asked.action)
    return await chat.say(room, member, request.caller.peer, draft)


async def _edit(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    peer = request.caller.peer
    return {"edited_at": await chat.sending.edit(room, member, asked.id, asked.text or "", peer)}


async def _delete(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    ids = asked.ids or [asked.id]
    return {"deleted": await chat.moderation.delete(room, member, ids, asked.reason)}


async def _clear(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return {"through": await chat.moderation.clear(room, member)}


async def _timeout(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.duration_s is None:
        raise refusals.invalid("duration_s")
    until = await chat.moderation.ban(
        room, member, asked.user, duration_s=asked.duration_s, reason=asked.reason
    )
    return {"until": until}


async def _ban(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.ip:
        await chat.moderation.ban_address(room, member, asked.user, asked.reason)
    else:
        await chat.moderation.ban(room, member, asked.user, reason=asked.reason)
    return {}


async def _unban(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.unban(room, member, asked.user)
    return {}


async def _shadow(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.shadow(room, member, asked.user, asked.reason)
    return {}


async def _unshadow(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.unban(room, member, asked.user, "shadow")
    return {}


async def _pin(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.pin(room, member, asked.id, asked.duration_s)
    return {}


async def _unpin(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.moderation.unpin(room, member, asked.id)
    return {}


async def _announce(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return await chat.sending.announce(room, member, asked.text or "", str(asked.color))


async def _settings(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    given = msgspec.json.decode(request.data)
    given.pop("channel", None)
    try:
        change = msgspec.convert(given, SettingsChange)
    except msgspec.ValidationError as error:
        raise refusals.invalid("settings") from error
    return await chat.moderation.settings(room, member, change)


async def _preset(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return await chat.moderation.preset(room, member, asked.preset)


async def _approve(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.sending.resolve(room, member, asked.id, approve=True)
    return {}


async def _deny(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    await chat.sending.resolve(room, member, asked.id, approve=False)
    return {}


async def _role(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.role is None:
        raise refusals.invalid("role")
    until = room.yard.clock.wall() + asked.duration_s if asked.duration_s else asked.until
    await chat.moderation.role(room, member, asked.user, asked.role, until)
    return {}


async def _nick(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return {"name": rename(room, member, asked.nick)}


async def _color(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if not isinstance(asked.color, int) or not 0 <= asked.color < COLORS:
        raise refusals.invalid("color")
    member.color = asked.color
    return {}


async def _user(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    if asked.user != member.user:
        demand(member, "timeout", room)
    return await chat.desk.card(room, asked.user)


async def _history(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    page = await chat.desk.messages(room.channel, below=asked.before, limit=asked.limit)
    return {"messages": page.items, "next": page.next}


async def _commands(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return {"commands": chat.commands.available(room, member)}


METHODS: Final[dict[str, Method]] = {
    "send": send,
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


async def _snapshot(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return msgspec.Raw(room.snapshot(None, messages=True))


async def _chatters(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return chat.desk.chatters(room, asked.cursor, asked.page)


async def _card(chat: Doer, room: Room, member: Member, request: RpcRequest, asked: Asked) -> Any:
    return await chat.desk.card(room, asked.user)


INNER: Final[dict[str, Method]] = {"snapshot": _snapshot, "chatters": _chatters, "user": _card}
ANYBODYS: Final = ("snapshot", "commands")
