"""One source of a WHIP publisher: packets become frames, and 32 bits of RTP time an axis that goes on."""

from madang.media.track import Codec
from madang.protocols.rtp.assembly import Whole
from madang.protocols.rtp.formats import depacketiser
from madang.protocols.rtp.packet import RtpPacket

Report = tuple[float, int]
"""NTP seconds and RTP timestamp of a sender report."""


class Lane:
    """`ticks` of a timestamp count from the first packet, which stands at `began_s` of the session's axis."""

    def __init__(self, codec: Codec, clock_rate: int) -> None:
        self.codec = codec
        self.clock_rate = clock_rate
        self.began_s: float | None = None
        """Arrival of the first packet, on the session's axis."""
        self.shift_s = 0.0
        """How far the publisher's own clock puts this source from where its arrival put it."""
        self.report: Report | None = None
        """The sender report by which that was found."""
        self._depacketiser = depacketiser(codec)
        self._first = 0
        self._last = 0
        self._ticks = 0

    @property
    def broken(self) -> int:
        """Frames that were damaged, or could not be read."""
        return self._depacketiser.broken

    def push(self, packet: RtpPacket, lost: int, now_s: float) -> list[Whole]:
        """The frames that are whole with this packet."""
        if self.began_s is None:
            self.began_s = now_s
            self._first = self._last = packet.timestamp
        return self._depacketiser.push(packet.payload, packet.timestamp, packet.marker, lost)

    def ticks(self, timestamp: int) -> int:
        """Ticks since the first packet: the nearest to the last one that the 32 bits can mean."""
        step = (timestamp - self._last + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        self._ticks += step
        self._last = timestamp
        return self._ticks

    def at(self, ticks: int) -> int:
        """Ticks on the session's axis."""
        return ticks + round(((self.began_s or 0.0) + self.shift_s) * self.clock_rate)

    def offset_s(self, report: Report) -> float:
        """By a sender report, the publisher's wall clock less the session's axis, as arrival put it there."""
        ntp_s, timestamp = report
        behind = (timestamp - self._last + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return ntp_s - (self._ticks + behind) / self.clock_rate - (self.began_s or 0.0)
