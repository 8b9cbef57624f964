"""Accounts, as admins see and change them."""

from typing import Protocol

from madang.base.events import Plain
from madang.base.roles import SiteRole
from madang.control.accounts import Accounts, keep_an_admin
from madang.control.clerk import Clerk
from madang.control.errors import NotFound
from madang.control.joining import Joining
from madang.control.records import Account, Page
from madang.control.rights import Actor


class Change(Protocol):
    """What is to be different; None stays."""

    role: SiteRole | None
    disabled: bool | None
    display_name: str | None


class Users:
    """The last admin who can sign in stays one."""

    def __init__(self, clerk: Clerk, accounts: Accounts, joining: Joining) -> None:
        self._clerk = clerk
        self._accounts = accounts
        self._joining = joining

    async def list(self, cursor: str | None, limit: int) -> Page[Account]:
        async with self._clerk.store.read() as work:
            return await work.accounts.page(cursor, limit, newest=False)

    async def get(self, user: str) -> Account:
        return self._clerk.directory.need_account(user)

    async def change(self, actor: Actor, user: str, change: Change) -> Account:
        """Change role, display name, or whether the account may sign in; bites within two seconds."""
        account = self._clerk.directory.need_account(user)
        if change.display_name is not None:
            account = await self._accounts.set_display_name(actor, account, change.display_name)
        role = account.role if change.role is None else change.role
        disabled = account.disabled if change.disabled is None else change.disabled
        if role is account.role and disabled == account.disabled:
            return account
        async with self._clerk.change() as work:
            if role is not SiteRole.ADMIN or disabled:
                await keep_an_admin(work, account)
            changed = await work.accounts.alter(account.id, role=role, disabled=disabled)
            if changed is None:
                raise NotFound("user")
            if disabled:
                await work.sessions.delete(account=account.id)
            note: dict[str, Plain] = {"account": account.id, "role": role.value, "disabled": disabled}
            await self._clerk.note(work, "account.changed", actor, None, **note)
        return changed

    async def delete(self, actor: Actor, user: str) -> None:
        """Delete an account with its sessions, tokens, roles and picture."""
        await self._joining.remove(actor, user)
