"""Tags of playlists, to the letter."""

from madang.containers.m3u8 import media
from madang.containers.m3u8.multivariant import AudioRendition, Variant, multivariant

CONTROL = media.Control(
    target_duration=2, part_target=0.504, part_hold_back=1.512, hold_back=6, skip_until=12
)


def test_the_head_of_a_live_playlist() -> None:
    assert media.head(CONTROL, 17, 3, live=True) == (
        "#EXTM3U\n#EXT-X-VERSION:10\n#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,PART-HOLD-BACK=1.512,HOLD-BACK=6.000\n"
        "#EXT-X-PART-INF:PART-TARGET=0.504\n#EXT-X-MEDIA-SEQUENCE:17\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n"
    )


def test_an_ended_playlist_promises_no_reload() -> None:
    head = media.head(CONTROL, 0, 0, live=False)
    assert "SERVER-CONTROL" not in head
    assert "DISCONTINUITY-SEQUENCE" not in head


def test_lines_of_segments_and_parts() -> None:
    assert media.segment("s1.m4s", 2.0) == "#EXTINF:2.00000,\ns1.m4s\n"
    assert media.segment("s1.m4s", 2.0, gap=True) == "#EXT-X-GAP\n#EXTINF:2.00000,\ns1.m4s\n"
    assert media.part("p4.m4s", 0.5, True) == '#EXT-X-PART:DURATION=0.50000,URI="p4.m4s",INDEPENDENT=YES\n'
    assert media.part("p4.m4s", 0.5, True, gap=True) == '#EXT-X-PART:DURATION=0.50000,URI="p4.m4s",GAP=YES\n'
    assert media.preload_hint("p5.m4s") == '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p5.m4s"\n'
    assert media.map_tag("i0.mp4") == '#EXT-X-MAP:URI="i0.mp4"\n'
    assert media.skip(4) == "#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n"
    assert media.rendition_report("../a/index.m3u8", 4, 1) == (
        '#EXT-X-RENDITION-REPORT:URI="../a/index.m3u8",LAST-MSN=4,LAST-PART=1\n'
    )
    assert "LAST-PART" not in media.rendition_report("../a/index.m3u8", 4, -1)
    assert media.discontinuity() + media.end_list() == "#EXT-X-DISCONTINUITY\n#EXT-X-ENDLIST\n"
    assert media.program_date_time("2026-01-01T00:00:00.000Z").endswith(":2026-01-01T00:00:00.000Z\n")


def test_a_single_rung() -> None:
    variant = Variant(
        uri="b/main/index.m3u8?s=1", bandwidth=1_200_000, average_bandwidth=1_000_000,
        codecs=["avc1.64001f", "mp4a.40.2"], width=1280, height=720, frame_rate=29.97,
    )  # fmt: skip
    assert multivariant([variant]) == (
        "#EXTM3U\n#EXT-X-VERSION:10\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=1200000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",'
        "RESOLUTION=1280x720,FRAME-RATE=29.970\nb/main/index.m3u8?s=1\n"
    )


def test_sound_apart() -> None:
    variant = Variant(uri="v", bandwidth=2, average_bandwidth=1, codecs=["opus"], audio="audio")
    text = multivariant([variant], [AudioRendition(group="audio", uri="a", channels=2)])
    assert (
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Main",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a"\n'
        in text
    )
    assert 'CODECS="opus",AUDIO="audio"\nv\n' in text
    assert "RESOLUTION" not in text
