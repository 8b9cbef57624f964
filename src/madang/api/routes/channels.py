"""Channels and those who have a role in them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from madang.api import present
from madang.api.guard import Call, ChannelCall, ChannelGuard, Guard
from madang.api.paging import Cursor, Limit
from madang.api.schemas import (
    Channel,
    ChannelChange,
    ChannelCreate,
    ChannelPage,
    Member,
    MemberAdd,
    MemberChange,
    MemberPage,
    PlayToken,
    PlayTokenCreate,
)
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["channels"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC, Scope.CHANNELS_READ))]
Holder = Annotated[Call, Depends(Guard(Right.SIGNED_IN, Scope.CHANNELS_WRITE))]
Watcher = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHANNELS_READ))]
Editor = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHANNELS_WRITE))]
Studio = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHANNELS_READ))]
Owner = Annotated[ChannelCall, Depends(ChannelGuard(Right.OWN, Scope.CHANNELS_WRITE))]
Minter = Annotated[ChannelCall, Depends(ChannelGuard(Right.BROADCAST, Scope.PLAY_MINT))]
UserId = Annotated[str, Path(description="The account's id.")]


@router.get("/channels")
async def list_channels(
    call: Anyone,
    show: Annotated[Literal["public", "mine", "all"], Query(description="`all` is for admins.")] = "public",
    live: Annotated[
        bool | None, Query(description="Only those live now, or only those that are not.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ChannelPage:
    """Channels: those live now first, by viewers, then those that were live last."""
    page = call.control.channels.list(call.actor, show, live, cursor, limit)
    return ChannelPage(items=[present.channel(call, item) for item in page.items], next=page.next)


@router.post("/channels", status_code=201)
async def create_channel(call: Holder, body: ChannelCreate) -> Channel:
    """Create a channel that you own."""
    return present.channel(call, await call.control.channels.create(call.signed_in, body))


@router.get("/channels/{channel}")
async def get_channel(call: Watcher) -> Channel:
    """A channel by slug, former slug or id."""
    return present.channel(call, call.channel)


@router.patch("/channels/{channel}")
async def change_channel(call: Editor, body: ChannelChange) -> Channel:
    """Change title, category and description (managers), everything else (the owner)."""
    return present.channel(call, await call.control.channels.change(call.signed_in, call.channel, body))


@router.delete("/channels/{channel}", status_code=204)
async def delete_channel(
    call: Owner, confirm: Annotated[str, Query(description="The channel's slug, typed again.")]
) -> None:
    """Delete a channel with its keys and its history."""
    await call.control.channels.delete(call.signed_in, call.channel, confirm)


@router.get(
    "/channels/{channel}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "An SVG picture."}},
)
async def qr(call: Watcher) -> Response:
    """A QR code of the watch page."""
    return Response(present.qr(call.urls.watch(call.channel.slug)), media_type="image/svg+xml")


@router.get("/channels/{channel}/members")
async def list_members(call: Studio, cursor: Cursor = None, limit: Limit = 50) -> MemberPage:
    """Who has a role in the channel, the owner first."""
    page = await call.control.channels.members(call.channel, cursor, limit)
    return MemberPage(items=[present.member(call, item) for item in page.items], next=page.next)


@router.post("/channels/{channel}/members", status_code=201)
async def add_member(call: Owner, body: MemberAdd) -> Member:
    """Give an account a role in the channel, by the account's name."""
    made = await call.control.channels.add_member(call.signed_in, call.channel, body.name, body.role)
    return present.member(call, made)


@router.put("/channels/{channel}/members/{user}")
async def change_member(call: Owner, user: UserId, body: MemberChange) -> Member:
    """Change somebody's role; making another account `owner` hands the channel over."""
    made = await call.control.channels.set_member(call.signed_in, call.channel, user, body.role)
    return present.member(call, made)


@router.delete("/channels/{channel}/members/{user}", status_code=204)
async def remove_member(call: Owner, user: UserId) -> None:
    """Take somebody's role away; bites within two seconds."""
    await call.control.channels.remove_member(call.signed_in, call.channel, user)


@router.post("/channels/{channel}/play-tokens", status_code=201)
async def mint_play_token(call: Minter, body: PlayTokenCreate) -> PlayToken:
    """A token that lets its bearer watch this channel, private or not."""
    token, expires_at = call.control.play.mint(call.channel, body.expires_in_s, body.subject)
    urls = present.urls(call.urls, call.channel.slug, token)
    return PlayToken.model_validate({"token": token, "expires_at": expires_at, "urls": urls})


@router.delete("/channels/{channel}/play-tokens", status_code=204)
async def revoke_play_tokens(call: Minter) -> None:
    """Make every play token of this channel void that was made until now; bites within two seconds."""
    await call.control.channels.revoke_play_tokens(call.signed_in, call.channel)
