"""The load generator of WebRTC: what it counts as lost, and the floor's pictures."""

import sys
from collections import deque
from pathlib import Path

from madang.protocols.srtp.gcm import GcmOpener

sys.path.insert(0, str(Path(__file__).parents[3]))
from bench.floor_webrtc import MASTER, Viewer, send_picture, send_sound  # noqa: E402
from bench.webrtc_viewers import Track, due  # noqa: E402


class Wire:
    """Keeps what is sent, packet by packet."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def sendmsg(self, parts: list[bytes], ancillary: object, flags: int, address: object) -> None:
        self.packets += [head + body for head, body in zip(parts[::2], parts[1::2], strict=True)]

    def sendto(self, data: bytes, address: object) -> None:
        self.packets.append(data)


def test_gaps_are_counted_across_the_wrap() -> None:
    track = Track(65_530)
    for number in range(65_530, 65_550):
        if number % 7:
            track.take(number & 0xFFFF, number % 2 == 0)
    assert track.highest == 65_549
    assert track.lost == len([n for n in range(65_530, 65_550) if n % 7 == 0])


def test_everyone_reports_once_a_second_however_often_the_loop_turns() -> None:
    queue = deque((1.0 + place / 10, place) for place in range(10))
    said = [place for turn in range(401) for place in due(queue, turn / 100, 1.0)]
    assert said == [*range(10)] * 3 + [0]


def test_the_floor_speaks_what_the_generator_reads() -> None:
    wire, viewer, opener = Wire(), Viewer(("127.0.0.1", 9)), GcmOpener(MASTER)
    send_picture(wire, [viewer], [b"a" * 100, b"b" * 90], 3000)  # type: ignore[arg-type]
    send_sound(wire, [viewer], b"sound", 960)  # type: ignore[arg-type]
    send_picture(wire, [viewer], [b"c" * 100], 6000)  # type: ignore[arg-type]
    plain = [opener.rtp(packet) for packet in wire.packets]
    assert [packet[12:] for packet in plain] == [b"a" * 100, b"b" * 90, b"sound", b"c" * 100]
    assert [packet[1] > 127 for packet in plain] == [False, True, True, True]
