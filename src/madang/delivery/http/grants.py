"""Rights to watch that travel in the path, so that whatever a playlist names inherits them.

Cookies break native players across sites, and a query would have to be repeated in every line.
"""

from collections import OrderedDict
from collections.abc import Callable

from madang.base.clock import Clock
from madang.base.ids import encode_id
from madang.base.limits import PLAY_GRANTS
from madang.hub.gate import PlayGate, PlayGrant

MARK = "~"


class Grants:
    """Grants of private channels by their random names; each look asks the gate whether it still holds."""

    def __init__(self, gate: PlayGate, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._gate = gate
        self._clock = clock
        self._entropy = entropy
        self._grants: OrderedDict[str, PlayGrant] = OrderedDict()

    def mint(self, grant: PlayGrant) -> str:
        """A path element that carries the grant; the least recently used goes when there are too many."""
        token = encode_id(self._entropy(16))
        self._grants[token] = grant
        if len(self._grants) > PLAY_GRANTS:
            self._grants.popitem(last=False)
        return MARK + token

    def find(self, element: str) -> PlayGrant | None:
        """The grant of a path element while it holds. O(1)."""
        token = element[1:]
        grant = self._grants.get(token)
        if grant is None:
            return None
        if not self.holds(grant):
            del self._grants[token]
            return None
        self._grants.move_to_end(token)
        return grant

    def holds(self, grant: PlayGrant) -> bool:
        """Whether the grant is in force now."""
        expired = 0 < grant.expires_at <= self._clock.wall()
        return not expired and self._gate.holds(grant)
