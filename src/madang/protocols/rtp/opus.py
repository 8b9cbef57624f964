"""Opus in RTP (RFC 7587): a packet is a payload, and every one of them can be begun with."""

from madang.base.errors import PeerError
from madang.codecs import opus


class Packets:
    """An `assembly.Format` for Opus; packets that cannot be decoded (RFC 6716 section 3.4) are refused."""

    def __init__(self) -> None:
        self._packet: bytes | None = None

    def add(self, payload: memoryview) -> int:
        if not len(payload) or self._packet is not None:
            raise PeerError("malformed", "an empty Opus payload, or two with one timestamp")
        opus.packet_samples(payload)
        self._packet = bytes(payload)
        return len(payload)

    def take(self) -> tuple[bytes, bool] | None:
        return (self._packet, True) if self._packet is not None else None

    def clear(self) -> None:
        self._packet = None
