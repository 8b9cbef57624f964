"""Channels, members, stream keys and play tokens on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from madang.api.schemas.accounts import AccountSummary
from madang.api.schemas.words import Answer, Body, ChannelState, Name, Slug, Title
from madang.base.roles import ChannelRole, Visibility
from madang.control.records import Preset


class ChannelUrls(Answer):
    """Every way to a channel's picture, as the outside knows it."""

    watch: str
    embed: str
    hls: str
    dvr: str
    dash: str
    flv: str
    ws_flv: str
    rtmp: str
    poster: str
    qr: str


class PublishUrls(Answer):
    """Where an encoder sends to; the stream key is the stream's name there."""

    rtmp: str
    rtmps: str | None
    ffmpeg: str = Field(description="A command line with `STREAM_KEY` in the key's place.")


class Live(Answer):
    """Whether frames are arriving, since when, and for how many."""

    state: ChannelState
    broadcast_id: str | None
    began_at: datetime | None
    viewers: int


class Channel(Answer):
    """A channel as anyone sees it who may watch it."""

    id: str
    slug: str
    name: str
    title: str
    category: str
    description: str
    visibility: Visibility
    owner: AccountSummary | None
    live: Live
    urls: ChannelUrls
    created_at: datetime
    last_live_at: datetime | None
    preset: Preset
    dvr_window_s: int
    reconnect_window_s: int
    my_role: ChannelRole = Field(description="Of whoever asks; `guest` without an account.")
    publish: PublishUrls | None = Field(description="For those who may broadcast here.")


class ChannelCreate(Body):
    slug: Slug
    name: Name | None = Field(default=None, description="The slug where nothing is given.")
    title: Title = ""
    category: Annotated[str, StringConstraints(max_length=120)] = ""
    description: Annotated[str, StringConstraints(max_length=8000)] = ""
    visibility: Visibility = Visibility.PUBLIC
    preset: Preset = "standard"


class ChannelChange(Body):
    slug: Slug | None = None
    name: Name | None = None
    title: Title | None = None
    category: Annotated[str, StringConstraints(max_length=120)] | None = None
    description: Annotated[str, StringConstraints(max_length=8000)] | None = None
    visibility: Visibility | None = None
    preset: Preset | None = None
    dvr_window_s: int | None = Field(default=None, ge=0, le=4 * 3600)
    reconnect_window_s: int | None = Field(default=None, ge=0, le=300)


class Member(Answer):
    """Somebody with a role in a channel."""

    account: AccountSummary
    role: ChannelRole
    since: datetime


class MemberAdd(Body):
    name: Name = Field(description="The account's name.")
    role: ChannelRole


class MemberChange(Body):
    role: ChannelRole


class StreamKey(Answer):
    """A stream key without its value."""

    id: str
    name: str
    mask: str = Field(description="The first four letters and an ellipsis.")
    created_at: datetime
    created_by: AccountSummary | None
    last_used_at: datetime | None
    expires_at: datetime | None = Field(description="A rotated key lives on until then.")
    revoked_at: datetime | None
    replaces: str | None
    live: bool = Field(description="Whether somebody publishes with it now.")


class StreamKeyValue(StreamKey):
    """A stream key with its value: after its creation, its rotation, or a reveal."""

    value: str


class StreamKeyCreate(Body):
    name: Annotated[str, StringConstraints(max_length=80)] = ""


class StreamKeyChange(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]


class StreamKeyRotate(Body):
    overlap_s: int = Field(default=3600, ge=0, le=7 * 86400, description="How long the old key lives on.")


class PlayTokenCreate(Body):
    expires_in_s: int = Field(default=3600, ge=10, le=7 * 86400)
    subject: Annotated[str, StringConstraints(max_length=120)] = ""


class PlayToken(Answer):
    """A JWT that lets its bearer watch this one channel: `?token=` or `Authorization: Bearer`."""

    token: str
    expires_at: datetime
    urls: ChannelUrls = Field(description="The channel's addresses with the token in them.")


class ChannelPage(Answer):
    items: list[Channel]
    next: str | None


class KeyPage(Answer):
    items: list[StreamKey]
    next: str | None


class MemberPage(Answer):
    items: list[Member]
    next: str | None
