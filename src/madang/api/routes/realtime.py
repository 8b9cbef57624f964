"""Tickets for the realtime channels: who connects, and as whom."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends

from madang.api.guard import Call, Guard
from madang.api.schemas.realtime import RealtimeTicket, TicketRequest
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1/realtime", tags=["realtime"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC, Scope.CHAT_WRITE))]


@router.post("/token", status_code=201)
async def issue_token(call: Anyone, body: TicketRequest | None = None) -> RealtimeTicket:
    """A token to connect with: as your account when you are signed in, as a guest else."""
    wish = body or TicketRequest()
    ticket = call.control.tickets.issue(call.actor, wish.guest, wish.nick)
    return RealtimeTicket(
        token=ticket.token, user=ticket.user, expires_at=datetime.fromtimestamp(ticket.expires_at, UTC)
    )
