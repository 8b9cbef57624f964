"""A picture with B-frames, or in a codec that a player lacks, comes out as H.264 in the order of showing."""

from fractions import Fraction
from functools import lru_cache

import av
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from tests.conftest import FakeClock
from tests.harness.follower import Follower

from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.codecs import h264, nal, registry
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.transcoding.motion import Motion, track_of
from madang.transcoding.transcoder import MediaTranscoder

STEP = 3000


@lru_cache
def coded(codec: Codec, count: int = 40, b_frames: int = 2, gop: int = 20) -> tuple[Track, tuple[Frame, ...]]:
    """Pictures that get brighter, in decoding order."""
    name = {Codec.H264: "libx264", Codec.VP8: "libvpx", Codec.H265: "libx265"}[codec]
    encoder = VideoCodecContext.create(name, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, "yuv420p"
    encoder.time_base = Fraction(1, 90_000)
    encoder.framerate = Fraction(30)
    encoder.gop_size = gop
    if codec is Codec.H264:
        encoder.options = {"preset": "veryfast", "bf": str(b_frames), "x264-params": "b-adapt=0:scenecut=0"}
    else:
        encoder.options = {"deadline": "realtime", "lag-in-frames": "0"}
    packets = []
    for index in range(count):
        picture = VideoFrame(160, 96, "yuv420p")
        for plane, level in zip(picture.planes, (20 + 4 * index, 128, 128), strict=True):
            plane.update(bytes([level]) * plane.buffer_size)
        picture.pts = index * STEP
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    frames: list[Frame] = []
    track: Track | None = None
    for index, packet in enumerate(packets):
        body = bytes(packet)
        if codec is Codec.H264:
            body = nal.join(nal.split_annex_b(body))
            track = track or registry.track(codec, 1, h264.config_in(body) or b"")
        track = track or registry.track(codec, 1, body)
        assert packet.pts is not None
        dts = (index - b_frames) * STEP + b_frames * STEP
        frames.append(Frame(1, dts, packet.pts + b_frames * STEP, bool(packet.is_keyframe), body))
    assert track is not None
    return track, tuple(frames)


def brightness(track: Track, frames: list[Frame]) -> list[int]:
    """The mean of each decoded picture, by the real decoder."""
    decoder = VideoCodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = track.config
    decoder.thread_count = 1
    decoded = [each for frame in frames for each in decoder.decode(av.Packet(bytes(frame.payload)))]
    decoded += decoder.decode(None)
    return [bytes(each.planes[0])[80] for each in decoded]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_pictures_come_out_in_the_order_they_are_shown(codec: Codec) -> None:
    track, frames = coded(codec, b_frames=2 if codec is Codec.H264 else 0)
    motion = Motion(track)
    made = [each for frame in frames for each in motion.convert(frame)] + motion.flush()
    assert motion.track is not None and not motion.failures
    assert (motion.track.codec, motion.track.width, motion.track.height) == (Codec.H264, 160, 96)
    assert [frame.pts for frame in made] == sorted(frame.pts for frame in frames)
    assert all(frame.dts == frame.pts for frame in made)
    keys = {frame.pts for frame in frames if frame.keyframe}
    assert {frame.pts for frame in made if frame.keyframe} == keys
    levels = brightness(motion.track, made)
    assert len(levels) == len(frames) and levels == sorted(levels)


def test_what_was_before_the_beginning_is_decoded_alone() -> None:
    track, frames = coded(Codec.H264)
    begin = frames[9].pts
    motion = Motion(track, begin)
    made = [each for frame in frames[:20] for each in motion.convert(frame)]
    assert made[0].pts >= begin and made[0].keyframe


def test_broken_pictures_are_counted() -> None:
    track, frames = coded(Codec.H264)
    motion = Motion(track)
    for frame in frames[:8]:
        motion.convert(Frame(1, frame.dts, frame.pts, frame.keyframe, b"\x00\x00\x00\x02\x65"))
    assert motion.failures


def test_sound_is_no_picture() -> None:
    assert track_of(registry.track(Codec.AAC, 2, bytes.fromhex("1190"))) is None


class Player(Follower):
    """Can only decode what it has a configuration for."""

    def on_frame(self, frame: Frame) -> None:
        assert self.tracks and all(track.config for track in self.tracks[-1])
        super().on_frame(frame)


def live(clock: FakeClock, transcoder: MediaTranscoder, track: Track) -> Stream:
    lease = Lease(channel=ChannelId("c1"), name="yard", key=KeyId("k1"), profile=Profile())
    stream = Stream(BroadcastId("b1"), lease, clock)
    stream.transcoder = transcoder
    stream.offer_tracks((track,), False)
    return stream


def send(clock: FakeClock, stream: Stream, frames: tuple[Frame, ...]) -> None:
    for frame in frames:
        clock.advance(1 / 30)
        stream.offer(frame)


PLAYABLE = frozenset({Codec.H264})


async def test_a_picture_without_b_frames_stays_as_it_is(clock: FakeClock) -> None:
    track, frames = coded(Codec.H264, b_frames=0)
    transcoder, follower = MediaTranscoder(clock), Player()
    stream = live(clock, transcoder, track)
    send(clock, stream, frames[:10])
    stream.want(Codec.H264, PLAYABLE, in_order=True).attach(follower)
    send(clock, stream, frames[10:])
    assert follower.tracks == [(track,)] and len(follower.frames) == 40
    assert transcoder.pictures.begun == 0
    await transcoder.close()


async def test_b_frames_in_the_cache_are_seen_at_once(clock: FakeClock) -> None:
    track, frames = coded(Codec.H264)
    transcoder, follower = MediaTranscoder(clock), Player()
    stream = live(clock, transcoder, track)
    send(clock, stream, frames[:12])
    rendition = stream.want(Codec.H264, PLAYABLE, in_order=True)
    rendition.attach(follower)
    send(clock, stream, frames[12:])
    await transcoder.settle()
    assert follower.frames[0].keyframe and follower.frames[0].pts >= max(f.pts for f in frames[:8])
    times = [frame.pts for frame in follower.frames]
    assert times == sorted(times) and transcoder.pictures.begun == 1
    assert follower.tracks[0][0] != track
    rendition.detach(follower)
    assert not stream.followed
    await transcoder.close()


async def test_b_frames_that_show_up_later_are_met_at_the_next_keyframe(clock: FakeClock) -> None:
    track, plain = coded(Codec.H264, count=10, b_frames=0)
    _, frames = coded(Codec.H264)
    transcoder, follower = MediaTranscoder(clock), Player()
    stream = live(clock, transcoder, track)
    stream.want(Codec.H264, PLAYABLE, in_order=True).attach(follower)
    send(clock, stream, plain)
    shift = 10 * STEP
    send(clock, stream, tuple(Frame(1, f.dts + shift, f.pts + shift, f.keyframe, f.payload) for f in frames))
    await transcoder.settle()
    assert transcoder.pictures.begun == 1 and transcoder.pictures.dropped
    assert follower.tracks[-1][0] != track and follower.frames[-1].pts > shift + 20 * STEP
    stream.enter(StreamState.ENDED)
    await transcoder.settle()
    assert follower.states[-1] is StreamState.ENDED
    await transcoder.close()


async def test_another_codec_becomes_h264(clock: FakeClock) -> None:
    track, frames = coded(Codec.VP8, b_frames=0)
    transcoder, follower = MediaTranscoder(clock), Player()
    stream = live(clock, transcoder, track)
    stream.want(Codec.H264, PLAYABLE, in_order=True).attach(follower)
    send(clock, stream, frames)
    await transcoder.settle()
    assert follower.tracks[0][0].codec is Codec.H264 and len(follower.frames) == 40
    assert [(found.code, found.detail) for found in stream.health.findings(clock.monotonic())] == [
        ("picture_remade", "VP8")
    ]
    await transcoder.close()


async def test_where_order_does_not_matter_b_frames_stay(clock: FakeClock) -> None:
    track, frames = coded(Codec.H264)
    transcoder, follower = MediaTranscoder(clock), Player()
    stream = live(clock, transcoder, track)
    send(clock, stream, frames[:12])
    stream.want(Codec.H264, PLAYABLE).attach(follower)
    send(clock, stream, frames[12:])
    assert follower.tracks == [(track,)] and len(follower.frames) == 40
    assert transcoder.pictures.begun == 0
    await transcoder.close()


async def test_picture_and_sound_are_made_one_behind_the_other(clock: FakeClock) -> None:
    track, frames = coded(Codec.VP8, b_frames=0)
    transcoder, follower = MediaTranscoder(clock), Player()
    stream = live(clock, transcoder, track)
    source = stream.want_playable(PLAYABLE | {Codec.AAC})
    source.attach(follower)
    send(clock, stream, frames)
    await transcoder.settle()
    assert follower.tracks[0][0].codec is Codec.H264 and len(follower.frames) == 40
    source.detach(follower)
    assert not stream.followed
    await transcoder.close()


async def test_a_drain_waits_for_pictures_and_for_what_comes_behind_them(clock: FakeClock) -> None:
    """Else what is written down for the next run would lack them."""
    track, frames = coded(Codec.VP8, b_frames=0)
    transcoder, follower = MediaTranscoder(clock), Player()
    stream = live(clock, transcoder, track)
    stream.enter(StreamState.LIVE)
    stream.want_playable(PLAYABLE | {Codec.AAC}).attach(follower)
    send(clock, stream, frames)
    stream.enter(StreamState.RECONNECTING)
    await transcoder.settle()
    assert len(follower.frames) == 40 and follower.states == [StreamState.RECONNECTING]
    await transcoder.close()
