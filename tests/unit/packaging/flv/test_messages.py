"""Messages of a stream: headers, frames, and the start burst that ends at the live time."""

from hypothesis import given
from hypothesis import strategies as st

from madang.containers.flv.tag import AUDIO, SCRIPT, VIDEO, TagReader, build_header
from madang.containers.flv.video import parse_video
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.packaging.flv.messages import burst_messages, frame_message, header_bodies, restamp
from madang.packaging.flv.tags import tag_pieces

VIDEO_TRACK = Track(id=1, codec=Codec.H264, timescale=90_000, config=b"avcC", width=1280, height=720)
AUDIO_TRACK = Track(
    id=2, codec=Codec.AAC, timescale=48_000, config=b"\x11\x90", sample_rate=48_000, channels=2
)
MP3_TRACK = Track(id=2, codec=Codec.MP3, timescale=44_100, sample_rate=44_100, channels=2)
FRAME = 3000
"""Ticks of a frame at 30 frames per second."""


def video(count: int, start: int = 900_000) -> list[Frame]:
    return [Frame(1, start + i * FRAME, start + i * FRAME, i == 0, b"v%d" % i) for i in range(count)]


def reordered(groups: int, start: int = 900_000) -> list[Frame]:
    """I, then groups of P B B as they are decoded; shown two frames later than decoded."""
    shown = [0] + [3 * group + place for group in range(groups) for place in (3, 1, 2)]
    return [
        Frame(1, start + i * FRAME, start + (place + 2) * FRAME, i == 0, b"%d" % place)
        for i, place in enumerate(shown)
    ]


def test_headers_are_metadata_and_sequence_headers() -> None:
    assert [type for type, _ in header_bodies((VIDEO_TRACK, AUDIO_TRACK))] == [SCRIPT, VIDEO, AUDIO]
    assert [type for type, _ in header_bodies((VIDEO_TRACK,))] == [SCRIPT, VIDEO]
    assert [type for type, _ in header_bodies((MP3_TRACK,))] == [SCRIPT]


def test_a_frame_carries_its_decoding_time_and_its_payload_uncopied() -> None:
    frame = Frame(1, 90_000, 96_000, False, b"payload")
    message = frame_message(VIDEO_TRACK, frame)
    assert (message.type, message.timestamp_ms) == (VIDEO, 1000)
    assert message.payload is frame.payload
    assert parse_video(message.prefix + b"payload").composition_ms == 67
    assert frame_message(AUDIO_TRACK, Frame(2, 24_000, 24_000, True, b"a")).timestamp_ms == 500


def test_tag_pieces_make_a_tag() -> None:
    message = frame_message(VIDEO_TRACK, Frame(1, 90_000, 90_000, True, b"payload"))
    pieces = tag_pieces(message)
    assert pieces[1] is message.payload
    reader = TagReader()
    (tag,) = reader.receive(build_header(audio=False, video=True) + b"".join(pieces))
    assert (tag.type, tag.timestamp_ms, tag.body) == (VIDEO, 1000, message.prefix + b"payload")


def test_the_burst_ends_at_the_live_time_one_millisecond_apart() -> None:
    frames = video(40)
    messages = burst_messages((VIDEO_TRACK, AUDIO_TRACK), frames)
    live = frames[-1].dts // 90
    assert [message.timestamp_ms for message in messages] == list(range(live - 39, live + 1))
    assert all(parse_video(m.prefix + b"").composition_ms == 0 for m in messages)
    assert [message.payload for message in messages] == [frame.payload for frame in frames]


def test_the_burst_leaves_out_the_audio_before_the_live_time() -> None:
    frames = video(3)
    live = frames[-1].dts
    audio = [
        Frame(2, round((live + shift) / 90_000 * 48_000), 0, True, b"a%d" % i)
        for i, shift in enumerate((-3000, 0, 3000))
    ]
    frames = [frames[0], audio[0], *frames[1:], *audio[1:]]
    messages = burst_messages((VIDEO_TRACK, AUDIO_TRACK), frames)
    assert [bytes(message.payload) for message in messages] == [b"v0", b"v1", b"v2", b"a1", b"a2"]


def test_there_is_no_burst_without_a_keyframe_of_video() -> None:
    assert burst_messages((AUDIO_TRACK,), [Frame(2, 0, 0, True, b"a")]) == []
    assert burst_messages((VIDEO_TRACK,), []) == []


def test_the_burst_of_a_stream_that_just_began_has_no_negative_time() -> None:
    assert [
        frame.dts for frame in restamp([Frame(1, 0, 0, True, b""), Frame(1, 1, 1, False, b"")], 90_000)
    ] == [
        0,
        1,
    ]


def test_b_frames_keep_their_order_of_display() -> None:
    frames = reordered(6)
    restamped = restamp(frames, 90_000)
    assert all(frame.pts >= frame.dts for frame in restamped)
    assert sorted(range(19), key=lambda i: frames[i].pts) == sorted(range(19), key=lambda i: restamped[i].pts)
    live = frames[-1].dts
    assert all(new.pts == old.pts for new, old in zip(restamped, frames, strict=True) if old.pts >= live)


@given(st.integers(1, 40), st.integers(0, 8))
def test_live_frames_are_shown_after_the_burst_wherever_it_is_cut(cut: int, more: int) -> None:
    frames = reordered(20)
    cut = min(cut, len(frames) - 1)
    burst, live = restamp(frames[:cut], 90_000), frames[cut : cut + more]
    together = [*burst, *live]
    assert [f.dts for f in together] == sorted({f.dts for f in together})
    by_pts = sorted(range(len(together)), key=lambda i: together[i].pts)
    assert by_pts == sorted(range(len(together)), key=lambda i: frames[i].pts)
    assert len({f.pts for f in together}) == len(together)
    assert all(f.pts >= f.dts for f in together)
