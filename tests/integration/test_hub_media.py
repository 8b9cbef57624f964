"""What ffmpeg really sends, through the hub: times, findings, and what a joiner gets."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.hub.gate import Lease, Profile
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track

VIDEO = Track(id=1, codec=Codec.H264, timescale=90_000, width=320, height=180)
SECONDS = 14
CLEAN = "-tune zerolatency -g 60 -keyint_min 60 -b:v 400k -minrate 400k -maxrate 400k -bufsize 200k"


def audio_track(rate: int) -> Track:
    return Track(id=2, codec=Codec.AAC, timescale=rate, sample_rate=rate, channels=2, frame_samples=1024)


class Recorder:
    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.marks: list[bool] = []

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self.marks.append(discontinuity)

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def on_state(self, state: object) -> None: ...


def encode(path: Path, video: str | None, audio: str | None, filters: str = "") -> Path:
    """An FLV file as ffmpeg would publish it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    if video is not None:
        command += ["-f", "lavfi", "-t", str(SECONDS), "-i", f"testsrc2=s=320x180:r=30{filters}"]
    if audio is not None:
        command += ["-f", "lavfi", "-t", str(SECONDS), "-i", "sine=frequency=440:sample_rate=44100"]
    if video is not None:
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *video.split()]
    if audio is not None:
        command += ["-c:a", "aac", *audio.split()]
    subprocess.run([*command, "-f", "flv", str(path)], check=True, timeout=100)
    return path


def frames_of(path: Path) -> Iterator[Frame]:
    """Packets as RTMP ingest would give them: milliseconds in the track's ticks."""
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type == "video":
                yield Frame(1, packet.dts * 90, packet.pts * 90, packet.is_keyframe, bytes(packet))
            else:
                rate = packet.stream.rate
                dts = (packet.dts * rate * 2 + 1000) // 2000
                yield Frame(2, dts, dts, True, bytes(packet))


@pytest.fixture
def broadcast(tmp_path: Path, clock):
    """Encode, and offer to a stream in real time of a fake clock."""

    def run(video: str | None = CLEAN, audio: str | None = "-b:a 96k", filters: str = "", pace: float = 1.0):
        path = encode(tmp_path / "published.flv", video, audio, filters)
        lease = Lease(channel=ChannelId("c"), name="c", key=KeyId("k"), profile=Profile())
        stream, recorder = Stream(BroadcastId("b"), lease, clock), Recorder()
        stream.attach(recorder)
        stream.offer_tracks(
            (
                *((VIDEO,) if video is not None else ()),
                *((audio_track(44_100),) if audio is not None else ()),
            ),
            False,
        )
        start, found = clock.monotonic(), {}
        for frame in frames_of(path):
            at = frame.dts / (90_000 if frame.track == 1 else 44_100) * pace
            clock.advance(max(0.0, start + at - clock.monotonic()))
            stream.offer(frame)
            for finding in stream.health.findings(clock.monotonic()):
                found.setdefault(finding.code, clock.monotonic() - start)
        return stream, recorder, found

    return run


def test_a_clean_stream_has_no_finding(broadcast) -> None:
    stream, recorder, found = broadcast()
    assert found == {}
    assert recorder.marks == [False]
    assert stream.media_s == pytest.approx(SECONDS, abs=0.1)


def test_rounded_milliseconds_become_exact_samples(broadcast) -> None:
    _, recorder, _ = broadcast()
    sounds = [frame.dts for frame in recorder.frames if frame.track == 2]
    assert {after - before for before, after in zip(sounds, sounds[1:], strict=False)} == {1024}


def test_ffmpegs_defaults_are_told_about(broadcast) -> None:
    """x264's own settings: B-frames, and a keyframe each 250 frames."""
    _, recorder, found = broadcast("-preset medium")
    assert set(found) == {"b_frames", "keyframe_interval"}
    assert max(found.values()) <= 10
    assert all(frame.pts >= frame.dts for frame in recorder.frames)
    shown = sorted(frame.pts for frame in recorder.frames if frame.track == 1)
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        ("no_audio", {"audio": None}),
        ("no_video", {"video": None}),
        ("keyframe_interval", {"video": CLEAN.replace("60", "300")}),
        (
            "variable_frame_rate",
            {"video": CLEAN + " -fps_mode vfr", "filters": ",select='gt(random(1),0.4)'"},
        ),
        ("bitrate_starving", {"pace": 1.4}),
        ("b_frames", {"video": CLEAN.replace("-tune zerolatency", "-bf 2")}),
    ],
)
def test_each_fault_is_found_alone_within_ten_seconds(broadcast, code: str, settings: dict) -> None:
    _, _, found = broadcast(**settings)
    assert set(found) == {code}
    assert found[code] <= 10


def test_a_joiner_decodes_the_cached_gop_from_its_first_frame(broadcast) -> None:
    stream, _, _ = broadcast()
    joiner = Recorder()
    stream.attach(joiner)
    assert joiner.frames[0].track == 1 and joiner.frames[0].keyframe
    assert joiner.frames == stream.gop.frames
