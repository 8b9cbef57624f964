"""AudioSpecificConfigs: LC, HE-AAC told in both ways, odd rates and channels, broken ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import aac


@pytest.mark.parametrize(
    ("config", "object_type", "rate", "channels", "samples"),
    [
        ("1190", 2, 48000, 2, 1024),
        ("1210", 2, 44100, 2, 1024),
        ("121056e500", 2, 44100, 2, 1024),  # ffmpeg: the extension says that there is no SBR
        ("123056e500", 2, 44100, 6, 1024),
        ("1388", 2, 22050, 1, 1024),
        ("1194", 2, 48000, 2, 960),
        ("2b118800", 5, 48000, 2, 2048),  # HE-AAC, told at once: 24 kHz core
        ("131056e598", 5, 48000, 2, 2048),  # HE-AAC, told behind the core
        ("eb098800", 29, 48000, 2, 2048),  # HE-AAC v2: a mono core, parametric stereo
        ("13885688", 2, 22050, 1, 1024),  # something else behind the core
        ("11b8", 2, 48000, 8, 1024),  # 7.1
    ],
)
def test_configurations(config: str, object_type: int, rate: int, channels: int, samples: int) -> None:
    facts = aac.parse_config(bytes.fromhex(config))
    assert (facts.object_type, facts.sample_rate) == (object_type, rate)
    assert (facts.channels, facts.frame_samples) == (channels, samples)
    assert aac.codec_string(facts) == f"mp4a.40.{object_type}"


def test_parametric_stereo_told_behind_the_core() -> None:
    # LC 22,050 Hz mono, then 0x2b7 SBR at 44,100 Hz, then 0x548 PS.
    bits = f"{2:05b}{7:04b}{1:04b}000{0x2B7:011b}{5:05b}1{4:04b}{0x548:011b}1"
    bits += "0" * (-len(bits) % 8)
    facts = aac.parse_config(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    assert (facts.object_type, facts.sample_rate, facts.channels) == (29, 44100, 2)


def test_channels_by_program_config_element() -> None:
    # channelConfiguration 0: two front pairs' elements as one pair and one single.
    element = "0000" + "01" + "0100" + "0010" + "0000" + "0000" + "00" + "000" + "0000" + "000" + "1" + "0000"
    element += "0" + "0001"
    bits = f"{2:05b}{4:04b}{0:04b}000" + element
    bits += "0" * (-len(bits) % 8) + "00000000"
    assert aac.parse_config(int(bits, 2).to_bytes(len(bits) // 8, "big")).channels == 3


@pytest.mark.parametrize("config", ["", "11", "f8", "1790", "1780", "11f8", "ffff", "4190", "5190"])
def test_what_cannot_be_carried(config: str) -> None:
    with pytest.raises(PeerError):
        aac.parse_config(bytes.fromhex(config))


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000, 44000])
@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_building_and_reading(rate: int, channels: int) -> None:
    facts = aac.parse_config(aac.build_config(rate, channels))
    assert (facts.object_type, facts.sample_rate, facts.channels) == (2, rate, channels)


def test_channels_without_a_configuration() -> None:
    with pytest.raises(PeerError):
        aac.build_config(48000, 7)


@given(st.binary(max_size=40))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    try:
        facts = aac.parse_config(data)
    except PeerError:
        return
    assert 1 <= facts.channels <= 64
    assert facts.frame_samples in (960, 1024, 1920, 2048)
