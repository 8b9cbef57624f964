"""Keyframe headers of VP8 and VP9."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import vp8, vp9

VP8_KEY = bytes.fromhex("700200 9d012a 4001 f000 0000")
# Profile 0, 4:2:0, 320x240, as libvpx writes it.
VP9_KEY = bytes.fromhex("824983420013f00ef61038241c184a00")


def test_vp8_size() -> None:
    picture = vp8.parse_keyframe(VP8_KEY)
    assert (picture.width, picture.height) == (320, 240)
    assert vp8.is_keyframe(VP8_KEY) and not vp8.is_keyframe(b"\x71" + VP8_KEY[1:])


@pytest.mark.parametrize(
    "bad", [b"", VP8_KEY[:9], b"\x70\x02\x00\x9d\x01\x2b\x40\x01\xf0\x00", VP8_KEY[:6] + bytes(4)]
)
def test_vp8_that_is_none(bad: bytes) -> None:
    with pytest.raises(PeerError):
        vp8.parse_keyframe(bad)


def test_vp9_size_and_record() -> None:
    header = vp9.parse_keyframe(VP9_KEY)
    assert (header.profile, header.depth, header.subsampling) == (0, 8, 1)
    assert (header.picture.width, header.picture.height) == (320, 240)
    config = vp9.build_config(header)
    assert config.hex() == "010000000014820202020000"
    assert vp9.codec_string(config) == f"vp09.00.{header.level:02}.08"


@pytest.mark.parametrize("bad", [b"", b"\x02", b"\x82", b"\x86\x00\x00", b"\x82\x49\x83\x43" + bytes(9)])
def test_vp9_that_is_none(bad: bytes) -> None:
    with pytest.raises(PeerError):
        vp9.parse_keyframe(bad)


def test_vp9_level_by_size() -> None:
    header = vp9.parse_keyframe(VP9_KEY)
    assert header.level == 20
    with pytest.raises(PeerError):
        vp9.codec_string(b"\x01")


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    vp8.is_keyframe(data)
    vp9.is_keyframe(data)
    for parse in (vp8.parse_keyframe, vp9.parse_keyframe):
        try:
            parse(data)
        except PeerError:
            pass
