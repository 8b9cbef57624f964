"""API tokens, and the server itself, on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body


class TokenCreate(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    scopes: list[str] = Field(min_length=1, max_length=32)
    expires_in_s: int | None = Field(default=None, ge=60, le=10 * 365 * 86400)


class Token(Answer):
    """An API token without its value."""

    id: str
    name: str
    mask: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenValue(Token):
    """An API token with its value, told once."""

    value: str


class ScopeInfo(Answer):
    """A scope that a token may have."""

    scope: str
    what: str


class DiskUse(Answer):
    path: str
    total_bytes: int
    free_bytes: int


class ServerHealth(Answer):
    """How the server is."""

    status: Literal["ok", "degraded"]
    reasons: list[str]
    version: str
    started_at: datetime
    uptime_s: float
    cpu_percent: float
    memory_bytes: int
    open_files: int
    open_files_limit: int
    loop_lag_ms: float
    disk: DiskUse
    database: str
    live_streams: int
    viewers: int
    channels: int
    users: int


class Site(Answer):
    """What a page must know before anybody signs in."""

    name: str
    version: str
    public_url: str
    rtmp_url: str
    signed_up: bool = Field(description="False until the first account exists.")
    sign_up: bool = Field(description="Whether viewers may make accounts by themselves.")


class TokenPage(Answer):
    items: list[Token]
    next: str | None
