"""Tickets for the realtime channels on the wire."""

from datetime import datetime

from pydantic import Field

from madang.api.schemas.words import Answer, Body
from madang.base.limits import TOKEN_BYTES


class TicketRequest(Body):
    guest: str = Field(
        "",
        max_length=TOKEN_BYTES,
        description="A guest's earlier token: whoever shows it stays the same guest.",
    )
    nick: str = Field("", max_length=100, description="The nickname that a guest would have.")


class RealtimeTicket(Answer):
    """A token for `/connection/*`; it is good for ten minutes, ask again before."""

    token: str
    user: str
    expires_at: datetime
