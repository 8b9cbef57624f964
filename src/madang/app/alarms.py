"""What must not be forgotten: told at the start and every hour, for as long as it is so (A68, F28)."""

import math
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import structlog

from madang.base.clock import Clock

EVERY_S: Final = 3600.0
RESTLESS_S: Final = 60.0
"""What comes and goes is not told again before: a disk on the edge of being full."""
NEARLY_FULL_BYTES: Final = 500_000_000
"""F4: less room than this is an alarm; the spool has left off long before."""
_log = structlog.get_logger()


class Alarms:
    """Sentences for the operator; a new one is told at once. `sweep` is called about once a second."""

    def __init__(self, clock: Clock, sentences: Callable[[], Iterable[str]]) -> None:
        self._clock = clock
        self._sentences = sentences
        self._told: dict[str, float] = {}

    def sweep(self) -> None:
        now = self._clock.monotonic()
        standing = list(self._sentences())
        self._told = {
            sentence: at
            for sentence, at in self._told.items()
            if sentence in standing or now - at < RESTLESS_S
        }
        for sentence in standing:
            if now - self._told.get(sentence, -EVERY_S) >= EVERY_S:
                self._told[sentence] = now
                _log.warning("alarm", sentence=sentence)


def free_bytes(folder: Path) -> float:
    """Room on the disk under a directory; not a number when the disk is gone, which is another's alarm."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return math.nan


def nearly_full(folder: Path) -> bool:
    """Whether there is next to no room left."""
    return free_bytes(folder) < NEARLY_FULL_BYTES
