"""Accounts and invitations, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from madang.api import present
from madang.api.guard import Call, Guard
from madang.api.paging import Cursor, Limit
from madang.api.schemas import (
    Account,
    AccountPage,
    Invitation,
    InvitationCreate,
    InvitationPage,
    OneTimeLink,
    UserChange,
)
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["users"], route_class=StrictRoute)
Reader = Annotated[Call, Depends(Guard(Right.ADMIN, Scope.USERS_READ))]
Writer = Annotated[Call, Depends(Guard(Right.ADMIN, Scope.USERS_WRITE))]
UserId = Annotated[str, Path(description="The account's id.")]


@router.get("/users")
async def list_users(call: Reader, cursor: Cursor = None, limit: Limit = 50) -> AccountPage:
    """All accounts, the eldest first."""
    page = await call.control.users.list(cursor, limit)
    return AccountPage(items=[present.account(call, item) for item in page.items], next=page.next)


@router.get("/users/{user}")
async def get_user(call: Reader, user: UserId) -> Account:
    """One account."""
    return present.account(call, await call.control.users.get(user))


@router.patch("/users/{user}")
async def change_user(call: Writer, user: UserId, body: UserChange) -> Account:
    """Change role, display name, or whether the account may sign in; the last admin stays one."""
    return present.account(call, await call.control.users.change(call.signed_in, user, body))


@router.delete("/users/{user}", status_code=204)
async def delete_user(call: Writer, user: UserId) -> None:
    """Delete an account; refused while it owns channels."""
    await call.control.users.delete(call.signed_in, user)


@router.post("/users/{user}/link", status_code=201)
async def reissue_link(
    call: Writer, user: Annotated[str, Path(description="The account's id or name.")]
) -> OneTimeLink:
    """A one-time link for an account whose password is lost; 15 minutes, single use."""
    issued = await call.control.links.recover(call.signed_in, user)
    return OneTimeLink(url=call.urls.login_link(issued.token), expires_at=issued.link.expires_at)


@router.get("/invitations")
async def list_invitations(call: Reader, cursor: Cursor = None, limit: Limit = 50) -> InvitationPage:
    """Invitations that wait for their guests."""
    page = await call.control.links.list(cursor, limit)
    return InvitationPage(items=[present.invitation(call, item) for item in page.items], next=page.next)


@router.post("/invitations", status_code=201)
async def invite(call: Writer, body: InvitationCreate) -> Invitation:
    """Make a link that lets one new member in; the link is told once."""
    issued = await call.control.links.invite(call.signed_in, body)
    return present.invitation(call, issued.link, issued.token)


@router.delete("/invitations/{invitation}", status_code=204)
async def withdraw_invitation(
    call: Writer, invitation: Annotated[str, Path(description="The invitation's id.")]
) -> None:
    """Withdraw an invitation."""
    await call.control.links.withdraw(call.signed_in, invitation)
