"""Who comes to the realtime channels: ten-minute tokens for accounts and guests, and who may enter which
room."""

from collections import OrderedDict
from typing import Final, TypeVar

import msgspec

from madang.base.errors import Refused
from madang.base.ids import ChannelId, UserId, encode_id
from madang.base.limits import PLAY_GRANTS
from madang.base.roles import ChannelRole, Visibility
from madang.base.secret import Secret
from madang.control.accounts import Accounts
from madang.control.clerk import Clerk
from madang.control.play import ViewGate
from madang.control.records import Channel
from madang.control.rights import Actor
from madang.hub.gate import PlayGrant, PlayRequest
from madang.realtime.channel import NAMESPACE_BOUNDARY
from madang.realtime.gate import Caller, ConnectReply, ConnectRequest
from madang.realtime.ports import PERMISSION_DENIED, Disconnect
from madang.realtime.tokens import OWN_ISSUER, OWN_KEY_ID

GUEST: Final = "madang.g."
ACCOUNT: Final = "madang.u."
TICKET_S: Final = 600.0
# A guest who shows an old ticket stays the same guest for so long.
_GUEST_S: Final = 90 * 86400.0
_SEEN_SESSIONS: Final = 100_000
_ALGORITHM: Final = "HS256"
_T = TypeVar("_T")


class Ticket(msgspec.Struct, frozen=True):
    """A token for `/connection/*`, whom it names, and when it ends."""

    token: str
    user: str
    expires_at: float


class _Claim(msgspec.Struct, frozen=True):
    session: str = ""


class _Data(msgspec.Struct, frozen=True):
    """What a subscriber says: the play token of a private channel."""

    token: str = ""


class Tickets:
    """Gives out tokens; implements `realtime.gate.ConnectGate` for who brings one."""

    def __init__(self, clerk: Clerk, accounts: Accounts) -> None:
        self._clerk = clerk
        self._accounts = accounts
        self.secret = Secret(clerk.vault.key("realtime token").hex())
        self.allow_anonymous = False
        self._seen: OrderedDict[str, None] = OrderedDict()
        """Sessions that were signed in when a ticket was shown."""

    def issue(self, actor: Actor | None, guest: str = "", nick: str = "") -> Ticket:
        """A ticket for an account, or for a guest: the one whose earlier ticket is shown, or a new one."""
        if actor is not None:
            return self._mint(ACCOUNT + actor.account, {"session": actor.session or ""})
        user = self._known_guest(guest) or GUEST + encode_id(self._clerk.entropy(10))
        return self._mint(user, {"name": nick} if nick else {})

    def _mint(self, user: str, claim: dict[str, str]) -> Ticket:
        import jwt  # only the crowd needs it

        now = self._clerk.clock.wall()
        claims = {"iss": OWN_ISSUER, "sub": user, "iat": now, "exp": now + TICKET_S, "madang": claim}
        token = jwt.encode(claims, self.secret.reveal(), _ALGORITHM, headers={"kid": OWN_KEY_ID})
        return Ticket(token, user, now + TICKET_S)

    def _known_guest(self, token: str) -> str:
        """The guest of an earlier ticket, also of one that is over; empty for anything else."""
        import jwt

        if not token:
            return ""
        try:
            claims = jwt.decode(
                token,
                self.secret.reveal(),
                algorithms=[_ALGORITHM],
                options={"require": ["sub", "iat"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return ""
        user, issued = str(claims["sub"]), claims["iat"]
        fresh = isinstance(issued, int | float) and issued + _GUEST_S > self._clerk.clock.wall()
        return user if fresh and user.startswith(GUEST) else ""

    # --- ConnectGate

    async def connect(self, request: ConnectRequest) -> ConnectReply:
        """Somebody without a token."""
        if not self.allow_anonymous:
            raise Disconnect(3501, "no credentials")
        return ConnectReply(user="")

    def holds(self, caller: Caller) -> bool:
        """Whether the account is still there and its browser still signed in (A33)."""
        if caller.issuer != OWN_ISSUER or not caller.user.startswith(ACCOUNT):
            return True
        account = self._clerk.directory.account(caller.user.removeprefix(ACCOUNT))
        if account is None or account.disabled:
            return False
        session = _read(caller.claim, _Claim).session
        return not session or self._is_signed_in(session)

    def _is_signed_in(self, session: str) -> bool:
        """A session that this process has not seen since its start is believed until its ticket is over."""
        if not self._accounts.holds(session):
            return session not in self._seen
        self._seen[session] = None
        self._seen.move_to_end(session)
        if len(self._seen) > _SEEN_SESSIONS:
            self._seen.popitem(last=False)
        return True


class RoomGate:
    """Implements `realtime.gate.ChannelGate` for rooms named by a channel's id: whoever may watch may enter.

    With `least`, only members of at least this role.
    """

    def __init__(self, clerk: Clerk, play: ViewGate, least: ChannelRole | None = None) -> None:
        self._clerk = clerk
        self._play = play
        self._least = least
        self._grants: OrderedDict[tuple[str, str], PlayGrant] = OrderedDict()
        """Of those who came with a play token, by connection and room."""

    async def admit(self, caller: Caller, channel: str, data: bytes) -> None:
        """Raises ReplyError 103: what is private and what does not exist are refused alike."""
        if self.holds(caller, channel):
            return
        found = self._channel(channel)
        token = _read(data, _Data).token
        if found is None or self._least is not None or not token:
            raise PERMISSION_DENIED
        try:
            grant = await self._play.admit(
                PlayRequest(door="api", name=found.slug, peer=caller.peer, token=Secret(token))
            )
        except Refused:
            raise PERMISSION_DENIED from None
        self._grants[caller.client, channel] = grant
        if len(self._grants) > PLAY_GRANTS:
            self._grants.popitem(last=False)

    def holds(self, caller: Caller, channel: str) -> bool:
        """As the directory knows it now."""
        found = self._channel(channel)
        if found is None:
            return False
        role, admin = self._role(caller, found)
        if self._least is not None:
            return admin or role.at_least(self._least)
        if found.visibility is not Visibility.PRIVATE or admin or role is not ChannelRole.GUEST:
            return True
        grant = self._grants.get((caller.client, channel))
        return grant is not None and self._play.holds(grant)

    def _channel(self, channel: str) -> Channel | None:
        return self._clerk.directory.channel(ChannelId(channel.partition(NAMESPACE_BOUNDARY)[2]))

    def _role(self, caller: Caller, channel: Channel) -> tuple[ChannelRole, bool]:
        """Role in the channel, and whether the account is an administrator's."""
        directory = self._clerk.directory
        if caller.issuer != OWN_ISSUER or not caller.user.startswith(ACCOUNT):
            return ChannelRole.GUEST, False
        account = directory.account(caller.user.removeprefix(ACCOUNT))
        if account is None or account.disabled:
            return ChannelRole.GUEST, False
        return directory.role(UserId(account.id), channel.id), account.role.value == "admin"


def _read(data: bytes, kind: type[_T]) -> _T:
    """What JSON says, or nothing."""
    try:
        return msgspec.json.decode(data, type=kind) if data else kind()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return kind()
