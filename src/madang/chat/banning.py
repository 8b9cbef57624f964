"""What moderators do to people: bans, timeouts, shadow bans, banned addresses.

A ban acts in memory at once, and its purge reaches up to the last message that was accepted: what is on its
way into the log when somebody is banned is hidden by the same event.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from madang.chat import refusals, rights, rows
from madang.chat.kept import hide, refill, refresh_held
from madang.chat.members import Member
from madang.chat.ports import Change, Drop, Set
from madang.chat.room import Room
from madang.chat.rows import Ban
from madang.chat.targets import Target, demand, shortened
from madang.chat.words import AuditEntry, Purge
from madang.realtime.ports import ReplyError
from madang.realtime.publication import Weight

TIMEOUT_S_MAX = 14 * 86_400


class Banning:
    """Deeds of one server; each takes the room, who does it, and to whom."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def digest(self, peer: str) -> str:
        """What an address is banned by: nobody reads it back."""
        if not peer:
            return ""
        known = ":".join(peer.split(":")[:4]) if ":" in peer else peer  # a household's IPv6 is a /64
        return hmac.new(self._secret, known.encode(), "sha256").hexdigest()[:32]

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
        whom = {"target": target.user, "target_name": target.name}
        entry = room.entry(actor, action, **whom, reason=shortened(reason), duration_s=duration_s)
        through = room.seq
        waits = {"channel": room.channel, "user_id": target.user, "state": "held"}
        changes = [
            rows.put_ban(ban),
            rows.put_cut(room.channel, target.user, through, now, ban.by),
            Set("chat_held", waits, {"state": "denied", "by": ban.by}),
            *room.audit(entry),
        ]

        async def deed() -> int | None:
            await hide(room, target.user, through)
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
            room.bans[key] = ban  # an earlier one may have been lifted meanwhile
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
        whom = {"target": target.user, "target_name": target.name}
        entry = room.entry(actor, "shadow", **whom, reason=shortened(reason))

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
            reason=shortened(reason),
            by=actor.user if actor else "",
            by_name=actor.name if actor else "",
            at=room.yard.now_ms(),
        )

    async def _told(self, room: Room, target: Target, entry: AuditEntry) -> None:
        if target.member is not None:
            await room.tell_you(target.member)
        await room.tell_audit(entry)
