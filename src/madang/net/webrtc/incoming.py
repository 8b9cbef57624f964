"""The publishing half of a session: what the peer sends, and what it is told about that by RTCP."""

from typing import Final

from madang.net.webrtc.sources import Arrivals, Expected, Outlet, Router, Source
from madang.protocols.rtp import rtcp
from madang.protocols.rtp.packet import RtpPacket

CNAME: Final = "madang-media"
_TWCC_LOOKS: Final = 2
_RR_LOOKS: Final = 20


class Incoming:
    """Packets in, reports out: what is missing (NACK), how it arrives (transport-wide feedback, REMB, RR),
    and which keyframes are wanted. `ssrc` is ours, as one that only receives."""

    __slots__ = ("_arrivals", "_expected", "_fir", "_looks", "_router", "_ssrc")

    def __init__(self, expected: Expected, outlet: Outlet, ssrc: int) -> None:
        self._expected = expected
        self._router = Router(expected, outlet)
        self._arrivals = Arrivals() if expected.twcc_id else None
        self._ssrc = ssrc
        self._looks = self._fir = 0

    @property
    def sources(self) -> dict[int, Source]:
        """What the peer sends, by SSRC."""
        return self._router.sources

    def push(self, packet: RtpPacket, now: float) -> bool:
        """Give the packet to its source; False for one that nobody announced."""
        if self._arrivals is not None:
            number = packet.extensions.get(self._expected.twcc_id)
            if number is not None:
                self._arrivals.took(number, now)
        return self._router.push(packet, now)

    def look(self, now: float) -> bytes:
        """Called every 50 ms: a compound packet, or nothing where there is nothing to say."""
        self._looks += 1
        sources = tuple(self._router.sources.values())
        said = b""
        for source in sources:
            missing = source.look(now)
            if missing:
                said += rtcp.build_nack(self._ssrc, source.ssrc, missing)
        if self._arrivals is not None and self._looks % _TWCC_LOOKS == 0:
            # Of one that the peer sends: libwebrtc passes over feedback about any other.
            heard = next((source.ssrc for source in sources if source.is_heard), 0)
            said += self._arrivals.feedback(self._ssrc, heard) or b""
        blocks: list[rtcp.Report] = []
        if self._looks % _RR_LOOKS == 0:
            blocks = [source.block(now) for source in sources if source.is_heard]
            if self._expected.remb_bps:
                said += rtcp.build_remb(self._ssrc, self._expected.remb_bps, [block.ssrc for block in blocks])
        elif not said:
            return b""
        return self._headed(said, blocks)

    def keyframe_request(self, source: Source, now: float) -> bytes:
        """PLI, or FIR where the peer knows no PLI; nothing where one was asked for a moment ago."""
        if not source.may_ask(now):
            return b""
        if source.line.pli:
            return self._headed(rtcp.build_pli(self._ssrc, source.ssrc))
        self._fir += 1
        return self._headed(rtcp.build_fir(self._ssrc, source.ssrc, self._fir))

    def _headed(self, said: bytes, blocks: list[rtcp.Report] | None = None) -> bytes:
        """Every compound packet begins with a report and a name (RFC 3550 section 6.1)."""
        return rtcp.build_rr(self._ssrc, blocks or []) + rtcp.build_sdes([self._ssrc], CNAME) + said
