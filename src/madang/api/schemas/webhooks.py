"""Webhooks on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body, Next

Url = Annotated[str, StringConstraints(min_length=8, max_length=2048)]
Kinds = Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(min_length=1, max_length=30)]
_URL = "Where events are sent to by POST: a public address, or one that `outbound_allow` names."


class WebhookCreate(Body):
    """A webhook that is to be."""

    url: Url = Field(description=_URL)
    kinds: Kinds = Field(description="Such as `stream.began`, `chat.message`, `chat.*`, `*`.")
    note: Annotated[str, StringConstraints(max_length=200)] = Field(default="", description="For yourself.")


class WebhookChange(Body):
    """What is to be different; what is absent stays."""

    url: Url | None = Field(default=None, description=_URL)
    kinds: Kinds | None = Field(default=None, description="Which events are sent.")
    enabled: bool | None = Field(default=None, description="False keeps events back, true sends them on.")


class WebhookReplay(Body):
    """From when on."""

    since: datetime = Field(description="Everything from this moment on is sent again.")


class Webhook(Answer):
    """Where events are sent to, and how that goes."""

    id: str = Field(description="What it is changed by.")
    url: str = Field(description="Where events are sent to by POST.")
    kinds: list[str] = Field(description="Which events are sent; `*` stands for any letters.")
    note: str = Field(description="Of whoever made it.")
    enabled: bool = Field(description="Whether events are sent.")
    created_at: datetime = Field(description="When it was made.")
    delivered: int = Field(default=0, description="Events that were answered well.")
    attempts: int = Field(default=0, description="Failures since the last success.")
    next_at: datetime | None = Field(default=None, description="When it is tried again.")
    last_at: datetime | None = Field(default=None, description="When it was last answered well.")
    last_status: int = Field(default=0, description="HTTP status of the last answer; 0 without one.")
    last_error: str = Field(default="", description="What went wrong last; empty after a success.")


class WebhookValue(Webhook):
    """A new webhook with the secret that its requests are signed with, told once."""

    secret: str = Field(description="The key of the signature.")


class WebhookList(Answer):
    """All webhooks of the channel."""

    items: list[Webhook] = Field(description="The eldest first.")
    next: Next = None


class WebhookTested(Answer):
    """How the address answered."""

    status: int = Field(description="HTTP status; 0 without an answer.")
    error: str = Field(description="What went wrong; empty when it was answered well.")
