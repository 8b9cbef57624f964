"""Manifests as XML that parsers and players accept."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from madang.containers.mpd.manifest import Entry, Manifest, Period, Representation, Template, build_manifest

NS = {"m": "urn:mpeg:dash:schema:mpd:2011"}


def template(**more: object) -> Template:
    given = {
        "timescale": 90_000, "initialization": "video/i0.mp4", "media": "video/s$Number$.m4s",
        "start_number": 4, "presentation_time_offset": 720_000,
    }  # fmt: skip
    return Template(**(given | more))  # type: ignore[arg-type]


def manifest(one: Template, duration: float = 0.0, base: str = "/live/yard/b/") -> ElementTree.Element:
    video = Representation(
        id="video", content_type="video", codecs="avc1.64001f", bandwidth=1_000_000, template=one,
        width=1280, height=720, frame_rate="30",
    )  # fmt: skip
    audio = Representation(
        id="audio", content_type="audio", codecs="mp4a.40.2", bandwidth=96_000, template=one,
        sample_rate=48_000, channels=2,
    )  # fmt: skip
    text = build_manifest(
        Manifest(
            availability_start="2026-01-01T00:00:00.000Z", publish_time="2026-01-01T00:00:10.000Z",
            base_url=base, location="/live/yard/manifest.mpd?s=1",
            periods=[Period(id="p4", start=8.0, representations=[video, audio])],
            window=1800, delay=4, update_period=2, latency_ms=1512, utc_timing="time", duration=duration,
        )
    )  # fmt: skip
    return ElementTree.fromstring(text)


def test_a_live_manifest_by_number() -> None:
    root = manifest(template(duration=180_000, availability_time_offset=1.5))
    assert root.get("type") == "dynamic"
    assert root.get("minimumUpdatePeriod") == "PT2.000S"
    found = root.findall(".//m:SegmentTemplate", NS)
    assert len(found) == 2
    assert found[0].attrib == {
        "timescale": "90000", "initialization": "video/i0.mp4", "media": "video/s$Number$.m4s",
        "startNumber": "4", "presentationTimeOffset": "720000", "duration": "180000",
        "availabilityTimeOffset": "1.500", "availabilityTimeComplete": "false",
    }  # fmt: skip
    latency = root.find("m:ServiceDescription/m:Latency", NS)
    assert latency is not None
    assert latency.get("target") == "1512"


def test_a_timeline_where_segments_differ() -> None:
    root = manifest(template(timeline=[Entry(720_000, 180_000), Entry(900_000, 90_000)]))
    entries = root.findall(".//m:Representation[@id='video']//m:S", NS)
    assert [(entry.get("t"), entry.get("d")) for entry in entries] == [
        ("720000", "180000"), ("900000", "90000"),
    ]  # fmt: skip
    assert all("duration" not in each.attrib for each in root.findall(".//m:SegmentTemplate", NS))


def test_an_ended_one_is_static() -> None:
    root = manifest(template(timeline=[Entry(0, 1)]), duration=12.5)
    assert root.get("type") == "static"
    assert root.get("mediaPresentationDuration") == "PT12.500S"
    assert "minimumUpdatePeriod" not in root.attrib
    assert root.find("m:ServiceDescription", NS) is None


@given(st.text("abc<>&\"' ", max_size=20))
def test_texts_are_escaped(text: str) -> None:
    found = manifest(template(duration=1), base=text).find("m:BaseURL", NS)
    assert found is not None
    assert (found.text or "") == text
