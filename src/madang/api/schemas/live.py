"""Live streams, broadcasts and events on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.accounts import AccountSummary
from madang.api.schemas.words import Answer, Body, ChannelState, Next


class TrackInfo(Answer):
    """One track of a live stream."""

    id: int = Field(description="Its number in the stream.")
    kind: Literal["video", "audio"] = Field(description="Picture or sound.")
    codec: str = Field(description="Such as `h264`, `h265`, `av1`, `aac`, `opus`.")
    codec_string: str = Field(description="As RFC 6381 has it, such as `avc1.64001f`.")
    width: int = Field(description="Pixels; 0 for sound.")
    height: int = Field(description="Pixels; 0 for sound.")
    sample_rate: int = Field(description="Samples per second; 0 for a picture.")
    channels: int = Field(description="1 for mono, 2 for stereo; 0 for a picture.")


class LayerInfo(Answer):
    """A smaller picture that a WebRTC publisher sends beside (simulcast)."""

    name: str = Field(description="Its RTP stream id: `/live/NAME/whep?layer=` takes it.")
    codec: str = Field(description="Such as `h264`, `vp8`.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")


class Publisher(Answer):
    """Who sends the stream."""

    door: str = Field(description="`rtmp`, `rtmps` or `whip`.")
    peer: str = Field(description="The address that it comes from.")
    user_agent: str = Field(description="What the encoder calls itself; may be empty.")
    key_id: str = Field(description="The stream key that it uses.")
    key_name: str = Field(description="That key's name; empty when the key is gone.")


class Finding(Answer):
    """One thing that is wrong with a broadcast: the page turns `code` and `value` into a sentence."""

    code: str = Field(
        description="`keyframe_interval`, `no_audio`, `no_video`, `variable_frame_rate`, `bitrate_starving`, "
        "`b_frames`, `picture_remade`, `unsupported_codec`, `timestamps` or `slow_start`."
    )
    value: float = Field(
        description="Seconds (`keyframe_interval`, `no_audio`, `no_video`, `slow_start`), percent "
        "(`variable_frame_rate`, `bitrate_starving`), pictures per second (`b_frames`), repairs in the last "
        "10 s (`timestamps`); 0 for codecs."
    )
    detail: str = Field(default="", description="The codec's name, where it is about one.")


class Sample(Answer):
    """One second of the graphs."""

    at: datetime = Field(description="The second's end.")
    bitrate_bps: int = Field(description="Bits per second that came in.")
    fps: float = Field(description="Pictures per second that came in.")
    viewers: int = Field(description="Playback sessions then.")


class LiveStream(Answer):
    """A live stream as its studio sees it."""

    channel_id: str = Field(description="The channel's id.")
    slug: str = Field(description="The channel's name in addresses.")
    name: str = Field(description="The channel's display name.")
    title: str = Field(description="What is on.")
    state: ChannelState = Field(description="`live` or `reconnecting`.")
    broadcast_id: str = Field(description="Stays the same across reconnects.")
    began_at: datetime = Field(description="When the first frame came.")
    uptime_s: float = Field(description="Seconds since then.")
    reconnect_by: datetime | None = Field(description="While reconnecting: when the broadcast will end.")
    publisher: Publisher = Field(description="Who sends it, or sent it last.")
    tracks: list[TrackInfo] = Field(description="Picture and sound, as they come in.")
    layers: list[LayerInfo] = Field(description="Beside the picture in `tracks`, the best first.")
    bitrate_bps: int = Field(description="Bits per second that come in; 0 while reconnecting.")
    fps: float = Field(description="Pictures per second that come in; 0 while reconnecting.")
    viewers: int = Field(description="Playback sessions now, by all ways out.")
    viewers_by_door: dict[str, int] = Field(
        description="The same by way out: `hls`, `dash`, `flv`, `wsflv`, `rtmp`, `whep`."
    )
    peak_viewers: int = Field(description="The most at once in this broadcast.")
    health: list[Finding] = Field(description="What is wrong with it now; empty while reconnecting.")
    samples: list[Sample] = Field(description="The last 300 s at most, the eldest first.")


class Kick(Body):
    """Why."""

    reason: Annotated[str, StringConstraints(max_length=200)] = Field(
        default="", description="What the encoder shows; may be empty."
    )


class Broadcast(Answer):
    """One broadcast, from its first frame to its end."""

    id: str = Field(description="As `broadcast_id` of the live stream.")
    channel_id: str = Field(description="The channel's id.")
    title: str = Field(description="The channel's title when it began.")
    began_at: datetime = Field(description="When the first frame came.")
    ended_at: datetime | None = Field(description="When it ended; null while it is on.")
    end_reason: str = Field(description="Why it ended, in a word or a sentence; empty while it is on.")
    peak_viewers: int = Field(description="The most at once.")


class Event(Answer):
    """Something that happened: `kind` like `stream.began`, `key.attempt_failed`, `channel.updated`."""

    id: str = Field(description="Sorts by time.")
    at: datetime = Field(description="When it happened.")
    kind: str = Field(description="What happened: a noun, a dot, a verb.")
    channel_id: str | None = Field(description="Where it happened; null for the site.")
    actor: AccountSummary | None = Field(description="Who did it; null for encoders and the server.")
    peer: str = Field(description="The address that it came from; may be empty.")
    data: dict[str, str | int | float | bool | None] = Field(description="What belongs to its kind.")


class EventPage(Answer):
    """A page of the log."""

    items: list[Event] = Field(description="The newest first.")
    next: Next


class BroadcastPage(Answer):
    """A page of broadcasts."""

    items: list[Broadcast] = Field(description="The newest first.")
    next: Next


class StreamPage(Answer):
    """A page of live streams."""

    items: list[LiveStream] = Field(description="By channel id.")
    next: Next
