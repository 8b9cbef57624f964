"""What a publisher's offer is answered with, and what the transport is told to expect."""

from pathlib import Path

import msgspec
import pytest

from madang.base.errors import PeerError, Refused
from madang.base.secret import Secret
from madang.ingest.whip.door import _describe, _rids, choose, codecs_of, expected
from madang.media.track import Codec
from madang.net.webrtc.signalling import Asked
from madang.protocols.sdp.parse import parse
from madang.protocols.sdp.words import Description, Direction

CAPTURES = Path(__file__).parents[3] / "captures" / "sdp"


def offer(name: str) -> Description:
    return parse((CAPTURES / f"{name}.sdp").read_bytes())


@pytest.mark.parametrize("name", ["chromium-publish", "ffmpeg-publish", "obs-publish"])
def test_h264_and_opus_are_taken(name: str) -> None:
    choices = choose(offer(name))
    assert set(codecs_of(choices).values()) == {Codec.H264, Codec.OPUS}
    for choice in choices.values():
        assert choice.direction is Direction.RECEIVE
    video = next(choice for choice in choices.values() if choice.formats[0].clock_rate == 90_000)
    assert video.formats[0].parameters["x-google-start-bitrate"]


def test_sources_and_their_repairs_are_expected() -> None:
    ffmpeg = offer("ffmpeg-publish")
    lines = expected(ffmpeg, choose(ffmpeg)).lines
    video = next(line for line in lines if 106 in line.clock_rates)
    assert video.ssrcs == (2940528900,) and video.rtx_ssrcs == {2940528901: 2940528900}
    assert video.rtx == {105: 106} and video.nack and not video.pli


def test_browsers_name_their_sources_by_mid() -> None:
    chromium = offer("chromium-publish")
    told = expected(chromium, choose(chromium))
    assert told.mid_id and told.twcc_id and {line.mid for line in told.lines} == {"0", "1"}


def test_simulcast_is_taken_best_first() -> None:
    simulcast = offer("chromium-simulcast")
    choices = choose(simulcast)
    assert choices[0].rids == ("h", "m", "l") == _rids(simulcast, choices)
    turned = {0: msgspec.structs.replace(choices[0], rids=("l", "m", "h"))}
    assert _rids(simulcast, turned) == ("h", "m", "l")
    assert expected(simulcast, choices).rid_id and expected(simulcast, choices).repaired_rid_id


def test_an_offer_without_a_codec_of_ours() -> None:
    with pytest.raises(PeerError) as caught:
        choose(msgspec.structs.replace(offer("obs-publish"), sections=()))
    assert caught.value.code == "unacceptable"


def asked(name: str, key: str) -> Asked:
    return Asked(
        name=name,
        offer=Description(),
        credential=Secret(key),
        session=Secret(""),
        peer="192.0.2.1",
        user_agent="OBS",
    )


def test_the_key_is_a_bearer_or_stands_in_the_names_place() -> None:
    beside = _describe(asked("yard", "k3y"))
    assert (beside.door, beside.name, beside.key.reveal()) == ("whip", "yard", "k3y")
    instead = _describe(asked("k3y", ""))
    assert (instead.name, instead.key.reveal()) == ("", "k3y")
    with pytest.raises(Refused):
        _describe(asked("No Channel", "k3y"))
