"""Texts that begin with a slash: found, checked, done. A mistake is answered to its author alone."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from madang.base.roles import ChannelRole
from madang.chat import refusals, rights
from madang.chat.help import BY_NAME, COMMANDS, Command, told
from madang.chat.members import COLORS, Member
from madang.chat.moderation import Moderation
from madang.chat.room import Room
from madang.chat.sending import Draft, Sending
from madang.chat.settings import SettingsChange

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,7})([smhdw]?)", re.ASCII)
_MONTH_S: Final = 30 * 86_400
TIMEOUT_S: Final = 600
SLOW_S: Final = 30
NAME_WORDS: Final = 5


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command."""

    word: str
    text: str = ""
    data: Any = None
    state: str = "command"


class Typed(msgspec.Struct, frozen=True):
    """A command as it was typed."""

    room: Room
    member: Member
    peer: str
    name: str
    rest: str
    nonce: str


Run = Callable[[Typed], Awaitable[Any]]


def is_command(text: str) -> bool:
    """Whether a text commands; `//` says a slash."""
    return text.startswith("/") and not text.startswith("//")


def duration(text: str) -> int | None:
    """`90`, `10m`, `2h`, `7d` in seconds; None for what is none."""
    found = _DURATION.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None


class Commands:
    """Runs commands with the same checks as the methods that they stand for."""

    def __init__(self, sending: Sending, moderation: Moderation) -> None:
        self._sending = sending
        self._moderation = moderation
        self._runs: dict[str, Run] = {
            "ban": self._ban,
            "unban": self._unban,
            "timeout": self._timeout,
            "ipban": self._ipban,
            "shadow": self._shadow,
            "unshadow": self._unshadow,
            "delete": self._delete,
            "clear": self._clear,
            "pin": self._pin,
            "unpin": self._unpin,
            "announce": self._announce,
            "preset": self._preset,
            "mod": self._role(ChannelRole.MANAGER),
            "unmod": self._role(ChannelRole.VIEWER),
            "vip": self._role(ChannelRole.VIP),
            "unvip": self._role(ChannelRole.VIEWER),
            "sub": self._sub,
            "unsub": self._role(ChannelRole.VIEWER),
            "me": self._me,
            "color": self._color,
            "nick": self._nick,
            "mods": self._list(ChannelRole.MANAGER),
            "vips": self._list(ChannelRole.VIP),
            "user": self._user,
            "help": self._help,
        }

    def available(self, room: Room, member: Member) -> list[dict[str, object]]:
        """The commands that somebody may use, for help and completion."""
        may = rights.abilities(member.role, muted=room.ban_of(member.user) is not None)
        return [told(command) for command in COMMANDS if command.right in may]

    async def run(self, room: Room, member: Member, peer: str, draft: Draft) -> Any:
        """Do what a text commands."""
        head, _, rest = draft.text[1:].strip().partition(" ")
        command = BY_NAME.get(head.lower())
        if command is None:
            return Done(word="unknown_command", text=f"/{head[:30]}")
        self._sending.rates.admit_call(member, room.yard.clock.monotonic())
        typed = Typed(room, member, peer, head.lower(), rest.strip(), draft.nonce)
        run = self._runs.get(command.name)
        if run is None:
            await self._set(command, typed)
            return Done(word=command.name)
        found = await run(typed)
        return found if found is not None else Done(word=command.name)

    # --- people

    async def _ban(self, typed: Typed) -> None:
        user, reason = _two(typed)
        await self._moderation.ban(typed.room, typed.member, user, reason=reason)

    async def _ipban(self, typed: Typed) -> None:
        user, reason = _two(typed)
        await self._moderation.ban_address(typed.room, typed.member, user, reason)

    async def _unban(self, typed: Typed) -> None:
        await self._moderation.unban(typed.room, typed.member, _one(typed))

    async def _timeout(self, typed: Typed) -> Done:
        user, rest = _two(typed)
        first, _, reason = rest.partition(" ")
        seconds = duration(first) if first else TIMEOUT_S
        if seconds is None:
            seconds, reason = TIMEOUT_S, rest
        until = await self._moderation.ban(typed.room, typed.member, user, duration_s=seconds, reason=reason)
        return Done(word="timeout", data={"until": until})

    async def _shadow(self, typed: Typed) -> None:
        user, reason = _two(typed)
        await self._moderation.shadow(typed.room, typed.member, user, reason)

    async def _unshadow(self, typed: Typed) -> None:
        await self._moderation.unban(typed.room, typed.member, _one(typed), "shadow")

    def _role(self, role: ChannelRole) -> Run:
        async def run(typed: Typed) -> None:
            await self._moderation.role(typed.room, typed.member, _one(typed), role)

        return run

    async def _sub(self, typed: Typed) -> None:
        user, rest = _two(typed)
        seconds = duration(rest) if rest else _MONTH_S
        if not seconds:
            raise refusals.invalid("duration_s")
        until = typed.room.yard.clock.wall() + seconds
        await self._moderation.role(typed.room, typed.member, user, ChannelRole.SUBSCRIBER, until)

    # --- messages

    async def _delete(self, typed: Typed) -> None:
        await self._moderation.delete(typed.room, typed.member, [_one(typed)])

    async def _clear(self, typed: Typed) -> None:
        await self._moderation.clear(typed.room, typed.member)

    async def _pin(self, typed: Typed) -> None:
        await self._moderation.pin(typed.room, typed.member, typed.rest or _last_of(typed))

    async def _unpin(self, typed: Typed) -> None:
        pins = typed.room.pins
        await self._moderation.unpin(typed.room, typed.member, typed.rest or (pins[0].id if pins else ""))

    async def _announce(self, typed: Typed) -> Any:
        color = typed.name.removeprefix("announce") or "primary"
        return await self._sending.announce(typed.room, typed.member, typed.rest, color)

    async def _me(self, typed: Typed) -> Any:
        draft = Draft(text=typed.rest, nonce=typed.nonce, action=True)
        return await self._sending.send(typed.room, typed.member, typed.peer, draft)

    # --- settings

    async def _preset(self, typed: Typed) -> None:
        await self._moderation.preset(typed.room, typed.member, _one(typed))

    async def _set(self, command: Command, typed: Typed) -> None:
        change = _change(command.name, typed.rest)
        try:
            made = msgspec.convert(change, SettingsChange)
        except msgspec.ValidationError as error:
            raise refusals.invalid(next(iter(change))) from error
        await self._moderation.settings(typed.room, typed.member, made)

    # --- everybody's

    async def _color(self, typed: Typed) -> None:
        if not typed.rest.isdecimal() or len(typed.rest) > 2 or int(typed.rest) >= COLORS:
            raise refusals.invalid("color")
        typed.member.color = int(typed.rest)

    async def _nick(self, typed: Typed) -> Done:
        return Done(word="nick", text=rename(typed.room, typed.member, typed.rest))

    def _list(self, role: ChannelRole) -> Run:
        async def run(typed: Typed) -> Done:
            holders = typed.room.yard.identity.holders(typed.room.channel)
            names = [person.display_name for person, standing in holders if standing.role is role]
            return Done(word=typed.name, text=", ".join(names), data=names)

        return run

    async def _user(self, typed: Typed) -> Done:
        member = typed.room.members.named(_one(typed))
        if member is None:
            raise refusals.not_found()
        data = {"user": member.author(), "muted": typed.room.muted(member.user)}
        return Done(word="user", text=member.name, data=data)

    async def _help(self, typed: Typed) -> Done:
        found = self.available(typed.room, typed.member)
        if typed.rest:
            wanted = BY_NAME.get(typed.rest.removeprefix("/").lower())
            found = [one for one in found if wanted is not None and one["name"] == wanted.name]
        return Done(word="help", data=found)


def rename(room: Room, member: Member, nick: str) -> str:
    """A guest takes another nickname."""
    if not member.is_guest:
        raise refusals.forbidden()
    name = room.members.check_nick(nick, member)
    room.members.rename(member, name)
    return name


def _one(typed: Typed) -> str:
    return _two(typed)[0]


def _two(typed: Typed) -> tuple[str, str]:
    """Whom, and the rest. A name may have spaces: as many words as name somebody who is here, else one."""
    words = typed.rest.split()
    if not words:
        raise refusals.invalid("user")
    for many in range(min(len(words), NAME_WORDS), 1, -1):
        name = " ".join(words[:many])
        if typed.room.members.named(name) is not None:
            return name, " ".join(words[many:])
    return words[0], " ".join(words[1:])


def _last_of(typed: Typed) -> str:
    return typed.room.view.last_of(typed.member.user)


def _change(name: str, rest: str) -> dict[str, object]:
    """What a command sets."""
    if name == "slow":
        seconds = duration(rest) if rest else SLOW_S
        return {"slow_s": -1 if seconds is None else seconds}
    if name == "followers":
        seconds = duration(rest) if rest else 0
        return {"followers_min": -1 if seconds is None else seconds // 60}
    if name == "links":
        return {"links": {"on": True, "off": False}.get(rest.lower(), rest)}
    if name == "freeze":
        return {"frozen": rest.lower() or "all"}
    if name == "hold":
        return {"hold": rest.lower()}
    fixed: dict[str, dict[str, object]] = {
        "slowoff": {"slow_s": 0},
        "followersoff": {"followers_min": None},
        "subonly": {"subscribers_only": True},
        "subonlyoff": {"subscribers_only": False},
        "emojionly": {"emoji_only": True},
        "emojionlyoff": {"emoji_only": False},
        "unique": {"unique": True},
        "uniqueoff": {"unique": False},
        "unfreeze": {"frozen": ""},
    }
    return fixed[name]
