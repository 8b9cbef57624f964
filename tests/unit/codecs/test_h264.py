"""H.264 parameter sets of real encoders, broken ones, and hostile ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import h264
from madang.codecs.nal import join
from madang.codecs.picture import Colour

# avcC records of x264, by what is special in them.
MAIN = bytes.fromhex("014d401effe10018674d401eeca05017fcb80880000003008000001e078b16cb01000468ce0fc8")
HIGH_CROPPED = bytes.fromhex(
    "01640028ffe1001e67640028acd940780227e5c39a810100a0000003002000000781e30632c001000668ebe3cb22c0fdf8f800"
)
HIGH_422_10 = bytes.fromhex(
    "017a001fffe1001a677a001fb6cd940b40a1b0110000030001000003003c0f18319601000668ebe3cb22c0fefafa00"
)
INTERLACED = bytes.fromhex(
    "0164001effe100186764001eacd940b024d8088000000300800000190f8a14cb01000668fba3cb22c0fdf8f800"
)


def bits(*fields: tuple[int, int] | str) -> bytes:
    """A bitstream of (value, width) fields and `ue:N` or `se:N` codes, padded with a stop bit."""
    text = ""
    for field in fields:
        if isinstance(field, tuple):
            text += f"{field[0]:0{field[1]}b}"
            continue
        kind, number = field.split(":")
        value = int(number)
        code = value if kind == "ue" else 2 * value - 1 if value > 0 else -2 * value
        text += "0" * ((code + 1).bit_length() - 1) + f"{code + 1:b}"
    text += "1"
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def baseline_sps(width_mbs: int, height_mbs: int, refs: int = 1, tail: tuple[int, int] = (0, 2)) -> bytes:
    return b"\x67\x42\xc0\x1e" + bits(
        "ue:0", "ue:0", "ue:0", "ue:0", f"ue:{refs}", (0, 1), f"ue:{width_mbs - 1}", f"ue:{height_mbs - 1}",
        (1, 1), (1, 1), tail,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "string", "size"),
    [
        (MAIN, "avc1.4d401e", (640, 360)),
        (HIGH_CROPPED, "avc1.640028", (1920, 1080)),
        (HIGH_422_10, "avc1.7a001f", (720, 1280)),
        (INTERLACED, "avc1.64001e", (704, 576)),
    ],
)
def test_records_of_x264(record: bytes, string: str, size: tuple[int, int]) -> None:
    config = h264.parse_config(record)
    assert config.length_size == 4
    assert h264.codec_string(config) == string
    picture = h264.parse_sps(config.sps[0]).picture
    assert (picture.width, picture.height) == size


def test_aspect_and_colour_come_from_the_usability_information() -> None:
    picture = h264.parse_sps(h264.parse_config(HIGH_CROPPED).sps[0]).picture
    assert picture.aspect == (4, 3)
    assert picture.colour == Colour(2, 2, 1, False)


@pytest.mark.parametrize("record", [MAIN, HIGH_CROPPED, INTERLACED])
def test_building_a_record_gives_the_encoders_own(record: bytes) -> None:
    config = h264.parse_config(record)
    assert h264.build_config(config.sps, config.pps) == record


def test_high_422_says_its_depth() -> None:
    facts = h264.parse_sps(h264.parse_config(HIGH_422_10).sps[0])
    assert (facts.chroma_format, facts.depth_luma, facts.depth_chroma) == (2, 10, 10)


@pytest.mark.parametrize("record", [MAIN, HIGH_CROPPED])
def test_every_cut_of_a_record_is_refused_or_read(record: bytes) -> None:
    for length in range(len(record)):
        try:
            h264.parse_config(record[:length])
        except PeerError:
            continue
        assert length >= len(h264.build_config(*_sets(record))) - 4  # only the optional tail may be missing


def _sets(record: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    config = h264.parse_config(record)
    return config.sps, config.pps


class TestBombs:
    """Attack A52."""

    @pytest.mark.parametrize(("width", "height"), [(1024, 64), (64, 1024), (257, 16), (256, 145), (200, 200)])
    def test_pictures_beyond_the_bound_are_refused(self, width: int, height: int) -> None:
        with pytest.raises(PeerError) as caught:
            h264.parse_sps(baseline_sps(width, height))
        assert caught.value.code == "unsupported"
        assert str(width * 16) in caught.value.told

    @pytest.mark.parametrize(("width", "height"), [(256, 144), (144, 256), (1, 1), (80, 45)])
    def test_pictures_within_are_read_in_both_orientations(self, width: int, height: int) -> None:
        picture = h264.parse_sps(baseline_sps(width, height)).picture
        assert (picture.width, picture.height) == (width * 16, height * 16)

    def test_255_reference_frames(self) -> None:
        with pytest.raises(PeerError):
            h264.parse_sps(baseline_sps(40, 23, refs=255))

    def test_cropping_the_picture_away(self) -> None:
        sps = b"\x67\x42\xc0\x1e" + bits(
            "ue:0", "ue:0", "ue:0", "ue:0", "ue:1", (0, 1), "ue:39", "ue:22", (1, 1), (1, 1), (1, 1),
            "ue:200", "ue:200", "ue:0", "ue:0", (0, 1),
        )  # fmt: skip
        with pytest.raises(PeerError):
            h264.parse_sps(sps)

    def test_endless_order_count_cycle(self) -> None:
        sps = b"\x67\x42\xc0\x1e" + bits("ue:0", "ue:0", "ue:1", (0, 1), "se:0", "se:0", "ue:4000000000")
        with pytest.raises(PeerError):
            h264.parse_sps(sps)

    def test_a_lying_vui_leaves_the_picture(self) -> None:
        honest = baseline_sps(40, 23)
        lying = baseline_sps(40, 23, tail=(0b011, 3))  # VUI and aspect are announced, nothing follows
        assert h264.parse_sps(lying).picture == h264.parse_sps(honest).picture


def test_parameter_sets_in_band() -> None:
    config = h264.parse_config(MAIN)
    unit = join([b"\x09\xf0", *config.sps, *config.pps, *config.pps, b"\x65\x88\x80"])
    assert h264.config_in(unit) == MAIN
    assert h264.config_in(join([b"\x65\x88\x80"])) is None
    assert h264.config_in(join([*config.sps, b"\x65"])) is None


def test_what_decoding_can_start_at() -> None:
    assert h264.is_idr(join([b"\x09\xf0", b"\x06\x05", b"\x65\x88"]))
    assert not h264.is_idr(join([b"\x41\x9a"]))
    assert not h264.is_idr(join([b"\x06\x05", b"\x41\x9a"])), "behind a SEI too"
    assert h264.is_idr(memoryview(bytes(4) + join([b"\x65\x88"]))), "an empty unit is none"
    with pytest.raises(PeerError):
        h264.is_idr(join([b"\x06\x05"]) + b"\x00\x00\x00\x09\x65")
    assert not h264.is_idr(b"")


@pytest.mark.parametrize(
    ("kind", "letter"), [(0, "P"), (1, "B"), (2, "I"), (5, "P"), (6, "B"), (7, "I"), (3, "P"), (4, "I")]
)
def test_slice_types(kind: int, letter: str) -> None:
    assert h264.slice_type(join([b"\x41" + bits("ue:0", f"ue:{kind}")])) == letter


def test_no_slice_has_no_type() -> None:
    assert h264.slice_type(join([b"\x06\x01"])) == ""


@given(st.binary(max_size=80))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    for read in (h264.parse_config, h264.config_in, h264.slice_type, h264.is_idr):
        try:
            read(data)
        except PeerError:
            pass
    try:
        h264.parse_sps(b"\x67" + data)
    except PeerError:
        pass


@given(st.integers(0, len(MAIN) * 8 - 1))
def test_any_flipped_bit_raises_peer_error_or_nothing(position: int) -> None:
    broken = bytearray(MAIN)
    broken[position // 8] ^= 1 << position % 8
    try:
        config = h264.parse_config(bytes(broken))
        h264.parse_sps(config.sps[0])
    except PeerError:
        pass
