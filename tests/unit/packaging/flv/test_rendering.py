"""Renderings: made by the first viewer, fed once for all, gone with the last."""

import asyncio

from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.containers.flv.tag import AUDIO, SCRIPT, VIDEO, Tag, TagReader, build_header
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.settings import FanoutSettings
from madang.net.fanout.viewer import Viewer
from madang.packaging.flv.dubbing import AUDIBLE
from madang.packaging.flv.rendering import Renderings
from madang.packaging.flv.tags import tag_pieces

CONFIG = bytes.fromhex("0142c01effe1001667 42c01ed9005005bb0110000003001000000303c0f162e480 01000568cb83cb20")
VIDEO_TRACK = Track(id=1, codec=Codec.H264, timescale=90_000, config=CONFIG, width=640, height=360)
AUDIO_TRACK = Track(
    id=2, codec=Codec.AAC, timescale=48_000, config=b"\x11\x90", sample_rate=48_000, channels=2
)
OPUS_TRACK = Track(
    id=2,
    codec=Codec.OPUS,
    timescale=48_000,
    config=bytes.fromhex("0002013800 00bb80000000".replace(" ", "")),
    sample_rate=48_000,
    channels=2,
)
VP8_TRACK = Track(id=1, codec=Codec.VP8, timescale=90_000, config=bytes(12), width=640, height=360)
HEADER = build_header(audio=True, video=True)


class Pipe:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def set_write_buffer_limits(self, high: int) -> None: ...

    def write(self, data: bytes) -> None:
        self.data += data

    def writelines(self, pieces: list[bytes]) -> None:
        self.data += b"".join(pieces)

    def close(self) -> None:
        self.closed = True

    def tags(self) -> list[Tag]:
        return TagReader().receive(self.data)


class Scene:
    """A stream with a publisher, and viewers of it."""

    def __init__(self, clock, loop: asyncio.AbstractEventLoop) -> None:
        lease = Lease(channel=ChannelId("c"), name="c", key=KeyId("k"), profile=Profile())
        self.clock = clock
        self.stream = Stream(BroadcastId("b"), lease, clock)
        self.stream.enter(StreamState.LIVE)
        settings = FanoutSettings(window_s=0.0, crowd_window_s=0.0)
        self.renderings = Renderings(tag_pieces, loop, settings, FanoutCounters())
        self.at = 0

    def tracks(self, *tracks: Track, again: bool = False) -> None:
        self.stream.offer_tracks(tracks, again)

    def frames(self, count: int, keyframe: bool = False) -> None:
        for number in range(count):
            self.clock.advance(1 / 30)
            ticks = self.at * 3000
            first = keyframe and number == 0
            self.stream.offer(
                Frame(1, ticks, ticks, first, b"\0\0\0\2\x65\0" if first else b"\0\0\0\2\x41\0")
            )
            if len(self.stream.tracks) > 1:
                self.stream.offer(Frame(2, self.at * 1600, self.at * 1600, True, b"sound"))
            self.at += 1

    def join(self, audible: frozenset[Codec] = AUDIBLE) -> tuple[Viewer, Pipe]:
        viewer, pipe = Viewer(), Pipe()
        self.renderings.join(self.stream, viewer, pipe, HEADER, audible=audible)
        return viewer, pipe


class Dubbed:
    """A rendition that makes its sound AAC at once, and a transcoder that has made it."""

    tracks = ()
    state = StreamState.LIVE

    def __init__(self) -> None:
        self.listener = None
        self.stream = None
        self.said = b"made"

    def rendition(self, stream, codec, playable, in_order):
        assert codec is Codec.AAC
        self.stream = stream
        return self

    def attach(self, listener) -> None:
        self.listener = listener
        self.stream.attach(self)

    def detach(self, listener) -> None:
        self.listener = None
        self.stream.detach(self)

    def on_tracks(self, tracks, discontinuity) -> None:
        made = tuple(AUDIO_TRACK if track.codec is Codec.OPUS else track for track in tracks)
        self.listener.on_tracks(made, discontinuity)

    def on_frame(self, frame) -> None:
        self.listener.on_frame(frame if frame.track == 1 else Frame(2, frame.dts, frame.pts, True, self.said))

    def on_state(self, state) -> None: ...


class Shown(Dubbed):
    """The same for pictures, which it makes H.264."""

    def rendition(self, stream, codec, playable, in_order):
        assert codec is Codec.H264 and Codec.VP8 not in playable
        self.stream = stream
        return self

    def on_tracks(self, tracks, discontinuity) -> None:
        made = tuple(VIDEO_TRACK if track.codec is Codec.VP8 else track for track in tracks)
        self.listener.on_tracks(made, discontinuity)

    def on_frame(self, frame) -> None:
        made = Frame(1, frame.dts, frame.pts, frame.keyframe, self.said)
        self.listener.on_frame(made if frame.track == 1 else frame)


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def test_a_joiner_starts_with_headers_and_the_picture_of_now(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(VIDEO_TRACK, AUDIO_TRACK)
    scene.frames(20, keyframe=True)
    _, pipe = scene.join()
    scene.frames(3)
    await settle()
    tags = pipe.tags()
    assert [tag.type for tag in tags[:3]] == [SCRIPT, VIDEO, AUDIO]
    pictures = [tag.timestamp_ms for tag in tags[3:] if tag.type == VIDEO]
    assert len(pictures) >= 20
    gaps = [b - a for a, b in zip(pictures, pictures[1:], strict=False)]
    assert set(gaps[:-4]) == {1}
    assert max(gaps) <= 34
    assert all(
        b.timestamp_ms >= a.timestamp_ms for a, b in zip(tags, tags[1:], strict=False) if a.type == b.type
    )


async def test_everyone_gets_the_same_bytes_after_the_burst(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(VIDEO_TRACK)
    scene.frames(5, keyframe=True)
    pipes = [scene.join()[1] for _ in range(3)]
    burst = len(pipes[0].data)
    scene.frames(5)
    await settle()
    assert len(pipes[0].data) > burst
    assert pipes[0].data == pipes[1].data == pipes[2].data


async def test_the_rendering_lives_as_long_as_somebody_watches(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(VIDEO_TRACK)
    scene.frames(2, keyframe=True)
    assert not scene.stream._listeners
    first, _ = scene.join()
    second, _ = scene.join()
    assert len(scene.stream._listeners) == 1
    first.connection_lost(None)
    assert len(scene.stream._listeners) == 1
    second.connection_lost(None)
    assert not scene.stream._listeners
    third, pipe = scene.join()
    assert [tag.type for tag in pipe.tags()][:2] == [SCRIPT, VIDEO]
    third.connection_lost(None)


async def test_a_returning_publisher_sends_headers_again_and_time_goes_on(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(VIDEO_TRACK, AUDIO_TRACK)
    scene.frames(5, keyframe=True)
    _, pipe = scene.join()
    scene.stream.enter(StreamState.RECONNECTING)
    clock.advance(3.0)
    await settle()
    assert not pipe.closed
    scene.at = 0
    scene.tracks(VIDEO_TRACK, AUDIO_TRACK, again=True)
    scene.stream.enter(StreamState.LIVE)
    scene.frames(5, keyframe=True)
    await settle()
    tags = pipe.tags()
    assert [tag.timestamp_ms for tag in tags if tag.type == SCRIPT] == [0, 0]
    for kind in (VIDEO, AUDIO):
        times = [tag.timestamp_ms for tag in tags if tag.type == kind]
        assert times == sorted(times)


async def test_a_joiner_without_a_cached_picture_waits_for_a_keyframe(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(VIDEO_TRACK)
    _, pipe = scene.join()
    assert pipe.data == HEADER
    scene.frames(3, keyframe=True)
    await settle()
    assert [tag.type for tag in pipe.tags()] == [SCRIPT, VIDEO, VIDEO, VIDEO, VIDEO]


async def test_audio_alone_starts_with_headers_and_what_is_live(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(AUDIO_TRACK)
    scene.stream.offer(Frame(2, 0, 0, True, b"first"))
    _, pipe = scene.join()
    scene.stream.offer(Frame(2, 1024, 1024, True, b"second"))
    await settle()
    tags = pipe.tags()
    assert [tag.type for tag in tags] == [SCRIPT, AUDIO, AUDIO]
    assert tags[-1].body.endswith(b"second")


async def test_the_end_closes_every_viewer(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(VIDEO_TRACK)
    scene.frames(2, keyframe=True)
    pipes = [scene.join()[1] for _ in range(3)]
    scene.frames(1)
    scene.stream.enter(StreamState.ENDED)
    for _ in range(12):
        await asyncio.sleep(0)
    assert all(pipe.closed for pipe in pipes)
    assert len({pipe.data for pipe in pipes}) == 1
    assert not scene.stream._listeners


def sounds(pipe: Pipe) -> list[Tag]:
    return [tag for tag in pipe.tags() if tag.type == AUDIO]


async def test_sound_that_not_everybody_reads_is_made_aac(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.stream.transcoder = dubbed = Dubbed()
    scene.tracks(VIDEO_TRACK, OPUS_TRACK)
    scene.frames(20, keyframe=True)
    live_ms = round(scene.stream.media_s * 1000)
    viewer, pipe = scene.join()
    scene.frames(3)
    await settle()
    tags = pipe.tags()
    assert [tag.type for tag in tags[:3]] == [SCRIPT, VIDEO, AUDIO]
    assert sounds(pipe)[0].body == b"\xaf\x00" + AUDIO_TRACK.config
    assert {tag.body for tag in sounds(pipe)[1:]} == {b"\xaf\x01made"}
    assert all(tag.timestamp_ms >= live_ms - 34 for tag in sounds(pipe)[1:])
    assert len([tag for tag in tags if tag.type == VIDEO]) == 1 + 23
    viewer.connection_lost(None)
    assert not scene.stream._listeners and dubbed.listener is None


async def test_a_picture_that_nobody_reads_is_made_h264(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.stream.transcoder = shown = Shown()
    scene.tracks(VP8_TRACK, AUDIO_TRACK)
    scene.frames(2, keyframe=True)
    viewer, pipe = scene.join()
    scene.frames(2)
    await settle()
    assert not pipe.tags(), "a joiner waits for a keyframe of the picture that is made"
    scene.frames(2, keyframe=True)
    await settle()
    tags = pipe.tags()
    assert [tag.type for tag in tags[:3]] == [SCRIPT, VIDEO, AUDIO]
    pictures = [tag.body for tag in tags if tag.type == VIDEO]
    assert pictures[0] == bytes((0x17, 0, 0, 0, 0)) + CONFIG
    assert pictures[1:] == [bytes((0x17, 1, 0, 0, 0)) + b"made", bytes((0x27, 1, 0, 0, 0)) + b"made"]
    assert {tag.body for tag in sounds(pipe)[1:]} == {b"\xaf\x01sound"}
    scene.tracks(VIDEO_TRACK, AUDIO_TRACK, again=True)
    scene.frames(1, keyframe=True)
    await settle()
    assert shown.listener is None
    assert [tag.body for tag in pipe.tags() if tag.type == VIDEO][-1].endswith(b"\x65\0")
    viewer.connection_lost(None)
    assert not scene.stream._listeners


async def test_who_reads_opus_gets_it_as_it_is(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.stream.transcoder = dubbed = Dubbed()
    scene.tracks(VIDEO_TRACK, OPUS_TRACK)
    scene.frames(2, keyframe=True)
    _, pipe = scene.join(AUDIBLE | {Codec.OPUS})
    _, other = scene.join()
    scene.frames(2)
    await settle()
    assert sounds(pipe)[-1].body == b"\x91Opussound"
    assert sounds(other)[-1].body == b"\xaf\x01made"
    assert dubbed.stream is scene.stream


async def test_a_publisher_who_returns_with_other_sound_is_heard_as_it_is(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.stream.transcoder = dubbed = Dubbed()
    scene.tracks(VIDEO_TRACK, OPUS_TRACK)
    scene.frames(2, keyframe=True)
    _, pipe = scene.join()
    scene.tracks(VIDEO_TRACK, AUDIO_TRACK, again=True)
    scene.frames(2, keyframe=True)
    await settle()
    assert sounds(pipe)[-1].body == b"\xaf\x01sound"
    assert dubbed.listener is None
    scene.tracks(VIDEO_TRACK, OPUS_TRACK, again=True)
    scene.frames(2, keyframe=True)
    await settle()
    assert sounds(pipe)[-1].body == b"\xaf\x01made"
    scene.stream.enter(StreamState.ENDED)
    assert dubbed.listener is None


async def test_without_a_transcoder_sound_goes_as_it_is(clock) -> None:
    scene = Scene(clock, asyncio.get_running_loop())
    scene.tracks(VIDEO_TRACK, OPUS_TRACK)
    scene.frames(2, keyframe=True)
    _, pipe = scene.join()
    scene.frames(2)
    await settle()
    assert sounds(pipe)[-1].body == b"\x91Opussound"
