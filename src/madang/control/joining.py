"""Coming and going of viewers: signing up by oneself, taking one's data along, deleting one's account."""

import base64
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from madang.base.errors import Overloaded
from madang.base.ids import UserId
from madang.base.roles import SiteRole
from madang.control.accounts import Accounts, Entry, keep_an_admin
from madang.control.attempts import Attempts
from madang.control.clerk import Clerk
from madang.control.errors import Conflict, Forbidden, TooMany
from madang.control.records import Record
from madang.control.rights import Actor

SIGN_UPS_PER_MINUTE = 5
_LOOPBACK = ("127.", "::1")
_EXPORTED = 100_000


class Newcomer(Protocol):
    """What somebody brings who signs up."""

    name: str
    display_name: str | None
    password: str


class Joining:
    """Signing up is off unless the settings allow it."""

    def __init__(self, clerk: Clerk, accounts: Accounts) -> None:
        self._clerk = clerk
        self._accounts = accounts
        self._attempts = Attempts(SIGN_UPS_PER_MINUTE)
        self.leaving: list[Callable[[UserId], Awaitable[None]]] = []
        """Awaited before an account is deleted: other rooms forget whose things theirs are."""
        self.exporting: dict[str, Callable[[UserId], Awaitable[object]]] = {}
        """What other rooms keep about an account, by the name it has in the export."""

    async def sign_up(self, body: Newcomer, peer: str, user_agent: str) -> Entry:
        """A new member, signed in."""
        self._refuse(peer)
        account = self._accounts.new(body.name, body.display_name, SiteRole.MEMBER)
        hashed = await self._accounts.passwords.hash(body.password)
        account = msgspec.structs.replace(account, password_hash=hashed)
        async with self._clerk.change() as work:
            await work.accounts.add(account)
            entry = await self._accounts.admit(work, account, peer, user_agent)
            await self._clerk.note(work, "account.signed_up", entry.actor, account=account.id)
        return entry

    def _refuse(self, peer: str) -> None:
        if not self._clerk.settings.sign_up:
            raise Forbidden("sign_up_off", "Accounts are made by invitation here.")
        if peer.startswith(_LOOPBACK):
            return
        now = self._clerk.clock.monotonic()
        wait_s = self._attempts.wait_s(peer, now)
        if wait_s > 0:
            raise TooMany("Too many new accounts from here; wait a moment.", int(wait_s) + 1)
        self._attempts.failed(peer, now)

    async def export(self, actor: Actor) -> dict[str, Any]:
        """Everything that is kept about somebody, but secrets."""
        account = self._clerk.directory.need_account(actor.account)
        async with self._clerk.store.read() as work:
            found: dict[str, Any] = {
                "account": _plain(account, "password_hash", "skeleton", "display_skeleton"),
                "sessions": [_plain(r, "digest") for r in await work.sessions.find(account=account.id)],
                "api_tokens": [_plain(r, "digest") for r in await work.tokens.find(account=account.id)],
                "roles": [_plain(r) for r in await work.members.find(account=account.id)],
                "follows": [_plain(r) for r in await work.follows.find(account=account.id)],
                "log": [
                    _plain(r) for r in (await work.happenings.page(None, _EXPORTED, actor=account.id)).items
                ],
            }
            pictures = await work.avatars.find(account=account.id)
            found["picture"] = base64.b64encode(pictures[0].content).decode() if pictures else ""
        owned = (channel for channel in self._clerk.directory.channels() if channel.owner == account.id)
        found["channels"] = [{"id": one.id, "slug": one.slug, "name": one.name} for one in owned]
        for name, ask in self.exporting.items():
            found[name] = await ask(account.id)
        return found

    async def leave(self, actor: Actor, password: str) -> None:
        """Delete one's own account, with everything that hangs on it."""
        await self._accounts.confirm(actor, password)
        await self.remove(actor, actor.account)

    async def remove(self, actor: Actor, user: str) -> None:
        """Delete an account with its sessions, tokens, roles, follows and picture; the last admin stays."""
        directory = self._clerk.directory
        account = directory.need_account(user)
        if [admin.id for admin in directory.admins()] == [account.id]:
            raise Conflict("last_admin", "This is the last admin; make another one first.")
        if any(channel.owner == account.id for channel in directory.channels()):
            raise Conflict("owns_channels", "Hand over or delete this account's channels first.")
        for forget in self.leaving:
            await forget(account.id)
        async with self._clerk.change() as work:
            await keep_an_admin(work, account)
            for rows in (work.sessions, work.tokens, work.members, work.follows, work.avatars, work.links):
                await rows.delete(account=account.id)
            await work.accounts.delete(id=account.id)
            await self._clerk.note(work, "account.deleted", actor, account=account.id, name=account.name)
        for forget in self.leaving:  # of what was said meanwhile; without a session nothing comes after it
            with contextlib.suppress(Overloaded):
                await forget(account.id)


def _plain(record: Record, *hidden: str) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(record).items() if name not in hidden}
