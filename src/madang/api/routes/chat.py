"""Chat by REST: everything that is not urgent, and all of moderation for programs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from madang.api.guard import ChannelCall, ChannelGuard
from madang.api.paging import Cursor, Limit
from madang.api.problems import ProblemError
from madang.api.refused import as_problems
from madang.api.schemas.chat import (
    ChatBan,
    ChatCommands,
    ChatList,
    ChatMessagePage,
    ChatPreset,
    ChatReplayPage,
    ChatRole,
    ChatRoom,
    ChatSaid,
    ChatSay,
    ChatSettingsChange,
)
from madang.api.strict import StrictRoute
from madang.base.roles import ChannelRole
from madang.chat.chat import Chat
from madang.control.errors import NotFound
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1/channels/{channel}/chat", tags=["chat"], route_class=StrictRoute)
Watcher = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHAT_READ))]
Writer = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHAT_WRITE))]
Reader = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHAT_READ))]
Moderator = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHAT_MODERATE))]
MessageId = Annotated[str, Path(max_length=64, description="The message's id.")]
User = Annotated[str, Path(max_length=256, description="A user id, or a name.")]
_REPLAYED = 200


def chat_of(request: Request) -> Chat:
    """The chat of this server."""
    chat: Chat | None = getattr(request.app.state, "chat", None)
    if chat is None:
        raise ProblemError(404, "off", "Chat is switched off on this server.")
    return chat


Chats = Annotated[Chat, Depends(chat_of)]


async def _do(call: ChannelCall, chat: Chat, method: str, **fields: Any) -> Any:
    """A method of the realtime server, by the caller."""
    account = call.signed_in.account
    with as_problems():
        return await chat.act(account, call.channel.id, call.peer, method, **fields)


async def _look(call: ChannelCall, chat: Chat, method: str) -> Any:
    """The same for what everybody may see."""
    account = call.actor.account if call.actor is not None else ""
    with as_problems():
        return await chat.act(account, call.channel.id, call.peer, method)


def _plain(value: object) -> Any:
    # By way of JSON: what was paid is kept as JSON, which nothing else makes an object of.
    return msgspec.json.decode(msgspec.json.encode(value))


def _list(page: Any) -> ChatList:
    return ChatList(items=_plain(page.items), next=page.next)


@router.get("")
async def get_chat(call: Watcher, chat: Chats) -> ChatRoom:
    """The room as a newcomer sees it."""
    return ChatRoom.model_validate(await _look(call, chat, "snapshot"))


@router.get("/messages")
async def list_messages(
    call: Watcher,
    chat: Chats,
    before: Annotated[int | None, Query(ge=0, description="Messages whose `seq` is smaller.")] = None,
    after: Annotated[int | None, Query(ge=0, description="Messages whose `seq` is larger.")] = None,
    limit: Limit = 50,
) -> ChatMessagePage:
    """The log by `seq`, the eldest of the page first; deleted messages come without their text."""
    with as_problems():
        page = await chat.desk.messages(call.channel.id, below=before, above=after, limit=limit)
    return ChatMessagePage.model_validate({"items": _plain(page.items), "next": page.next})


@router.post("/messages", status_code=201)
async def say(call: Writer, chat: Chats, body: ChatSay) -> ChatSaid:
    """Write as the caller: for bots. A text that begins with a slash is a command."""
    said = await _do(
        call, chat, "send", text=body.text, nonce=body.nonce, reply_to=body.reply_to, action=body.action
    )
    return ChatSaid.model_validate(said)


@router.delete("/messages/{message}", status_code=204)
async def delete_message(call: Moderator, chat: Chats, message: MessageId) -> None:
    """Delete a message, wherever it may still be read."""
    await _do(call, chat, "delete", id=message)


@router.post("/clear", status_code=204)
async def clear(call: Moderator, chat: Chats) -> None:
    """Hide everything said until now, but what was paid."""
    await _do(call, chat, "clear")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a broadcast, in seconds from its begin."""

    broadcast: Annotated[str, Query(max_length=64, description="A broadcast's id; empty: the last one.")] = ""
    from_s: Annotated[float, Query(ge=0, description="Where the part begins.")] = 0.0
    to_s: Annotated[float | None, Query(ge=0, description="Where it ends; without: with the broadcast.")] = (
        None
    )


@router.get("/replay")
async def replay(
    call: Watcher,
    chat: Chats,
    span: Annotated[Span, Depends()],
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=_REPLAYED, description="Items of one page.")] = 100,
) -> ChatReplayPage:
    """What was said during a broadcast, by seconds from its begin."""
    began, ended = await _broadcast(call, span.broadcast)
    last = ended if span.to_s is None else min(ended, began + span.to_s)
    with as_problems():
        items, more = await chat.desk.replay(
            call.channel.id, int((began + span.from_s) * 1000), int(last * 1000), cursor, limit
        )
    timed = [{**_plain(item), "offset_s": round(item.at / 1000 - began, 3)} for item in items]
    return ChatReplayPage(began_at=datetime.fromtimestamp(began, UTC), items=timed, next=more)


async def _broadcast(call: ChannelCall, broadcast: str) -> tuple[float, float]:
    """When a broadcast began and ended; the live one ends now."""
    page = await call.control.live.broadcasts(call.channel, None, 200)
    for found in page.items:
        if broadcast in ("", found.broadcast, found.id):
            return found.began_at, found.ended_at or datetime.now(UTC).timestamp()
    raise NotFound("broadcast")


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}}, "description": "One JSON object per line."}},
)
async def export(call: Reader, chat: Chats) -> StreamingResponse:
    """The whole log as lines of JSON, the eldest first."""
    lines: AsyncIterator[bytes] = chat.desk.export(call.channel.id)
    headers = {"Content-Disposition": f'attachment; filename="{call.channel.slug}-chat.jsonl"'}
    return StreamingResponse(lines, media_type="application/jsonl", headers=headers)


@router.patch("/settings")
async def change_settings(call: Moderator, chat: Chats, body: ChatSettingsChange) -> dict[str, Any]:
    """Change the room's settings; what is absent stays."""
    given = body.model_dump(exclude_none=True)
    if given.get("followers_min") == -1:
        given["followers_min"] = None
    return dict(await _do(call, chat, "settings", **given))


@router.post("/preset")
async def set_preset(call: Moderator, chat: Chats, body: ChatPreset) -> dict[str, Any]:
    """Several settings at once: calm, normal, raid."""
    return dict(await _do(call, chat, "preset", preset=body.preset))


@router.get("/held")
async def list_held(call: Reader, chat: Chats, cursor: Cursor = None, limit: Limit = 50) -> ChatList:
    """What waits for approval, the eldest first."""
    with as_problems():
        return _list(await chat.desk.held(call.channel.id, cursor, limit))


@router.post("/held/{message}/approve", status_code=204)
async def approve(call: Moderator, chat: Chats, message: MessageId) -> None:
    """Show a held message."""
    await _do(call, chat, "approve", id=message)


@router.post("/held/{message}/deny", status_code=204)
async def deny(call: Moderator, chat: Chats, message: MessageId) -> None:
    """Never show a held message."""
    await _do(call, chat, "deny", id=message)


@router.get("/bans")
async def list_bans(call: Reader, chat: Chats, cursor: Cursor = None, limit: Limit = 50) -> ChatList:
    """Bans, timeouts that last, shadow bans; the newest first."""
    with as_problems():
        return _list(await chat.desk.bans(call.channel.id, cursor, limit))


@router.put("/bans/{user}", status_code=204)
async def ban(call: Moderator, chat: Chats, user: User, body: ChatBan) -> None:
    """Ban somebody, time them out, or let nobody but them see what they write."""
    if body.shadow:
        await _do(call, chat, "shadow", user=user, reason=body.reason)
    elif body.ip or body.duration_s is None:
        await _do(call, chat, "ban", user=user, reason=body.reason, ip=body.ip)
    else:
        await _do(call, chat, "timeout", user=user, reason=body.reason, duration_s=body.duration_s)


@router.delete("/bans/{user}", status_code=204)
async def unban(
    call: Moderator,
    chat: Chats,
    user: User,
    shadow: Annotated[bool, Query(description="Lift a shadow ban instead.")] = False,
) -> None:
    """Lift a ban or a timeout; with `shadow`, a shadow ban."""
    await _do(call, chat, "unshadow" if shadow else "unban", user=user)


@router.get("/audit")
async def list_audit(
    call: Reader,
    chat: Chats,
    target: Annotated[str, Query(max_length=256, description="Only what concerns this user.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ChatList:
    """Who did what to whom, the newest first."""
    with as_problems():
        return _list(await chat.desk.audit(call.channel.id, cursor, limit, target))


@router.get("/chatters")
async def list_chatters(
    call: Reader,
    chat: Chats,
    cursor: Annotated[str | None, Query(max_length=256, description="`next` of the page before.")] = None,
    limit: Limit = 50,
) -> ChatList:
    """Who is connected, by name."""
    found = await _do(call, chat, "chatters", cursor=cursor, page=limit)
    return ChatList.model_validate(found)


@router.get("/users/{user}")
async def get_user_card(call: Reader, chat: Chats, user: User) -> dict[str, Any]:
    """What moderators see of one person: last messages, bans, audit."""
    return dict(await _do(call, chat, "user", user=user))


@router.put("/roles/{user}", status_code=204)
async def give_role(call: Moderator, chat: Chats, user: User, body: ChatRole) -> None:
    """Make somebody VIP or subscriber (managers), or manager (broadcasters); a subscriber may have an end."""
    until = body.until.timestamp() if body.until is not None else None
    await _do(call, chat, "role", user=user, role=body.role, until=until)


@router.delete("/roles/{user}", status_code=204)
async def take_role(call: Moderator, chat: Chats, user: User) -> None:
    """Take a role away that could be given here."""
    await _do(call, chat, "role", user=user, role=ChannelRole.VIEWER.value)


@router.get("/commands")
async def list_commands(call: Watcher, chat: Chats) -> ChatCommands:
    """The commands that the caller may use, with help in both languages."""
    return ChatCommands.model_validate(await _look(call, chat, "commands"))
