"""What a joiner starts with: from a keyframe, within bounds."""

from collections.abc import Callable, Iterator

from madang.base.limits import GOP_BYTES, GOP_S
from madang.hub.gop import AUDIO_ONLY_S, GopCache
from madang.media.frame import Frame
from madang.media.track import Track

Broadcast = Callable[..., Iterator[tuple[float, Frame]]]


def cache(*tracks: Track) -> GopCache:
    gop = GopCache()
    gop.begin(tracks)
    return gop


def test_frames_from_the_last_keyframe_with_their_sound(
    video: Track, audio: Track, broadcast: Broadcast
) -> None:
    gop = cache(video, audio)
    sent = [frame for _, frame in broadcast(5.0)]
    for frame in sent:
        gop.add(frame)
    last = max(index for index, frame in enumerate(sent) if frame.track == 1 and frame.keyframe)
    assert gop.frames == sent[last:]
    assert {frame.track for frame in gop.frames} == {1, 2}


def test_nothing_before_the_first_keyframe(video: Track, audio: Track) -> None:
    gop = cache(video, audio)
    gop.add(Frame(2, 0, 0, True, b"a"))
    gop.add(Frame(1, 0, 0, False, b"v"))
    assert gop.frames == []


def test_sound_alone_keeps_a_start(audio: Track, broadcast: Broadcast) -> None:
    gop = cache(audio)
    for at, frame in broadcast(60.0, video_bytes=0):
        gop.add(frame)
        if at > 2 * AUDIO_ONLY_S:
            assert AUDIO_ONLY_S * 0.9 <= (frame.dts - gop.frames[0].dts) / 48_000 <= 2 * AUDIO_ONLY_S + 0.1


def test_a_gop_of_too_many_bytes_is_given_up(video: Track) -> None:
    gop = cache(video)
    piece = bytes(GOP_BYTES // 4)
    for index in range(6):
        gop.add(Frame(1, index * 3000, index * 3000, index == 0, piece))
        assert sum(len(frame.payload) for frame in gop.frames) <= GOP_BYTES
    assert gop.frames == []
    gop.add(Frame(1, 90_000, 90_000, True, b"k"))
    assert len(gop.frames) == 1


def test_a_gop_of_too_many_seconds_is_given_up(video: Track) -> None:
    gop = cache(video)
    for second in range(int(GOP_S) + 5):
        gop.add(Frame(1, second * 90_000, second * 90_000, second == 0, b"v"))
    assert gop.frames == []


def test_sound_alone_is_bounded_in_bytes(audio: Track) -> None:
    gop = cache(audio)
    for index in range(40):
        gop.add(Frame(2, index, index, True, bytes(GOP_BYTES // 8)))
        assert sum(len(frame.payload) for frame in gop.frames) <= GOP_BYTES
