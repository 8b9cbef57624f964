"""Sound in fewer, longer packets where a stream has many listeners: a system call per packet and listener is
most of what sound costs."""

from madang.base.limits import RTP_BUNDLE_S, RTP_BUNDLE_VIEWERS
from madang.codecs import opus
from madang.net.webrtc.log import PAYLOAD_BYTES, PacketLog


class Bundle:
    """Opus packets on their way into a log. Up to RTP_BUNDLE_VIEWERS listeners each goes at once; beyond,
    those that follow one another are joined up to RTP_BUNDLE_S (RFC 6716 section 3.2.5)."""

    __slots__ = ("_bytes", "_held", "_next", "_start", "log")

    def __init__(self, log: PacketLog) -> None:
        self.log = log
        self._held: list[bytes] = []
        self._start = self._next = self._bytes = 0
        """Media times of the first packet held and of the one that would follow, in ticks of 48 kHz."""

    def add(self, packet: bytes, ticks: int) -> None:
        """One packet at media time `ticks`."""
        held, samples = self._held, opus.single_samples(packet)
        if held and not (samples and ticks == self._next and packet[0] == held[0][0] and self._room(packet)):
            self.flush()
        if not self._held:
            self._start = ticks
        self._held.append(packet)
        self._bytes += len(packet) + 2
        self._next = ticks + samples
        alone = not samples or self.log.viewers <= RTP_BUNDLE_VIEWERS
        if alone or self._next - self._start + samples > RTP_BUNDLE_S * opus.RATE:
            self.flush()

    def flush(self) -> None:
        """Nothing that is held belongs to what comes next."""
        held, self._held, self._bytes = self._held, [], 0
        if held:
            self.log.append([opus.join(held)], self._start, True)

    def _room(self, packet: bytes) -> bool:
        return self._bytes + len(packet) + 2 <= PAYLOAD_BYTES
