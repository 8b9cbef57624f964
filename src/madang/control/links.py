"""Links that let one person in once: the first admin, invited guests, and those who forgot their password."""

import base64
from typing import Protocol

import msgspec

from madang.base.limits import LOGIN_LINK_S
from madang.base.roles import ChannelRole, SiteRole
from madang.control.accounts import Accounts, Entry
from madang.control.clerk import Clerk
from madang.control.errors import Conflict, Invalid, NotFound
from madang.control.names import clean_text, skeleton
from madang.control.ports import Work
from madang.control.records import Account, Channel, Link, Member, Page
from madang.control.rights import Actor


class Use(Protocol):
    """What somebody brings who uses a link."""

    name: str | None
    display_name: str | None
    password: str


class Invite(Protocol):
    """What an invitation is to be."""

    role: SiteRole
    channel: str | None
    channel_role: ChannelRole | None
    note: str
    expires_in_s: int


class Issued(msgspec.Struct, frozen=True):
    """A link and its token, which is told once and kept nowhere."""

    link: Link
    token: str


class Links:
    """A link that was used is deleted, in the transaction that used it: single use."""

    def __init__(self, clerk: Clerk, accounts: Accounts) -> None:
        self._clerk = clerk
        self._accounts = accounts

    def issue(self, kind: str, lifetime_s: float, **details: object) -> Issued:
        """A new link, not yet written."""
        token = base64.urlsafe_b64encode(self._clerk.entropy(24)).decode()
        now = self._clerk.clock.wall()
        plain: dict[str, object] = {
            "id": self._clerk.new_id(),
            "digest": self._clerk.vault.digest("link", token),
            "kind": kind,
            "created_at": now,
            "expires_at": now + lifetime_s,
        }
        return Issued(msgspec.convert({**plain, **details}, Link), token)

    async def inspect(self, token: str) -> Link:
        """What a link is good for; it stays unused."""
        async with self._clerk.store.read() as work:
            return await self._find(work, token)

    async def _find(self, work: Work, token: str) -> Link:
        digest = self._clerk.vault.digest("link", token[:128])
        found = await work.links.find(digest=digest)
        if not found or found[0].expires_at <= self._clerk.clock.wall():
            raise NotFound("link; it was used, or has expired")
        return found[0]

    async def use(self, token: str, body: Use, peer: str, user_agent: str) -> Entry:
        """Let somebody in: a new account, or a new password for the one that the link belongs to."""
        await self.inspect(token)
        hashed = await self._accounts.passwords.hash(body.password)
        async with self._clerk.change() as work:
            link = await self._find(work, token)
            if not await work.links.delete(id=link.id):
                raise NotFound("link; it was used, or has expired")
            account = await self._account(work, link, body, hashed)
            entry = await self._accounts.admit(work, account, peer, user_agent)
            await self._enter_channel(work, link, account)
            self._clerk.counters.links_used += 1
            await self._clerk.note(work, f"link.used_{link.kind}", entry.actor, account=account.id)
        return entry

    async def _account(self, work: Work, link: Link, body: Use, hashed: str) -> Account:
        if link.account is None:
            return await self._new_account(work, link, body, hashed)
        account = await work.accounts.get(link.account)
        if account is None or account.disabled:
            raise NotFound("account")
        changed = msgspec.structs.replace(account, password_hash=hashed)
        await work.accounts.put(changed)
        await work.sessions.delete(account=account.id)
        return changed

    async def _new_account(self, work: Work, link: Link, body: Use, hashed: str) -> Account:
        if not body.name:
            raise Invalid("name_missing", "Choose a name.", "name")
        account = self._accounts.new(body.name, body.display_name, link.role)
        account = msgspec.structs.replace(account, password_hash=hashed)
        await work.accounts.add(account)
        return account

    async def _enter_channel(self, work: Work, link: Link, account: Account) -> None:
        channel = await work.channels.get(link.channel) if link.channel else None
        if channel is None or link.channel_role is None:
            return
        if link.channel_role is ChannelRole.OWNER:
            if channel.owner is None:
                await work.channels.put(msgspec.structs.replace(channel, owner=account.id))
            return
        now = self._clerk.clock.wall()
        await work.members.add(
            Member(channel=channel.id, account=account.id, role=link.channel_role, since=now)
        )

    # --- by admins

    async def invite(self, actor: Actor, body: Invite) -> Issued:
        """Invite a new account, and into a channel where one is named."""
        channel = self._invited_to(body)
        issued = self.issue(
            "invitation",
            body.expires_in_s,
            role=body.role,
            channel=channel.id if channel else None,
            channel_role=(body.channel_role or ChannelRole.MANAGER) if channel else None,
            note=clean_text(body.note, 200),
            created_by=actor.account,
        )
        async with self._clerk.store.write() as work:
            await work.links.add(issued.link)
            await self._clerk.note(work, "invitation.created", actor, invitation=issued.link.id)
        return issued

    def _invited_to(self, body: Invite) -> Channel | None:
        if body.channel is None:
            return None
        channel = self._clerk.directory.channel_at(body.channel)
        if channel is None:
            raise Invalid("no_such_channel", "There is no such channel.", "channel")
        if body.channel_role in (ChannelRole.OWNER, ChannelRole.GUEST):
            raise Invalid("bad_role", "An invitation gives a role below the owner's.", "channel_role")
        return channel

    async def list(self, cursor: str | None, limit: int) -> Page[Link]:
        """Invitations that are still open."""
        async with self._clerk.store.read() as work:
            page = await work.links.page(cursor, limit, kind="invitation")
        now = self._clerk.clock.wall()
        return Page(items=[link for link in page.items if link.expires_at > now], next=page.next)

    async def withdraw(self, actor: Actor, invitation: str) -> None:
        async with self._clerk.store.write() as work:
            if not await work.links.delete(id=invitation, kind="invitation"):
                raise NotFound("invitation")
            await self._clerk.note(work, "invitation.withdrawn", actor, invitation=invitation)

    async def recover(self, actor: Actor | None, user: str) -> Issued:
        """A link with which an account gets a new password; the one before is void. By id or by name."""
        directory = self._clerk.directory
        account = directory.account(user) or directory.account_by_skeleton(skeleton(user))
        if account is None:
            raise NotFound("user")
        if account.disabled:
            raise Conflict("disabled", "This account is disabled.")
        issued = self.issue("recovery", LOGIN_LINK_S, account=account.id, role=account.role)
        async with self._clerk.store.write() as work:
            await work.links.delete(account=account.id, kind="recovery")
            await work.links.add(issued.link)
            await self._clerk.note(work, "account.link_issued", actor, account=account.id)
        return issued
