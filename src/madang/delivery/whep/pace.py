"""Which size of a picture suits a viewer, where the publisher sends several (simulcast)."""

from typing import Final

CONGESTED: Final = 0.1
"""A share of lost packets that repeats do not make up for any more."""
CONGESTED_LOOKS: Final = 3
CLEAR: Final = 0.02
CLEAR_LOOKS: Final = 15
CLEAR_LOOKS_MAX: Final = 240
"""Who had to go down again waits twice as long before the next try, up to this."""


class Pace:
    """Looked at once a second, with the loss that the viewer last reported, as a share."""

    __slots__ = ("_bad", "_good", "_patience", "_tried")

    def __init__(self) -> None:
        self._bad = self._good = 0
        self._patience = CLEAR_LOOKS
        self._tried = False
        """Whether the last step was up."""

    def look(self, loss: float, largest: bool) -> int:
        """1 for a smaller picture, -1 for a larger one unless it is the `largest` already, 0 to stay."""
        self._bad = self._bad + 1 if loss > CONGESTED else 0
        self._good = self._good + 1 if loss < CLEAR and not largest else 0
        if self._bad >= CONGESTED_LOOKS:
            self._bad = self._good = 0
            if self._tried:
                self._patience = min(2 * self._patience, CLEAR_LOOKS_MAX)
            self._tried = False
            return 1
        if self._good >= self._patience:
            self._good = 0
            self._tried = True
            return -1
        return 0
