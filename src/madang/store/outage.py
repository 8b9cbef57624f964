"""One line when something goes away, and one when it is back, however often it was missed in between."""

import logging
import time


class Outage:
    """`what` is who is away."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._since: float | None = None

    def begin(self, error: BaseException) -> None:
        """It does not answer."""
        if self._since is None:
            self._since = time.monotonic()
            self._log.warning("%s: not there: %s", self._what, error or type(error).__name__)

    def end(self) -> None:
        """It answers again."""
        if self._since is not None:
            away_s, self._since = time.monotonic() - self._since, None
            self._log.warning("%s: back after %.1f s", self._what, away_s)
