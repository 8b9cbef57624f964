"""Offers of real peers, read whole; what is broken is refused by its name."""

from pathlib import Path

import pytest

from madang.base import limits
from madang.base.errors import PeerError
from madang.protocols.sdp.build import build
from madang.protocols.sdp.parse import parse
from madang.protocols.sdp.words import MID, RID, TRANSPORT_CC, Direction, Setup

CAPTURES = Path(__file__).parents[3] / "captures" / "sdp"
GOOD = sorted(CAPTURES.glob("*.sdp"))
OFFER = (CAPTURES / "chromium-play.sdp").read_bytes()


def test_chromium_wants_to_play() -> None:
    offer = parse(OFFER)
    video, audio = offer.sections
    assert (video.kind, audio.kind, offer.bundle, offer.extmap_allow_mixed) == (
        "video",
        "audio",
        ("0", "1"),
        True,
    )
    assert video.direction is audio.direction is Direction.RECEIVE
    assert video.rtcp_mux and video.rtcp_rsize and not video.rejected
    assert offer.transport.setup is Setup.ACTPASS and offer.transport.fingerprints[0][0] == "sha-256"
    assert len(offer.transport.ufrag) == 4 and len(offer.transport.pwd) == 24
    h264 = [each for each in video.formats if each.name == "H264"]
    assert h264[0].parameters["packetization-mode"] == "1" and "nack pli" in h264[0].feedback
    repair = video.repair_of(h264[0].payload_type)
    assert repair is not None and repair.apt == h264[0].payload_type
    assert video.extension(MID) and video.extension(TRANSPORT_CC) and not video.extension("urn:none")
    opus = next(each for each in audio.formats if each.name == "opus")
    assert (opus.clock_rate, opus.channels) == (48_000, 2)
    assert any(".local" in each for each in offer.candidates)


def test_simulcast_is_read() -> None:
    (video,) = parse((CAPTURES / "chromium-simulcast.sdp").read_bytes()).sections
    assert video.rids == video.simulcast == ("h", "m", "l")
    assert video.direction is Direction.SEND and video.extension(RID)


def test_ffmpeg_waits_for_dtls_and_names_its_sources() -> None:
    audio, video = parse((CAPTURES / "ffmpeg-publish.sdp").read_bytes()).sections
    assert video.transport.setup is Setup.PASSIVE
    assert video.groups == (("FID", (2940528900, 2940528901)),) and video.sources == (2940528900,)
    assert audio.cname == "FFmpeg" and video.msid == "FFmpeg video"


def test_session_level_counts_where_a_section_is_silent() -> None:
    offer = parse((CAPTURES / "obs-publish.sdp").read_bytes())
    assert all(section.transport.fingerprints for section in offer.sections)
    assert offer.transport.options == ("ice2", "trickle") and offer.transport.end_of_candidates


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_what_was_read_is_built_and_read_again(path: Path) -> None:
    offer = parse(path.read_bytes())
    again = parse(build(offer))
    for before, after in zip(offer.sections, again.sections, strict=True):
        for field in before.__struct_fields__:
            if field != "transport":
                assert getattr(after, field) == getattr(before, field), field
        assert (after.transport.ufrag, after.transport.pwd) == (before.transport.ufrag, before.transport.pwd)
        assert after.transport.candidates == before.transport.candidates
    assert (again.bundle, again.session_id) == (offer.bundle, offer.session_id)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_lf_alone_will_do(path: Path) -> None:
    data = path.read_bytes()
    assert parse(data.replace(b"\r\n", b"\n")) == parse(data)


def head(*lines: str) -> bytes:
    return "\r\n".join(("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", *lines, "")).encode()


RTP = "m=video 9 UDP/TLS/RTP/SAVPF 96"


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x00\xff",
        b"v=0\r\n",
        b"v=1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
        b"\xff\xfe" + OFFER,
        OFFER.replace(b"s=-", b"s"),
        OFFER.replace(b"o=- ", b"o=-"),
        OFFER + b"a=x\x00y\r\n",
        OFFER + b"a=" + b"x" * limits.SDP_LINE_BYTES + b"\r\n",
        OFFER + b"a=x\r\n" * limits.SDP_BYTES,
        head("m=video 9"),
        head("m=video 99999 UDP/TLS/RTP/SAVPF 96"),
        head("m=video 9 UDP/TLS/RTP/SAVPF 128"),
        head("m=video 9 UDP/TLS/RTP/SAVPF x"),
        head("m=vi/deo 9 UDP/TLS/RTP/SAVPF 96"),
        head(*[RTP] * (limits.SDP_SECTIONS + 1)),
        head(RTP, *[f"a=candidate:1 1 udp 1 192.0.2.1 {n} typ host" for n in range(1, 40)]),
        head(RTP, "a=mid:0", RTP, "a=mid:0"),
        head(RTP, "a=ice-ufrag:a b"),
        head(RTP, "a=ice-pwd:" + "x" * 257),
        head(RTP, "a=fingerprint:sha-256 nonsense"),
        head(RTP, "a=setup:both"),
        head(RTP, "a=rtpmap:96 H264/fast"),
        head(RTP, "a=rtpmap:96 H(264/90000"),
        head(RTP, "a=fmtp:96 " + ";".join(f"a{i}=1" for i in range(50))),
        head(RTP, "a=extmap:x urn:a"),
        head(RTP, "a=extmap:1"),
        head(RTP, "a=ssrc:99999999999 cname:x"),
        head(RTP, *[f"a=ssrc:{n} cname:x" for n in range(70)]),
        head(RTP, "a=rid:a/b send"),
        head(RTP, "a=simulcast:send " + ";".join("abcdefghijkl")),
    ],
)  # fmt: skip
def test_what_is_broken_is_refused(bad: bytes) -> None:
    """A47: too long, too many, out of range, or no SDP at all."""
    with pytest.raises(PeerError) as caught:
        parse(bad)
    assert caught.value.code == "malformed_sdp" and len(caught.value.told) < 200


def test_data_channels_and_static_formats() -> None:
    offer = parse(
        head("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:d", "m=audio 9 RTP/AVP 0 14")
    )
    data, audio = offer.sections
    assert data.others == ("webrtc-datachannel",) and not data.formats
    assert [each.name for each in audio.formats] == ["PCMU", "MPA"]


def test_feedback_for_every_format() -> None:
    (video,) = parse(
        head(RTP + " 97", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 H264/90000", "a=rtcp-fb:* nack")
    ).sections
    assert [each.feedback for each in video.formats] == [("nack",), ("nack",)]
