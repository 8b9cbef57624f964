"""Start bursts: what was sent since the last keyframe, to each viewer who begins, paced by the clock."""

import asyncio
import time
from typing import Final

from madang.base.limits import WEBRTC_BURST_PACKETS, WEBRTC_BURST_PAUSE_S
from madang.net.webrtc.sender import Sender

_TURN_S: Final = 0.002
"""How long a turn may hold the loop before others get theirs."""


class Bursts:
    """Viewers who have a plan: WEBRTC_BURST_PACKETS of it to each of them, in turns, until they have caught
    up and go on in a group of their log's fan-out."""

    def __init__(self) -> None:
        self._starting: dict[Sender, int] = {}
        """And packets of the next batch that they have."""
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None

    def start(self, sender: Sender) -> None:
        """Send what `sender.plan` holds."""
        self._starting[sender] = 0
        if self._handle is None:
            self._handle = self._loop.call_soon(self._turn)

    def drop(self, sender: Sender) -> None:
        """It gets no more of it."""
        self._starting.pop(sender, None)

    def close(self) -> None:
        """Send nothing more."""
        if self._handle is not None:
            self._handle.cancel()

    def _turn(self) -> None:
        """As many viewers as a turn has time for."""
        self._handle = None
        until = time.monotonic() + _TURN_S
        for sender in tuple(self._starting):
            had = self._starting.pop(sender)
            had = self._go_on(sender, had)
            if had >= 0:
                self._starting[sender] = had  # behind the others
            if time.monotonic() > until:
                break
        if self._starting:
            self._handle = self._loop.call_later(WEBRTC_BURST_PAUSE_S, self._turn)

    def _go_on(self, sender: Sender, had: int) -> int:
        """Send the next packets of a start burst; returns how many of the next batch are sent, or -1 when
        the viewer has caught up."""
        left = WEBRTC_BURST_PACKETS
        while left > 0:
            if not sender.plan and not self._plan_on(sender):
                return -1
            batch, timestamp = sender.plan[-1]
            stop = min(had + left, len(batch.payloads))
            packets = [sender.seal(batch, place, timestamp) for place in range(had, stop)]
            if not sender.session.transmit(packets):
                return had
            left -= stop - had
            had = stop
            if had == len(batch.payloads):
                sender.plan.pop()
                sender.position, had = batch.position + 1, 0
        return had

    @staticmethod
    def _plan_on(sender: Sender) -> bool:
        """What has come meanwhile goes the same way; who has caught up joins a group."""
        log = sender.log
        sender.plan = [(batch, batch.timestamp) for batch in log.between(sender.position, log.position)]
        sender.plan.reverse()
        if not sender.plan and sender.fanout is not None:
            sender.fanout.join(sender)
        return bool(sender.plan)
