"""Roles, everywhere the same: on the site, and in a channel."""

from enum import StrEnum


class SiteRole(StrEnum):
    """What an account is on the whole site."""

    ADMIN = "admin"
    MEMBER = "member"


class ChannelRole(StrEnum):
    """What somebody is in one channel, from most to least."""

    OWNER = "owner"
    BROADCASTER = "broadcaster"
    MANAGER = "manager"
    VIP = "vip"
    SUBSCRIBER = "subscriber"
    VIEWER = "viewer"
    GUEST = "guest"

    @property
    def rank(self) -> int:
        """0 for the owner, rising as the rights fall."""
        return _RANKS[self]

    def at_least(self, other: "ChannelRole") -> bool:
        """Whether this role has every right of `other`."""
        return self.rank <= other.rank


_RANKS = {role: place for place, role in enumerate(ChannelRole)}


class Visibility(StrEnum):
    """Who may watch a channel: anyone, anyone with the link, or those who are let in."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"
