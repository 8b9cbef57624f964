"""Signing in and out, the browsers that are signed in, and one-time links."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from madang.api import cookies, present
from madang.api.callers import user_agent_of
from madang.api.guard import Call, Guard
from madang.api.paging import Cursor, Limit
from madang.api.schemas import Link, LinkUse, Login, Me, PasswordConfirm, SessionPage
from madang.api.strict import StrictRoute
from madang.control.rights import Right

router = APIRouter(prefix="/api/v1", tags=["sessions"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC))]
Browser = Annotated[Call, Depends(Guard(Right.SIGNED_IN))]
LinkToken = Annotated[str, Path(description="What the link's address ends with.")]


@router.post("/sessions", status_code=201)
async def login(call: Anyone, request: Request, response: Response, body: Login) -> Me:
    """Sign in with name and password; the session comes as a cookie."""
    entry = await call.control.accounts.login(body.name, body.password, call.peer, user_agent_of(request))
    cookies.give(response, request, entry.cookie)
    return present.me(call, entry.actor)


@router.get("/sessions")
async def list_sessions(call: Browser, cursor: Cursor = None, limit: Limit = 50) -> SessionPage:
    """The browsers in which you are signed in."""
    page = await call.control.accounts.sessions(call.signed_in, cursor, limit)
    return SessionPage(items=[present.session(call, item) for item in page.items], next=page.next)


@router.post("/sessions/confirm", status_code=204)
async def confirm_password(call: Browser, body: PasswordConfirm) -> None:
    """Give the password again: for 10 minutes, keys may be revealed and tokens made."""
    await call.control.accounts.confirm(call.signed_in, body.password)


@router.delete("/sessions/current", status_code=204)
async def logout(call: Anyone, request: Request, response: Response) -> None:
    """Sign out; also answers 204 when nobody is signed in."""
    if call.actor is not None:
        await call.control.accounts.revoke_session(call.actor, call.actor.session)
    cookies.take(response, request)


@router.delete("/sessions/{session}", status_code=204)
async def revoke_session(
    call: Browser, session: Annotated[str, Path(description="The session's id.")]
) -> None:
    """Sign another browser out."""
    await call.control.accounts.revoke_session(call.signed_in, session)


@router.delete("/sessions", status_code=204)
async def revoke_other_sessions(call: Browser) -> None:
    """Sign every other browser out."""
    await call.control.accounts.revoke_others(call.signed_in)


@router.get("/login/link/{token}")
async def inspect_link(call: Anyone, token: LinkToken) -> Link:
    """What a one-time link is good for; it stays unused."""
    return await present.link(call, await call.control.links.inspect(token))


@router.post("/login/link/{token}", status_code=201)
async def use_link(call: Anyone, request: Request, response: Response, token: LinkToken, body: LinkUse) -> Me:
    """Use a one-time link: the account gets its name and password, and is signed in."""
    entry = await call.control.links.use(token, body, call.peer, user_agent_of(request))
    cookies.give(response, request, entry.cookie)
    return present.me(call, entry.actor)
