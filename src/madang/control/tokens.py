"""API tokens: an account's rights, narrowed by scopes."""

from collections.abc import Sequence

import msgspec

from madang.base.ids import encode_id
from madang.base.limits import TOKEN_BYTES, TOKENS_PER_ACCOUNT
from madang.base.secret import Secret
from madang.control.clerk import Clerk
from madang.control.errors import Conflict, Invalid, NotFound
from madang.control.names import clean_text
from madang.control.records import Page, Token
from madang.control.rights import Actor, Scope

PREFIX = "mdg_"
"""Tokens begin so that scanners of leaked secrets can find them."""
_TOKEN_BYTES = 32
_USED_EVERY_S = 60.0


class TokenMade(msgspec.Struct, frozen=True):
    """A token together with its value, which is told once."""

    token: Token
    value: str


class Tokens:
    """Found by the HMAC of their value; those seen lately are kept in memory until something changes."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._cache: dict[str, Token] = {}
        self._forgotten = 0
        """How often: what was looked up before the last time may be revoked."""
        clerk.after_change.append(self._forget)

    def _forget(self) -> None:
        self._forgotten += 1
        self._cache.clear()

    async def list(self, actor: Actor) -> Page[Token]:
        """The newest first."""
        async with self._clerk.store.read() as work:
            return await work.tokens.page(None, TOKENS_PER_ACCOUNT, account=actor.account)

    async def create(
        self, actor: Actor, name: str, scopes: Sequence[str], expires_in_s: int | None
    ) -> TokenMade:
        """A token of the signed-in account."""
        unknown = sorted(set(scopes) - {scope.value for scope in Scope})
        if unknown:
            raise Invalid("no_such_scope", "There is no such scope.", "scopes")
        now = self._clerk.clock.wall()
        value = PREFIX + encode_id(self._clerk.entropy(_TOKEN_BYTES))
        token = Token(
            id=self._clerk.new_id(),
            account=actor.account,
            name=clean_text(name, 80) or "token",
            mask=value[: len(PREFIX) + 4] + "…",
            digest=self._clerk.vault.digest("api token", value),
            scopes=sorted(set(scopes)),
            created_at=now,
            expires_at=now + expires_in_s if expires_in_s is not None else None,
        )
        async with self._clerk.change() as work:
            if len(await work.tokens.find(account=actor.account)) >= TOKENS_PER_ACCOUNT:
                raise Conflict("too_many_tokens", f"An account has at most {TOKENS_PER_ACCOUNT} tokens.")
            await work.tokens.add(token)
            note = {"token": token.id, "scopes": " ".join(token.scopes)}
            await self._clerk.note(work, "token.created", actor, None, **note)
        return TokenMade(token, value)

    async def revoke(self, actor: Actor, token: str) -> None:
        async with self._clerk.change() as work:
            if not await work.tokens.delete(id=token, account=actor.account):
                raise NotFound("token")
            await self._clerk.note(work, "token.revoked", actor, None, token=token)

    async def authenticate(self, bearer: Secret, peer: str) -> Actor | None:
        """Who this token acts for; None when it is unknown, expired, or its account may not sign in."""
        value = bearer.reveal()
        if not value.startswith(PREFIX) or len(value) > TOKEN_BYTES:
            return None
        digest = self._clerk.vault.digest("api token", value)
        token = self._cache.get(digest) or await self._find(digest)
        now = self._clerk.clock.wall()
        if token is None or (token.expires_at is not None and token.expires_at <= now):
            return None
        account = self._clerk.directory.account(token.account)
        if account is None or account.disabled:
            return None
        if now - (token.last_used_at or 0) > _USED_EVERY_S:
            await self._used(token, now)
        return Actor(
            account=account.id,
            name=account.name,
            role=account.role,
            token=token.id,
            scopes=frozenset(token.scopes),
            peer=peer,
        )

    async def _find(self, digest: str) -> Token | None:
        looked = -1
        while looked != self._forgotten:
            looked = self._forgotten
            async with self._clerk.store.read() as work:
                found = await work.tokens.find(digest=digest)
        if found:
            self._cache[digest] = found[0]
        return found[0] if found else None

    async def _used(self, token: Token, now: float) -> None:
        async with self._clerk.store.write() as work:
            await work.tokens.note(token.id, last_used_at=now)
        if token.digest in self._cache:
            self._cache[token.digest] = msgspec.structs.replace(token, last_used_at=now)
