"""Sound leaves in longer packets where many listen, and a decoder hears the same."""

import random
import struct
from array import array

import av
import pytest

from madang.base.limits import RTP_BUNDLE_VIEWERS
from madang.codecs import opus
from madang.net.webrtc.log import PAYLOAD_BYTES, PacketLog
from madang.packaging.rtp.bundle import Bundle

FRAME = 960


def many() -> PacketLog:
    log = PacketLog(48_000, 0.0, False)
    log.viewers = RTP_BUNDLE_VIEWERS + 1
    return log


def payloads(log: PacketLog) -> list[tuple[int, bytes]]:
    return [(batch.ticks, batch.payloads[0]) for batch in log.between(0, log.position)]


@pytest.fixture(scope="module")
def encoded() -> list[bytes]:
    """Opus in packets of 20 ms, of noise that comes and goes: their lengths take one byte and two."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 48_000, "stereo", "flt", 128_000
    noise = random.Random(1)
    packets: list[bytes] = []
    for number in range(30):
        frame = av.AudioFrame("flt", "stereo", FRAME)
        frame.sample_rate, frame.pts = 48_000, number * FRAME
        loud = 0.2 if number % 5 else 0.0
        frame.planes[0].update(
            struct.pack(f"<{FRAME * 2}f", *(noise.uniform(-loud, loud) for _ in range(FRAME * 2)))
        )
        packets += map(bytes, encoder.encode(frame))
    assert min(map(len, packets)) < 252 < max(map(len, packets))
    return packets


def decoded(packets: list[bytes]) -> "array[int]":
    """Samples of both channels in turn."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    frames = (frame for one in packets for frame in decoder.decode(av.Packet(one)))
    return array("h", b"".join(bytes(frame.planes[0])[: frame.samples * 4] for frame in frames))


def test_few_listeners_get_each_packet_at_once(encoded: list[bytes]) -> None:
    log = PacketLog(48_000, 0.0, False)
    log.viewers = RTP_BUNDLE_VIEWERS
    bundle = Bundle(log)
    for number, packet in enumerate(encoded):
        bundle.add(packet, number * FRAME)
        assert log.position == number + 1
    assert [payload for _, payload in payloads(log)] == encoded


def test_many_listeners_hear_the_same_in_a_third_of_the_packets(encoded: list[bytes]) -> None:
    log = many()
    bundle = Bundle(log)
    for number, packet in enumerate(encoded):
        bundle.add(packet, number * FRAME)
    bundle.flush()
    joined = payloads(log)
    lengths = [opus.packet_samples(payload) for _, payload in joined]
    assert [ticks for ticks, _ in joined] == [sum(lengths[:n]) for n in range(len(lengths))]
    assert sum(lengths) == len(encoded) * FRAME and max(lengths) == 3 * FRAME
    assert len(joined) < len(encoded) / 2 and max(len(payload) for _, payload in joined) <= PAYLOAD_BYTES
    heard, meant = decoded([payload for _, payload in joined]), decoded(encoded)
    assert len(heard) == len(meant)
    assert (
        max(abs(one - other) for one, other in zip(heard, meant, strict=True)) <= 2
    )  # rounded by the packet


def test_what_does_not_follow_is_not_joined() -> None:
    log = many()
    bundle = Bundle(log)
    for packet, ticks in (
        (b"\xfcone", 0),
        (b"\xfcafter a gap", 5000),
        (b"\x78coded otherwise", 5960),
        (b"\xfdof two frames", 6920),
        (b"\xfcagain", 8840),
        (b"\xfc" + bytes(PAYLOAD_BYTES - 1), 9800),
    ):
        bundle.add(packet, ticks)
    bundle.flush()
    bundle.flush()
    assert [ticks for ticks, _ in payloads(log)] == [0, 5000, 5960, 6920, 8840, 9800]
    assert all(payload[0] & 3 != 3 for _, payload in payloads(log))
