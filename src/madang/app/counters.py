"""What the composition root itself counts."""

from dataclasses import dataclass


@dataclass(slots=True)
class AppCounters:
    """Plain numbers, only ever added to."""

    reloads: int = 0
    """Settings and certificates that were read again."""
    reload_failures: int = 0
    """Settings or certificates that were bad and left the old ones in force (F26, F28)."""
