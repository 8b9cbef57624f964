"""What the chat counts over the life of the process, for metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class ChatCounters:
    """Rising numbers."""

    messages: int = 0
    """Messages that everybody may see."""
    messages_held: int = 0
    """Messages that wait for a moderator."""
    messages_shadowed: int = 0
    """Messages that only their author and the moderators see."""
    messages_refused: int = 0
    """Messages refused with a reason: too fast, filtered, silenced."""
    messages_failed: int = 0
    """Messages answered with error 100: the store was away."""
