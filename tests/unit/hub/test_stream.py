"""A stream tells its followers the truth, in order, and no follower hurts another."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from madang.base.ids import BroadcastId
from madang.base.limits import GOP_BYTES
from madang.hub.listener import StreamState
from madang.hub.rendition import Source
from madang.hub.stream import PENDING_TRACKS_S, Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track

Broadcast = Callable[..., Iterator[tuple[float, Frame]]]


def play(stream: Stream, clock, frames: Iterator[tuple[float, Frame]]) -> None:
    """Offer frames in real time."""
    start = clock.monotonic()
    for at, frame in frames:
        clock.advance(start + at - clock.monotonic())
        stream.offer(frame)


def begin(stream: Stream, *tracks: Track) -> None:
    stream.offer_tracks(tracks, False)
    stream.enter(StreamState.LIVE)


def test_a_follower_gets_tracks_state_and_frames(stream, clock, video, audio, follower, broadcast) -> None:
    first = follower()
    stream.attach(first)
    assert first.states == [StreamState.RECONNECTING]
    begin(stream, video, audio)
    play(stream, clock, broadcast(1.0))
    assert first.tracks == [((video, audio), False)]
    assert len(first.frames) == 30 + 46
    assert first.frames[0].dts == 0
    assert stream.media_s == pytest.approx(1.0, abs=0.05)
    assert stream.wall_of(0.0) == stream.started_wall


def test_a_joiner_starts_with_the_cached_gop(stream, clock, video, audio, follower, broadcast) -> None:
    begin(stream, video, audio)
    play(stream, clock, broadcast(3.0))
    joiner = follower()
    stream.attach(joiner)
    assert joiner.log[0] == ((video, audio), False)
    assert joiner.frames[0].keyframe and joiner.frames[0].dts == 180_000
    assert joiner.frames == stream.gop.frames
    assert joiner.states == []


def test_nobody_sees_a_picture_before_its_keyframe(stream, clock, video, audio, follower, broadcast) -> None:
    early = follower()
    stream.attach(early)
    begin(stream, video, audio)
    play(stream, clock, ((at, frame) for at, frame in broadcast(4.0) if at >= 0.5))
    assert next(frame for frame in early.frames if frame.track == 1).keyframe
    assert stream.health.findings(clock.monotonic()) == ()


def test_a_joiner_without_a_cached_gop_waits_for_the_next_keyframe(
    stream, clock, video, audio, follower
) -> None:
    begin(stream, video, audio)
    stream.offer(Frame(1, 0, 0, True, bytes(GOP_BYTES)))
    stream.offer(Frame(1, 3000, 3000, False, b"over the bound"))
    joiner = follower()
    stream.attach(joiner)
    stream.offer(Frame(1, 6000, 6000, False, b"p"))
    stream.offer(Frame(2, 3200, 3200, True, b"a"))
    assert [frame.track for frame in joiner.frames] == [2]
    stream.offer(Frame(1, 9000, 9000, True, b"k"))
    stream.offer(Frame(1, 12_000, 12_000, False, b"p"))
    assert [frame.track for frame in joiner.frames] == [2, 1, 1]


def test_a_follower_may_leave_in_the_middle(stream, clock, video, follower) -> None:
    begin(stream, video)
    leaver, stayer = follower(), follower()
    leaver.on_frame = lambda frame: stream.detach(leaver)
    stream.attach(leaver)
    stream.attach(stayer)
    stream.offer(Frame(1, 0, 0, True, b""))
    stream.offer(Frame(1, 3000, 3000, False, b""))
    stream.detach(leaver)
    assert len(stayer.frames) == 2


@pytest.mark.parametrize("method", ["on_tracks", "on_frame", "on_state"])
def test_a_follower_that_raises_hurts_nobody_else(stream, clock, video, follower, method) -> None:
    def fail(*arguments: object) -> None:
        raise ValueError("a packager's mistake")

    bad, good = follower(), follower()
    setattr(bad, method, fail)
    stream.attach(bad)
    stream.attach(good)
    begin(stream, video)
    stream.offer(Frame(1, 0, 0, True, b""))
    stream.offer(Frame(1, 3000, 3000, False, b""))
    assert len(good.frames) == 2
    assert stream.counters.listener_failures == 1
    assert good.states[-1] is StreamState.LIVE


def test_a_joiner_that_raises_while_it_is_shown_the_gop_is_not_attached(stream, video, follower) -> None:
    begin(stream, video)
    stream.offer(Frame(1, 0, 0, True, b""))
    bad = follower()
    bad.on_frame = None
    stream.attach(bad)
    stream.offer(Frame(1, 3000, 3000, False, b""))
    assert stream.counters.listener_failures == 1


def test_the_same_tracks_again_change_nothing(stream, clock, video, audio, follower, broadcast) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video, audio)
    play(stream, clock, broadcast(1.0))
    stream.offer_tracks((video, audio), False)
    assert len(listener.tracks) == 1
    assert stream.gop.frames


def test_another_picture_is_told_before_its_keyframe(
    stream, clock, video, audio, follower, broadcast
) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video, audio)
    play(stream, clock, broadcast(1.0))
    small = msgspec.structs.replace(video, config=b"other", width=640, height=360)
    stream.offer_tracks((small, audio), False)
    assert listener.tracks[-1] == ((small, audio), False)
    ticks = 90_090
    stream.offer(Frame(1, ticks, ticks, False, b"left over"))
    stream.offer(Frame(1, ticks + 3000, ticks + 3000, True, b"k"))
    after = listener.log[listener.log.index(((small, audio), False)) + 1 :]
    assert [frame.payload for frame in after] == [b"k"]
    assert after[0].dts == ticks + 3000, "the axis goes on"


def test_new_sound_waits_for_the_next_keyframe_of_the_picture(stream, clock, video, audio, follower) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video)
    stream.offer(Frame(1, 0, 0, True, b""))
    stream.offer_tracks((video, audio), False)
    stream.offer(Frame(2, 0, 0, True, b"too early"))
    stream.offer(Frame(1, 3000, 3000, False, b""))
    assert len(listener.tracks) == 1
    stream.offer(Frame(1, 6000, 6000, True, b""))
    stream.offer(Frame(2, 3200, 3200, True, b""))
    assert listener.tracks[-1] == ((video, audio), False)
    assert [frame.track for frame in listener.frames] == [1, 1, 1, 2]


def test_sound_that_changes_is_not_taken_for_the_old_one(stream, clock, video, audio, follower) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video, audio)
    stream.offer(Frame(1, 0, 0, True, b""))
    stream.offer(Frame(2, 0, 0, True, b"old"))
    slow = msgspec.structs.replace(audio, timescale=22_050, sample_rate=22_050)
    stream.offer_tracks((video, slow), False)
    stream.offer(Frame(2, 441, 441, True, b"new, too early"))
    clock.advance(0.1)
    stream.offer(Frame(1, 9000, 9000, True, b""))
    stream.offer(Frame(2, 2205, 2205, True, b"new"))
    assert [frame.payload for frame in listener.frames if frame.track == 2] == [b"old", b"new"]
    assert listener.frames[-1].dts == 2205
    assert stream.health.findings(clock.monotonic()) == ()


def test_new_sound_does_not_wait_for_a_picture_that_never_comes(
    stream, clock, video, audio, follower
) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video)
    stream.offer(Frame(1, 0, 0, True, b""))
    stream.offer_tracks((video, audio), False)
    clock.advance(PENDING_TRACKS_S + 0.1)
    stream.offer(Frame(2, 48_000 * 5, 48_000 * 5, True, b""))
    assert [frame.track for frame in listener.frames] == [1, 2]


def test_a_leap_is_told_as_a_discontinuity_at_the_next_keyframe(
    stream, clock, video, audio, follower, broadcast
) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video, audio)

    def leaping() -> Iterator[tuple[float, Frame]]:
        for at, frame in broadcast(6.0):
            shift = 5_000_000 * (90 if frame.track == 1 else 48) if at > 2.5 else 0
            yield at, Frame(frame.track, frame.dts + shift, frame.pts + shift, frame.keyframe, frame.payload)

    play(stream, clock, leaping())
    assert [discontinuity for _, discontinuity in listener.tracks] == [False, True]
    mark = listener.log.index(((video, audio), True))
    assert listener.log[mark + 1].track == 1 and listener.log[mark + 1].keyframe
    assert stream.media_s == pytest.approx(6.0, abs=0.1)
    assert [finding.code for finding in stream.health.findings(clock.monotonic())] == ["timestamps"]


def test_a_set_clock_is_told_as_a_discontinuity(stream, clock, video, audio, follower, broadcast) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video, audio)
    for at, frame in broadcast(6.0):
        clock.advance(1000.0 + at - clock.monotonic())
        if frame.track == 1 and frame.dts == 270_000:
            clock.jump_wall(3600)
        stream.offer(frame)
    assert [discontinuity for _, discontinuity in listener.tracks] == [False, True]
    assert stream.wall_of(1.0) == stream.started_wall + 1.0
    assert stream.wall_of(5.0) == pytest.approx(stream.started_wall + 3605.0, abs=0.1)


def test_the_end_lets_go_of_everybody(stream, clock, video, audio, follower, broadcast) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video, audio)
    play(stream, clock, broadcast(1.0))
    stream.enter(StreamState.ENDED)
    assert listener.states[-1] is StreamState.ENDED
    assert stream.gop.frames == []
    late = follower()
    stream.attach(late)
    assert late.states == [StreamState.ENDED]


class Dubber:
    """Answers every wish with a stream of its own."""

    def __init__(self, clock, lease) -> None:
        self.wishes: list[tuple[Codec, frozenset[Codec]]] = []
        self._make = lambda: Stream(BroadcastId("b2"), lease, clock)

    def rendition(
        self, stream: Source, codec: Codec, playable: frozenset[Codec], in_order: bool = False
    ) -> Source:
        self.wishes.append((codec, playable))
        return self._make()


def test_another_codec_is_asked_for_once(stream, clock, lease) -> None:
    assert stream.want(Codec.AAC) is stream
    dubber = stream.transcoder = Dubber(clock, lease)
    playable = frozenset({Codec.AAC, Codec.OPUS})
    wanted = stream.want(Codec.AAC, playable)
    assert stream.want(Codec.AAC, playable) is wanted is not stream
    assert stream.want(Codec.OPUS) is not wanted
    assert dubber.wishes == [(Codec.AAC, playable), (Codec.OPUS, frozenset())]


def test_picture_and_sound_that_play_are_asked_for_together(stream, clock, lease) -> None:
    playable = frozenset({Codec.AAC, Codec.H264})
    assert stream.want_playable(playable) is stream
    dubber = stream.transcoder = Dubber(clock, lease)
    wanted = stream.want_playable(playable)
    assert stream.want_playable(playable) is wanted is not stream
    assert dubber.wishes == [(Codec.H264, playable), (Codec.AAC, playable)]
    assert stream.want(Codec.H264, playable) is not wanted


def test_the_broadcaster_hears_that_the_picture_is_made_anew(stream, clock, video) -> None:
    begin(stream, video)
    stream.remade(msgspec.structs.replace(video, codec=Codec.H265))
    stream.remade(video)  # for B-frames, which have a sentence of their own
    told = {finding.code: finding.detail for finding in stream.health.findings(clock.monotonic())}
    assert told["picture_remade"] == "HEVC"
    clock.advance(11)
    assert "picture_remade" not in {found.code for found in stream.health.findings(clock.monotonic())}


def test_the_end_forgets_renditions(stream, clock, video, lease) -> None:
    dubber = stream.transcoder = Dubber(clock, lease)
    begin(stream, video)
    stream.want(Codec.AAC)
    stream.enter(StreamState.ENDED)
    stream.want(Codec.AAC)
    assert len(dubber.wishes) == 2


def test_sound_alone_streams_and_joins(stream, clock, audio, follower, broadcast) -> None:
    begin(stream, audio)
    play(stream, clock, broadcast(10.0, video_bytes=0))
    joiner = follower()
    stream.attach(joiner)
    assert len(joiner.frames) > 80


def test_payloads_are_never_copied(stream, video, follower) -> None:
    listener = follower()
    stream.attach(listener)
    begin(stream, video)
    payload = memoryview(bytearray(b"payload"))
    stream.offer(Frame(1, 0, 0, True, payload))
    assert listener.frames[0].payload is payload


def test_offering_a_frame_runs_a_bounded_number_of_lines(stream, clock, video, audio, broadcast) -> None:
    """The hot path stays a hot path: counted in lines run, which no busy machine can blur."""
    begin(stream, video, audio)
    play(stream, clock, broadcast(10.0))
    frames = [frame for at, frame in broadcast(12.0) if at >= 10.0]
    lines = 0

    def count(frame, event, argument):  # noqa: ANN001, ANN202
        nonlocal lines
        if event == "line" and Path(frame.f_code.co_filename).parent.name == "hub":
            lines += 1
        return count

    sys.settrace(count)
    try:
        for frame in frames:
            stream.offer(frame)
    finally:
        sys.settrace(None)
    assert lines / len(frames) < 90
