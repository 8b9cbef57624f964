"""What moderators do to messages, roles and the room; each deed is written down, acts at once, is told."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext

from madang.base.roles import ChannelRole
from madang.chat import refusals, rights, rows
from madang.chat.banning import Banning
from madang.chat.kept import hide, lasting, refill
from madang.chat.members import Member
from madang.chat.ports import Change, Query, Set, Standing
from madang.chat.room import Room
from madang.chat.settings import PRESETS, RoomSettings, SettingsChange, changed, with_preset
from madang.chat.targets import Target, demand, shortened
from madang.chat.view import PAID, without
from madang.chat.words import AuditEntry, Clear, Delete, Message, Pin, RoleChanged
from madang.realtime.publication import Weight

ROLE_S_MAX = 10 * 366 * 86_400
_WANTED = 100
RemovePaid = Callable[[str, str, str, str], Awaitable[bool]]
"""Of (channel, message, user who says so, reason)."""


class Moderation(Banning):
    """Deeds of one server; each takes the room, who does it, and what."""

    def __init__(self, secret: bytes) -> None:
        super().__init__(secret)
        self.remove_paid: RemovePaid | None = None
        """Takes a paid message down together with its order; False for one that is none."""

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
        asked = len(found)
        found = [message for message in found if not await self._is_order(room, actor, message, reason)]
        if not found:
            return asked
        pinned = without(room.pins, ids) != room.pins
        async with room.rewriting if pinned else nullcontext():
            await self._delete(room, actor, found, reason)
        return asked

    async def _delete(self, room: Room, actor: Member, found: Sequence[Message], reason: str) -> None:
        now, names = room.yard.now_ms(), tuple(message.id for message in found)
        own = all(message.user.id == actor.user for message in found)
        changes: list[Change] = []
        entries: list[AuditEntry] = []
        for message in found:
            same = {"channel": room.channel, "id": message.id}
            changes.append(Set("chat_messages", same, {"deleted_at": now, "deleted_by": actor.user}))
            whom = {"target": message.user.id, "target_name": message.user.name}
            more = {"reason": shortened(reason), "message": message.text}
            entries.append(room.entry(actor, "delete", **whom, **more))
            changes += room.audit(entries[-1])
        if (pins := without(room.pins, names)) != room.pins:
            changes.append(room.row(room.settings, pins))

        async def deed() -> None:
            for message in found:
                await room.vanish(message)
            await room.tell(Delete(ids=names, by="" if own else actor.name), "mod", weight=Weight.URGENT)
            if (left := without(room.pins, names)) != room.pins:
                await room.set_pins(left)
            for entry in entries:
                await room.tell_audit(entry)
            await refill(room)

        await room.happen(changes, deed)

    async def _is_order(self, room: Room, actor: Member, message: Message, reason: str) -> bool:
        if message.kind != PAID or self.remove_paid is None:
            return False
        return await self.remove_paid(room.channel, message.id, actor.user, reason)

    async def _message(self, room: Room, name: str) -> Message | None:
        """A message that can still be seen; of this room alone."""
        kept = room.view.get(name)
        if kept is not None:
            return kept
        where = {"channel": room.channel, "id": name}
        found = await room.yard.pump.log.find(Query(table="chat_messages", where=where, limit=1))
        message = rows.shown(found[0], room.cuts) if found else None
        return message if isinstance(message, Message) else None

    async def clear(self, room: Room, actor: Member) -> int:
        """Hide everything said until now, but what was paid."""
        demand(actor, "clear", room)
        through, now = room.seq, room.yard.now_ms()
        entry = room.entry(actor, "clear")
        changes = [rows.put_cut(room.channel, "", through, now, actor.user), *room.audit(entry)]

        async def deed() -> int:
            await hide(room, "", through)
            await room.tell(Clear(through=through, by=actor.name), "mod", weight=Weight.URGENT)
            await room.tell_audit(entry)
            return through

        return int(await room.happen(changes, deed))

    # --- roles

    async def role(
        self, room: Room, actor: Member, user: str, role: ChannelRole, until: float | None = None
    ) -> None:
        """Give VIP or subscriber (managers), manager (broadcasters), or take a role away by `viewer`."""
        target = Target(room, user)
        if not target.user.startswith("madang.u."):
            raise refusals.not_found()
        if until is not None and not 0 < until - room.yard.clock.wall() <= ROLE_S_MAX:
            raise refusals.invalid("until")
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
        async with room.rewriting:
            return await self._set(room, actor, changed(room.settings, change), "settings")

    async def preset(self, room: Room, actor: Member, preset: str) -> RoomSettings:
        demand(actor, "settings", room)
        if preset not in PRESETS:
            raise refusals.invalid("preset")
        async with room.rewriting:
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
        async with room.rewriting:
            pins = (made, *(pin for pin in room.pins if pin.id != found.id))
            await self._set_pins(room, actor, "pin", pins, found)

    async def unpin(self, room: Room, actor: Member, message: str) -> None:
        demand(actor, "pin", room)
        async with room.rewriting:
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

        seen = about.id in room.view

        async def deed() -> None:
            gone = about.id if seen and about.id not in room.view else ""  # deleted meanwhile
            await room.set_pins(tuple(pin for pin in lasting(room, pins) if pin.id != gone))
            await room.tell_audit(entry)

        await room.happen([room.row(room.settings, pins[:5]), *room.audit(entry)], deed)


async def refresh(room: Room, member: Member) -> None:
    """A role changed somewhere: act on live connections, tell them and everybody."""
    room.members.refresh(member, room.yard.clock.wall())
    if not member.untold:
        return
    member.untold = False
    try:
        await room.tell_you(member)
        changed_role = RoleChanged(
            user=member.user, role=member.role.value, badges=member.badges, name=member.name
        )
        await room.tell(changed_role, "mod")
    except BaseException:
        member.untold = True
        raise
