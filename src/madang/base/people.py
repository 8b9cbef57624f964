"""People and places as rooms show them: the words in which the chat asks who somebody is."""

import msgspec

from madang.base.roles import ChannelRole


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account, as rooms show it."""

    id: str
    name: str
    display_name: str
    avatar: str = ""
    is_admin: bool = False


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The channel that a room belongs to."""

    id: str
    slug: str
    name: str
    private: bool = False


class Standing(msgspec.Struct, frozen=True):
    """What somebody is in a channel, and until when (seconds; None for good)."""

    role: ChannelRole
    until: float | None = None
