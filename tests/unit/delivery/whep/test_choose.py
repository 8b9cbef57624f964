"""What of a stream goes to which offer."""

from pathlib import Path

import msgspec
import pytest
from tests.harness.broadcast import AUDIO, VIDEO
from tests.unit.codecs import test_av1, test_h265, test_vp8_vp9

from madang.base.errors import PeerError
from madang.codecs import registry
from madang.delivery.whep.choose import choose
from madang.media.track import Codec, Track
from madang.protocols.sdp.parse import parse
from madang.protocols.sdp.words import Description, Direction

OFFER = parse((Path(__file__).parents[3] / "captures" / "sdp" / "chromium-play.sdp").read_bytes())
HEVC = registry.track(Codec.H265, 1, test_h265.record())
AV1 = registry.track(Codec.AV1, 1, test_av1.RECORD)
VP8 = registry.track(Codec.VP8, 1, test_vp8_vp9.VP8_KEY)


def without(offer: Description, *names: str) -> Description:
    sections = tuple(
        msgspec.structs.replace(
            section, formats=tuple(one for one in section.formats if one.name.lower() not in names)
        )
        for section in offer.sections
    )
    return msgspec.structs.replace(offer, sections=sections)


def codecs(tracks: tuple[Track, ...], reordered: bool = False, offer: Description = OFFER) -> list[Codec]:
    return [going.codec for going in choose(offer, tracks, reordered)]


def test_picture_and_sound_go_in_the_offered_order() -> None:
    video, audio = choose(OFFER, (AUDIO, VIDEO), False)
    assert (video.index, video.codec, audio.index, audio.codec) == (0, Codec.H264, 1, Codec.OPUS)
    # The stream is Main: the nearest profile above it.
    assert video.formats[0].parameters["profile-level-id"].startswith("4d")
    assert video.repair == OFFER.sections[0].repair_of(video.payload_type).payload_type  # type: ignore[union-attr]
    assert audio.formats[0].parameters["stereo"] == "1" and audio.repair == 0
    assert set(video.formats[0].feedback) == {"nack", "nack pli", "ccm fir"}


@pytest.mark.parametrize(
    ("track", "reordered", "expected"),
    [
        (VIDEO, True, Codec.H264),
        (VP8, False, Codec.VP8),
        (AV1, False, Codec.AV1),
        (AV1, True, Codec.H264),
        (HEVC, False, Codec.H264),  # this Chromium has no HEVC
    ],
)
def test_what_cannot_go_as_it_is_goes_as_h264(track: Track, reordered: bool, expected: Codec) -> None:
    assert codecs((track,), reordered) == [expected]


def test_mono_says_nothing_of_stereo() -> None:
    mono = msgspec.structs.replace(AUDIO, channels=1)
    (going,) = choose(OFFER, (mono,), False)
    assert "stereo" not in going.formats[0].parameters


def test_sound_goes_alone_where_no_picture_can() -> None:
    assert codecs((VIDEO, AUDIO), offer=without(OFFER, "h264")) == [Codec.OPUS]


def test_an_offer_for_which_there_is_nothing() -> None:
    with pytest.raises(PeerError) as caught:
        codecs((VIDEO, AUDIO), offer=without(OFFER, "h264", "opus"))
    assert caught.value.code == "unacceptable"
    unwilling = tuple(msgspec.structs.replace(each, direction=Direction.SEND) for each in OFFER.sections)
    with pytest.raises(PeerError):
        codecs((VIDEO,), offer=msgspec.structs.replace(OFFER, sections=unwilling))
