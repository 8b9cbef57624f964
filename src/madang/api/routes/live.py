"""Live streams: their state, their health, and their end."""

from typing import Annotated

from fastapi import APIRouter, Depends

from madang.api import present
from madang.api.guard import Call, ChannelCall, ChannelGuard, Guard
from madang.api.paging import Cursor, Limit
from madang.api.schemas import BroadcastPage, Kick, LiveStream, StreamPage
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["live"], route_class=StrictRoute)
Holder = Annotated[Call, Depends(Guard(Right.SIGNED_IN, Scope.STREAMS_READ))]
Watcher = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHANNELS_READ))]
Studio = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.STREAMS_READ))]
Director = Annotated[ChannelCall, Depends(ChannelGuard(Right.BROADCAST, Scope.STREAMS_WRITE))]


@router.get("/streams")
async def list_streams(call: Holder, cursor: Cursor = None, limit: Limit = 50) -> StreamPage:
    """Streams that are live or reconnecting in channels whose studio you may enter; all for admins."""
    page = call.control.live.list(call.signed_in, cursor, limit)
    return StreamPage(items=[present.stream(item) for item in page.items], next=page.next)


@router.get("/channels/{channel}/live")
async def get_stream(call: Studio) -> LiveStream:
    """The channel's live stream: tracks, bitrate, frame rate, viewers, health; 404 while offline."""
    return present.stream(call.control.live.get(call.channel))


@router.post("/channels/{channel}/end", status_code=204)
async def end_broadcast(call: Director) -> None:
    """End the broadcast; the key that it ran on is refused for 60 seconds."""
    await call.control.live.end(call.signed_in, call.channel)


@router.post("/channels/{channel}/kick", status_code=204)
async def kick_publisher(call: Director, body: Kick) -> None:
    """Send the publisher away with a reason; its key is refused for 60 seconds."""
    await call.control.live.kick(call.signed_in, call.channel, body.reason)


@router.get("/channels/{channel}/broadcasts")
async def list_broadcasts(call: Watcher, cursor: Cursor = None, limit: Limit = 50) -> BroadcastPage:
    """Past and present broadcasts, the newest first."""
    page = await call.control.live.broadcasts(call.channel, cursor, limit)
    return BroadcastPage(items=[present.broadcast(item) for item in page.items], next=page.next)
