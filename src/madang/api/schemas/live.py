"""Live streams, broadcasts and events on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.accounts import AccountSummary
from madang.api.schemas.words import Answer, Body, ChannelState


class TrackInfo(Answer):
    """One track of a live stream."""

    id: int
    kind: Literal["video", "audio"]
    codec: str
    codec_string: str
    width: int
    height: int
    sample_rate: int
    channels: int


class LayerInfo(Answer):
    """A smaller picture that a WebRTC publisher sends beside (simulcast)."""

    name: str = Field(description="Its RTP stream id: `/live/NAME/whep?layer=` takes it.")
    codec: str
    width: int
    height: int


class Publisher(Answer):
    """Who sends the stream."""

    door: str
    peer: str
    user_agent: str
    key_id: str
    key_name: str


class Finding(Answer):
    """One thing that is wrong with a broadcast: the page turns `code` and `value` into a sentence."""

    code: str
    value: float
    detail: str = ""


class Sample(Answer):
    """One second of the graphs."""

    at: datetime
    bitrate_bps: int
    fps: float
    viewers: int


class LiveStream(Answer):
    """A live stream as its studio sees it."""

    channel_id: str
    slug: str
    name: str
    title: str
    state: ChannelState
    broadcast_id: str
    began_at: datetime
    uptime_s: float
    reconnect_by: datetime | None = Field(description="While reconnecting: when the broadcast will end.")
    publisher: Publisher
    tracks: list[TrackInfo]
    layers: list[LayerInfo] = Field(description="Beside the picture in `tracks`, the best first.")
    bitrate_bps: int
    fps: float
    viewers: int
    viewers_by_door: dict[str, int]
    peak_viewers: int
    health: list[Finding]
    samples: list[Sample]


class Kick(Body):
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class Broadcast(Answer):
    """One broadcast, from its first frame to its end."""

    id: str
    channel_id: str
    title: str
    began_at: datetime
    ended_at: datetime | None
    end_reason: str
    peak_viewers: int


class Event(Answer):
    """Something that happened: `kind` like `stream.began`, `key.attempt_failed`, `channel.updated`."""

    id: str
    at: datetime
    kind: str
    channel_id: str | None
    actor: AccountSummary | None
    peer: str
    data: dict[str, str | int | float | bool | None]


class EventPage(Answer):
    items: list[Event]
    next: str | None


class BroadcastPage(Answer):
    items: list[Broadcast]
    next: str | None


class StreamPage(Answer):
    items: list[LiveStream]
    next: str | None
