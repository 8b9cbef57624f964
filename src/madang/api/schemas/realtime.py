"""Tickets for the realtime channels on the wire."""

from datetime import datetime

from pydantic import Field

from madang.api.schemas.words import Answer, Body
from madang.base.limits import TOKEN_BYTES


class TicketRequest(Body):
    """What a guest brings; accounts need nothing."""

    guest: str = Field(
        "",
        max_length=TOKEN_BYTES,
        description="A guest's earlier token: whoever shows it stays the same guest.",
    )
    nick: str = Field("", max_length=100, description="The nickname that a guest would have.")


class RealtimeTicket(Answer):
    """A token for `/connection/*`; it is good for ten minutes, ask again before."""

    token: str = Field(description="A JWT, to connect with.")
    user: str = Field(description="As whom: `madang.u.…` for an account, `madang.g.…` for a guest.")
    expires_at: datetime = Field(description="Until when one may connect with it.")
