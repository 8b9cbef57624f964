"""Fuzz targets of FLV: files, tag bodies, AMF and metadata."""

from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.containers.flv import amf
from madang.containers.flv.audio import parse_audio
from madang.containers.flv.metadata import parse_metadata, parse_script
from madang.containers.flv.tag import TagReader, build_header, parse_aggregate
from madang.containers.flv.video import parse_video

enhanced = st.builds(
    lambda first, rest, fourcc, tail: bytes((first,)) + rest + fourcc + tail,
    st.integers(0x80, 0xFF),
    st.binary(max_size=6),
    st.sampled_from([b"avc1", b"hvc1", b"av01", b"vp09", b"Opus", b"mp4a", b".mp3", b"????"]),
    st.binary(max_size=40),
)


@given(st.binary(max_size=60) | enhanced)
def test_bodies(body: bytes) -> None:
    for parse in (parse_video, parse_audio):
        try:
            packet = parse(body)
        except PeerError:
            continue
        assert len(packet.payload) < len(body)
        assert -0x800000 <= packet.composition_ms < 0x800000
        assert 0 <= packet.nano_offset < 1_000_000
        assert packet.codec is not None or packet.name


@given(st.binary(max_size=400), st.booleans())
def test_amf(data: bytes, amf3: bool) -> None:
    try:
        values = amf.decode_command(data, amf3)
    except PeerError:
        return
    assert len(values) <= len(data)
    parse_metadata(values)


@given(st.binary(max_size=400))
def test_scripts_never_raise(data: bytes) -> None:
    parse_metadata(parse_script(data))
    parse_metadata(parse_script(amf.encode("@setDataFrame", "onMetaData") + data))


@given(st.binary(max_size=300), st.integers(1, 40), st.booleans())
def test_files(data: bytes, step: int, headed: bool) -> None:
    data = build_header(True, True) + data if headed else data
    reader = TagReader()
    try:
        read = [tag for i in range(0, len(data), step) for tag in reader.receive(data[i : i + step])]
        assert sum(len(tag.body) for tag in read) <= len(data)
    except PeerError:
        pass


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1))
def test_aggregates(body: bytes, at: int) -> None:
    try:
        assert sum(len(tag.body) for tag in parse_aggregate(body, at)) <= len(body)
    except PeerError:
        pass
