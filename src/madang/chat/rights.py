"""Who may do what in a room."""

from typing import Final

from madang.base.roles import ChannelRole

EVERYBODY: Final = ("send", "effects", "poll", "paid")
_MANAGERS: Final = (
    "delete",
    "timeout",
    "ban",
    "shadow",
    "pin",
    "clear",
    "announce",
    "settings",
    "approve",
    "roles",
)
_HOSTS: Final = ("managers",)
_MODERATORS: Final = tuple(role for role in ChannelRole if role.at_least(ChannelRole.MANAGER))
_MUTED: Final = ("poll",)


def abilities(role: ChannelRole, *, muted: bool = False) -> tuple[str, ...]:
    """What somebody may do; a muted one only votes."""
    if muted:
        return _MUTED
    if role.at_least(ChannelRole.BROADCASTER):
        return (*EVERYBODY, *_MANAGERS, *_HOSTS)
    if role.at_least(ChannelRole.MANAGER):
        return (*EVERYBODY, *_MANAGERS)
    return EVERYBODY


def moderates(role: ChannelRole) -> bool:
    """Whether a role is a manager's or above; asked several times for each message."""
    return role in _MODERATORS


def is_above(role: ChannelRole, other: ChannelRole) -> bool:
    """Whether `role` may act on somebody who is `other`: managers not on each other, nobody on the owner."""
    return moderates(role) and role.rank < other.rank


def is_frozen(role: ChannelRole, frozen: str) -> bool:
    """Whether a freeze up to a group silences this role."""
    if not frozen or moderates(role):
        return False
    last = {
        "guests": ChannelRole.GUEST,
        "viewers": ChannelRole.VIEWER,
        "subscribers": ChannelRole.SUBSCRIBER,
    }.get(frozen, ChannelRole.VIP)
    return role.rank >= last.rank


def badges(role: ChannelRole, *, admin: bool = False) -> tuple[str, ...]:
    """The marks beside a name."""
    found = [] if role in (ChannelRole.VIEWER, ChannelRole.GUEST) else [role.value]
    if admin:
        found.insert(0, "admin")
    return tuple(found)
