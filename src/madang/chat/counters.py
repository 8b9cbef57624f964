"""What the chat counts over the life of the process, for metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class ChatCounters:
    """Rising numbers."""

    messages: int = 0
    """Accepted, and seen by everybody."""
    messages_held: int = 0
    messages_shadowed: int = 0
    messages_refused: int = 0
    """Refused with a reason: too fast, filtered, silenced."""
    messages_failed: int = 0
    """Error 100: the store was away."""
