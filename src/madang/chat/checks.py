"""May this be said here now? The modes of a room, each with its refusal and what remains of it."""

from madang.base.limits import CHAT_MESSAGE_BYTES
from madang.base.roles import ChannelRole
from madang.chat import refusals, rights, texts
from madang.chat.members import Member
from madang.chat.room import SAME_S, Room

_FOLLOW_KNOWN_S = 60.0


def check_silence(room: Room, member: Member, address: str) -> None:
    """Bans, timeouts, and who may not write here at all; `address` is a digest."""
    ban = room.ban_of(member.user)
    if ban is not None:
        if ban.until is None:
            raise refusals.banned()
        raise refusals.timed_out((ban.until - room.yard.now_ms()) / 1000)
    if member.is_gone:
        raise refusals.sign_in()
    if room.is_address_banned(address) and not rights.moderates(member.role):
        raise refusals.banned()
    settings = room.settings
    if member.is_guest and not (settings.guests and room.yard.settings.guests):
        raise refusals.guests_off()
    if rights.is_frozen(member.role, settings.frozen):
        raise refusals.frozen()


def check_text(room: Room, raw: object) -> str:
    """The text as it will be shown."""
    if not isinstance(raw, str):
        raise refusals.invalid("text")
    most = room.settings.letters
    if len(raw) > CHAT_MESSAGE_BYTES:
        raise refusals.too_long(most)
    try:
        long = len(raw.encode())
    except UnicodeEncodeError as error:
        raise refusals.invalid("text") from error
    if long > CHAT_MESSAGE_BYTES:
        raise refusals.too_long(most)
    text = texts.clean_message(raw)
    if not text:
        raise refusals.invalid("text")
    if texts.graphemes(text) > most:
        raise refusals.too_long(most)
    return text


async def check_modes(room: Room, member: Member, text: str, now: float) -> None:
    """The room's modes; managers are exempt from all, VIPs from slow mode. `now` is monotonic seconds."""
    if rights.moderates(member.role):
        return
    await check_kinds(room, member, text, now)
    left_s = room.settings.slow_s - (now - member.accepted_at)
    if left_s > 0 and not member.role.at_least(ChannelRole.VIP):
        raise refusals.slow_mode(left_s)
    _check_repetition(room, member, text, now)


async def check_kinds(room: Room, member: Member, text: str, now: float) -> None:
    """Whose texts, and which, the room takes at all: asked of edits too."""
    if rights.moderates(member.role):
        return
    settings = room.settings
    if settings.subscribers_only and not member.role.at_least(ChannelRole.SUBSCRIBER):
        raise refusals.subscribers_only()
    if settings.followers_min is not None and not member.role.at_least(ChannelRole.SUBSCRIBER):
        await _check_follow(room, member, settings.followers_min, now)
    if settings.emoji_only and not texts.is_emoji(text):
        raise refusals.emoji_only()
    if not settings.links and texts.has_link(text):
        raise refusals.links_off()


async def _check_follow(room: Room, member: Member, minutes: int, now: float) -> None:
    if member.account and member.followed_at is None and now - member.follows_known_at > _FOLLOW_KNOWN_S:
        member.followed_at = await room.yard.identity.followed_at(member.account, room.channel)
        member.follows_known_at = now
    if member.followed_at is None:
        raise refusals.followers_only(None)
    left_s = member.followed_at + minutes * 60 - room.yard.clock.wall()
    if left_s > 0:
        raise refusals.followers_only(left_s)


def _check_repetition(room: Room, member: Member, text: str, now: float) -> None:
    for said, at in member.last:
        if now - at < SAME_S and texts.likeness(said) == texts.likeness(text):
            raise refusals.duplicate(at + SAME_S - now)
    if room.settings.unique:
        check_unique(room, text, now)


def check_unique(room: Room, text: str, now: float) -> None:
    """Nobody said the same a moment ago."""
    at = room.said.get(texts.likeness(text), float("-inf"))
    if now - at < SAME_S:
        raise refusals.unique(at + SAME_S - now)
