"""Each fault of a broadcast is found within ten seconds, and a clean one has none."""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from madang.hub.health import HOLD_S, Finding, Health
from madang.media.frame import Frame
from madang.media.track import Track

Broadcast = Callable[..., Iterator[tuple[float, Frame]]]
START = 1000.0


@pytest.fixture
def health(video: Track, audio: Track) -> Health:
    it = Health()
    it.begin((video, audio))
    return it


def feed(health: Health, frames: Iterator[tuple[float, Frame]], start: float = START) -> None:
    for at, frame in frames:
        health.add(frame, start + at)


def found(health: Health, seconds: float, start: float = START) -> dict[str, Finding]:
    return {finding.code: finding for finding in health.findings(start + seconds)}


def at_media(
    frames: Iterator[tuple[float, Frame]], arrival: Callable[[float], float]
) -> Iterator[tuple[float, Frame]]:
    for at, frame in frames:
        yield arrival(at), frame


def test_a_clean_broadcast_has_no_finding_at_any_moment(health: Health, broadcast: Broadcast) -> None:
    for at, frame in broadcast(60.0):
        health.add(frame, START + at)
        assert health.findings(START + at) == ()


def test_arrival_in_bursts_is_clean(health: Health, broadcast: Broadcast) -> None:
    feed(health, at_media(broadcast(30.0), lambda at: int(at / 0.4 + 1) * 0.4))
    assert found(health, 30) == {}


def test_a_long_keyframe_interval(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(10.0, gop_s=250 / 30))
    assert found(health, 10)["keyframe_interval"].value == pytest.approx(250 / 30, abs=0.1)


def test_four_seconds_between_keyframes_are_fine(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(30.0, gop_s=4.0))
    assert found(health, 30) == {}


def test_no_sound(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(6.0, audio_bytes=0))
    assert set(found(health, 6)) == {"no_audio"}


def test_no_picture(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(6.0, video_bytes=0))
    assert set(found(health, 6)) == {"no_video"}


def test_sound_that_stops(health: Health, broadcast: Broadcast) -> None:
    feed(health, ((at, frame) for at, frame in broadcast(20.0) if frame.track == 1 or at < 11))
    assert found(health, 20)["no_audio"].value >= 7


def test_a_variable_frame_rate(health: Health, broadcast: Broadcast) -> None:
    held = {index for index in range(300) if index % 7 in (2, 3, 6)}
    pictures = iter(range(1000))
    feed(
        health,
        ((at, frame) for at, frame in broadcast(10.0) if frame.track == 2 or next(pictures) not in held),
    )
    assert found(health, 10)["variable_frame_rate"].value > 10


def test_one_hiccup_is_no_variable_frame_rate(health: Health, broadcast: Broadcast) -> None:
    feed(health, ((at, frame) for at, frame in broadcast(20.0) if frame.track == 2 or not 8 < at < 8.5))
    assert found(health, 20) == {}


def test_a_shared_screen_at_one_frame_a_second_is_steady(health: Health) -> None:
    for second in range(20):
        for index in range(47):
            ticks = second * 48_000 + index * 1024
            health.add(Frame(2, ticks, ticks, True, b"a"), START + second + index / 47)
        health.add(
            Frame(1, second * 90_000, second * 90_000, second % 2 == 0, b"v" * 100), START + second + 0.99
        )
    assert found(health, 20) == {}


def test_a_bitrate_that_collapses(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(20.0))
    frames = ((at, frame) for at, frame in broadcast(28.0) if at >= 20)
    for at, frame in frames:
        payload = frame.payload[:200] if frame.track == 1 else frame.payload
        health.add(Frame(frame.track, frame.dts, frame.pts, frame.keyframe, payload), START + at)
    assert found(health, 28)["bitrate_starving"].value < 30


def test_frames_slower_than_real_time(health: Health, broadcast: Broadcast) -> None:
    feed(health, at_media(broadcast(8.0), lambda at: at * 1.3))
    assert found(health, 10.4)["bitrate_starving"].value == pytest.approx(77, abs=5)


def test_a_stream_that_stands_still(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(10.0))
    assert "bitrate_starving" in found(health, 13)


def test_b_frames(health: Health, broadcast: Broadcast) -> None:
    pictures = iter(range(1000))
    for at, frame in broadcast(5.0):
        if frame.track == 1:
            late = (6000, 12_000, 0)[next(pictures) % 3]
            frame = msgspec.structs.replace(frame, pts=frame.dts + late)
        health.add(frame, START + at)
    assert found(health, 5)["b_frames"].value == pytest.approx(10, abs=1)


def test_a_constant_delay_is_no_reordering(health: Health, broadcast: Broadcast) -> None:
    feed(health, ((at, msgspec.structs.replace(f, pts=f.pts + 6000)) for at, f in broadcast(10.0)))
    assert found(health, 10) == {}


def test_timestamps_that_had_to_be_mended(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(3.0))
    health.repaired(2, START + 3)
    health.repaired(1, START + 3.5)
    feed(health, ((at, frame) for at, frame in broadcast(5.0) if at > 3.5))
    assert found(health, 5)["timestamps"].value == 3


def test_an_unsupported_codec_stays_until_the_publisher_returns(health: Health, video: Track) -> None:
    for name in ["vvc1", "vvc1", *map(str, range(20))]:
        health.unsupported(name)
    findings = health.findings(START)
    assert findings[0] == Finding("unsupported_codec", 0, "vvc1")
    assert len(findings) == 8
    health.begin((video,))
    assert len(health.findings(START)) == 8, "told before the tracks were known, it is still true"
    health.admit()
    assert health.findings(START) == ()


def test_a_slow_start(health: Health) -> None:
    health.waited(1.0, START)
    assert health.findings(START) == ()
    health.waited(7.5, START)
    assert health.findings(START) == (Finding("slow_start", 7.5),)


def test_a_finding_does_not_flicker_and_goes_away(health: Health, broadcast: Broadcast) -> None:
    """Sound stops for five seconds: one finding, which ends once."""
    told = []
    for at, frame in broadcast(60.0):
        if frame.track == 1 or not 10 < at < 15.5:
            health.add(frame, START + at)
        told.append(bool(health.findings(START + at)))
    changes = sum(before != after for before, after in zip(told, told[1:], strict=False))
    assert changes == 2
    assert not told[-1]
    assert HOLD_S == 10


def test_the_meters_show_rates_and_their_history(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(10.0))
    meters = health.meters(START + 10)
    assert meters.bitrate_bps == pytest.approx((30 * 4000 + 47 * 300) * 8, rel=0.02)
    assert meters.fps == pytest.approx(30, abs=0.6)
    assert meters.keyframe_interval_s == 2.0
    assert health.rates(START + 10) == (meters.bitrate_bps, meters.fps)
    assert len(meters.bitrate_kbps) == len(meters.frame_rate) == 10
    assert set(meters.frame_rate) <= {29, 30, 31}


def test_the_history_is_five_minutes_and_shows_holes(health: Health, broadcast: Broadcast) -> None:
    feed(health, broadcast(400.0, video_bytes=1, audio_bytes=0))
    meters = health.meters(START + 420)
    assert len(meters.frame_rate) == 300
    assert meters.frame_rate[-19:] == (0,) * 19
    assert meters.fps == 0
    assert len(health.meters(START + 100_000).frame_rate) == 300
    health.begin(health.tracks)
    assert health.meters(START + 100_001).keyframe_interval_s == 0
