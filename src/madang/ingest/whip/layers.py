"""Simulcast: a publisher sends its picture in several sizes; the best that comes is taken."""

PATIENCE_S = 1.5
"""A layer that is silent for so long has been dropped by a browser that lacks bandwidth or CPU."""


class Layers:
    """Knows the layers by their RTP stream ids, best first; a publisher without simulcast has the one ''.

    The taken layer changes with a keyframe of the other one, which is asked for."""

    def __init__(self, rids: tuple[str, ...]) -> None:
        self._rank = {rid: rank for rank, rid in enumerate(rids or ("",))}
        self._heard: dict[str, float] = {}
        self.taken = ""
        self._begun = False

    def hear(self, rid: str, keyframe: bool, now: float) -> bool:
        """A frame of this layer came: whether it is to be taken."""
        self._heard[rid] = now
        if not self._begun:
            if keyframe:
                self._begun, self.taken = True, rid
            return keyframe
        if rid == self.taken:
            return True
        better = self._order(rid) < self._order(self.taken)
        if keyframe and (better or self._silent(self.taken, now)):
            self.taken = rid
            return True
        return False

    def wanted(self, now: float) -> str | None:
        """The layer that should be asked for a keyframe, because it is better than the taken one or that
        one is gone; None when all is well."""
        alive = [rid for rid, heard in self._heard.items() if now - heard <= PATIENCE_S]
        best = min(alive, key=self._order, default=None)
        return best if best is not None and best != self.taken else None

    def _order(self, rid: str) -> int:
        return self._rank.get(rid, len(self._rank))

    def _silent(self, rid: str, now: float) -> bool:
        return now - self._heard.get(rid, float("-inf")) > PATIENCE_S
