"""A live stream as its studio sees it: plain facts, put together from the hub's."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from madang.hub.health import Finding
from madang.hub.stream import Stream
from madang.media.track import Track

SAMPLES = 300
"""Seconds of the graphs."""


class Sample(msgspec.Struct, frozen=True):
    """One second of the graphs."""

    at: float
    bitrate_bps: int
    fps: float
    viewers: int


class TrackFacts(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    kind: str
    codec: str
    codec_string: str
    width: int
    height: int
    sample_rate: int
    channels: int


class LayerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A smaller picture that the publisher sends beside (simulcast)."""

    name: str
    codec: str
    width: int
    height: int


class PublisherFacts(msgspec.Struct, frozen=True, kw_only=True):
    door: str
    peer: str
    user_agent: str
    key_id: str
    key_name: str


class StreamFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A live stream as its studio sees it."""

    channel_id: str
    slug: str
    name: str
    title: str
    state: str
    broadcast_id: str
    began_at: float
    uptime_s: float
    reconnect_by: float | None
    publisher: PublisherFacts
    tracks: list[TrackFacts]
    layers: list[LayerFacts]
    bitrate_bps: int
    fps: float
    viewers: int
    viewers_by_door: dict[str, int]
    peak_viewers: int
    health: list[Finding]
    samples: list[Sample]


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """What anybody may know of a stream."""

    state: str
    broadcast_id: str | None = None
    began_at: float | None = None
    viewers: int = 0


def sample_line(sample: Sample) -> dict[str, Any]:
    """A sample as the feed tells it."""
    return {**msgspec.structs.asdict(sample), "at": datetime.fromtimestamp(sample.at, UTC)}


def layer_facts(stream: Stream) -> list[LayerFacts]:
    """The smaller pictures of a stream that have come, the best first."""
    return [
        LayerFacts(name=layer.name, codec=track.codec.value, width=track.width, height=track.height)
        for layer in stream.layers.values()
        if (track := layer.track) is not None
    ]


def track_facts(track: Track) -> TrackFacts:
    """What is told of a track."""
    return TrackFacts(
        id=track.id,
        kind=track.kind.value,
        codec=track.codec.value,
        codec_string=track.codec_string,
        width=track.width,
        height=track.height,
        sample_rate=track.sample_rate,
        channels=track.channels,
    )
