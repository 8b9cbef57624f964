"""Who is in a room: names that cannot be mistaken for another's, roles, and what each did last."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec

from madang.base.limits import CHAT_REMEMBERED
from madang.base.roles import ChannelRole
from madang.base.texts import clean_text, looks
from madang.chat import refusals, rights
from madang.chat.ports import Identity, Standing, TextFilter
from madang.chat.words import Author
from madang.realtime.gate import Caller
from madang.realtime.ports import ReplyError

GUEST: Final = "madang.g."
ACCOUNT: Final = "madang.u."
NICK_LETTERS: Final = 20
COLORS: Final = 16
_CLAIM_BYTES: Final = 8192
_OFFICIAL: Final = (
    *("admin", "administrator", "moderator", "mod", "manager", "system", "madang", "owner", "broadcaster"),
    *("staff", "official", "support", "bot"),
    *("관리자", "운영자", "매니저", "방장", "스트리머", "시스템", "마당", "운영진", "공식"),
)
_RESERVED: Final = frozenset(looks(name) for name in _OFFICIAL)


class ClaimedRole(msgspec.Struct, frozen=True):
    role: ChannelRole
    until: float | None = None


class Claim(msgspec.Struct, frozen=True):
    """The `madang` claim of a foreign token."""

    name: str = ""
    avatar: str = ""
    followed_at: float | None = None
    roles: dict[str, ClaimedRole] = {}


_read_claim = msgspec.json.Decoder(Claim).decode


class Member:
    """Somebody in one room; remembered for a while after leaving: nothing is escaped by coming back."""

    __slots__ = (
        "accepted_at", "account", "admin", "avatar", "calls", "clients", "color", "followed_at",
        "follows_known_at",
        "last", "looks", "name", "newcomer", "peers", "role", "sent", "until", "untold", "user",
    )  # fmt: skip

    def __init__(self, user: str, name: str) -> None:
        self.user = user
        self.name = name
        self.looks = looks(name)
        self.account = user.removeprefix(ACCOUNT) if user.startswith(ACCOUNT) else ""
        self.avatar = ""
        self.admin = False
        self.role = ChannelRole.GUEST
        self.until: float | None = None
        """Seconds since 1970-01-01 UTC at which the role ends."""
        self.untold = False
        """The role is another one than those who are connected were told."""
        self.color = sum(user.encode()) % COLORS
        self.followed_at: float | None = None
        self.follows_known_at = float("-inf")
        """Monotonic seconds at which `followed_at` was asked for."""
        self.clients: set[str] = set()
        self.peers: tuple[str, ...] = ()
        """The last addresses, for bans of addresses; never shown."""
        self.newcomer: bool | None = None
        """Has not written here before; None until the log was asked."""
        self.accepted_at = float("-inf")
        """Monotonic seconds of the last accepted message: slow mode counts from here."""
        self.last: deque[tuple[str, float]] = deque(maxlen=3)
        """The last texts, and when they were said."""
        self.sent: deque[float] = deque()
        self.calls: deque[float] = deque()

    @property
    def is_guest(self) -> bool:
        return self.user.startswith(GUEST)

    @property
    def is_gone(self) -> bool:
        """An account that was deleted or disabled meanwhile."""
        return bool(self.account) and self.role is ChannelRole.GUEST

    @property
    def badges(self) -> tuple[str, ...]:
        return rights.badges(self.role, admin=self.admin)

    def author(self) -> Author:
        """A snapshot for a message."""
        return Author(
            id=self.user,
            name=self.name,
            role=self.role.value,
            badges=self.badges,
            color=self.color,
            avatar=self.avatar,
        )


class Members:
    """The people of one room by user and by what their names look like."""

    def __init__(self, channel: str, identity: Identity, judge: TextFilter) -> None:
        self._channel = channel
        self._identity = identity
        self._judge = judge
        self._people: OrderedDict[str, Member] = OrderedDict()
        self._names: dict[str, str] = {}
        self.said: dict[str, list[tuple[str, float]]] = {}
        """What people said before the room was opened here, and when (monotonic seconds), by user: slow mode
        and rates go on for those who come."""
        self.present = 0
        """People with a connection."""
        self.joined = 0
        self.left = 0
        """People who came and went, since somebody last looked."""

    def __iter__(self) -> Iterator[Member]:
        return iter(self._people.values())

    def get(self, user: str) -> Member | None:
        return self._people.get(user)

    def named(self, name: str) -> Member | None:
        """By user id, or by the name as it is shown."""
        text = name.removeprefix("@")
        return self._people.get(text) or self._people.get(self._names.get(looks(text), ""))

    def enter(self, caller: Caller, now: float, nick: str = "") -> Member:
        """Somebody connected, or connected once more. `now` is wall seconds; a bad nickname is replaced."""
        member = self._people.get(caller.user)
        if member is None:
            member = self._new(caller.user)
            self._name(member, self._first_name(member, caller, nick))
            self._forget()
        elif nick and member.is_guest and nick != member.name:
            self._name(member, self.free_nick(nick, member) or member.name)
        self._people.move_to_end(caller.user)
        first = not member.clients
        if first:
            self.present += 1
            self.joined += 1
        member.clients.add(caller.client)
        if caller.peer and caller.peer not in member.peers:
            member.peers = (*member.peers[-3:], caller.peer)
        self.refresh(member, now, caller)
        member.untold = member.untold and not first  # the snapshot says it
        return member

    def absent(self, account: str, now: float) -> Member:
        """An account that is not connected here and acts all the same, by REST."""
        user = ACCOUNT + account
        member = self._people.get(user)
        if member is None:
            person = self._identity.person(account)
            member = self._new(user)
            self._name(member, person.display_name if person else "?")
            self._forget()
        self.refresh(member, now)
        member.untold = member.untold and bool(member.clients)
        return member

    def _new(self, user: str) -> Member:
        member = self._people[user] = Member(user, "")
        for text, at in self.said.pop(user, ()):
            member.accepted_at = at
            member.last.append((text, at))
            member.sent.append(at)
        return member

    def leave(self, caller: Caller) -> None:
        member = self._people.get(caller.user)
        if member is None or caller.client not in member.clients:
            return
        member.clients.discard(caller.client)
        if not member.clients:
            self.present -= 1
            self.left += 1

    def refresh(self, member: Member, now: float, caller: Caller | None = None) -> None:
        """Read name and role anew; a role that is another one now is yet to be told."""
        before = member.role, member.until
        if member.account:
            self._refresh_account(member)
        elif caller is not None and not member.is_guest:
            self._refresh_foreign(member, caller, now)
        elif not member.is_guest and member.until is not None and member.until <= now:
            member.role, member.until = ChannelRole.VIEWER, None
        if before != (member.role, member.until):
            member.untold = True

    def _refresh_account(self, member: Member) -> None:
        person = self._identity.person(member.account)
        if person is None:
            member.role, member.until, member.admin = ChannelRole.GUEST, None, False
            return
        if person.display_name != member.name:
            self._name(member, person.display_name)
        member.avatar, member.admin = person.avatar, person.is_admin
        standing = self._identity.standing(member.account, self._channel)
        member.role, member.until = standing.role, standing.until

    def _refresh_foreign(self, member: Member, caller: Caller, now: float) -> None:
        claim = _claim_of(caller)
        held = _held(claim, self._channel, now)
        member.role, member.until = ChannelRole.VIEWER, None
        if held is not None:
            member.role, member.until = held.role, held.until
        member.followed_at = claim.followed_at
        if claim.avatar.startswith("https://"):
            member.avatar = claim.avatar[:500]

    def standing(self, member: Member) -> Standing:
        return Standing(member.role, member.until)

    # --- names

    def _first_name(self, member: Member, caller: Caller, nick: str) -> str:
        if member.account:
            person = self._identity.person(member.account)
            return person.display_name if person else "?"
        if member.is_guest:
            return self.free_nick(nick or _claim_of(caller).name, member) or self._numbered("guest", member)
        name = clean_text(_claim_of(caller).name, NICK_LETTERS) or "user"
        return name if self._is_free(looks(name), member) else self._numbered(name, member)

    def free_nick(self, nick: str, member: Member) -> str:
        """The nickname as it would be shown; empty when it may not be had."""
        try:
            return self.check_nick(nick, member)
        except ReplyError:
            return ""

    def check_nick(self, nick: str, member: Member) -> str:
        """The nickname as it would be shown. Raises the refusal."""
        name = clean_text(nick, NICK_LETTERS)
        seen = looks(name)
        if not seen or name.startswith("/") or not self._judge.judge(self._channel, name).passes:
            raise refusals.name_invalid()
        if not self._is_free(seen, member):
            raise refusals.name_taken()
        return name

    def _is_free(self, seen: str, member: Member) -> bool:
        holder = self._names.get(seen, member.user)
        return holder == member.user and seen not in _RESERVED and not self._identity.is_taken(seen)

    def _numbered(self, name: str, member: Member) -> str:
        number = int.from_bytes(sha256(member.user.encode()).digest()[:8], "big")
        for digits in (4, 5, 6, 8, 19):
            tried = f"{name}-{number % 10**digits:0{digits}d}"
            if self._is_free(looks(tried), member):
                return tried
        return f"{name}-{number:x}"

    def rename(self, member: Member, name: str) -> None:
        self._name(member, name)

    def _name(self, member: Member, name: str) -> None:
        if self._names.get(member.looks) == member.user:
            del self._names[member.looks]
        member.name, member.looks = name, looks(name)
        self._names[member.looks] = member.user

    def _forget(self) -> None:
        """The longest absent go first; those who are here stay."""
        while len(self._people) - self.present > CHAT_REMEMBERED:
            gone = next((one for one in self._people.values() if not one.clients), None)
            if gone is None:
                return
            del self._people[gone.user]
            if self._names.get(gone.looks) == gone.user:
                del self._names[gone.looks]


def claimed_role(caller: Caller, channel: str, now: float) -> ChannelRole:
    """The role that a foreign token gives in a room; `now` is wall seconds."""
    held = _held(_claim_of(caller), channel, now)
    return held.role if held is not None else ChannelRole.VIEWER


def _held(claim: Claim, channel: str, now: float) -> ClaimedRole | None:
    held = claim.roles.get(channel) or claim.roles.get("*")
    if held is None or (held.until is not None and held.until <= now):
        return None
    return ClaimedRole(ChannelRole.BROADCASTER, held.until) if held.role is ChannelRole.OWNER else held


def _claim_of(caller: Caller) -> Claim:
    if not caller.claim or len(caller.claim) > _CLAIM_BYTES:
        return Claim()
    try:
        return _read_claim(caller.claim)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return Claim()
