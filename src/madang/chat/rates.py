"""How often somebody may write and call: by user in a room, by address everywhere (A57)."""

from collections import OrderedDict, deque
from typing import Final

from madang.base.limits import CHAT_PEER_MESSAGES, CHAT_RATE_S, CHAT_USER_CALLS, CHAT_USER_MESSAGES
from madang.chat import refusals, rights
from madang.chat.members import Member

_PEERS: Final = 50_000
_LOOPBACK: Final = ("127.", "::1")
_MODERATORS_TIMES: Final = 5
"""Managers write and call so many times as often."""


class Rates:
    """Counts what was let through; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._peers: OrderedDict[str, deque[float]] = OrderedDict()

    def admit_message(self, member: Member, peer: str, now: float) -> None:
        """Let a message through, or say how long to wait."""
        times = _MODERATORS_TIMES if rights.moderates(member.role) else 1
        wait_s = _wait_s(member.sent, CHAT_USER_MESSAGES * times, now)
        seen = self._seen(peer)
        if seen is not None:
            wait_s = max(wait_s, _wait_s(seen, CHAT_PEER_MESSAGES, now))
        if wait_s > 0:
            raise refusals.rate(wait_s)
        member.sent.append(now)
        if seen is not None:
            seen.append(now)

    def _seen(self, peer: str) -> deque[float] | None:
        """When messages came from an address; None for those that are not counted."""
        if not peer or peer.startswith(_LOOPBACK):
            return None
        seen = self._peers.get(peer)
        if seen is None:
            seen = self._peers[peer] = deque()
            while len(self._peers) > _PEERS:
                self._peers.popitem(last=False)
        self._peers.move_to_end(peer)
        return seen

    def admit_call(self, member: Member, now: float) -> None:
        """Let any other method through."""
        times = _MODERATORS_TIMES if rights.moderates(member.role) else 1
        wait_s = _wait_s(member.calls, CHAT_USER_CALLS * times, now)
        if wait_s > 0:
            raise refusals.rate(wait_s)
        member.calls.append(now)


def _wait_s(times: deque[float], most: int, now: float) -> float:
    while times and times[0] <= now - CHAT_RATE_S:
        times.popleft()
    return times[0] + CHAT_RATE_S - now if len(times) >= most else 0.0
