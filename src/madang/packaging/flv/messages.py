"""A stream as the messages that FLV and RTMP share: headers, frames, and the start burst."""

from collections.abc import Sequence

import msgspec

from madang.containers.flv.audio import audio_prefix, audio_sequence_header
from madang.containers.flv.metadata import metadata_body
from madang.containers.flv.tag import AUDIO, SCRIPT, VIDEO
from madang.containers.flv.video import timestamp_ms, video_prefix, video_sequence_header
from madang.media.frame import Frame
from madang.media.timebase import MILLISECONDS
from madang.media.track import Kind, Track


class Message(msgspec.Struct, frozen=True, gc=False):
    """One tag or message: its body is `prefix` and `payload`, which is never copied before it is sent."""

    type: int
    """AUDIO, VIDEO or SCRIPT, as FLV and RTMP both number them."""
    timestamp_ms: int
    prefix: bytes
    payload: bytes | memoryview = b""


def header_bodies(tracks: Sequence[Track]) -> list[tuple[int, bytes]]:
    """(type, body) of what goes before frames: onMetaData and the tracks' sequence headers."""
    bodies = [(SCRIPT, metadata_body(tuple(tracks)))]
    for track in tracks:
        if track.kind is Kind.VIDEO:
            bodies.append((VIDEO, video_sequence_header(track)))
        elif body := audio_sequence_header(track):
            bodies.append((AUDIO, body))
    return bodies


def header_messages(bodies: Sequence[tuple[int, bytes]], at_ms: int) -> list[Message]:
    """`header_bodies` as messages at the time of the frame they go before. Metadata is always of time 0:
    ffmpeg takes it for a stream of subtitles at any other."""
    return [Message(type, 0 if type == SCRIPT else at_ms, b"", body) for type, body in bodies]


def frame_message(track: Track, frame: Frame) -> Message:
    """The message of one frame, at its decoding time in milliseconds."""
    at = timestamp_ms(track, frame.dts)
    if track.kind is Kind.VIDEO:
        return Message(VIDEO, at, video_prefix(track, frame), frame.payload)
    return Message(AUDIO, at, audio_prefix(track), frame.payload)


def burst_messages(tracks: Sequence[Track], frames: Sequence[Frame]) -> list[Message]:
    """What a joiner starts with: the video of the cached GOP, 1 ms apart and ending at the last frame's
    own time, and the audio from there on. The player shows the live picture at once, and what is live goes
    on at its own times. Empty when `frames` does not begin with a keyframe of the video track."""
    video = next((track for track in tracks if track.kind is Kind.VIDEO), None)
    if video is None or not frames or frames[0].track != video.id:
        return []
    restamped = restamp([frame for frame in frames if frame.track == video.id], video.timescale)
    messages = [frame_message(video, frame) for frame in restamped]
    live_ms = messages[-1].timestamp_ms
    by_id = {track.id: track for track in tracks if track is not video}
    later = (frame_message(by_id[frame.track], frame) for frame in frames if frame.track in by_id)
    return messages + [message for message in later if message.timestamp_ms >= live_ms]


def restamp(frames: Sequence[Frame], timescale: int) -> list[Frame]:
    """Frames of one track 1 ms apart, the last at its own decoding time.

    What is shown at or after that time keeps its presentation time, for live frames will be shown between;
    what was shown before is shown 1 ms apart, in its order, just before it.
    """
    live = frames[-1].dts
    tick = timescale / MILLISECONDS
    shown = sorted(frame.pts for frame in frames if frame.pts < live)
    rank = {pts: count for count, pts in enumerate(shown)}
    restamped = []
    for place, frame in enumerate(frames):
        dts = max(round(live - (len(frames) - 1 - place) * tick), 0)
        pts = frame.pts if frame.pts >= live else round(live - (len(shown) - rank[frame.pts]) * tick)
        restamped.append(Frame(frame.track, dts, max(pts, dts), frame.keyframe, frame.payload))
    return restamped
