"""What the composition root itself counts."""

from dataclasses import dataclass


@dataclass(slots=True)
class AppCounters:
    """Plain numbers, only ever added to."""

    reloads: int = 0
    reload_failures: int = 0
    """F26, F28: settings or certificates that were bad and left the old ones in force."""
