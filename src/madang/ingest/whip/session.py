"""One WHIP publisher from its answer to its end: by goodbye, by loss, by revocation."""

from collections.abc import Callable
from functools import partial

import structlog

from madang.base.clock import Clock
from madang.base.limits import PUBLISH_BITRATE_MAX, PUBLISH_RATE_WINDOW_S, WHIP_KEYFRAME_S
from madang.hub.gate import Lease
from madang.hub.layer import Layer
from madang.hub.registry import Publication
from madang.ingest.whip.counters import WhipCounters
from madang.ingest.whip.intake import Intake
from madang.media.track import Codec
from madang.net.webrtc.negotiation import Negotiated
from madang.net.webrtc.sender import Sender
from madang.net.webrtc.session import Session
from madang.net.webrtc.sources import Source
from madang.protocols.rtp.packet import RtpPacket

log = structlog.get_logger(__name__)


class WhipPublisher(Negotiated):
    """Implements `net.webrtc.session.Receiver` and `net.webrtc.signalling.Peer`."""

    def __init__(
        self, lease: Lease, clock: Clock, counters: WhipCounters, left: Callable[["WhipPublisher"], None]
    ) -> None:
        self.lease = lease
        self.ended = False
        self._now = clock.monotonic
        self._counters = counters
        self._left = left
        self._publication: Publication | None = None
        self._intake: Intake | None = None
        self._layers: dict[str, Layer] = {}
        self._bytes = 0
        self._window = (self._now(), 0)
        """When the present window of the rate began, and the bytes until then."""

    def attach(self, publication: Publication) -> None:
        """The registry gave us the stream."""
        self._publication = publication

    def begin(self, session: Session, codecs: dict[int, Codec], rids: tuple[str, ...]) -> None:
        """The session of this publisher, and what was negotiated."""
        assert self._publication is not None
        self.session = session
        self._intake = Intake(self._publication, codecs, rids, self._counters)
        stream = self._publication.stream
        stream.on_keyframe_wanted = self._intake.ask_keyframe
        ask = self._intake.ask_layer
        self._layers = {rid: Layer(rid, stream.media_of, partial(ask, rid)) for rid in rids[1:]}
        for layer in self._layers.values():
            self._intake.serve(layer)
        stream.layers = self._layers

    def look(self) -> None:
        """Once a second: keyframes while somebody packages, and the rate (A56)."""
        publication, intake, now = self._publication, self._intake, self._now()
        if publication is None or intake is None or self.ended:
            return
        if publication.stream.followed:
            intake.look(now, WHIP_KEYFRAME_S)
        began, before = self._window
        if now - began < PUBLISH_RATE_WINDOW_S:
            return
        self._window = (now, self._bytes)
        if (self._bytes - before) * 8 > PUBLISH_BITRATE_MAX * (now - began):
            self._counters.too_fast += 1
            self._end("too_fast", lost=True)

    # --- the HTTP resource -------------------------------------------------------------------------------

    def end(self) -> None:
        """DELETE: the broadcaster has stopped."""
        self._end("deleted", lost=False)

    # --- net.webrtc.Receiver -----------------------------------------------------------------------------

    def connected(self) -> None:
        self._log("publish_began")

    def closed(self, reason: str) -> None:
        self._end(reason, lost=True)

    def packet(self, source: Source, packet: RtpPacket, lost: int) -> None:
        if self._intake is not None:
            self._bytes += len(packet.payload)
            self._intake.packet(source, packet, lost, self._now())

    def keyframe_wanted(self, sender: Sender) -> None:
        """Publishers are sent nothing."""

    # --- the hub -----------------------------------------------------------------------------------------

    def revoked(self, code: str, sentence: str) -> None:
        """The hub or an operator sends the publisher away; its publication is over."""
        self._log("publish_revoked", code=code)
        self._end(code, lost=True)

    def _end(self, reason: str, lost: bool) -> None:
        if self.ended:
            return
        self.ended = True
        publication, self._publication = self._publication, None
        intake, self._intake = self._intake, None
        if intake is not None:
            intake.close()
        if publication is not None:
            if intake is not None and publication.stream.on_keyframe_wanted == intake.ask_keyframe:
                publication.stream.on_keyframe_wanted = None
            if publication.stream.layers is self._layers:
                publication.stream.layers = {}
            if publication.current:
                self._log("publish_closed", by=reason)
            if lost:
                publication.lost(reason)
            else:
                publication.end(reason)
        if self.session is not None:
            self.session.close(reason)
        self._left(self)

    def _log(self, event: str, **facts: str) -> None:
        log.info(event, channel=self.lease.channel, peer=self.lease.peer, door="whip", **facts)
