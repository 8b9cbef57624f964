"""Packets of a publisher become one stream: tracks from keyframes, one axis of time, whole pictures alone."""

from dataclasses import dataclass, field

import pytest

from madang.codecs import nal
from madang.hub.layer import Layer
from madang.hub.listener import StreamState
from madang.ingest.whip.counters import WhipCounters
from madang.ingest.whip.intake import FROZEN_S, SOUND_WAITS_S, Intake
from madang.ingest.whip.lane import Lane
from madang.ingest.whip.layers import PATIENCE_S, Layers
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.protocols.rtp import h264
from madang.protocols.rtp.packet import RtpPacket

SPS = bytes.fromhex("674d401eeca05017fcb80880000003008000001e078b16cb")
PPS = bytes.fromhex("68ce0fc8")
KEY = nal.join([SPS, PPS, b"\x65" + b"k" * 50])
INTER = nal.join([b"\x41" + b"i" * 50])
VIDEO, AUDIO = 102, 111
CODECS = {VIDEO: Codec.H264, AUDIO: Codec.OPUS}
OPUS = b"\xfc" + b"s" * 20


@dataclass
class Origin:
    """A source of the transport."""

    ssrc: int
    rid: str = ""
    report: tuple[float, int] | None = None
    asked: int = 0

    def ask_keyframe(self) -> None:
        self.asked += 1


@dataclass
class Output:
    """A stream that is published to."""

    given: list[tuple[Track, ...]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def tracks(self, tracks: tuple[Track, ...]) -> None:
        self.given.append(tracks)

    def frame(self, frame: Frame) -> None:
        assert any(track.id == frame.track for track in self.given[-1])
        self.frames.append(frame)

    def of(self, track: int) -> list[Frame]:
        return [frame for frame in self.frames if frame.track == track]


class Session:
    """An intake and the two sources of a browser."""

    def __init__(self, codecs: dict[int, Codec] | None = None, rids: tuple[str, ...] = ()) -> None:
        self.output = Output()
        self.counters = WhipCounters()
        self.intake = Intake(self.output, codecs or CODECS, rids, self.counters)
        self.video, self.audio = Origin(1), Origin(2)
        self.now = 100.0

    def see(self, payload: bytes, ticks: int, lost: int = 0, origin: Origin | None = None) -> None:
        payloads = h264.packetise(payload, 1100)
        for index, piece in enumerate(payloads):
            marker = index == len(payloads) - 1
            packet = RtpPacket(VIDEO, marker, 0, ticks & 0xFFFFFFFF, 1, piece, {})
            self.intake.packet(origin or self.video, packet, lost if index == 0 else 0, self.now)

    def hear(self, ticks: int, lost: int = 0) -> None:
        packet = RtpPacket(AUDIO, True, 0, ticks & 0xFFFFFFFF, 2, OPUS, {})
        self.intake.packet(self.audio, packet, lost, self.now)


def test_a_stream_begins_with_its_first_keyframe() -> None:
    session = Session()
    session.hear(500)
    session.see(INTER, 10_000)
    assert not session.output.given and session.video.asked == 0
    session.see(KEY, 13_000)
    session.hear(1460)
    (tracks, *rest) = session.output.given
    assert [track.codec for track in tracks] == [Codec.H264, Codec.OPUS] and not rest
    assert (tracks[0].width, tracks[0].height) == (640, 360)
    key, sound = session.output.frames
    assert key.keyframe and key.payload == KEY and sound.payload == OPUS


def test_times_go_on_over_the_rollover_of_the_timestamp() -> None:
    session = Session()
    begin = 2**32 - 4500
    for index in range(4):
        session.see(KEY if index == 0 else INTER, begin + 3000 * index)
    times = [frame.dts for frame in session.output.frames]
    assert [after - before for before, after in zip(times, times[1:], strict=False)] == [3000] * 3
    lane = Lane(Codec.H264, 90_000)
    assert [lane.ticks(each) for each in (0, 3000, 2000)][1:] == [3000, 2000]


def test_sound_and_picture_stand_where_the_publisher_says() -> None:
    session = Session()
    session.see(KEY, 90_000)
    session.now += 0.5  # the sound is late by half a second, though it was recorded with the picture
    session.hear(48_000)
    session.hear(48_960)
    assert session.output.of(2)[-1].dts / 48_000 == pytest.approx(0.52, abs=0.01)
    session.video.report = (1000.0, 90_000)
    session.audio.report = (1000.0, 48_000)
    session.see(INTER, 93_000)
    session.hear(49_920)
    assert session.output.of(1)[-1].dts / 90_000 == pytest.approx(3000 / 90_000, abs=0.001)
    assert session.output.of(2)[-1].dts / 48_000 == pytest.approx(1920 / 48_000, abs=0.001)
    session.audio.report = (2000.0, 48_000)  # nonsense changes nothing
    session.hear(50_880)
    assert session.output.of(2)[-1].dts / 48_000 == pytest.approx(2880 / 48_000, abs=0.001)


def test_sound_alone_begins_when_no_picture_comes() -> None:
    session = Session()
    session.hear(0)
    assert not session.output.frames
    session.now += SOUND_WAITS_S + 0.1
    session.hear(960)
    assert [track.codec for track in session.output.given[-1]] == [Codec.OPUS]
    session.see(KEY, 0)
    assert [track.codec for track in session.output.given[-1]] == [Codec.H264, Codec.OPUS]


def test_a_publisher_without_a_picture_begins_at_once() -> None:
    session = Session({AUDIO: Codec.OPUS})
    session.hear(0)
    assert len(session.output.frames) == 1


def test_what_misses_a_picture_is_left_out_until_a_keyframe() -> None:
    session = Session()
    session.see(KEY, 0)
    session.see(INTER, 3000)
    session.see(INTER, 9000, lost=1)
    session.see(INTER, 12_000)
    assert len(session.output.frames) == 2 and session.video.asked == 1
    session.see(KEY, 15_000)
    session.see(INTER, 18_000)
    assert len(session.output.frames) == 4
    assert (session.counters.lost_packets, session.counters.broken_frames) == (1, 1)
    assert session.counters.frozen_frames == 1


def test_a_publisher_that_sends_no_keyframe_goes_on_damaged() -> None:
    session = Session()
    session.see(KEY, 0)
    session.see(INTER, 6000, lost=1)
    session.now += FROZEN_S + 0.1
    session.see(INTER, 9000)
    assert len(session.output.frames) == 2


def test_late_sound_joins_with_a_keyframe_that_is_asked_for() -> None:
    session = Session()
    session.see(KEY, 0)
    assert [track.codec for track in session.output.given[-1]] == [Codec.H264]
    session.hear(0)
    assert session.video.asked == 1 and len(session.output.given[-1]) == 2


def test_a_new_size_is_a_new_track() -> None:
    session = Session()
    session.see(KEY, 0)
    session.see(KEY, 3000)
    assert len(session.output.given) == 1
    other = bytes.fromhex("6742c01fda014016e840000003004000000f23c60ca8")
    session.see(nal.join([other, PPS, b"\x65x"]), 6000)
    assert session.output.given[-1][0].width == 1280


def test_unreadable_parameter_sets_are_no_track() -> None:
    session = Session()
    session.see(nal.join([b"\x67\xff", PPS, b"\x65x"]), 0)
    session.see(INTER, 3000)
    assert not session.output.given and session.counters.broken_frames and session.video.asked


def test_packets_of_unknown_types_and_after_the_end_are_nothing() -> None:
    session = Session()
    session.intake.packet(session.video, RtpPacket(1, True, 0, 0, 1, b"x", {}), 0, 0.0)
    session.intake.packet(session.video, RtpPacket(VIDEO, True, 0, 0, 1, b"", {}), 0, 0.0)
    session.intake.close()
    session.see(KEY, 0)
    assert not session.output.given


def test_keyframes_are_asked_for_while_somebody_packages() -> None:
    session = Session()
    session.see(KEY, 0)
    session.intake.look(session.now + 1, 2.0)
    assert session.video.asked == 0
    session.intake.look(session.now + 2, 2.0)
    assert session.video.asked == 1
    session.intake.ask_keyframe()
    assert session.video.asked == 2 and session.counters.keyframes_asked == 2


def test_of_simulcast_the_best_layer_is_taken() -> None:
    session = Session(rids=("h", "l"))
    high, low = Origin(10, "h"), Origin(11, "l")
    session.see(KEY, 0, origin=low)
    session.see(INTER, 3000, origin=low)
    assert len(session.output.frames) == 2
    session.see(INTER, 500, origin=high)
    session.intake.look(session.now, 60.0)
    assert high.asked and not low.asked
    session.see(KEY, 3500, origin=high)
    session.see(INTER, 6000, origin=low)
    assert len(session.output.frames) == 3
    session.now += PATIENCE_S + 0.1  # the browser dropped the best layer
    session.see(INTER, 9000, origin=low)
    session.intake.look(session.now, 60.0)
    assert low.asked
    session.see(KEY, 12_000, origin=low)
    assert len(session.output.frames) == 4


def test_layers_without_simulcast() -> None:
    layers = Layers(())
    assert not layers.hear("", False, 0.0)
    assert layers.hear("", True, 0.0) and layers.hear("", False, 0.1)
    assert layers.wanted(0.1) is None


class Watching:
    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.states: list[StreamState] = []

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        assert [track.codec for track in tracks] == [Codec.H264]

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def on_state(self, state: StreamState) -> None:
        self.states.append(state)


def test_a_smaller_layer_goes_to_those_who_follow_it() -> None:
    session = Session(rids=("f", "q"))
    best, small = Origin(1, "f"), Origin(3, "q")
    watching = Watching()
    layer = Layer("q", lambda at_s: 1.0, lambda: session.intake.ask_layer("q"))
    session.intake.serve(layer)
    session.see(KEY, 0, origin=best)
    session.see(KEY, 0, origin=small)
    assert layer.track is not None and layer.track.width == 640
    layer.attach(watching)
    assert small.asked == 1 and best.asked == 0
    for index in range(1, 4):
        session.see(KEY if index == 1 else INTER, 3000 * index, origin=small)
        session.see(INTER, 3000 * index, origin=best)
    assert [frame.pts for frame in watching.frames] == [90_000, 93_000, 96_000]
    assert len(session.output.of(1)) == 4
    session.intake.look(session.now + 3, 2.0)
    assert (best.asked, small.asked) == (1, 2)  # together, so that segments of both can begin there
    session.see(INTER, 15_000, lost=1, origin=small)
    session.see(INTER, 18_000, origin=small)
    assert len(watching.frames) == 3 and small.asked >= 3 and session.counters.frozen_frames == 0
    session.intake.close()
    assert watching.states == [StreamState.ENDED]
