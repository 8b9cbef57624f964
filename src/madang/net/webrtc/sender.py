"""One track to one viewer: its numbers, its repeats, its reports. What viewers share is in `fanout`."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, Protocol

from madang.base.limits import KEYFRAME_REQUEST_S, NACK_PACKETS_PER_S
from madang.net.webrtc.compiled import Handle
from madang.net.webrtc.counters import WebRtcCounters
from madang.net.webrtc.log import Batch, PacketLog
from madang.net.webrtc.paths import Hot
from madang.protocols.rtp.packet import build_extensions
from madang.protocols.rtp.rtcp import Report, SenderReport

EPOCH: Final = 0x8000
"""Viewers begin below this sequence number, so that a packet lost near the first rollover misleads nobody
(RFC 3711 section 3.3.1), and those who begin within one such stretch of the log share their headers."""
_HEADER = Struct("!BBHII")
_NTP_UNIX_S: Final = 2_208_988_800
_PLAYOUT_DELAY: Final = bytes.fromhex("000028")
"""0 to 400 ms: a browser that reads it shows a frame as soon as it is decoded."""
_JUDGED: Final = 24
"""Packets over which loss is judged: browsers report with every NACK too, when some are only late."""
_LOSS_MAX: Final = 0.5
"""A viewer that loses more of what it is sent is congested: it loses frames instead, up to a keyframe."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What was negotiated for a track."""

    payload_type: int
    rtx_payload_type: int = 0
    nack: bool = True
    playout_delay_id: int = 0


class Wire(Protocol):
    """What a track needs of its session."""

    hot: Hot | None
    handle: Handle | None

    @property
    def counters(self) -> WebRtcCounters: ...

    @property
    def fast(self) -> bool: ...

    @property
    def socket(self) -> socket.socket | None: ...

    def seal(self, header: bytes, payload: bytes, index: int) -> bytes: ...

    def transmit(self, packets: Sequence[bytes]) -> bool: ...


class Place(Protocol):
    """Where a live viewer is in its log, with others: a group."""

    position: int

    def detach(self, sender: "Sender") -> None: ...


class Readers(Protocol):
    """Everyone who reads a log: its fan-out."""

    def switch(self, sender: "Sender", log: PacketLog) -> None: ...

    def regroup(self, sender: "Sender") -> None: ...

    def remove(self, sender: "Sender") -> None: ...

    def remove_from(self, sender: "Sender") -> None: ...

    def shed(self, sender: "Sender") -> None: ...

    def join(self, sender: "Sender") -> None: ...

    def expect(self, sender: "Sender") -> None: ...

    def unexpect(self, sender: "Sender") -> None: ...


class Sender:
    """Made by `Session.send`. The peer's sequence numbers are the log's packet indices less `offset`."""

    __slots__ = (
        "_asked_s",
        "_before",
        "_from",
        "_judged",
        "_octets",
        "_octets_from",
        "_repeats_left",
        "_repeats_from",
        "_repeats_s",
        "_rtx_number",
        "_sr",
        "active",
        "dropped",
        "extension",
        "fanout",
        "first",
        "group",
        "log",
        "loss",
        "number",
        "offset",
        "options",
        "plan",
        "position",
        "resent",
        "round_trip_s",
        "rtx_ssrc",
        "session",
        "ssrc",
        "stamps",
        "started",
        "stopped",
        "target",
    )

    def __init__(self, session: Wire, log: PacketLog, options: Sending, ssrcs: tuple[int, int]) -> None:
        self.session = session
        self.log = log
        self.options = options
        self.ssrc, self.rtx_ssrc = ssrcs
        delay = options.playout_delay_id
        self.extension = build_extensions({delay: _PLAYOUT_DELAY}) if delay else b""
        self.fanout: Readers | None = None
        self.target: Readers | None = None
        """Where it goes with the next keyframe there."""
        self.group: Place | None = None
        self.plan: list[tuple[Batch, int]] = []
        """What is left of the start burst, the next one last, with their timestamps."""
        self.stamps: dict[int, int] = {}
        """Timestamps of the start burst by batch index: a repeat must be the same to the bit."""
        self.started = self.active = self.stopped = False
        self.offset = 0
        self.first = self.number = 0
        """Our number of the first packet, and of the next while none are sent."""
        self.position = 0
        """The next batch of the log, while there is no group."""
        self.dropped = 0
        """Frames that were not sent to this viewer."""
        self.resent = 0
        self.loss = 0.0
        """As last reported: a share."""
        self.round_trip_s = 0.0
        self._judged = (-1, 0)
        """Up to which number loss was judged, and what had been lost until then."""
        self._from = 0
        """Our number where the present offset began to hold."""
        self._before: tuple[int, int, int, PacketLog] | None = None
        """From our number [0] up to [1] the offset was [2], in the log [3]."""
        self._octets = self._octets_from = 0
        self._rtx_number = 0
        self._repeats_s = self._repeats_left = 0
        self._repeats_from = 0
        """Packets that had been sent when the present second of repeats began."""
        self._asked_s = float("-inf")
        self._sr: tuple[int, float] = (0, 0.0)

    # --- for the rooms above -----------------------------------------------------------------------------

    def switch(self, log: PacketLog) -> None:
        """Go on with another log from its next keyframe, or its next frame where it has no keyframes."""
        if self.fanout is not None:
            self.fanout.switch(self, log)
        else:
            self.log = log

    def stop(self) -> None:
        """Send nothing more."""
        self.stopped = True
        if self.fanout is not None:
            self.fanout.remove(self)
            self.fanout = None

    @property
    def counts(self) -> dict[str, int | float]:
        """For the studio and for tests."""
        packets, octets = self._sent()
        return {
            "packets": packets,
            "bytes": octets,
            "dropped": self.dropped,
            "resent": self.resent,
            "loss": self.loss,
            "round_trip_s": self.round_trip_s,
        }

    # --- numbers -----------------------------------------------------------------------------------------

    def begin_at(self, batch: Batch) -> None:
        """`batch` is the next one: it gets the next numbers."""
        if self.started:
            self.dropped += max(batch.position - self.position, 0)
        else:
            self.started = True
            self.first = self.number = batch.index % EPOCH
            self._judged = (self.first - 1, 0)
        self.active = True
        self._from = self.number
        self.offset = batch.index - self.number
        self.position = batch.position
        self._octets_from = batch.octets_before

    def leave(self) -> None:
        """Send nothing for now: what was to come next is the first that is missed."""
        if not self.active:
            return
        index, octets = self.log.at(self.position)
        self.number = index - self.offset
        self._octets += octets - self._octets_from
        self._before = (self._from, self.number, self.offset, self.log)
        self.active = False
        self.plan.clear()

    def header(self, batch: Batch, place: int, timestamp: int) -> bytes:
        """The RTP header of a packet, extension included."""
        marker = 0x80 if place == len(batch.payloads) - 1 else 0
        extended = batch.keyframe and self.extension
        head = _HEADER.pack(
            0x90 if extended else 0x80,
            self.options.payload_type | marker,
            batch.index + place - self.offset & 0xFFFF,
            timestamp,
            self.ssrc,
        )
        return head + self.extension if extended else head

    def seal(self, batch: Batch, place: int, timestamp: int) -> bytes:
        """One packet for this viewer."""
        index = batch.index + place - self.offset
        return self.session.seal(self.header(batch, place, timestamp), batch.payloads[place], index)

    # --- what the viewer says ----------------------------------------------------------------------------

    def on_nack(self, sequences: tuple[int, ...], now: float) -> None:
        """Send again what the log still has, within the budget of a second; beyond it the viewer is
        congested and goes on at the next keyframe."""
        counters = self.session.counters
        counters.nacked += len(sequences)
        second = int(now)
        if second != self._repeats_s:
            sent = self._sent()[0]
            rate = (sent - self._repeats_from) // max(second - self._repeats_s, 1)
            self._repeats_s, self._repeats_from = second, sent
            self._repeats_left = max(NACK_PACKETS_PER_S, rate)
        packets: list[bytes] = []
        for sequence in sequences:
            if self._repeats_left <= 0:
                if self.fanout is not None:
                    self.fanout.shed(self)
                break
            packet = self._repeat(sequence)
            if packet is not None:
                packets.append(packet)
                self._repeats_left -= 1
        if packets:
            self.resent += len(packets)
            counters.resent += len(packets)
            self.session.transmit(packets)

    def on_report(self, report: Report, now: float) -> None:
        """A report block about this track."""
        if report.last_sr and report.last_sr == self._sr[0]:
            self.round_trip_s = max(now - self._sr[1] - report.delay / 65_536, 0.0)
        highest, lost = self._judged
        span = (report.highest - highest) & 0xFFFF
        if not _JUDGED <= span < EPOCH:
            return
        self._judged = (report.highest, report.lost)
        self.loss = min(max((report.lost - lost) / span, 0.0), 1.0)
        if self.loss > _LOSS_MAX and self.fanout is not None:
            self.fanout.shed(self)

    def wants_keyframe(self, now: float) -> bool:
        """Whether a PLI or FIR is to be passed on: not more often than KEYFRAME_REQUEST_S."""
        if now - self._asked_s < KEYFRAME_REQUEST_S:
            return False
        self._asked_s = now
        return True

    def report(self, now: float) -> SenderReport | None:
        """For the next RTCP packet: the latest frame's time on the stream's own wall clock, so that the
        tracks of a stream agree."""
        last = self.log.last
        if last is None or not self.active:
            return None
        ntp = round((self.log.epoch_s + last.at + _NTP_UNIX_S) * 2**32)
        self._sr = (ntp >> 16 & 0xFFFFFFFF, now)
        return SenderReport(self.ssrc, ntp, last.timestamp, *self._sent())

    def _sent(self) -> tuple[int, int]:
        """Packets and payload bytes."""
        if not self.active:
            return self.number - self.first, self._octets
        index, octets = self.log.at(self.group.position if self.group is not None else self.position)
        return index - self.offset - self.first, self._octets + octets - self._octets_from

    def _repeat(self, sequence: int) -> bytes | None:
        """The packet once more, by RTX (RFC 4588) where negotiated; None when it cannot be made again."""
        following = self._sent()[0] + self.first
        number = following - ((following - sequence) & 0xFFFF)
        offset, log = self.offset, self.log
        if number < self._from or not self.active:
            if self._before is None or not self._before[0] <= number < self._before[1]:
                return None
            _, _, offset, log = self._before
        found = log.find(number + offset)
        if found is None:
            return None
        batch, place = found
        if self.options.rtx_payload_type:
            return self._wrap(batch, place, number)
        if offset != self.offset or log is not self.log:
            return None
        return self.seal(batch, place, self.stamps.get(batch.index, batch.timestamp))

    def _wrap(self, batch: Batch, place: int, number: int) -> bytes:
        marker = 0x80 if place == len(batch.payloads) - 1 else 0
        timestamp = self.stamps.get(batch.index, batch.timestamp)
        again = self._rtx_number
        self._rtx_number += 1
        head = _HEADER.pack(
            0x80, self.options.rtx_payload_type | marker, again & 0xFFFF, timestamp, self.rtx_ssrc
        )
        payload = (number & 0xFFFF).to_bytes(2, "big") + batch.payloads[place]
        return self.session.seal(head, payload, again)
