"""What REST requests and answers look like; OpenAPI and the pages' TypeScript types are made from it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from madang.base.roles import ChannelRole, SiteRole, Visibility
from madang.control.records import Preset

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=160)]
Title = Annotated[str, StringConstraints(max_length=400)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=256)]
ChannelState = Literal["live", "reconnecting", "offline"]


class Body(BaseModel):
    """A request body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer, read from the records of the control plane by attribute."""

    model_config = ConfigDict(from_attributes=True)


class FieldProblem(Answer):
    """What is wrong with one field of a request."""

    field: str
    code: str
    message: str


class Problem(Answer):
    """RFC 9457: every error of the API, as `application/problem+json`."""

    type: str = Field(description="A word for programs, such as `not_found` or `wrong_password`.")
    title: str
    status: int
    detail: str = Field(description="A sentence for people.")
    errors: list[FieldProblem] = []


# --- accounts ----------------------------------------------------------------------------------------


class AccountSummary(Answer):
    """Whom others may see."""

    id: str
    name: str
    display_name: str
    avatar_url: str | None = None


class Account(AccountSummary):
    """An account as its holder and the admins see it."""

    role: SiteRole
    disabled: bool
    created_at: datetime
    last_seen_at: datetime | None


class OwnChannel(Answer):
    """A channel in which the signed-in account has a role."""

    id: str
    slug: str
    name: str
    role: ChannelRole


class Me(Answer):
    """Who is signed in, how, and in which channels with which role."""

    account: Account
    session_id: str | None
    scopes: list[str] | None = Field(description="Scopes of the API token; null for a session.")
    recent_password: bool = Field(description="Whether the password was given in the last 10 minutes.")
    channels: list[OwnChannel]


class Login(Body):
    name: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class PasswordConfirm(Body):
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class PasswordChange(Body):
    current: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    new: Password


class ProfileChange(Body):
    display_name: Name


class Session(Answer):
    """A browser that is signed in."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    peer: str
    user_agent: str
    current: bool


class Link(Answer):
    """What a one-time link is good for, before it is used."""

    kind: Literal["first", "invitation", "recovery"]
    name: str | None = Field(description="The account's name where the link belongs to one.")
    role: SiteRole
    channel: str | None = Field(description="The channel that is waiting, by its display name.")
    channel_role: ChannelRole | None
    expires_at: datetime


class LinkUse(Body):
    name: Name | None = Field(default=None, description="Needed where the link belongs to no account yet.")
    display_name: Name | None = None
    password: Password


class UserChange(Body):
    role: SiteRole | None = None
    disabled: bool | None = None
    display_name: Name | None = None


class OneTimeLink(Answer):
    """A link that lets one person in, once."""

    url: str
    expires_at: datetime


class InvitationCreate(Body):
    role: SiteRole = SiteRole.MEMBER
    channel: str | None = Field(default=None, max_length=64, description="Slug or id of a channel to join.")
    channel_role: ChannelRole | None = None
    note: Annotated[str, StringConstraints(max_length=200)] = ""
    expires_in_s: int = Field(default=7 * 86400, ge=60, le=30 * 86400)


class Invitation(Answer):
    """An invitation that waits for its guest; its link is told once, when it is made."""

    id: str
    role: SiteRole
    channel: str | None
    channel_role: ChannelRole | None
    note: str
    created_at: datetime
    expires_at: datetime
    created_by: AccountSummary | None
    url: str | None = Field(default=None, description="Told once, in the answer to the creation.")


# --- channels ----------------------------------------------------------------------------------------


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


# --- live --------------------------------------------------------------------------------------------


class TrackInfo(Answer):
    """One track of a live stream."""

    id: int
    kind: Literal["video", "audio"]
    codec: str
    codec_string: str
    width: int
    height: int
    sample_rate: int
    channels: int


class Publisher(Answer):
    """Who sends the stream."""

    door: str
    peer: str
    user_agent: str
    key_id: str
    key_name: str


class Finding(Answer):
    """One thing that is wrong with a broadcast: the page turns `code` and `value` into a sentence."""

    code: str
    value: float
    detail: str = ""


class Sample(Answer):
    """One second of the graphs."""

    at: datetime
    bitrate_bps: int
    fps: float
    viewers: int


class LiveStream(Answer):
    """A live stream as its studio sees it."""

    channel_id: str
    slug: str
    name: str
    title: str
    state: ChannelState
    broadcast_id: str
    began_at: datetime
    uptime_s: float
    reconnect_by: datetime | None = Field(description="While reconnecting: when the broadcast will end.")
    publisher: Publisher
    tracks: list[TrackInfo]
    bitrate_bps: int
    fps: float
    viewers: int
    viewers_by_door: dict[str, int]
    peak_viewers: int
    health: list[Finding]
    samples: list[Sample]


class Kick(Body):
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class Broadcast(Answer):
    """One broadcast, from its first frame to its end."""

    id: str
    channel_id: str
    title: str
    began_at: datetime
    ended_at: datetime | None
    end_reason: str
    peak_viewers: int


class Event(Answer):
    """Something that happened: `kind` like `stream.began`, `key.attempt_failed`, `channel.updated`."""

    id: str
    at: datetime
    kind: str
    channel_id: str | None
    actor: AccountSummary | None
    peer: str
    data: dict[str, str | int | float | bool | None]


# --- tokens and administration -----------------------------------------------------------------------


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


class ChannelPage(Answer):
    items: list[Channel]
    next: str | None


class KeyPage(Answer):
    items: list[StreamKey]
    next: str | None


class MemberPage(Answer):
    items: list[Member]
    next: str | None


class AccountPage(Answer):
    items: list[Account]
    next: str | None


class InvitationPage(Answer):
    items: list[Invitation]
    next: str | None


class SessionPage(Answer):
    items: list[Session]
    next: str | None


class EventPage(Answer):
    items: list[Event]
    next: str | None


class BroadcastPage(Answer):
    items: list[Broadcast]
    next: str | None


class TokenPage(Answer):
    items: list[Token]
    next: str | None


class StreamPage(Answer):
    items: list[LiveStream]
    next: str | None


class OEmbed(Answer):
    """oEmbed 1.0, type `video`."""

    version: Literal["1.0"] = "1.0"
    type: Literal["video"] = "video"
    title: str
    author_name: str
    author_url: str
    provider_name: str
    provider_url: str
    html: str
    width: int
    height: int
    thumbnail_url: str
    thumbnail_width: int
    thumbnail_height: int
    cache_age: int = 60
