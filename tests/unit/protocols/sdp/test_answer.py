"""Which formats are chosen, what is refused, and answers that say what was chosen."""

from pathlib import Path

import msgspec
import pytest

from madang.base.errors import PeerError
from madang.media.track import Codec
from madang.protocols.sdp.answer import Choice, answer, check_offer, with_repair
from madang.protocols.sdp.build import build
from madang.protocols.sdp.choose import codec_of, h264_profile, offered, to_play, to_publish
from madang.protocols.sdp.parse import parse
from madang.protocols.sdp.words import MID, Description, Direction, Format, Section, Setup, Transport

CAPTURES = Path(__file__).parents[3] / "captures" / "sdp"
PLAY = parse((CAPTURES / "chromium-play.sdp").read_bytes())
PUBLISH = parse((CAPTURES / "chromium-publish.sdp").read_bytes())
OURS = Transport(
    ufrag="abcd",
    pwd="0123456789012345678901",
    fingerprints=(("sha-256", ":".join(["AB"] * 32)),),
    setup=Setup.PASSIVE,
    lite=True,
    candidates=("1 1 udp 2130706431 192.0.2.1 8189 typ host",),
)


def h264(payload_type: int, profile: str, mode: str = "1") -> Format:
    return Format(payload_type, "H264", 90_000, 1, {"profile-level-id": profile, "packetization-mode": mode})


@pytest.mark.parametrize(
    ("profile", "chosen"),
    [(0x42, 1), (0x4D, 2), (0x64, 3), (0x58, 3)],
)
def test_the_nearest_h264_profile_above_the_stream_is_chosen(profile: int, chosen: int) -> None:
    section = Section(
        kind="video",
        formats=(h264(9, "42001f", "0"), h264(1, "42e01f"), h264(2, "4d001f"), h264(3, "64001f")),
    )
    one = to_play(section, Codec.H264, profile)
    assert one is not None and one.payload_type == chosen


def test_high_goes_out_under_baseline_where_no_high_is_offered() -> None:
    one = to_play(Section(kind="video", formats=(h264(1, "42e01f"),)), Codec.H264, 0x64)
    assert one is not None and h264_profile(one) == 0x42


def test_unspeakable_forms_are_passed_over() -> None:
    video = PLAY.sections[0]
    assert all(each.parameters["packetization-mode"] == "1" for each in offered(video, Codec.H264))
    assert [each.parameters["profile-id"] for each in offered(video, Codec.VP9)] == ["0"]
    assert to_play(video, Codec.AAC) is None
    assert to_play(PLAY.sections[1], Codec.OPUS) is not None
    assert h264_profile(h264(1, "zz")) == 0x42


def test_formats_that_say_too_little_are_taken_behind_those_that_say_it_all() -> None:
    short = Format(1, "H264", 90_000, 1, {})
    section = Section(kind="video", formats=(short, h264(2, "42e01f"), h264(3, "42e01f", "0")))
    assert [each.payload_type for each in offered(section, Codec.H264)] == [2, 1]
    sound = Section(kind="audio", formats=(Format(4, "OPUS", 48_000, 1, {}),))
    assert to_play(sound, Codec.OPUS) is not None


def test_a_publisher_is_asked_for_the_codec_we_like_best() -> None:
    one = to_publish(PUBLISH.sections[0], (Codec.H264, Codec.VP8))
    assert one is not None and codec_of(one) is Codec.H264
    without = Section(kind="video", formats=(Format(96, "VP8", 90_000), Format(97, "rtx", 90_000)))
    other = to_publish(without, (Codec.H264, Codec.VP8))
    assert other is not None and codec_of(other) is Codec.VP8
    assert to_publish(without, (Codec.AV1,)) is None and codec_of(without.formats[1]) is None


def test_an_answer_accepts_what_is_chosen_and_rejects_the_rest() -> None:
    video = PLAY.sections[0]
    one = to_play(video, Codec.H264)
    assert one is not None
    formats = with_repair(video, one, ("nack", "nack pli"))
    choice = Choice(
        formats=formats,
        direction=Direction.SEND,
        extensions=(MID,),
        sources=(1, 2),
        groups=(("FID", (1, 2)),),
        msid="madang video",
        cname="madang",
    )
    made = parse(build(answer(PLAY, {0: choice}, OURS, "77")))
    accepted, rejected = made.sections
    assert [each.name for each in accepted.formats] == ["H264", "rtx"]
    assert set(accepted.formats[0].feedback) == {"nack", "nack pli"}
    assert accepted.formats[1].apt == one.payload_type
    assert (accepted.mid, accepted.direction, accepted.sources) == (video.mid, Direction.SEND, (1, 2))
    assert [each.uri for each in accepted.extensions] == [MID]
    assert accepted.extensions[0].id == video.extension(MID)
    assert rejected.rejected and made.bundle == ("0",) and made.lite and made.session_id == "77"
    assert made.transport.setup is Setup.PASSIVE and made.candidates == OURS.candidates


def test_simulcast_is_accepted_by_name() -> None:
    offer = parse((CAPTURES / "chromium-simulcast.sdp").read_bytes())
    one = to_publish(offer.sections[0], (Codec.H264,))
    assert one is not None
    choice = Choice(formats=(one,), direction=Direction.RECEIVE, rids=("h", "m", "l"))
    text = build(answer(offer, {0: choice}, OURS, "1")).decode()
    assert "a=simulcast:recv h;m;l\r\n" in text and "a=rid:m recv\r\n" in text


def test_good_offers_pass() -> None:
    check_offer(PLAY, Direction.RECEIVE)
    for path in CAPTURES.glob("*-publish.sdp"):
        check_offer(parse(path.read_bytes()), Direction.SEND)


def changed(**fields: object) -> Description:
    sections = tuple(msgspec.structs.replace(each, **fields) for each in PLAY.sections)
    return msgspec.structs.replace(PLAY, sections=sections)


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        (changed(port=0), "unacceptable"),
        (changed(kind="application"), "unacceptable"),
        (changed(rtcp_mux=False), "unacceptable"),
        (changed(protocol="RTP/AVP"), "unacceptable"),
        (changed(direction=Direction.SEND), "unacceptable"),
        (changed(transport=Transport(ufrag="abcd", pwd="x" * 22)), "malformed_sdp"),
        (changed(transport=Transport()), "malformed_sdp"),
        (msgspec.structs.replace(PLAY, bundle=()), "unacceptable"),
    ],
)
def test_what_no_answer_can_mend_is_refused(offer: Description, code: str) -> None:
    with pytest.raises(PeerError) as caught:
        check_offer(offer, Direction.RECEIVE)
    assert caught.value.code == code
