"""May this viewer watch? Public channels from a table, private ones by session or by a channel-bound JWT."""

from typing import Any

from madang.base.errors import Refused
from madang.base.ids import encode_id
from madang.base.limits import TOKEN_BYTES
from madang.base.roles import Visibility
from madang.base.secret import Secret
from madang.control.accounts import Accounts
from madang.control.clerk import Clerk
from madang.control.records import Channel
from madang.control.rights import may_watch
from madang.hub.gate import PlayGrant, PlayRequest

_AUDIENCE = "madang-play"
_ALGORITHM = "HS256"
_LEEWAY_S = 60.0


class ViewGate:
    """Implements `hub.gate.PlayGate`. Grants of private channels name a session or a token, and are asked
    about again every second by whoever holds a connection."""

    def __init__(self, clerk: Clerk, accounts: Accounts) -> None:
        self._clerk = clerk
        self._accounts = accounts
        self._open: dict[str, PlayGrant | None] = {}
        clerk.after_change.append(self._open.clear)

    def peek(self, name: str) -> PlayGrant | None:
        """The grant that everybody has; remembered per name until something changes."""
        try:
            return self._open[name]
        except KeyError:
            channel = self._clerk.directory.channel_by_name(name)
            if channel is None:
                return None
            private = channel.visibility is Visibility.PRIVATE
            grant = None if private else PlayGrant(channel=channel.id, name=channel.slug)
            self._open[name] = grant
            return grant

    async def admit(self, request: PlayRequest) -> PlayGrant:
        """Decide; one refusal for what is private and what does not exist."""
        grant = self.peek(request.name)
        channel = self._clerk.directory.channel_by_name(request.name)
        if grant is None and channel is not None:
            grant = self._by_token(channel, request.token.reveal()) or await self._by_session(
                channel, request
            )
        if grant is None:
            raise Refused("not_found", f"{request.name} may not be watched", "There is no such channel.")
        return grant

    async def opens(self, name: str, token: Secret, peer: str) -> bool:
        """Whether a play token opens this channel, by its slug."""
        try:
            await self.admit(PlayRequest(door="api", name=name, peer=peer, token=token))
        except Refused:
            return False
        return True

    async def _by_session(self, channel: Channel, request: PlayRequest) -> PlayGrant | None:
        actor = await self._accounts.authenticate(request.session, request.peer)
        if actor is None:
            return None
        if not may_watch(actor, self._clerk.directory.role(actor.account, channel.id), channel):
            return None
        subject = f"session {actor.session} {actor.account}"
        return PlayGrant(channel=channel.id, name=channel.slug, private=True, subject=subject)

    def _by_token(self, channel: Channel, token: str) -> PlayGrant | None:
        claims = self._claims(token)
        if claims is None or claims["ch"] != channel.id:
            return None
        if claims["iat"] <= channel.play_tokens_from:
            return None
        return PlayGrant(
            channel=channel.id,
            name=channel.slug,
            private=True,
            subject=f"token {claims['iat']}",
            expires_at=float(claims["exp"]),
        )

    def _claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that is ours, for playing, and not over (A27)."""
        if not token or len(token) > TOKEN_BYTES:
            return None
        import jwt  # only private channels need it

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._clerk.vault.key("play token"),
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["exp", "iat", "aud", "ch"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        now = self._clerk.clock.wall()
        times = claims["exp"], claims["iat"]
        if not all(isinstance(at, int | float) and not isinstance(at, bool) for at in times):
            return None
        over = claims["exp"] <= now or claims["iat"] > now + _LEEWAY_S
        return None if over or not isinstance(claims["ch"], str) else claims

    def mint(self, channel: Channel, expires_in_s: int, subject: str) -> tuple[str, float]:
        """A token that lets its bearer watch one channel, and when it ends."""
        import jwt

        now = self._clerk.clock.wall()
        expires_at = now + expires_in_s
        claims = {
            "aud": _AUDIENCE,
            "ch": channel.id,
            "sub": subject or "viewer",
            "iat": now,
            "exp": expires_at,
            "jti": encode_id(self._clerk.entropy(10)),
        }
        return jwt.encode(claims, self._clerk.vault.key("play token"), _ALGORITHM), expires_at

    async def lets_in(self, name: str, peer: str, token: Secret, session: Secret) -> bool:
        """Whether a page of this channel may be shown to whoever has these."""
        request = PlayRequest(door="embed", name=name, peer=peer, token=token, session=session)
        try:
            await self.admit(request)
        except Refused:
            return False
        return True

    def holds(self, grant: PlayGrant) -> bool:
        """Whether a grant still holds: visibility, role, session, expiry, as this process knows them."""
        channel = self._clerk.directory.channel(grant.channel)
        if channel is None:
            return False
        if channel.visibility is not Visibility.PRIVATE:
            return True
        if not grant.private:
            return False
        kind, _, rest = grant.subject.partition(" ")
        if kind == "token":
            alive = self._clerk.clock.wall() < grant.expires_at
            return alive and float(rest) > channel.play_tokens_from
        session, _, holder = rest.partition(" ")
        account = self._clerk.directory.account(holder)
        if account is None or account.disabled or not self._accounts.holds(session):
            return False
        role = self._clerk.directory.role(account.id, channel.id)
        return account.role.value == "admin" or role.value != "guest"
