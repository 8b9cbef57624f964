"""onMetaData: what players are told, and what publishers hint at."""

import pytest

from madang.containers.flv.amf import Value, decode, encode
from madang.containers.flv.metadata import Hint, metadata_body, parse_metadata, parse_script
from madang.media.track import Codec, Track

AVC = Track(id=1, codec=Codec.H264, timescale=90_000, width=1280, height=720)
HEVC = Track(id=1, codec=Codec.H265, timescale=90_000, width=640, height=360)
AAC = Track(id=2, codec=Codec.AAC, timescale=44_100, sample_rate=44_100, channels=1)


def test_players_learn_the_tracks_and_no_duration() -> None:
    name, properties = decode(metadata_body((AVC, AAC)))
    assert name == "onMetaData"
    assert properties == {
        "width": 1280,
        "height": 720,
        "videocodecid": 7,
        "audiocodecid": 10,
        "audiosamplerate": 44_100,
        "audiosamplesize": 16,
        "stereo": False,
        "encoder": "Madang",
    }


def test_argument_is_an_ecma_array() -> None:
    assert metadata_body((AVC,))[13] == 0x08


def test_enhanced_codecs_go_by_their_fourcc() -> None:
    properties = decode(metadata_body((HEVC,), {"framerate": 30.0}))[1]
    assert isinstance(properties, dict)
    assert properties["videocodecid"] == 0x68766331
    assert properties["framerate"] == 30


@pytest.mark.parametrize(
    ("properties", "hint"),
    [
        ({"videocodecid": 7.0, "audiocodecid": 10.0}, Hint(True, True)),
        ({"videocodecid": "avc1", "encoder": "obs"}, Hint(True, None)),
        ({"videocodecid": 0.0, "hasVideo": False}, Hint(False, None)),
        ({"width": 0.0}, Hint()),
    ],
)
@pytest.mark.parametrize("prefix", [["@setDataFrame"], []])
def test_publishers_hint(properties: dict[str, Value], hint: Hint, prefix: list[Value]) -> None:
    assert parse_metadata([*prefix, "onMetaData", properties]) == hint


@pytest.mark.parametrize(
    "values", [[], ["onMetaData"], ["onTextData", {}], ["@setDataFrame"], ["onMetaData", 5.0]]
)
def test_other_messages_hint_at_nothing(values: list[Value]) -> None:
    assert parse_metadata(values) is None


def test_broken_script_is_empty() -> None:
    assert parse_script(encode("onMetaData") + b"\x03") == ["onMetaData", {}]
    assert parse_script(b"\x02\xff") == []
