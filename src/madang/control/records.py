"""Rows of the control plane as the use-cases see them. Times are seconds since 1970-01-01 UTC."""

from typing import Any, Generic, Literal, TypeVar

import msgspec

from madang.base.events import Plain
from madang.base.ids import BroadcastId, ChannelId, KeyId, SessionId, UserId
from madang.base.limits import RECONNECT_WINDOW_S
from madang.base.roles import ChannelRole, SiteRole, Visibility

R = TypeVar("R")
Preset = Literal["low", "standard"]


class Record(msgspec.Struct, frozen=True):
    """A row; changed by `msgspec.structs.replace` and written back by its repository."""


class Account(Record, frozen=True, kw_only=True):
    id: UserId
    name: str
    skeleton: str
    """What the name looks like: unique, so that nobody can take a look-alike."""
    display_name: str
    display_skeleton: str
    role: SiteRole
    password_hash: str = ""
    disabled: bool = False
    avatar: str = ""
    """Version of the picture; empty without one."""
    created_at: float
    last_seen_at: float | None = None


class Avatar(Record, frozen=True, kw_only=True):
    account: UserId
    version: str
    content: bytes


class Session(Record, frozen=True, kw_only=True):
    """A signed-in browser; `digest` stands for the cookie, which is kept nowhere."""

    id: SessionId
    digest: str
    account: UserId
    created_at: float
    last_seen_at: float
    password_at: float
    expires_at: float
    peer: str
    user_agent: str


class Link(Record, frozen=True, kw_only=True):
    """A link that lets somebody in once: the first admin, an invited guest, one who forgot the password."""

    id: str
    digest: str
    kind: str
    """`first`, `invitation`, `recovery`."""
    account: UserId | None = None
    role: SiteRole = SiteRole.MEMBER
    channel: ChannelId | None = None
    channel_role: ChannelRole | None = None
    note: str = ""
    created_at: float
    created_by: UserId | None = None
    expires_at: float
    used_at: float | None = None


class Channel(Record, frozen=True, kw_only=True):
    id: ChannelId
    slug: str
    name: str
    skeleton: str
    title: str = ""
    category: str = ""
    description: str = ""
    visibility: Visibility = Visibility.PUBLIC
    owner: UserId | None = None
    """None until somebody claims the channel made at the first start."""
    preset: Preset = "standard"
    dvr_window_s: int = 1800
    reconnect_window_s: int = int(RECONNECT_WINDOW_S)
    play_tokens_from: float = 0.0
    """Play tokens made until then are void."""
    created_at: float
    last_live_at: float | None = None


class Slug(Record, frozen=True, kw_only=True):
    """A name that leads to a channel: its present one or a former one."""

    slug: str
    channel: ChannelId


class Member(Record, frozen=True, kw_only=True):
    channel: ChannelId
    account: UserId
    role: ChannelRole
    since: float
    until: float | None = None
    """When the role ends by itself, as a subscriber's does."""


class Follow(Record, frozen=True, kw_only=True):
    """An account follows a channel; `id` sorts by time."""

    id: str
    channel: ChannelId
    account: UserId
    since: float


class Webhook(Record, frozen=True, kw_only=True):
    """Where a channel's events are sent to; `sealed` is what they are signed with."""

    id: str
    channel: ChannelId | None
    url: str
    sealed: bytes
    kinds: list[str]
    note: str = ""
    enabled: bool = True
    created_at: float
    created_by: UserId | None = None


class WebhookCursor(Record, frozen=True, kw_only=True):
    """How far a webhook has been told a room's events, and how that went."""

    webhook: str
    room: str
    outbox_seq: int = 0
    log_seq: int = 0
    attempts: int = 0
    next_at: float = 0.0
    delivered: int = 0
    last_at: float | None = None
    """When it was last answered well."""
    last_status: int = 0
    last_error: str = ""


class Place(Record, frozen=True, kw_only=True):
    """Two places: in the outbox, and in a room's log."""

    outbox: int = 0
    log: int = 0


class Told(Record, frozen=True, kw_only=True):
    """An event that leaves the house, and the places reached once it is delivered."""

    id: str
    kind: str
    at: float
    data: dict[str, Any]
    outbox: int = 0
    log: int = 0


class StreamKey(Record, frozen=True, kw_only=True):
    id: KeyId
    channel: ChannelId
    name: str
    mask: str
    digest: str
    """HMAC-SHA256 of the value: what it is looked up by."""
    sealed: bytes
    """The value under AES-GCM: what it is revealed from."""
    created_at: float
    created_by: UserId | None = None
    last_used_at: float | None = None
    expires_at: float | None = None
    revoked_at: float | None = None
    replaces: KeyId | None = None

    def usable(self, now: float) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Token(Record, frozen=True, kw_only=True):
    """An API token; `digest` stands for its value, which is kept nowhere."""

    id: str
    account: UserId
    name: str
    mask: str
    digest: str
    scopes: list[str]
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None


class Broadcast(Record, frozen=True, kw_only=True):
    id: str
    """Sorts by time, as every id here; the hub's own id is `broadcast`."""
    broadcast: BroadcastId
    channel: ChannelId
    title: str
    began_at: float
    ended_at: float | None = None
    end_reason: str = ""
    peak_viewers: int = 0
    node: str = ""
    """The server that takes it in, of several on one database; empty where an older version wrote it."""
    alive_at: float = 0.0
    """When that was last written down."""


class Happening(Record, frozen=True, kw_only=True):
    """Something that happened, kept: the studio's log and the audit are made of these."""

    id: str
    at: float
    kind: str
    channel: ChannelId | None = None
    actor: UserId | None = None
    peer: str = ""
    data: dict[str, Plain] = {}


class Kept(Record, frozen=True, kw_only=True):
    """The answer to a creation, kept for its idempotency key; `sealed` because it may hold a secret."""

    key: str
    request: str
    """Digest of the request: the same key with another body is refused."""
    status: int
    sealed: bytes
    at: float


class Page(Record, Generic[R], frozen=True, kw_only=True):
    """Some rows and where the next ones begin; None at the end."""

    items: list[R]
    next: str | None = None
