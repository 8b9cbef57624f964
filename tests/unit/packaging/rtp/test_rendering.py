"""A stream is packetised once for all, while somebody reads, on one axis of time."""

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import AUDIO, VIDEO, frames
from tests.unit.codecs import test_av1, test_h265, test_vp8_vp9

from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.codecs import opus, registry
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec
from madang.net.webrtc.log import PAYLOAD_BYTES, PacketLog
from madang.packaging.rtp.payloads import CARRIED, packetiser
from madang.packaging.rtp.rendering import SOUND_BEHIND_S, Renderings

OPUS = registry.track(Codec.OPUS, 2, opus.build_record(2))
TRACKS = {
    Codec.H264: VIDEO,
    Codec.H265: registry.track(Codec.H265, 1, test_h265.record()),
    Codec.AV1: registry.track(Codec.AV1, 1, test_av1.RECORD),
    Codec.VP8: registry.track(Codec.VP8, 1, test_vp8_vp9.VP8_KEY),
    Codec.VP9: registry.track(Codec.VP9, 1, test_vp8_vp9.VP9_KEY),
    Codec.OPUS: OPUS,
}


@pytest.fixture
def stream(clock: FakeClock) -> Stream:
    lease = Lease(channel=ChannelId("c1"), name="yard", key=KeyId("k1"), profile=Profile())
    stream = Stream(BroadcastId("b1"), lease, clock)
    stream.offer_tracks((VIDEO, OPUS), False)
    return stream


def read(log: PacketLog, viewers: int) -> None:
    log.viewers = viewers
    if log.changed is not None:
        log.changed()


def feed(stream: Stream, clock: FakeClock, begin: float, end: float) -> None:
    for _, frame in frames(end, begin, tracks=(VIDEO,)):
        clock.advance(1 / 30)
        stream.offer(frame)
        stream.offer(Frame(2, frame.dts * 8 // 15, frame.dts * 8 // 15, True, b"\xfcsound"))


def test_nothing_is_rendered_before_somebody_reads(stream: Stream, clock: FakeClock) -> None:
    renderings = Renderings()
    log = renderings.log(stream, Codec.H264)
    feed(stream, clock, 0, 1)
    assert log.position == 0 and not stream.followed and renderings.log(stream, Codec.H264) is log


def test_a_reader_gets_the_cached_pictures_and_what_is_live(stream: Stream, clock: FakeClock) -> None:
    feed(stream, clock, 0, 1)
    log = Renderings().log(stream, Codec.H264)
    read(log, 1)
    assert log.position == 30 and stream.followed
    feed(stream, clock, 1, 1.5)
    assert log.position == 45
    batches = log.between(0, 45)
    assert batches[0].keyframe and len(batches[0].payloads) >= 1
    assert batches[0].payloads[0][0] & 31 == 24  # parameter sets travel with the keyframe
    assert all(len(payload) <= PAYLOAD_BYTES for batch in batches for payload in batch.payloads)
    steps = {after.ticks - before.ticks for before, after in zip(batches, batches[1:], strict=False)}
    assert all(2800 < step < 3200 for step in steps)


def test_sound_begins_where_it_is_live(stream: Stream, clock: FakeClock) -> None:
    feed(stream, clock, 0, 1)
    log = Renderings().log(stream, Codec.OPUS)
    read(log, 1)
    assert log.position <= 1
    feed(stream, clock, 1, 2)
    assert 30 <= log.position <= 31 and log.clock_rate == 48_000


def test_with_the_last_reader_it_is_forgotten(stream: Stream, clock: FakeClock) -> None:
    renderings = Renderings()
    log = renderings.log(stream, Codec.H264)
    read(log, 2)
    read(log, 1)
    assert stream.followed and len(renderings) == 1
    read(log, 0)
    assert not stream.followed and len(renderings) == 0
    assert renderings.log(stream, Codec.H264) is not log


def test_the_end_of_a_broadcast_ends_the_log(stream: Stream, clock: FakeClock) -> None:
    renderings = Renderings()
    log = renderings.log(stream, Codec.H264)
    unread = renderings.log(stream, Codec.OPUS)
    read(log, 1)
    stream.enter(StreamState.ENDED)
    assert log.ended and unread is not log
    read(log, 0)
    other = Stream(BroadcastId("b2"), stream.lease, clock)
    other.offer_tracks((VIDEO,), False)
    renderings.log(other, Codec.H264)
    assert len(renderings) == 1


def test_pictures_in_another_codec_are_left_out(stream: Stream, clock: FakeClock) -> None:
    log = Renderings().log(stream, Codec.AV1)
    read(log, 1)
    feed(stream, clock, 0, 0.2)
    assert log.position == 0


def test_what_has_no_payload_format(stream: Stream) -> None:
    with pytest.raises(KeyError):
        Renderings().log(stream, Codec.AAC)
    with pytest.raises(KeyError):
        packetiser(AUDIO, 1000)


@pytest.mark.parametrize("codec", sorted(CARRIED))
def test_every_codec_is_packetised(codec: Codec) -> None:
    payload = {
        Codec.H264: b"\x00\x00\x00\x03\x65ab",
        Codec.H265: b"\x00\x00\x00\x04\x26\x01ab",
        Codec.AV1: b"\x32\x02ab",
        Codec.VP8: test_vp8_vp9.VP8_KEY,
        Codec.VP9: test_vp8_vp9.VP9_KEY,
        Codec.OPUS: b"\xfcab",
    }[codec]
    assert packetiser(TRACKS[codec], 1000)(Frame(1, 0, 0, True, payload))
    if codec is Codec.OPUS:
        assert packetiser(OPUS, 3)(Frame(2, 0, 0, True, b"\xfcabcdef")) == []


def test_only_sound_that_is_made_anew_may_follow_its_picture(stream: Stream, clock: FakeClock) -> None:
    other = Stream(BroadcastId("b2"), stream.lease, clock)
    other.offer_tracks((VIDEO, AUDIO), False)
    behind = []
    for each in (stream, other):
        renderings = Renderings()
        sound, picture = renderings.log(each, Codec.OPUS), renderings.log(each, Codec.H264)
        behind.append(sound.epoch_s - picture.epoch_s)
    assert behind == pytest.approx([0.0, SOUND_BEHIND_S])
