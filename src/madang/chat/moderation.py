"""What moderators do to messages and people; every deed is written down, acts at once, and is told.

A ban acts in memory at once, and its purge reaches up to the last message that was accepted: what is on its
way into the log when somebody is banned is hidden by the same event.
"""

import contextlib
import hmac
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_HELD, CHAT_ROOM_MESSAGES, CHAT_SNAPSHOT_MESSAGES
from madang.base.roles import ChannelRole
from madang.chat import refusals, rights, rows
from madang.chat.members import Member
from madang.chat.ports import Change, Drop, Query, Set, Standing
from madang.chat.room import Room
from madang.chat.rows import Ban, message_of
from madang.chat.settings import PRESETS, RoomSettings, SettingsChange, changed, with_preset
from madang.chat.view import is_cut, unquoted, without
from madang.chat.words import AuditEntry, Clear, Delete, Message, Pin, Purge, RoleChanged, Tombstone
from madang.realtime.ports import ReplyError
from madang.realtime.publication import Weight

REASON_LETTERS = 500
TIMEOUT_S_MAX = 14 * 86_400
_WANTED = 100


def demand(member: Member, right: str, room: Room) -> None:
    """Refuse whoever has not this right."""
    if right not in rights.abilities(member.role, muted=room.ban_of(member.user) is not None):
        raise refusals.sign_in() if member.is_guest else refusals.forbidden()


class Target:
    """Whom a deed is about: somebody who is here, was here, or is known by an id alone."""

    __slots__ = ("member", "name", "role", "user")

    def __init__(self, room: Room, user: str) -> None:
        self.member = room.members.named(user) or room.members.get(user)
        self.user, self.name, self.role = user, user, ChannelRole.GUEST
        if self.member is not None:
            self.user, self.name, self.role = self.member.user, self.member.name, self.member.role
        else:
            self._find(room, user)

    def _find(self, room: Room, user: str) -> None:
        identity = room.yard.identity
        account = user.removeprefix("madang.u.") if user.startswith("madang.u.") else ""
        person = identity.person(account) if account else identity.person_named(user.removeprefix("@"))
        if person is not None:
            self.user, self.name = f"madang.u.{person.id}", person.display_name
            self.role = identity.standing(person.id, room.channel).role


class Moderation:
    """Deeds of one server; each takes the room, who does it, and what."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def digest(self, peer: str) -> str:
        """What an address is banned by: nobody reads it back."""
        if not peer:
            return ""
        known = ":".join(peer.split(":")[:4]) if ":" in peer else peer  # a household's IPv6 is a /64
        return hmac.new(self._secret, known.encode(), "sha256").hexdigest()[:32]

    # --- messages

    async def delete(self, room: Room, actor: Member, ids: Sequence[str], reason: str = "") -> int:
        """Delete messages; authors may delete their own. How many were deleted."""
        if not ids or len(ids) > _WANTED:
            raise refusals.invalid("ids")
        found = [message for name in dict.fromkeys(ids) if (message := await self._message(room, name))]
        if not found:
            raise refusals.not_found()
        own = all(message.user.id == actor.user for message in found)
        if not own:
            demand(actor, "delete", room)
        now = room.yard.now_ms()
        changes: list[Change] = []
        entries: list[AuditEntry] = []
        for message in found:
            same = {"channel": room.channel, "id": message.id}
            changes.append(Set("chat_messages", same, {"deleted_at": now, "deleted_by": actor.user}))
            whom = {"target": message.user.id, "target_name": message.user.name}
            entries.append(room.entry(actor, "delete", **whom, reason=_cut(reason), message=message.text))
            changes += room.audit(entries[-1])
        pins = without(room.pins, ids)
        if pins != room.pins:
            changes.append(room.row(room.settings, pins))

        async def deed() -> int:
            for message in found:
                await room.vanish(message)
            names = tuple(message.id for message in found)
            await room.tell(Delete(ids=names, by="" if own else actor.name), "mod", weight=Weight.URGENT)
            if pins != room.pins:
                await room.set_pins(pins)
            for entry in entries:
                await room.tell_audit(entry)
            await refill(room)
            return len(found)

        return int(await room.happen(changes, deed))

    async def _message(self, room: Room, name: str) -> Message | None:
        """A message that can still be seen; of this room alone."""
        kept = room.view.get(name)
        if kept is not None:
            return kept
        where = {"channel": room.channel, "id": name}
        found = await room.yard.pump.log.find(Query(table="chat_messages", where=where, limit=1))
        if not found or found[0]["deleted_at"] is not None:
            return None
        message = message_of(found[0])
        return None if is_cut(message, room.cuts) else message

    async def clear(self, room: Room, actor: Member) -> int:
        """Hide everything said until now, but what was paid."""
        demand(actor, "clear", room)
        through, now = room.seq, room.yard.now_ms()
        entry = room.entry(actor, "clear")
        changes = [rows.put_cut(room.channel, "", through, now, actor.user), *room.audit(entry)]

        async def deed() -> int:
            await _hide(room, "", through)
            await room.tell(Clear(through=through, by=actor.name), "mod", weight=Weight.URGENT)
            await room.tell_audit(entry)
            return through

        return int(await room.happen(changes, deed))

    # --- people

    async def ban(
        self, room: Room, actor: Member | None, user: str, *, duration_s: int | None = None, reason: str = ""
    ) -> int | None:
        """Ban, or time out for `duration_s`; without an actor the filter does it. Until when, in ms."""
        target = self._target(room, actor, user, "ban" if duration_s is None else "timeout")
        if duration_s is not None and not 1 <= duration_s <= TIMEOUT_S_MAX:
            raise refusals.invalid("duration_s")
        now = room.yard.now_ms()
        until = None if duration_s is None else now + duration_s * 1000
        ban = self._ban(room, "ban", target, actor, until, reason)
        action = "ban" if duration_s is None else "timeout"
        entry = room.entry(
            actor,
            action,
            target=target.user,
            target_name=target.name,
            reason=_cut(reason),
            duration_s=duration_s,
        )
        through = room.seq
        changes = [
            rows.put_ban(ban),
            rows.put_cut(room.channel, target.user, through, now, ban.by),
            Set(
                "chat_held",
                {"channel": room.channel, "user_id": target.user, "state": "held"},
                {"state": "denied", "by": ban.by},
            ),
            *room.audit(entry),
        ]

        async def deed() -> int | None:
            await _hide(room, target.user, through)
            await room.tell(Purge(user=target.user, through=through), "mod", weight=Weight.URGENT)
            await self._told(room, target, entry)
            await refresh_held(room)
            await refill(room)
            return until

        await self._with_ban(room, ban, changes, deed)
        return until

    async def _with_ban(
        self, room: Room, ban: Ban, changes: Sequence[Change], deed: Callable[[], Awaitable[object]]
    ) -> None:
        """The ban acts at once; when the store is away it is taken back. What is on the disk stays, even if
        not everybody could be told."""
        key, kept = (ban.kind, ban.subject), False
        before = room.bans.get(key)
        room.bans[key] = ban

        async def committed() -> object:
            nonlocal kept
            kept = True
            return await deed()

        try:
            await room.happen(changes, committed)
        except ReplyError:
            if kept:
                raise
            if before is None:
                room.bans.pop(key, None)
            else:
                room.bans[key] = before
            raise

    async def unban(self, room: Room, actor: Member, user: str, kind: str = "ban") -> None:
        """Lift a ban, a timeout or a shadow ban."""
        demand(actor, "shadow" if kind == "shadow" else "ban", room)
        target = Target(room, user)
        known = room.bans.get((kind, target.user)) or self._banned_named(room, kind, user)
        if known is None:
            raise refusals.not_found()
        subject = known.subject
        action = {"ban": "unban", "shadow": "unshadow", "ip": "unban_ip"}[kind]
        entry = room.entry(actor, action, target=subject, target_name=known.name)
        gone = Drop("chat_bans", {"channel": room.channel, "kind": kind, "subject": subject})
        others = [
            Drop("chat_bans", {"channel": room.channel, "kind": "ip", "subject": ban.subject})
            for (held, _), ban in room.bans.items()
            if kind == "ban" and held == "ip" and ban.name == known.name
        ]

        async def deed() -> None:
            room.bans.pop((kind, subject), None)
            for other in others:
                room.bans.pop(("ip", str(other.where["subject"])), None)
            await self._told(room, target, entry)

        await room.happen([gone, *others, *room.audit(entry)], deed)

    def _banned_named(self, room: Room, kind: str, name: str) -> Ban | None:
        plain = name.removeprefix("@")
        return next((b for (k, _), b in room.bans.items() if k == kind and plain in (b.name, b.id)), None)

    async def shadow(self, room: Room, actor: Member, user: str, reason: str = "") -> None:
        """From now on nobody but they and the moderators see what they write; they are not told."""
        target = self._target(room, actor, user, "shadow")
        ban = self._ban(room, "shadow", target, actor, None, reason)
        entry = room.entry(actor, "shadow", target=target.user, target_name=target.name, reason=_cut(reason))

        async def deed() -> None:
            await room.tell_audit(entry)

        await self._with_ban(room, ban, [rows.put_ban(ban), *room.audit(entry)], deed)

    async def ban_address(self, room: Room, actor: Member, user: str, reason: str = "") -> None:
        """Ban a user together with the addresses that they come from; nobody learns those."""
        target = self._target(room, actor, user, "ban")
        if target.member is None or not target.member.peers:
            raise refusals.not_found()
        await self.ban(room, actor, user, reason=reason)
        for peer in target.member.peers:
            known = self._ban(room, "ip", target, actor, None, reason)
            ban = msgspec.structs.replace(known, subject=self.digest(peer))
            entry = room.entry(actor, "ban_ip", target=target.user, target_name=target.name)

            async def deed(entry: AuditEntry = entry) -> None:
                await room.tell_audit(entry)

            await self._with_ban(room, ban, [rows.put_ban(ban), *room.audit(entry)], deed)

    def _target(self, room: Room, actor: Member | None, user: str, right: str) -> Target:
        """Whom it is about, if the actor may do that to them."""
        if not user or len(user) > 256:
            raise refusals.invalid("user")
        if actor is not None:
            demand(actor, right, room)
        target = Target(room, user)
        if target.member is None and not target.user.startswith("madang.") and "|" not in target.user:
            raise refusals.not_found()
        if actor is not None and (target.user == actor.user or not rights.is_above(actor.role, target.role)):
            raise refusals.forbidden()
        return target

    def _ban(
        self, room: Room, kind: str, target: Target, actor: Member | None, until: int | None, reason: str
    ) -> Ban:
        return Ban(
            channel=room.channel,
            kind=kind,
            subject=target.user,
            id=room.yard.new_id(),
            name=target.name,
            until=until,
            reason=_cut(reason),
            by=actor.user if actor else "",
            by_name=actor.name if actor else "",
            at=room.yard.now_ms(),
        )

    async def _told(self, room: Room, target: Target, entry: AuditEntry) -> None:
        if target.member is not None:
            await room.tell_you(target.member)
        await room.tell_audit(entry)

    # --- roles

    async def role(
        self, room: Room, actor: Member, user: str, role: ChannelRole, until: float | None = None
    ) -> None:
        """Give VIP or subscriber (managers), manager (broadcasters), or take a role away by `viewer`."""
        target = Target(room, user)
        if not target.user.startswith("madang.u."):
            raise refusals.not_found()
        if role not in (ChannelRole.MANAGER, ChannelRole.VIP, ChannelRole.SUBSCRIBER, ChannelRole.VIEWER):
            raise refusals.invalid("role")
        high = ChannelRole.MANAGER in (role, target.role)
        demand(actor, "managers" if high else "roles", room)
        if not rights.is_above(actor.role, target.role):
            raise refusals.forbidden()
        standing = None if role is ChannelRole.VIEWER else Standing(role, until)
        account = target.user.removeprefix("madang.u.")
        await room.yard.identity.grant(actor.user, room.channel, account, standing)
        entry = room.entry(actor, "role", target=target.user, target_name=target.name, reason=role.value)

        async def deed() -> None:
            if target.member is not None:
                await refresh(room, target.member)
            await room.tell_audit(entry)

        await room.happen(room.audit(entry), deed)

    # --- the room

    async def settings(self, room: Room, actor: Member, change: SettingsChange) -> RoomSettings:
        demand(actor, "settings", room)
        return await self._set(room, actor, changed(room.settings, change), "settings")

    async def preset(self, room: Room, actor: Member, preset: str) -> RoomSettings:
        demand(actor, "settings", room)
        if preset not in PRESETS:
            raise refusals.invalid("preset")
        return await self._set(room, actor, with_preset(room.settings, preset), f"preset {preset}")

    async def _set(self, room: Room, actor: Member, made: RoomSettings, what: str) -> RoomSettings:
        if made == room.settings:
            return made
        differing = [n for n in made.__struct_fields__ if getattr(made, n) != getattr(room.settings, n)]
        entry = room.entry(actor, "settings", reason=f"{what}: {', '.join(differing)}")

        async def deed() -> RoomSettings:
            await room.set_settings(made, actor.name)
            await room.tell_audit(entry)
            return made

        await room.happen([room.row(made, room.pins), *room.audit(entry)], deed)
        return made

    async def pin(self, room: Room, actor: Member, message: str, duration_s: int | None = None) -> None:
        """Pin a message, for a while or until it is unpinned."""
        demand(actor, "pin", room)
        if duration_s is not None and not 30 <= duration_s <= 1800:
            raise refusals.invalid("duration_s")
        found = await self._message(room, message)
        if found is None:
            raise refusals.not_found()
        now = room.yard.now_ms()
        until = None if duration_s is None else now + duration_s * 1000
        made = Pin(id=found.id, message=found, by=actor.name, at=now, until=until)
        pins = (made, *(pin for pin in room.pins if pin.id != found.id))
        await self._set_pins(room, actor, "pin", pins, found)

    async def unpin(self, room: Room, actor: Member, message: str) -> None:
        demand(actor, "pin", room)
        gone = next((pin for pin in room.pins if pin.id == message), None)
        if gone is None:
            raise refusals.not_found()
        pins = tuple(pin for pin in room.pins if pin is not gone)
        await self._set_pins(room, actor, "unpin", pins, gone.message)

    async def _set_pins(
        self, room: Room, actor: Member, action: str, pins: tuple[Pin, ...], about: Message
    ) -> None:
        entry = room.entry(
            actor, action, target=about.user.id, target_name=about.user.name, message=about.text
        )

        async def deed() -> None:
            await room.set_pins(pins)
            await room.tell_audit(entry)

        await room.happen([room.row(room.settings, pins[:5]), *room.audit(entry)], deed)


def _cut(reason: str) -> str:
    return reason[:REASON_LETTERS]


async def _hide(room: Room, user: str, through: int) -> None:
    """A cut acts on memory, on what may be recovered, and on pins."""
    room.cuts[user] = max(through, room.cuts.get(user, 0))
    for message in room.view.hidden_by(through, user):
        await room.vanish(message)
    room.changed()
    quoted = [pin.message.reply for pin in room.pins if pin.message.reply is not None]
    gone = {reply.id for reply in quoted if user in ("", reply.user) and room.view.get(reply.id) is None}
    pins = without(tuple(pin for pin in room.pins if not is_cut(pin.message, room.cuts)), gone)
    if pins != room.pins:
        await room.set_pins(pins)


async def waiting(room: Room) -> int:
    """How many messages wait for approval."""
    where = {"channel": room.channel, "state": "held"}
    return len(await room.yard.pump.log.find(Query(table="chat_held", where=where, limit=CHAT_HELD)))


async def refresh_held(room: Room) -> None:
    """After a deed that may have denied some. It was done, whatever the store says to this."""
    with contextlib.suppress(Overloaded):
        room.held = await waiting(room)


async def refill(room: Room) -> None:
    """When much was deleted, older messages come into the snapshot again; if not now, with the next deed."""
    if len(room.view) < CHAT_SNAPSHOT_MESSAGES and room.seq > len(room.view):
        with contextlib.suppress(Overloaded):
            room.view.fill(await newest(room, CHAT_ROOM_MESSAGES))


async def newest(room: Room, wanted: int) -> list[Message]:
    """The newest messages of the log that may be seen, the eldest first."""
    found: list[Message] = []
    below: int | None = None
    for _ in range(20):
        query = Query(
            table="chat_messages", where={"channel": room.channel}, order="seq", below=below, limit=wanted
        )
        page = await room.yard.pump.log.find(query)
        seen = [message_of(row) for row in page if row["deleted_at"] is None]
        found += [message for message in seen if not is_cut(message, room.cuts)]
        if len(page) < wanted or len(found) >= wanted:
            break
        below = page[-1]["seq"]
    return [m for m in await unquote(room, found[:wanted][::-1]) if isinstance(m, Message)]


async def kept_pins(room: Room) -> tuple[Pin, ...]:
    """The pins of the log without what was cut since."""
    pins = tuple(pin for pin in room.pins if not is_cut(pin.message, room.cuts))
    messages = await unquote(room, [pin.message for pin in pins])
    kept = (
        (pin, message) for pin, message in zip(pins, messages, strict=True) if isinstance(message, Message)
    )
    return tuple(msgspec.structs.replace(pin, message=message) for pin, message in kept)


async def unquote(room: Room, messages: Sequence[Message | Tombstone]) -> list[Message | Tombstone]:
    """Quotes of messages that are gone are gone as well."""
    asked = {m.reply.id for m in messages if isinstance(m, Message) and m.reply is not None}
    asked -= {message.id for message in messages if isinstance(message, Message)}
    gone = {message.id for message in messages if isinstance(message, Tombstone)}
    if asked:
        query = Query(
            table="chat_messages",
            where={"channel": room.channel},
            among=("id", tuple(asked)),
            order="seq",
            limit=len(asked),
        )
        found = await room.yard.pump.log.find(query)
        gone |= {row["id"] for row in found if isinstance(rows.shown(row, room.cuts), Tombstone)}
    return [
        unquoted(m) if isinstance(m, Message) and m.reply is not None and m.reply.id in gone else m
        for m in messages
    ]


async def refresh(room: Room, member: Member) -> None:
    """A role changed somewhere: act on live connections, tell them and everybody."""
    if room.members.refresh(member, room.yard.clock.wall()):
        await room.tell_you(member)
        changed_role = RoleChanged(user=member.user, role=member.role.value, badges=member.badges)
        await room.tell(changed_role, "mod")
