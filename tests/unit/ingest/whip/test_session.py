"""A WHIP publisher leaves nothing of itself on its stream, however it goes."""

from typing import Any, cast

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import VIDEO

from madang.base.ids import ChannelId, KeyId
from madang.base.limits import PUBLISHER_SILENT_S
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.ingest.whip.counters import WhipCounters
from madang.ingest.whip.session import WhipPublisher
from madang.media.frame import Frame
from madang.media.track import Codec
from madang.net.webrtc.session import Session

LEASE = Lease(channel=ChannelId("c1"), name="yard", key=KeyId("k1"), profile=Profile())


class Wire:
    """The transport, and whoever is told of streams."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    def close(self, reason: str) -> None:
        self.closed.append(reason)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Timer:
    def cancel(self) -> None: ...


class Stage:
    """A registry, and a browser that publishes its picture in two sizes."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.wire = Wire()
        self.registry = Registry(clock, bytes, cast(Any, self.wire), lambda seconds, call: Timer())

    async def publish(self) -> tuple[WhipPublisher, Stream]:
        publisher = WhipPublisher(LEASE, self.clock, WhipCounters(), lambda _: None)
        publication = await self.registry.publish(LEASE, publisher.revoked)
        publisher.attach(publication)
        publisher.begin(cast(Session, self.wire), {102: Codec.H264}, ("h", "q"))
        publication.tracks((VIDEO,))
        publication.frame(Frame(1, 0, 0, True, b"picture"))
        stream = publication.stream
        assert stream.state is StreamState.LIVE and list(stream.layers) == ["q"]
        return publisher, stream


@pytest.mark.parametrize("way", ["silent", "taken_over", "deleted", "closed"])
async def test_its_sizes_and_its_keyframes_go_with_it(clock: FakeClock, way: str) -> None:
    """Else viewers of a smaller picture wait for ever when an encoder without any goes on with the stream."""
    stage = Stage(clock)
    publisher, stream = await stage.publish()
    layer = stream.layers["q"]
    if way == "silent":
        stage.registry.sweep(clock.monotonic())
        clock.advance(PUBLISHER_SILENT_S + 1)
        for _ in range(2):  # the first comes late: nobody is silent by our own stall
            stage.registry.sweep(clock.monotonic())
    elif way == "closed":
        publisher.closed("silent")
    elif way == "taken_over":
        stage.registry.lose(stream, "taken_over")
        publisher.revoked("taken_over", "Another encoder took over this channel.")
    else:
        publisher.end()
    assert publisher.ended and stage.wire.closed and layer.state is StreamState.ENDED
    assert not stream.layers and stream.on_keyframe_wanted is None


async def test_what_its_successor_brought_stays(clock: FakeClock) -> None:
    stage = Stage(clock)
    publisher, stream = await stage.publish()
    stage.registry.lose(stream, "taken_over")
    _, again = await stage.publish()
    assert again is stream
    layers = stream.layers
    publisher.revoked("taken_over", "Another encoder took over this channel.")
    assert stream.layers is layers and stream.on_keyframe_wanted is not None
