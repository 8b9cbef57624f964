"""What a peer sends: each source (SSRC) in order, its gaps asked for again, its keyframes on request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from madang.base.limits import KEYFRAME_REQUEST_S, RTP_REORDER_PACKETS, RTP_REORDER_S
from madang.protocols.rtp import rtcp
from madang.protocols.rtp.packet import RtpPacket

_PATIENCE_S: Final = 0.1
"""How long a gap may last where nothing is sent again: packets that overtake each other."""
_ASK_AGAIN_S: Final = 0.05
"""With each look: where requests and repeats are lost as well, RTP_REORDER_S has to have room for many."""
_LATE_S_MAX: Final = 0.1
"""Packets that overtake each other by up to this are waited for before they are asked for again."""
_LATE_DECAY: Final = 0.98
"""By which the wait shrinks with each look: by half in some two seconds."""
_ASKED_AT_ONCE: Final = 128
_MISSING: Final = 1024
_JUMP: Final = 512
"""A step in sequence numbers beyond this is a new start (RFC 3550 appendix A.1)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One media section that the peer sends."""

    mid: str
    clock_rates: Mapping[int, int]
    """Hz by payload type, without those of RTX."""
    rtx: Mapping[int, int] = field(default_factory=dict)
    """Payload type by payload type of RTX."""
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    """Source by the source of its RTX."""
    nack: bool = False
    pli: bool = False
    fir: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """What a peer may send, and the ids of header extensions; 0 where not negotiated."""

    lines: tuple[Line, ...]
    mid_id: int = 0
    rid_id: int = 0
    repaired_rid_id: int = 0
    twcc_id: int = 0
    remb_bps: int = 0
    """What REMB allows the peer; 0 for no REMB."""


class Outlet(Protocol):
    """Where a source's packets and requests go: its session."""

    def deliver(self, source: "Source", packet: RtpPacket, lost: int) -> None: ...

    def recover(self) -> None:
        """A packet that was missing came late or again, in time."""
        ...

    def request_keyframe(self, source: "Source") -> None: ...


class Source:
    """One SSRC. Packets leave in order; those that are missing are waited for a while and asked for again."""

    __slots__ = (
        "_asked_s",
        "_base",
        "_expected",
        "_held",
        "_highest",
        "_jitter",
        "_late_s",
        "_last_expected",
        "_last_received",
        "_missing",
        "_outlet",
        "_received",
        "_sr",
        "_transit",
        "line",
        "lost",
        "report",
        "requests",
        "rid",
        "ssrc",
    )

    def __init__(self, ssrc: int, line: Line, rid: str, outlet: Outlet) -> None:
        self.ssrc = ssrc
        self.line = line
        self.rid = rid
        self.report: tuple[float, int] | None = None
        """The latest sender report: NTP seconds and RTP timestamp."""
        self.lost = 0
        """Packets that were given up."""
        self.requests = 0
        """Keyframes that were asked for."""
        self._outlet = outlet
        self._expected = -1
        """The next number, with its cycles."""
        self._highest = self._base = -1
        self._held: dict[int, RtpPacket] = {}
        self._missing: dict[int, list[float]] = {}
        """By number: since when, and when it was asked for last."""
        self._received = self._last_received = self._last_expected = 0
        self._jitter = self._transit = 0.0
        self._late_s = 0.0
        """How late packets come that were overtaken: a gap younger than this is none yet."""
        self._sr: tuple[int, float] = (0, 0.0)
        self._asked_s = float("-inf")

    @property
    def is_heard(self) -> bool:
        """Whether a packet came."""
        return self._highest >= 0

    # --- packets -----------------------------------------------------------------------------------------

    def push(self, packet: RtpPacket, now: float, again: bool = False) -> None:
        """One packet as it came; `again` for one out of RTX."""
        number = self._number(packet.sequence)
        if not again:
            self._received += 1
            self._measure(packet, now)
        if number < self._expected or number in self._held:
            return
        missing = self._missing.pop(number, None)
        if missing is not None:
            self._outlet.recover()
            if not again:
                self._late_s = min(max(self._late_s, now - missing[0]), _LATE_S_MAX)
        self._miss(number, now)
        self._highest = max(self._highest, number)
        if number == self._expected:
            self._expected += 1
            self._outlet.deliver(self, packet, 0)
            if self._held:
                self._release()
        else:
            self._held[number] = packet
            if len(self._held) > RTP_REORDER_PACKETS:
                self._give_up(min(self._held))

    def look(self, now: float) -> list[int]:
        """Give up what was waited for in vain; the numbers to ask for again, as a NACK wants them."""
        patience = RTP_REORDER_S if self.line.nack else _PATIENCE_S
        late = [number for number, (since, _) in self._missing.items() if now - since > patience]
        if late:
            beyond = max(late) + 1
            self._give_up(min((number for number in self._held if number >= beyond), default=beyond))
        if not self.line.nack:
            return []
        self._late_s *= _LATE_DECAY
        asked: list[int] = []
        for number in sorted(self._missing)[:_ASKED_AT_ONCE]:
            times = self._missing[number]
            if now - times[0] >= self._late_s and now - times[1] > 0.9 * _ASK_AGAIN_S:
                times[1] = now
                asked.append(number & 0xFFFF)
        return asked

    def _number(self, sequence: int) -> int:
        highest = self._highest
        if highest < 0:
            self._expected = self._base = sequence + 0x10000
            self._highest = self._expected - 1
            return self._expected
        distance = (sequence - highest) & 0xFFFF
        number = highest + distance - 0x10000 if distance >= 0x8000 else highest + distance
        if number - highest > _JUMP:
            self._restart(number)
        return number

    def _restart(self, number: int) -> None:
        self._give_up(self._highest + 1)
        self._expected, self._highest = number, number - 1
        self._missing.clear()

    def _miss(self, number: int, now: float) -> None:
        gaps = range(self._highest + 1, number)
        if gaps and len(self._missing) + len(gaps) > _MISSING:
            self._give_up(number)  # A50: numbers that jump again and again
            return
        for gap in gaps:
            self._missing[gap] = [now, float("-inf")]

    def _release(self) -> None:
        """Deliver what follows without a gap."""
        while (packet := self._held.pop(self._expected, None)) is not None:
            self._expected += 1
            self._outlet.deliver(self, packet, 0)

    def _give_up(self, until: int) -> None:
        """Go on at `until`, over what is still missing before it."""
        while self._expected < until:
            start = min((number for number in self._held if number < until), default=until)
            lost = start - self._expected
            for number in range(self._expected, start):
                self._missing.pop(number, None)
            self._expected = start
            self.lost += lost
            packet = self._held.pop(start, None)
            if packet is None:
                packet = self._held.pop(until, None)
                if packet is None:
                    break
            self._expected += 1
            self._outlet.deliver(self, packet, lost)
            self._release()
        if self.line.pli or self.line.fir:
            self._outlet.request_keyframe(self)

    # --- reports -----------------------------------------------------------------------------------------

    def ask_keyframe(self) -> None:
        """PLI or FIR, at most one in KEYFRAME_REQUEST_S."""
        self._outlet.request_keyframe(self)

    def may_ask(self, now: float) -> bool:
        """Whether a keyframe may be asked for now; if so, it counts as asked."""
        if now - self._asked_s < KEYFRAME_REQUEST_S:
            return False
        self._asked_s = now
        self.requests += 1
        return True

    def on_report(self, report: rtcp.SenderReport, now: float) -> None:
        self.report = (report.ntp / 2**32, report.timestamp)
        self._sr = (report.ntp >> 16 & 0xFFFFFFFF, now)

    def block(self, now: float) -> rtcp.Report:
        """Our report about it (RFC 3550 appendix A.3)."""
        expected = self._highest - self._base + 1
        lost_now = (expected - self._last_expected) - (self._received - self._last_received)
        span = expected - self._last_expected
        fraction = min(max(lost_now * 256 // span, 0), 255) if span > 0 else 0
        self._last_expected, self._last_received = expected, self._received
        last_sr, at = self._sr
        return rtcp.Report(
            self.ssrc,
            fraction,
            expected - self._received,
            self._highest - 0x10000 & 0xFFFFFFFF,
            int(self._jitter),
            last_sr,
            int((now - at) * 65_536) if last_sr else 0,
        )

    def _measure(self, packet: RtpPacket, now: float) -> None:
        """Interarrival jitter (RFC 3550 section 6.4.1)."""
        rate = self.line.clock_rates.get(packet.payload_type, 90_000)
        transit = now * rate - packet.timestamp
        step = abs(transit - self._transit)
        self._transit = transit
        if step < 10 * rate:
            self._jitter += (step - self._jitter) / 16


class Router:
    """Finds the source of a packet (RFC 9143 section 9.2): by SSRC, MID, or a payload type of one line."""

    __slots__ = ("_expected", "_mids", "_outlet", "_types", "repairs", "sources")

    def __init__(self, expected: Expected, outlet: Outlet) -> None:
        self._expected = expected
        self._outlet = outlet
        self.sources: dict[int, Source] = {}
        self.repairs: dict[int, Source] = {}
        """The source by the SSRC of its RTX."""
        self._mids = {line.mid.encode(): line for line in expected.lines}
        self._types: dict[int, Line | None] = {}
        for line in expected.lines:
            for number in (*line.clock_rates, *line.rtx):
                self._types[number] = None if number in self._types else line
            for ssrc in line.ssrcs:
                self.sources[ssrc] = Source(ssrc, line, "", outlet)
        for line in expected.lines:
            for ssrc, repaired in line.rtx_ssrcs.items():
                source = self.sources.get(repaired)
                if source is not None:
                    self.repairs[ssrc] = source

    def push(self, packet: RtpPacket, now: float) -> bool:
        """Give the packet to its source; False for one that nobody announced."""
        source = self.sources.get(packet.ssrc)
        if source is None:
            source = self._find(packet)
            if source is None:
                repaired = self._repaired(packet)
                if repaired is not None:
                    self._unwrap(repaired, packet, now)
                return repaired is not None
        if packet.payload_type not in source.line.clock_rates:
            return False
        source.push(packet, now)
        return True

    def _line_of(self, packet: RtpPacket) -> Line | None:
        mid = packet.extensions.get(self._expected.mid_id) if self._expected.mid_id else None
        line = self._mids.get(mid) if mid is not None else self._types.get(packet.payload_type)
        if line is None and len(self._expected.lines) == 1:
            line = self._expected.lines[0]
        return line

    def _find(self, packet: RtpPacket) -> Source | None:
        line = self._line_of(packet)
        if line is None or packet.payload_type not in line.clock_rates or packet.ssrc in self.repairs:
            return None
        rid = packet.extensions.get(self._expected.rid_id, b"") if self._expected.rid_id else b""
        source = Source(packet.ssrc, line, rid.decode("ascii", "replace"), self._outlet)
        self.sources[packet.ssrc] = source
        return source

    def _repaired(self, packet: RtpPacket) -> Source | None:
        """The source that a packet of RTX repairs."""
        known = self.repairs.get(packet.ssrc)
        if known is not None:
            return known
        line = self._line_of(packet)
        if line is None or packet.payload_type not in line.rtx:
            return None
        name = (
            packet.extensions.get(self._expected.repaired_rid_id) if self._expected.repaired_rid_id else None
        )
        rid = name.decode("ascii", "replace") if name is not None else ""
        fitting = [
            source
            for source in self.sources.values()
            if source.line is line and (not rid or source.rid == rid)
        ]
        if len(fitting) != 1:
            return None
        self.repairs[packet.ssrc] = fitting[0]
        return fitting[0]

    def _unwrap(self, source: Source, packet: RtpPacket, now: float) -> None:
        """RFC 4588 section 4: the original number stands before the original payload."""
        original = source.line.rtx.get(packet.payload_type)
        if original is None or len(packet.payload) <= 2:
            return  # padding: what a bandwidth probe is made of
        plain = RtpPacket(
            original,
            packet.marker,
            int.from_bytes(packet.payload[:2], "big"),
            packet.timestamp,
            source.ssrc,
            packet.payload[2:],
            packet.extensions,
        )
        source.push(plain, now, again=True)


class Arrivals:
    """When which packets came, for transport-wide feedback."""

    __slots__ = ("_count", "_first", "_next", "_times")

    _KEPT: Final = 1000

    def __init__(self) -> None:
        self._times: dict[int, int] = {}
        self._next = -1
        self._first = 0
        self._count = 0

    def took(self, value: bytes, now: float) -> None:
        """A packet came with this transport-wide sequence number."""
        if len(value) != 2:
            return
        sequence = int.from_bytes(value, "big")
        if self._next < 0:
            self._next = self._first = sequence + 0x10000
        distance = (sequence - self._next) & 0xFFFF
        number = self._next + distance - 0x10000 if distance >= 0x8000 else self._next + distance
        if number < self._first or len(self._times) >= self._KEPT:
            return
        self._times[number] = int(now * 4000)
        self._next = max(self._next, number + 1)

    def feedback(self, ours: int, ssrc: int) -> bytes | None:
        """What came since the last feedback; None when nothing did."""
        if not self._times:
            return None
        first, last = min(self._times), max(self._times)
        last = min(last, first + self._KEPT)
        arrivals = [self._times.get(number) for number in range(first, last + 1)]
        self._times.clear()
        self._first = last + 1
        self._count += 1
        return rtcp.build_twcc(ours, ssrc, self._count - 1, first & 0xFFFF, arrivals)
