"""The realtime server for its administrator: nodes, channels, connections, and what is in a channel."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request

from madang.api.guard import Call, Guard
from madang.api.problems import ProblemError
from madang.api.routes.chat import chat_of
from madang.api.schemas.crowd_nodes import (
    CrowdChannels,
    CrowdConnections,
    CrowdDisconnect,
    CrowdHistory,
    CrowdNodes,
    CrowdPresence,
    CrowdPublish,
    CrowdPublished,
)
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope
from madang.realtime.broker import HistoryQuery
from madang.realtime.engine import Engine
from madang.realtime.ports import ReplyError, Target

router = APIRouter(prefix="/api/v1/realtime", tags=["realtime"], route_class=StrictRoute)
Reader = Annotated[Call, Depends(Guard(Right.ADMIN, Scope.SERVER_READ))]
Admin = Annotated[Call, Depends(Guard(Right.ADMIN))]
Pattern = Annotated[str, Query(max_length=255, description="A name, or one with `*`.")]
User = Annotated[str, Query(max_length=256, description="Whose connections; empty for anybody's.")]
Named = Annotated[str, Query(min_length=1, max_length=255, description="The channel, with its namespace.")]
_LISTED = 1_000
_PAGE = 50
_OWN = "madang_"


def engine_of(request: Request) -> Engine:
    """The realtime server of this process."""
    crowd = chat_of(request).rooms.yard.crowd
    if not isinstance(crowd, Engine):
        raise ProblemError(404, "off", "The realtime server is not here.")
    return crowd


Crowd = Annotated[Engine, Depends(engine_of)]


@router.get("/nodes")
async def list_realtime_nodes(call: Reader, crowd: Crowd) -> CrowdNodes:
    """Every process of the server that answers within a second."""
    answers = await crowd.survey("info")
    items = [{"node": node, **msgspec.json.decode(said)} for node, said in sorted(answers.items())]
    return CrowdNodes.model_validate({"items": items})


@router.get("/channels")
async def list_realtime_channels(call: Reader, crowd: Crowd, pattern: Pattern = "") -> CrowdChannels:
    """Channels that have subscribers, the fullest first; at most 1,000."""
    counts: dict[str, int] = {}
    for said in (await crowd.survey("channels", pattern)).values():
        for name, count in msgspec.json.decode(said, type=dict[str, int]).items():
            counts[name] = counts.get(name, 0) + count
    fullest = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_LISTED]
    return CrowdChannels.model_validate({"items": [{"name": n, "clients": c} for n, c in fullest]})


@router.get("/connections")
async def list_realtime_connections(
    call: Reader, crowd: Crowd, user: User = "", channel: Pattern = ""
) -> CrowdConnections:
    """Connections of a user, or in a channel; at most 1,000."""
    found: list[dict[str, Any]] = []
    for node, said in (await crowd.survey("connections", f"{user}\n{channel}")).items():
        for one in msgspec.json.decode(said):
            caller = one["caller"]
            found.append(
                {
                    "node": node,
                    "user": caller.get("user", ""),
                    "client": caller.get("client", ""),
                    "transport": caller.get("transport", ""),
                    "since": one["since"],
                    "channels": one["channels"],
                }
            )
    return CrowdConnections.model_validate({"items": found[:_LISTED]})


@router.get("/presence")
async def list_realtime_presence(call: Reader, crowd: Crowd, channel: Named) -> CrowdPresence:
    """Who is in a channel whose namespace keeps presence."""
    try:
        present = await crowd.presence(channel)
    except ReplyError as error:
        raise _refused(error) from error
    items = [{"user": info.user, "client": client} for client, info in present.items()]
    return CrowdPresence.model_validate({"items": items[:_LISTED]})


@router.get("/history")
async def list_realtime_history(call: Reader, crowd: Crowd, channel: Named) -> CrowdHistory:
    """The newest 50 publications of a channel whose namespace keeps history."""
    try:
        stretch = await crowd.history(channel, HistoryQuery(limit=_PAGE, reverse=True))
    except ReplyError as error:
        raise _refused(error) from error
    items = [{"offset": one.offset, "data": _shown(one.data)} for one in stretch.publications]
    return CrowdHistory.model_validate(
        {"items": items, "offset": stretch.top.offset, "epoch": stretch.top.epoch}
    )


@router.post("/publish")
async def publish_to_channel(call: Admin, crowd: Crowd, body: CrowdPublish) -> CrowdPublished:
    """Publish to a channel."""
    if body.channel.startswith(_OWN):
        raise ProblemError(403, "forbidden", "The server's own channels take nothing from outside.")
    try:
        done = await crowd.publish(body.channel, msgspec.json.encode(body.data))
    except ReplyError as error:
        raise _refused(error) from error
    return CrowdPublished.model_validate(done, from_attributes=True)


@router.post("/disconnect", status_code=204)
async def disconnect_user(call: Admin, crowd: Crowd, body: CrowdDisconnect) -> None:
    """Close every connection of a user; they may come back."""
    await crowd.disconnect(Target(user=body.user), 3000, "disconnected by an administrator")


def _shown(data: bytes) -> Any:
    """JSON as it is; what is none as text."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return data.decode("utf-8", "replace")


def _refused(error: ReplyError) -> ProblemError:
    return ProblemError(404, "not_found", str(error))
