"""One table for all names, and tracks from configurations."""

import pytest
from tests.unit.codecs import test_av1, test_h264, test_h265, test_opus_mp3, test_vp8_vp9

from madang.base.errors import PeerError
from madang.codecs import registry
from madang.media.track import Codec, Kind

CONFIGS = {
    Codec.H264: test_h264.HIGH_CROPPED,
    Codec.H265: test_h265.record(),
    Codec.AV1: test_av1.RECORD,
    Codec.AAC: bytes.fromhex("1210"),
    Codec.OPUS: test_opus_mp3.MONO,
    Codec.MP3: bytes.fromhex("fffb9064") + bytes(413),
    Codec.VP8: test_vp8_vp9.VP8_KEY,
    Codec.VP9: test_vp8_vp9.VP9_KEY,
}


def test_every_codec_has_its_row_and_no_name_is_used_twice() -> None:
    assert set(registry.ROWS) == set(Codec)
    fourccs = [row.fourcc for row in registry.ROWS.values()]
    assert len(set(fourccs)) == len(fourccs)
    for kind in Kind:
        ids = [row.rtmp_id for row in registry.ROWS.values() if row.codec.kind is kind and row.rtmp_id]
        assert len(set(ids)) == len(ids)
    assert registry.BY_FOURCC[b"hvc1"] is Codec.H265


@pytest.mark.parametrize("codec", CONFIGS)
def test_tracks_are_filled(codec: Codec) -> None:
    track = registry.track(codec, 7, CONFIGS[codec])
    assert track.id == 7
    assert track.codec is codec
    assert track.codec_string.startswith(registry.ROWS[codec].rfc6381)
    if track.kind is Kind.VIDEO:
        assert track.timescale == 90_000
        assert track.width
        assert track.height
    else:
        assert track.timescale == track.sample_rate
        assert track.channels


@pytest.mark.parametrize("codec", list(Codec))
def test_an_empty_configuration_is_none(codec: Codec) -> None:
    with pytest.raises(PeerError):
        registry.track(codec, 1, b"")


def test_narrow_lengths_are_widened_in_the_track_and_told() -> None:
    narrow = bytearray(CONFIGS[Codec.H264])
    narrow[4] = 0xFD
    track = registry.track(Codec.H264, 1, bytes(narrow))
    assert registry.length_size(Codec.H264, bytes(narrow)) == 2
    assert registry.length_size(Codec.H264, track.config) == 4
    assert track == registry.track(Codec.H264, 1, CONFIGS[Codec.H264])
    assert registry.length_size(Codec.AAC, b"") == 4
    assert registry.length_size(Codec.H265, CONFIGS[Codec.H265]) == 4


def test_opus_is_kept_as_mp4_keeps_it() -> None:
    track = registry.track(Codec.OPUS, 2, CONFIGS[Codec.OPUS])
    assert registry.track(Codec.OPUS, 2, track.config) == track
