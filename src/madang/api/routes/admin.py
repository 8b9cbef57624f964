"""The server itself."""

from typing import Annotated

from fastapi import APIRouter, Depends

from madang.api.guard import Call, Guard
from madang.api.schemas import ServerHealth, Site
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["server"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC))]
Admin = Annotated[Call, Depends(Guard(Right.ADMIN, Scope.SERVER_READ))]


@router.get("/site")
async def site(call: Anyone) -> Site:
    """What a page must know before anybody signs in."""
    return Site.model_validate(call.control.server.site(call.urls))


@router.get("/admin/health")
async def server_health(call: Admin) -> ServerHealth:
    """How the server is: load, memory, disk, descriptors, streams, viewers."""
    return ServerHealth.model_validate(await call.control.server.health())
