"""Webhooks on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body

Url = Annotated[str, StringConstraints(min_length=8, max_length=2048)]
Kinds = Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(min_length=1, max_length=30)]


class WebhookCreate(Body):
    url: Url
    kinds: Kinds = Field(description="Such as `stream.began`, `chat.message`, `chat.*`, `*`.")
    note: Annotated[str, StringConstraints(max_length=200)] = ""


class WebhookChange(Body):
    url: Url | None = None
    kinds: Kinds | None = None
    enabled: bool | None = None


class WebhookReplay(Body):
    since: datetime


class Webhook(Answer):
    """Where events are sent to, and how that goes."""

    id: str
    url: str
    kinds: list[str]
    note: str
    enabled: bool
    created_at: datetime
    delivered: int = Field(default=0, description="Events that were answered well.")
    attempts: int = Field(default=0, description="Failures since the last success.")
    next_at: datetime | None = Field(default=None, description="When it is tried again.")
    last_at: datetime | None = Field(default=None, description="When it was last answered well.")
    last_status: int = 0
    last_error: str = ""


class WebhookValue(Webhook):
    """A new webhook with the secret that its requests are signed with, told once."""

    secret: str


class WebhookList(Answer):
    items: list[Webhook]
    next: str | None = None


class WebhookTested(Answer):
    status: int
    error: str
