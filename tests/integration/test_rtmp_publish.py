"""Real ffmpeg publishes into a minimal server, in each codec and each form of address."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
from tests.harness import certificates
from tests.harness.rtmp import (
    KEY,
    PICTURE,
    SOUND,
    SVT_AV1,
    X264,
    X265,
    Yard,
    ffmpeg,
    monotonic,
    open_yard,
    publish,
)

from madang.base.ids import ChannelId
from madang.hub.listener import StreamState
from madang.media.track import Codec
from madang.net.listeners import Binding


@pytest.fixture
async def yard() -> AsyncIterator[Yard]:
    async with open_yard() as yard:
        yield yard


@pytest.mark.parametrize(
    ("arguments", "video", "audio"),
    [
        ([*X264, "-c:a", "aac"], Codec.H264, Codec.AAC),
        ([*X265, "-c:a", "aac"], Codec.H265, Codec.AAC),
        ([*SVT_AV1, "-c:a", "aac"], Codec.AV1, Codec.AAC),
        ([*X264, "-c:a", "libopus"], Codec.H264, Codec.OPUS),
        ([*X264, "-c:a", "libmp3lame", "-ar", "44100"], Codec.H264, Codec.MP3),
        ([*X264, "-an"], Codec.H264, None),
        (["-vn", "-c:a", "aac"], None, Codec.AAC),
        (["-vn", "-c:a", "libopus"], None, Codec.OPUS),
    ],
    ids=["h264+aac", "hevc+aac", "av1+aac", "h264+opus", "h264+mp3", "video only", "aac only", "opus only"],
)
async def test_each_codec_arrives(
    yard: Yard, arguments: list[str], video: Codec | None, audio: Codec | None
) -> None:
    code, said = await publish(yard, *PICTURE, *SOUND, *arguments)
    assert code == 0, said
    await yard.until("ended")
    follower = yard.follower
    assert len(follower.tracks) == 1
    assert [track.codec for track in follower.tracks[0]] == [c for c in (video, audio) if c is not None]
    for track in follower.tracks[0]:
        frames = follower.of(track.id)
        assert monotonic(frames)
        seconds = (frames[-1].dts - frames[0].dts) / track.timescale
        assert 1.7 < seconds < 2.3
    if video is not None:
        assert (follower.tracks[0][0].width, follower.tracks[0][0].height) == (320, 240)
        pictures = follower.of(1)
        assert len(pictures) >= 58
        assert [f.keyframe for f in pictures].count(True) == 2
        assert pictures[0].keyframe
    if audio is not None:
        assert follower.tracks[0][-1].sample_rate in (44_100, 48_000)


async def test_goodbye_ends_at_once(yard: Yard) -> None:
    await publish(yard, *PICTURE, *X264, seconds=1.0)
    await yard.until("ended")
    assert yard.observer.told == ["began", "ended FCUnpublish"]
    assert yard.follower.states[-1] is StreamState.ENDED


async def test_lost_socket_opens_the_window_and_then_ends(yard: Yard) -> None:
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-re", *PICTURE, *X264,
        "-f", "flv", f"rtmp://127.0.0.1:{yard.port}/live/{KEY}",
    )  # fmt: skip
    await yard.until("began")
    process.kill()
    await process.wait()
    await yard.until("lost")
    await yard.until("ended")


@pytest.mark.parametrize("path", ["live/wrong", "live/yard?key=wrong", "live"])
async def test_wrong_key_sees_a_readable_status(yard: Yard, path: str) -> None:
    code, said = await publish(yard, *PICTURE, *X264, path=path)
    assert code != 0
    assert "stream key" in said
    assert yard.follower.frames == []
    assert yard.observer.told == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"live/{KEY}", ""),
        (f"live/yard?key={KEY}", "yard"),
        (f"live/yard?user=u&pass={KEY}", "yard"),
        (f"live/yard?token={KEY}", "yard"),
    ],
)
async def test_key_stands_where_encoders_put_it(yard: Yard, path: str, name: str) -> None:
    code, said = await publish(yard, *PICTURE, *X264, path=path, seconds=0.5)
    assert code == 0, said
    assert [request.name for request in yard.gate.requests] == [name]
    assert yard.gate.requests[0].door == "rtmp"
    assert "Lavf" in yard.gate.requests[0].user_agent


async def test_timestamps_beyond_24_bits(yard: Yard) -> None:
    arguments = [
        *PICTURE,
        *SOUND,
        *X264,
        "-c:a",
        "aac",
        "-output_ts_offset",
        "16776",
        "-flvflags",
        "no_duration_filesize",
    ]
    code, said = await publish(yard, *arguments, seconds=3.0)
    assert code == 0, said
    await yard.until("ended")
    frames = yard.follower.of(1)
    assert len(frames) >= 88
    assert 2.7 < (frames[-1].dts - frames[0].dts) / 90_000 < 3.3


async def test_kicked_publisher_reads_why(yard: Yard) -> None:
    task = asyncio.create_task(publish(yard, "-re", *PICTURE, *X264, seconds=50))
    await yard.until("began")
    began = time.monotonic()
    assert yard.registry.kick(ChannelId("yard"), "kicked", "An operator ended the broadcast.")
    await task
    assert time.monotonic() - began < 45  # of fifty


async def test_second_publisher_of_a_live_channel_is_refused(yard: Yard) -> None:
    first = asyncio.create_task(publish(yard, "-re", *PICTURE, *X264, seconds=50))
    await yard.until("began")
    code, said = await publish(yard, *PICTURE, *X264, seconds=0.5)
    assert code != 0
    assert "Another encoder is live" in said
    assert yard.observer.told == ["began", "contested"]
    yard.registry.kick(ChannelId("yard"), "kicked", "The test is over.")
    await first


async def test_rtmps(yard: Yard, tmp_path: Path) -> None:
    files = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.certificate, files.key)
    binding = Binding("127.0.0.1", 0, "tls_listen")
    port = (await yard.ground.listen(binding, yard.server.accept, tls)).port
    trust = ["-tls_verify", "1", "-ca_file", str(files.certificate)]
    arguments = [*PICTURE, *X264, "-t", "1", "-f", "flv", *trust, f"rtmps://localhost:{port}/live/{KEY}"]
    code, said = await ffmpeg(*arguments)
    assert code == 0, said
    await yard.until("ended FCUnpublish")
    assert yard.gate.requests[0].door == "rtmps"
    assert len(yard.follower.of(1)) == 30
    code, said = await ffmpeg(*arguments[:-1], arguments[-1].replace(KEY, "wrong"))
    assert code != 0
    assert "There is no such stream key" in said


async def test_first_of_several_tracks_is_taken(yard: Yard) -> None:
    small = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=30"]
    maps = ["-map", "0:v", "-map", "1:v", "-map", "2:a", "-map", "2:a"]
    code, said = await publish(yard, *PICTURE, *small, *SOUND, *maps, *X264, "-c:a", "aac")
    assert code == 0, said
    await yard.until("ended")
    tracks = yard.follower.tracks[-1]
    assert [(track.codec, track.width) for track in tracks] == [(Codec.H264, 320), (Codec.AAC, 0)]
    assert len(yard.follower.of(1)) == 60
    assert monotonic(yard.follower.of(2))


async def test_frames_are_the_encoders_own(yard: Yard, tmp_path: Path) -> None:
    """What arrives, decoded: every picture and every sample of two seconds."""
    clip = tmp_path / "clip.flv"
    await ffmpeg(
        *PICTURE, *SOUND, "-t", "2", *X264, "-bf", "2", "-tune", "film", "-c:a", "aac", "-f", "flv", str(clip)
    )
    code, said = await publish(yard, "-i", str(clip), "-c", "copy", seconds=10)
    assert code == 0, said
    await yard.until("ended")
    with av.open(str(clip)) as container:
        sent = [(p.stream.type, bytes(p)) for p in container.demux() if p.size]
    for kind, track in (("video", 1), ("audio", 2)):
        assert [bytes(f.payload) for f in yard.follower.of(track)] == [data for k, data in sent if k == kind]
    pictures = yard.follower.of(1)
    assert any(f.pts > f.dts for f in pictures)
    assert sorted(f.pts for f in pictures) != [f.pts for f in pictures]
