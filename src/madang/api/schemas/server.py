"""API tokens, and the server itself, on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body, Next


class TokenCreate(Body):
    """A token that is to be."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80)] = Field(
        description="What it is for."
    )
    scopes: list[str] = Field(
        min_length=1, max_length=32, description="What it may do, of those that `GET /scopes` lists."
    )
    expires_in_s: int | None = Field(
        default=None, ge=60, le=10 * 365 * 86400, description="Seconds until it is void; never without it."
    )


class Token(Answer):
    """An API token without its value."""

    id: str = Field(description="What it is revoked by.")
    name: str = Field(description="What it is for.")
    mask: str = Field(description="How its value begins, and an ellipsis.")
    scopes: list[str] = Field(description="What it may do, within the rights of its account.")
    created_at: datetime = Field(description="When it was made.")
    expires_at: datetime | None = Field(description="When it becomes void; null for never.")
    last_used_at: datetime | None = Field(description="When it was last used, to the minute.")


class TokenValue(Token):
    """An API token with its value, told once."""

    value: str = Field(description="For `Authorization: Bearer`.")


class ScopeInfo(Answer):
    """A scope that a token may have."""

    scope: str = Field(description="Its name.")
    what: str = Field(description="What it allows, as a sentence.")


class DiskUse(Answer):
    """The file system that the data directory is on."""

    path: str = Field(description="The data directory.")
    total_bytes: int = Field(description="Its size.")
    free_bytes: int = Field(description="What is left.")


class ServerHealth(Answer):
    """How the server is."""

    status: Literal["ok", "degraded"] = Field(description="`degraded` when there is any reason.")
    reasons: list[str] = Field(
        description="`disk`, `loop_lag`, `open_files`, `database`, `unsafe:` and the setting's name."
    )
    version: str = Field(description="Of Madang.")
    started_at: datetime = Field(description="When this process started.")
    uptime_s: float = Field(description="Seconds since then.")
    cpu_percent: float = Field(description="Of one core, over the last 5 s.")
    memory_bytes: int = Field(description="Resident memory of this process.")
    open_files: int = Field(description="File descriptors in use.")
    open_files_limit: int = Field(description="How many there may be.")
    loop_lag_ms: float = Field(description="How late the event loop was of late; over 100 is too late.")
    disk: DiskUse = Field(description="Of the data directory.")
    database: str = Field(description="Its driver, such as `sqlite+aiosqlite`.")
    live_streams: int = Field(description="Streams that are live or reconnecting.")
    viewers: int = Field(description="Playback sessions of all channels.")
    channels: int = Field(description="Channels that there are.")
    users: int = Field(description="Accounts that there are.")


class Site(Answer):
    """What a page must know before anybody signs in."""

    name: str = Field(description="What this site calls itself.")
    version: str = Field(description="Of Madang.")
    public_url: str = Field(description="Where the site is, as the outside knows it; no slash behind.")
    rtmp_url: str = Field(description="Where encoders send to.")
    signed_up: bool = Field(description="False until the first account exists.")
    sign_up: bool = Field(description="Whether viewers may make accounts by themselves.")


class TokenPage(Answer):
    """All tokens of the account: at most 50."""

    items: list[Token] = Field(description="The newest first.")
    next: Next
