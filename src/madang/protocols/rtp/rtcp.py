"""RTCP: reports (RFC 3550 section 6), feedback (RFC 4585, 5104), REMB and transport-wide feedback.

A compound packet is read as a list of what matters to a sender or a receiver; other packets are passed over.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final

import msgspec

from madang.base.errors import PeerError

SR: Final = 200
RR: Final = 201
SDES: Final = 202
BYE: Final = 203
RTPFB: Final = 205
PSFB: Final = 206
NACK_FORMAT: Final = 1
TWCC_FORMAT: Final = 15
PLI_FORMAT: Final = 1
FIR_FORMAT: Final = 4
AFB_FORMAT: Final = 15

_HEADER = Struct("!BBHI")
_WORD = Struct("!I")
_SENDER = Struct("!IIIII")
_BLOCK = Struct("!IIIIII")
_PAIR = Struct("!HH")


class Report(msgspec.Struct, frozen=True, gc=False):
    """What a receiver says about one source (a report block, section 6.4.1)."""

    ssrc: int
    lost_fraction: int
    """Of 256, since the last report."""
    lost: int
    """In all; may be negative with duplicates."""
    highest: int
    """Sequence number with its cycles."""
    jitter: int
    last_sr: int
    """The middle 32 bits of the NTP time of the last SR."""
    delay: int
    """Since that SR, in 65,536ths of a second."""


class SenderReport(msgspec.Struct, frozen=True, gc=False):
    """The first half of an SR."""

    ssrc: int
    ntp: int
    """64 bits: seconds since 1900 and their fraction."""
    timestamp: int
    packets: int = 0
    octets: int = 0


class Bye(msgspec.Struct, frozen=True, gc=False):
    ssrcs: tuple[int, ...]


class Nack(msgspec.Struct, frozen=True, gc=False):
    """Packets that are missed, of one source."""

    ssrc: int
    sequences: tuple[int, ...]


class KeyframeRequest(msgspec.Struct, frozen=True, gc=False):
    """PLI or FIR."""

    ssrc: int


class Remb(msgspec.Struct, frozen=True, gc=False):
    """The bitrate that the receiver believes in (draft-alvestrand-rmcat-remb)."""

    bps: int
    ssrcs: tuple[int, ...]


Item = Report | SenderReport | Bye | Nack | KeyframeRequest | Remb


def parse(data: bytes) -> list[Item]:
    """The items of a plain compound packet (or a reduced-size one, RFC 5506). Raises PeerError."""
    items: list[Item] = []
    at, end = 0, len(data)
    while at < end:
        if end - at < 4:
            raise PeerError("rtcp", "an RTCP packet shorter than its header")
        first, kind = data[at], data[at + 1]
        beyond = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
        if first >> 6 != 2 or beyond > end:
            raise PeerError("rtcp", "an RTCP packet beyond its compound")
        body = data[at + 4 : beyond]
        if first & 32:
            body = _without_padding(body)
        reader = _READERS.get(kind)
        if reader is not None:
            reader(first & 31, body, items)
        at = beyond
    return items


def _without_padding(body: bytes) -> bytes:
    padding = body[-1] if body else 0
    if not padding or padding > len(body):
        raise PeerError("rtcp", "padding beyond the packet")
    return body[:-padding]


def _read_sr(count: int, body: bytes, items: list[Item]) -> None:
    if len(body) < 24:
        raise PeerError("rtcp", "a sender report that is cut")
    ssrc = int.from_bytes(body[:4], "big")
    high, low, timestamp, packets, octets = _SENDER.unpack_from(body, 4)
    items.append(SenderReport(ssrc, high << 32 | low, timestamp, packets, octets))
    _read_blocks(count, body, 24, items)


def _read_rr(count: int, body: bytes, items: list[Item]) -> None:
    if len(body) < 4:
        raise PeerError("rtcp", "a receiver report that is cut")
    _read_blocks(count, body, 4, items)


def _read_blocks(count: int, body: bytes, at: int, items: list[Item]) -> None:
    if len(body) < at + 24 * count:
        raise PeerError("rtcp", "report blocks beyond their packet")
    for _ in range(count):
        ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, at)
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 0x1000000
        items.append(Report(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay))
        at += 24


def _read_bye(count: int, body: bytes, items: list[Item]) -> None:
    if len(body) < 4 * count:
        raise PeerError("rtcp", "a goodbye that is cut")
    items.append(Bye(tuple(int.from_bytes(body[4 * i : 4 * i + 4], "big") for i in range(count))))


def _read_rtpfb(count: int, body: bytes, items: list[Item]) -> None:
    if len(body) < 8:
        raise PeerError("rtcp", "feedback that is cut")
    if count != NACK_FORMAT:
        return
    sequences: list[int] = []
    for at in range(8, len(body) - 3, 4):
        first, mask = _PAIR.unpack_from(body, at)
        sequences.append(first)
        while mask:
            low = mask & -mask
            sequences.append(first + low.bit_length() & 0xFFFF)
            mask ^= low
    items.append(Nack(int.from_bytes(body[4:8], "big"), tuple(sequences)))


def _read_psfb(count: int, body: bytes, items: list[Item]) -> None:
    if len(body) < 8:
        raise PeerError("rtcp", "feedback that is cut")
    if count == PLI_FORMAT:
        items.append(KeyframeRequest(int.from_bytes(body[4:8], "big")))
    elif count == FIR_FORMAT:
        items.extend(
            KeyframeRequest(int.from_bytes(body[at : at + 4], "big")) for at in range(8, len(body) - 7, 8)
        )
    elif count == AFB_FORMAT and body[8:12] == b"REMB" and len(body) >= 16:
        exponent, mantissa = body[13] >> 2, int.from_bytes(body[13:16], "big") & 0x3FFFF
        if len(body) < 16 + 4 * body[12]:
            raise PeerError("rtcp", "a REMB that is cut")
        ssrcs = tuple(int.from_bytes(body[at : at + 4], "big") for at in range(16, 16 + 4 * body[12], 4))
        items.append(Remb(mantissa << exponent, ssrcs))


_READERS: Final = {
    SR: _read_sr,
    RR: _read_rr,
    BYE: _read_bye,
    RTPFB: _read_rtpfb,
    PSFB: _read_psfb,
}


def build_sr(report: SenderReport, blocks: Sequence[Report] = ()) -> bytes:
    ntp = report.ntp
    body = _WORD.pack(report.ssrc) + _SENDER.pack(
        ntp >> 32,
        ntp & 0xFFFFFFFF,
        report.timestamp & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )
    return _packet(SR, len(blocks), body + _blocks(blocks))


def build_rr(ssrc: int, blocks: Sequence[Report] = ()) -> bytes:
    """`ssrc` is the reporter's own."""
    return _packet(RR, len(blocks), _WORD.pack(ssrc) + _blocks(blocks))


def build_sdes(ssrcs: Iterable[int], cname: str) -> bytes:
    """The canonical name of each source (section 6.5.1), which every compound packet must carry."""
    name = cname.encode()
    chunk = bytes((1, len(name))) + name
    chunk += bytes(4 - len(chunk) % 4)
    chunks = [_WORD.pack(ssrc) + chunk for ssrc in ssrcs]
    return _packet(SDES, len(chunks), b"".join(chunks))


def build_bye(ssrcs: Sequence[int]) -> bytes:
    return _packet(BYE, len(ssrcs), b"".join(_WORD.pack(ssrc) for ssrc in ssrcs))


def build_nack(ours: int, ssrc: int, sequences: Iterable[int]) -> bytes:
    """`sequences` in order; those within 16 behind one share its word (RFC 4585 section 6.2.1)."""
    words: list[bytes] = []
    first, mask = -1, 0
    for sequence in sequences:
        distance = (sequence - first & 0xFFFF) - 1
        if first >= 0 and 0 <= distance < 16:
            mask |= 1 << distance
            continue
        if first >= 0:
            words.append(_PAIR.pack(first, mask))
        first, mask = sequence, 0
    if first >= 0:
        words.append(_PAIR.pack(first, mask))
    return _packet(RTPFB, NACK_FORMAT, _WORD.pack(ours) + _WORD.pack(ssrc) + b"".join(words))


def build_pli(ours: int, ssrc: int) -> bytes:
    return _packet(PSFB, PLI_FORMAT, _WORD.pack(ours) + _WORD.pack(ssrc))


def build_fir(ours: int, ssrc: int, number: int) -> bytes:
    """`number` counts the requests (RFC 5104 section 4.3.1)."""
    return _packet(
        PSFB, FIR_FORMAT, _WORD.pack(ours) + bytes(4) + _WORD.pack(ssrc) + bytes((number & 255, 0, 0, 0))
    )


def build_remb(ours: int, bps: int, ssrcs: Sequence[int]) -> bytes:
    exponent = max(bps.bit_length() - 18, 0)
    head = bytes((len(ssrcs),)) + (exponent << 18 | bps >> exponent).to_bytes(3, "big")
    body = _WORD.pack(ours) + bytes(4) + b"REMB" + head + b"".join(_WORD.pack(ssrc) for ssrc in ssrcs)
    return _packet(PSFB, AFB_FORMAT, body)


def build_twcc(ours: int, ssrc: int, count: int, first: int, arrivals: Sequence[int | None]) -> bytes:
    """Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): `count` numbers the
    feedbacks, `first` is the sequence number of the first packet, `arrivals` are times in ticks of 250 µs,
    None for a packet that did not come; the first one must have come."""
    reference = (arrivals[0] or 0) >> 8
    deltas: list[bytes] = []
    symbols: list[int] = []
    last = reference << 8
    for arrival in arrivals:
        if arrival is None:
            symbols.append(0)
            continue
        delta = max(min(arrival - last, 0x7FFF), -0x8000)
        last += delta
        if 0 <= delta <= 255:
            symbols.append(1)
            deltas.append(bytes((delta,)))
        else:
            symbols.append(2)
            deltas.append(delta.to_bytes(2, "big", signed=True))
    head = (
        _PAIR.pack(first, len(arrivals)) + (reference & 0xFFFFFF).to_bytes(3, "big") + bytes((count & 255,))
    )
    body = _WORD.pack(ours) + _WORD.pack(ssrc) + head + _chunks(symbols) + b"".join(deltas)
    return _packet(RTPFB, TWCC_FORMAT, body)


def _chunks(symbols: Sequence[int]) -> bytes:
    """Packet status chunks: runs of equal symbols, else seven symbols of two bits."""
    chunks: list[bytes] = []
    at, end = 0, len(symbols)
    while at < end:
        symbol, run = symbols[at], 1
        while at + run < end and symbols[at + run] == symbol and run < 0x1FFF:
            run += 1
        if run >= 7 or at + run == end:
            chunks.append((symbol << 13 | run).to_bytes(2, "big"))
            at += run
            continue
        word = 0xC000
        for place, some in enumerate(symbols[at : at + 7]):
            word |= some << 12 - 2 * place
        chunks.append(word.to_bytes(2, "big"))
        at += 7
    return b"".join(chunks)


def _blocks(blocks: Sequence[Report]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.lost_fraction << 24 | max(min(block.lost, 0x7FFFFF), -0x800000) & 0xFFFFFF,
            block.highest & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_sr,
            block.delay & 0xFFFFFFFF,
        )
        for block in blocks
    )


def _packet(kind: int, count: int, body: bytes) -> bytes:
    padding = -len(body) & 3
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
    return bytes((0x80 | (0x20 if padding else 0) | count, kind)) + (len(body) // 4).to_bytes(2, "big") + body
