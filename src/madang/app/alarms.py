"""What must not be forgotten: told at the start and every hour, for as long as it is so (A68, F28)."""

from collections.abc import Callable, Iterable
from typing import Final

import structlog

from madang.base.clock import Clock

EVERY_S: Final = 3600.0
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
        self._told = {sentence: at for sentence, at in self._told.items() if sentence in standing}
        for sentence in standing:
            if now - self._told.get(sentence, -EVERY_S) >= EVERY_S:
                self._told[sentence] = now
                _log.warning("alarm", sentence=sentence)
