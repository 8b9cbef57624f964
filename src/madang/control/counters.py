"""What the control plane counts over the life of the process, for metrics."""

import msgspec


class ControlCounters(msgspec.Struct):
    """Rising numbers."""

    logins: int = 0
    """Sessions that began with a password."""
    logins_refused: int = 0
    """Wrong names and passwords."""
    logins_hurried: int = 0
    """Attempts that were answered 429 unseen."""
    keys_admitted: int = 0
    """Stream keys that were let in."""
    keys_refused: int = 0
    """Stream keys that are unknown, revoked, or another channel's."""
    keys_kept_away: int = 0
    """Keys that came back within a minute after a kick."""
    links_used: int = 0
    """One-time links that were used."""
    feed_opened: int = 0
    """Pages that began to follow the event feed."""
    facts_dropped: int = 0
    """Facts about streams that a database away for too long never got."""
