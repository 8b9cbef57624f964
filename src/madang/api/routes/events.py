"""What happened, and what happens: the logs, and the stream of server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from madang.api import present
from madang.api.guard import Call, ChannelCall, ChannelGuard, Guard
from madang.api.paging import Cursor, Limit
from madang.api.schemas import EventPage
from madang.api.sse import sse
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["events"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC, Scope.EVENTS_READ))]
Studio = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.EVENTS_READ))]
Admin = Annotated[Call, Depends(Guard(Right.ADMIN, Scope.EVENTS_READ))]


@router.get("/channels/{channel}/events")
async def channel_events(call: Studio, cursor: Cursor = None, limit: Limit = 50) -> EventPage:
    """What happened in the channel, the newest first: broadcasts, losses, wrong keys, changes."""
    page = await call.control.events.of_channel(call.signed_in, call.channel, cursor, limit)
    return EventPage(items=[present.event(call, item) for item in page.items], next=page.next)


@router.get("/audit")
async def audit(call: Admin, cursor: Cursor = None, limit: Limit = 50) -> EventPage:
    """What happened on the whole site and who did it, the newest first."""
    page = await call.control.events.everywhere(cursor, limit)
    return EventPage(items=[present.event(call, item) for item in page.items], next=page.next)


@router.get(
    "/events/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "One JSON object per event."}},
)
async def event_stream(
    call: Anyone,
    channel: Annotated[str | None, Query(max_length=64, description="Slug or id; without: home.")] = None,
) -> StreamingResponse:
    """State changes as they happen: streams, viewers, channels; for studios, health and key attempts.

    `/api/v1/events/ws` has the same messages over a websocket."""
    return sse(call, channel)
