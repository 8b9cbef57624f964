"""The way of one message: looked at, written down, shown; or held, or shown to its author alone."""

from collections.abc import Callable
from typing import Any

import msgspec

from madang.base.limits import CHAT_HELD
from madang.chat import checks, refusals, rights, rows, texts
from madang.chat.counters import ChatCounters
from madang.chat.filter.verdict import Action, Verdict
from madang.chat.kept import unquote
from madang.chat.members import Member
from madang.chat.moderation import Moderation
from madang.chat.ports import Change, Fenced, Query
from madang.chat.rates import Rates
from madang.chat.room import Room
from madang.chat.rows import message_of
from madang.chat.targets import demand
from madang.chat.view import unquoted
from madang.chat.words import Edit, Found, HeldState, Message, Pin, Reply, Resolved, Shadow, Waiting
from madang.realtime.ports import INTERNAL, ReplyError
from madang.realtime.publication import Weight

NONCE_LETTERS = 64
QUOTE_LETTERS = 100
COLORS = ("primary", "blue", "green", "orange", "purple")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to say."""

    text: str
    nonce: str = ""
    reply_to: str = ""
    action: bool = False


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to whoever sent. `state` is `sent` or `held`."""

    id: str
    seq: int
    at: int
    state: str


class Sending:
    """Accepts messages for the rooms of a server."""

    def __init__(self, rates: Rates, moderation: Moderation, counters: ChatCounters) -> None:
        self.rates = rates
        self.counters = counters
        self._moderation = moderation
        self.on_said: Callable[[str, Message], None] = lambda channel, message: None
        """Hears of each message of a person that the room was shown: effects."""

    async def send(self, room: Room, member: Member, peer: str, draft: Draft) -> Sent:
        """Say something. Raises a refusal, or error 100 when nothing was accepted."""
        try:
            return await self._send(room, member, peer, draft)
        except ReplyError as error:
            if error.temporary:
                self.counters.messages_failed += 1
            else:
                self.counters.messages_refused += 1
            raise

    async def _send(self, room: Room, member: Member, peer: str, draft: Draft) -> Sent:
        if len(draft.nonce) > NONCE_LETTERS:
            raise refusals.invalid("nonce")
        known = room.nonces.get((member.user, draft.nonce)) if draft.nonce else None
        if known is not None:
            return await self._again(room, (member.user, draft.nonce), known)
        now = room.yard.clock.monotonic()
        self.rates.admit_message(member, peer, now)
        checks.check_silence(room, member, self._moderation.digest(peer) if room.bans else "")
        text = checks.check_text(room, draft.text)
        await checks.check_modes(room, member, text, now)
        verdict = await self._judged(room, member, text)
        reason = await self._hold_reason(room, member, verdict)
        known = room.nonces.get((member.user, draft.nonce)) if draft.nonce else None
        if known is not None:  # it came twice, and the other one had to wait for less
            return await self._again(room, (member.user, draft.nonce), known)
        checks.check_silence(room, member, self._moderation.digest(peer) if room.bans else "")
        reply = self._reply(room, draft.reply_to)
        message = self._message(room, member, verdict.text, reply, "action" if draft.action else "message")
        if room.is_shadowed(member.user):
            return await self._shadowed(room, member, message, draft.nonce)
        if reason:
            return await self._hold(room, message, draft.nonce, reason, verdict)
        return await self._say(room, member, message, draft.nonce, text)

    async def _again(self, room: Room, key: tuple[str, str], known: tuple[str, int, int, str]) -> Sent:
        """The same nonce once more: published again, which does nothing where it was, and answered the same.

        It waits behind the first one in the log, and fails if that did."""
        name, seq, at, state = known

        async def deed() -> None:
            if room.nonces.get(key) != known:
                raise INTERNAL
            message = room.view.get(name)
            if message is not None and state == "sent":
                await room.appear(message)

        await room.happen([], deed)
        return Sent(id=name, seq=seq, at=at, state=state)

    async def _judged(self, room: Room, member: Member, text: str) -> Verdict:
        """What the word filter makes of it; managers' words are their own."""
        if rights.moderates(member.role):
            return Verdict(text=text)
        verdict = room.yard.judge.judge(room.channel, text)
        if verdict.action is Action.REFUSE:
            raise refusals.filtered()
        if verdict.action is Action.TIMEOUT:
            await self._moderation.ban(
                room, None, member.user, duration_s=max(1, verdict.timeout_s), reason="filter"
            )
            raise refusals.filtered(max(1, verdict.timeout_s))
        return verdict

    def _reply(self, room: Room, name: str) -> Reply | None:
        """The answered message, quoted as it is now; one that is gone is not quoted."""
        found = room.view.get(name) if name else None
        if found is None:
            return None
        quoted = found.text[:QUOTE_LETTERS]
        return Reply(id=found.id, user=found.user.id, name=found.user.name, text=quoted)

    def _message(self, room: Room, member: Member, text: str, reply: Reply | None, kind: str) -> Message:
        return Message(
            id=room.yard.new_id(),
            seq=0,
            at=room.yard.now_ms(),
            kind=kind,
            user=member.author(),
            text=text,
            mentions=mentions_of(room, text),
            reply=reply,
        )

    async def _say(self, room: Room, member: Member, message: Message, nonce: str, typed: str) -> Sent:
        """`typed` is what they wrote, before the filter masked some of it: it may not be said again."""
        now = room.yard.clock.monotonic()
        before = member.accepted_at, member.newcomer
        member.accepted_at, member.newcomer = now, False
        member.last.append((typed, now))
        if room.settings.unique:
            room.heard(texts.likeness(typed), now)
        message = msgspec.structs.replace(message, seq=room.next_seq())
        answer = (message.id, message.seq, message.at, "sent")
        room.remember(member.user, nonce, answer)
        kept_for = frozenset((message.user.id, *message.mentions, *_answered(message)))
        committed = False

        async def deed() -> None:
            nonlocal committed
            committed = True
            gone = message.reply is not None and message.reply.id not in room.view  # deleted meanwhile
            await room.appear(unquoted(message) if gone else message, kept_for)

        try:
            await room.happen([rows.put_message(room.channel, message, nonce)], deed)
        except ReplyError:
            if not committed:  # else it is in the log: the same nonce once more only tells it
                if room.said.get(texts.likeness(typed)) == now:
                    del room.said[texts.likeness(typed)]
                member.accepted_at, member.newcomer = before
                if member.last and member.last[-1] == (typed, now):
                    member.last.pop()
                room.nonces.pop((member.user, nonce), None)
            raise
        self.counters.messages += 1
        self.on_said(room.channel, message)
        return Sent(id=message.id, seq=message.seq, at=message.at, state="sent")

    # --- announcements and what is said by the house

    async def announce(self, room: Room, member: Member, text: str, color: str = "primary") -> Sent:
        """An announcement: a message that stands out and is never left out."""
        demand(member, "announce", room)
        if color not in COLORS:
            raise refusals.invalid("color")
        checked = checks.check_text(room, text)
        made = self._message(room, member, checked, None, "announcement")
        return await self._say(room, member, msgspec.structs.replace(made, color=color), "", checked)

    async def post(self, room: Room, message: Message, *more: Any) -> Sent:
        """A message made elsewhere (paid, system) takes its place; `more` are changes of the same commit."""
        placed = msgspec.structs.replace(message, seq=room.next_seq())

        async def deed() -> None:
            await room.appear(placed, frozenset((placed.user.id,)))

        await room.happen([rows.put_message(room.channel, placed, ""), *more], deed)
        return Sent(id=placed.id, seq=placed.seq, at=placed.at, state="sent")

    # --- edits

    async def edit(self, room: Room, member: Member, name: str, text: str, peer: str = "") -> int:
        """Another text for one's own message, for some minutes; looked at like a new one."""
        self.rates.admit_call(member, room.yard.clock.monotonic())
        checks.check_silence(room, member, self._moderation.digest(peer) if room.bans else "")
        message = self._editable(room, member, name)
        shown = await self._retyped(room, member, message, text)
        edited_at = room.yard.now_ms()

        def edited(message: Message) -> Message:
            mentions = mentions_of(room, shown)
            return msgspec.structs.replace(message, text=shown, mentions=mentions, edited_at=edited_at)

        def pins() -> tuple[Pin, ...]:
            return tuple(
                msgspec.structs.replace(pin, message=edited(pin.message)) if pin.id == name else pin
                for pin in room.pins
            )

        async def deed() -> int:
            current = room.view.get(name)
            if current is None:
                raise refusals.conflict("deleted")
            now = edited(current)
            await room.become(now)
            event = Edit(id=name, text=shown, mentions=now.mentions, edited_at=edited_at)
            room.view.edited(name, await room.tell(event, "msg", weight=Weight.KEPT))
            if pins() != room.pins:
                await room.set_pins(pins())
            return edited_at

        changes: list[Change] = [rows.set_text(room.channel, edited(message))]
        if pins() == room.pins:
            return int(await room.happen(changes, deed))
        async with room.rewriting:
            return int(await room.happen([*changes, room.row(room.settings, pins())], deed))

    def _editable(self, room: Room, member: Member, name: str) -> Message:
        """One's own message of the last minutes. Whoever is shadowed changes nothing that others see, and is
        not told why."""
        message = room.view.get(name)
        if message is None or message.user.id != member.user or message.kind == "paid":
            raise refusals.not_found()
        old = room.yard.now_ms() - message.at > room.yard.settings.edit_s * 1000
        if old or room.is_shadowed(member.user):
            raise refusals.conflict("too_old")
        return message

    async def _retyped(self, room: Room, member: Member, message: Message, text: str) -> str:
        """Another text as it will be shown; the room's modes ask of it what they ask of a new one."""
        now = room.yard.clock.monotonic()
        checked = checks.check_text(room, text)
        await checks.check_kinds(room, member, checked, now)
        verdict = await self._judged(room, member, checked)
        if verdict.action is Action.HOLD:
            raise refusals.filtered()
        if rights.moderates(member.role):
            return verdict.text
        if room.settings.hold == "all":
            raise refusals.conflict("held")
        if room.settings.unique and texts.likeness(checked) != texts.likeness(message.text):
            checks.check_unique(room, checked, now)
            room.heard(texts.likeness(checked), now)
        return verdict.text

    # --- what is held

    async def _hold_reason(self, room: Room, member: Member, verdict: Verdict) -> str:
        if rights.moderates(member.role):
            return ""
        hold = room.settings.hold
        if hold == "all":
            return "all"
        if hold != "none" and verdict.action is Action.HOLD:
            return "filter"
        if hold == "newcomers" and await self._is_new(room, member):
            return "newcomer"
        return ""

    async def _is_new(self, room: Room, member: Member) -> bool:
        if member.newcomer is None:
            where = {"channel": room.channel, "user_id": member.user}
            query = Query(table="chat_messages", where=where, order="seq", limit=1)
            member.newcomer = not await room.yard.pump.log.find(query)
        return member.newcomer

    async def _hold(self, room: Room, message: Message, nonce: str, reason: str, verdict: Verdict) -> Sent:
        if room.held >= CHAT_HELD:
            raise refusals.rate(60)
        waiting = msgspec.structs.replace(message, held=True)
        room.remember(message.user.id, nonce, (message.id, 0, message.at, "held"))
        hits = tuple(Found(start=hit.start, end=hit.end, term=hit.term) for hit in verdict.hits)
        committed = False

        async def deed() -> None:
            nonlocal committed
            committed = True
            room.held += 1
            told = Waiting(channel=room.channel, message=waiting)
            await room.tell_user(message.user.id, told)
            await room.tell_moderators(msgspec.structs.replace(told, reason=reason, hits=hits))

        try:
            await room.happen([rows.put_held(room.channel, message, nonce, reason, "held")], deed)
        except ReplyError:
            if not committed:
                room.nonces.pop((message.user.id, nonce), None)
            raise
        self.counters.messages_held += 1
        return Sent(id=message.id, seq=0, at=message.at, state="held")

    async def resolve(self, room: Room, actor: Member, name: str, *, approve: bool) -> None:
        """Show a held message, with its own time at a new place, or deny it."""
        demand(actor, "approve", room)
        where = {"id": name, "channel": room.channel, "state": "held"}
        found = await room.yard.pump.log.find(Query(table="chat_held", where=where, limit=1))
        if not found or name in room.view:
            raise refusals.not_found()
        state = "approved" if approve else "denied"
        message = message_of(found[0])
        if approve and message.reply is not None and message.reply.id not in room.view:
            (shown,) = await unquote(room, [message])
            message = shown if isinstance(shown, Message) else message
        if approve and room.ban_of(message.user.id) is not None:
            raise refusals.conflict("banned")
        key = f"held {name}"
        if key in room.said:
            raise refusals.conflict("resolved")
        room.said[key] = float("-inf")
        entry = room.entry(
            actor, state, target=message.user.id, target_name=message.user.name, message=message.text
        )
        changes = [*rows.settle_held(name, state, actor.user), *room.audit(entry)]
        if approve:
            message = msgspec.structs.replace(message, seq=room.next_seq())
            changes.append(rows.put_message(room.channel, message, found[0]["nonce"]))
            room.remember(message.user.id, found[0]["nonce"], (message.id, message.seq, message.at, "sent"))

        async def deed() -> None:
            room.held = max(0, room.held - 1)
            if approve:
                await room.appear(message, frozenset((message.user.id,)))
                self.on_said(room.channel, message)
            await room.tell_user(message.user.id, HeldState(channel=room.channel, id=name, state=state))
            await room.tell_moderators(Resolved(id=name, state=state, by=actor.name))
            await room.tell_audit(entry)

        try:
            await room.happen(changes, deed)
        except Fenced:
            raise refusals.conflict("resolved") from None
        finally:
            room.said.pop(key, None)

    async def _shadowed(self, room: Room, member: Member, message: Message, nonce: str) -> Sent:
        """Only the author and the moderators see it; the answer is that of any message."""
        shown = msgspec.structs.replace(message, seq=room.seq + 1)
        member.accepted_at = room.yard.clock.monotonic()
        room.remember(member.user, nonce, (shown.id, shown.seq, shown.at, "sent"))
        committed = False

        async def deed() -> None:
            nonlocal committed
            committed = True
            told = Shadow(channel=room.channel, message=shown)
            await room.tell_user(member.user, told)
            await room.tell_moderators(told)

        try:
            await room.happen([rows.put_held(room.channel, shown, nonce, "shadow", "shadowed")], deed)
        except ReplyError:
            if not committed:
                room.nonces.pop((member.user, nonce), None)
            raise
        self.counters.messages_shadowed += 1
        return Sent(id=shown.id, seq=shown.seq, at=shown.at, state="sent")


def mentions_of(room: Room, text: str) -> tuple[str, ...]:
    """Users whom a text names, by the names of those who are here."""
    if "@" not in text:
        return ()
    found = (room.members.named(name.rstrip(".,!?:;")) for name in texts.mentioned(text))
    return tuple(dict.fromkeys(member.user for member in found if member is not None))


def _answered(message: Message) -> tuple[str, ...]:
    return (message.reply.user,) if message.reply else ()
