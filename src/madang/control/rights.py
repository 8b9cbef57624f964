"""Who acts, and what it takes: actors, rights, scopes, and the one question `permits`."""

from enum import StrEnum

import msgspec

from madang.base.ids import SessionId, UserId
from madang.base.roles import ChannelRole, SiteRole, Visibility
from madang.control.records import Channel


class Right(StrEnum):
    """What a door asks for. Those from WATCH on are asked about one channel."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    ADMIN = "admin"
    WATCH = "watch"
    STUDIO = "studio"
    """See how the stream is, write its title: manager and above."""
    BROADCAST = "broadcast"
    """Keys, end, kick: broadcaster and above."""
    OWN = "own"
    """Name, visibility, members, deletion: the owner."""


class Scope(StrEnum):
    """What an API token may be used for, within the rights of the account that made it."""

    CHANNELS_READ = "channels:read"
    CHANNELS_WRITE = "channels:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    KEYS_REVEAL = "keys:reveal"
    STREAMS_READ = "streams:read"
    STREAMS_WRITE = "streams:write"
    EVENTS_READ = "events:read"
    CHAT_READ = "chat:read"
    CHAT_WRITE = "chat:write"
    CHAT_MODERATE = "chat:moderate"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    PLAY_MINT = "play:mint"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    SERVER_READ = "server:read"
    METRICS_READ = "metrics:read"


SCOPE_MEANINGS: dict[Scope, str] = {
    Scope.CHANNELS_READ: "See your channels, private ones too",
    Scope.CHANNELS_WRITE: "Create, change and delete channels and their members",
    Scope.KEYS_READ: "List stream keys, masked",
    Scope.KEYS_WRITE: "Create, rotate, rename and revoke stream keys",
    Scope.KEYS_REVEAL: "Read the values of stream keys",
    Scope.STREAMS_READ: "See live streams: bitrate, viewers, health",
    Scope.STREAMS_WRITE: "End broadcasts and kick publishers",
    Scope.EVENTS_READ: "Read events",
    Scope.CHAT_READ: "Read chat, and whom you follow",
    Scope.CHAT_WRITE: "Write in chats, follow channels",
    Scope.CHAT_MODERATE: "Moderate the chats that you may moderate",
    Scope.WEBHOOKS_READ: "See where events are sent to",
    Scope.WEBHOOKS_WRITE: "Change where events are sent to",
    Scope.PLAY_MINT: "Make play tokens for private channels",
    Scope.USERS_READ: "List users and invitations (admins)",
    Scope.USERS_WRITE: "Invite, change and delete users (admins)",
    Scope.SERVER_READ: "Read the server's health (admins)",
    Scope.METRICS_READ: "Read /metrics (admins)",
}

_NEEDED = {
    Right.STUDIO: ChannelRole.MANAGER,
    Right.BROADCAST: ChannelRole.BROADCASTER,
    Right.OWN: ChannelRole.OWNER,
}


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in: an account through a session, or through an API token with scopes."""

    account: UserId
    name: str
    role: SiteRole
    session: SessionId = SessionId("")
    token: str = ""
    scopes: frozenset[str] | None = None
    """None for a session: everything the account may do."""
    password_at: float = 0.0
    peer: str = ""

    @property
    def is_admin(self) -> bool:
        return self.role is SiteRole.ADMIN

    def allows(self, scope: Scope | None) -> bool:
        """Whether this way of being signed in covers `scope`; None stands for sessions alone."""
        if self.scopes is None:
            return True
        return scope is not None and scope.value in self.scopes


def permits(actor: Actor | None, role: ChannelRole, channel: Channel, right: Right) -> bool:
    """Whether somebody with `role` in `channel` has `right` there. Site admins own every channel."""
    if right is Right.WATCH:
        return may_watch(actor, role, channel)
    if actor is None or right not in _NEEDED:
        return False
    return actor.is_admin or role.at_least(_NEEDED[right])


def may_watch(actor: Actor | None, role: ChannelRole, channel: Channel) -> bool:
    """Public and unlisted channels are everybody's; a private one needs any role in it."""
    if channel.visibility is not Visibility.PRIVATE:
        return True
    return actor is not None and (actor.is_admin or role is not ChannelRole.GUEST)
