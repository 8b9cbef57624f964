"""Viewers: signing up, leaving with one's data, and following channels."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from madang.api import cookies, present
from madang.api.callers import user_agent_of
from madang.api.guard import Call, ChannelCall, ChannelGuard, Guard
from madang.api.paging import Cursor, Limit
from madang.api.schemas import AccountDeletion, FollowerPage, Following, Me, SignUp
from madang.api.schemas.crowd import FollowedPage
from madang.api.strict import StrictRoute
from madang.control.follows import Following as Standing
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["viewers"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC))]
Browser = Annotated[Call, Depends(Guard(Right.SIGNED_IN))]
Reader = Annotated[Call, Depends(Guard(Right.SIGNED_IN, Scope.CHAT_READ))]
Watcher = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHAT_READ))]
Follower = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHAT_WRITE))]
Studio = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHAT_READ))]


@router.post("/sign-up", status_code=201)
async def sign_up(call: Anyone, request: Request, response: Response, body: SignUp) -> Me:
    """Make an account and sign in, where the settings allow it (`sign_up` of `GET /site`)."""
    entry = await call.control.joining.sign_up(body, call.peer, user_agent_of(request))
    cookies.give(response, request, entry.cookie)
    return present.me(call, entry.actor)


@router.get("/me/export", response_class=JSONResponse)
async def export_account(call: Browser) -> Any:
    """Everything that is kept about you, as one JSON document."""
    found = await call.control.joining.export(call.signed_in)
    headers = {"Content-Disposition": 'attachment; filename="madang-account.json"'}
    return JSONResponse(found, headers=headers)


@router.post("/me/deletion", status_code=204)
async def delete_account(call: Browser, request: Request, response: Response, body: AccountDeletion) -> None:
    """Delete your account; refused while you own channels. Your messages stay, without your name."""
    await call.control.joining.leave(call.signed_in, body.password)
    cookies.take(response, request)


@router.get("/me/follows")
async def list_follows(call: Reader, cursor: Cursor = None, limit: Limit = 50) -> FollowedPage:
    """Channels that you follow, the newest first."""
    page = await call.control.follows.followed(call.signed_in, cursor, limit)
    directory = call.control.directory
    items = [
        {"id": found.id, "slug": found.slug, "name": found.name, "since": row.since, "live": _live(call, row)}
        for row in page.items
        if (found := directory.channel(row.channel)) is not None
    ]
    return FollowedPage.model_validate({"items": items, "next": page.next})


def _live(call: Call, row: Any) -> bool:
    return call.control.live.brief(row.channel).state == "live"


@router.get("/channels/{channel}/follow")
async def get_follow(call: Watcher) -> Following:
    """Whether you follow the channel, since when, and how many do."""
    account = call.actor.account if call.actor else None
    return _standing(await call.control.follows.standing(account, call.channel.id))


@router.put("/channels/{channel}/follow")
async def follow(call: Follower) -> Following:
    """Follow the channel; the first date stays."""
    return _standing(await call.control.follows.follow(call.signed_in, call.channel))


@router.delete("/channels/{channel}/follow")
async def unfollow(call: Follower) -> Following:
    """Follow the channel no more."""
    return _standing(await call.control.follows.unfollow(call.signed_in, call.channel))


def _standing(found: Standing) -> Following:
    return Following.model_validate(
        {
            "following": found.followed_at is not None,
            "followed_at": found.followed_at,
            "followers": found.followers,
        }
    )


@router.get("/channels/{channel}/followers")
async def list_followers(call: Studio, cursor: Cursor = None, limit: Limit = 50) -> FollowerPage:
    """Who follows the channel, the newest first."""
    page = await call.control.follows.followers(call.channel, cursor, limit)
    items = [{"account": present.summary(call, row.account), "since": row.since} for row in page.items]
    return FollowerPage.model_validate({"items": items, "next": page.next})
