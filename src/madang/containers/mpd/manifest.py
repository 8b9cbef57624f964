"""A media presentation description: the elements that live CMAF needs (ISO/IEC 23009-1 section 5)."""

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One `S` of a SegmentTimeline, in ticks."""

    start: int
    duration: int


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A SegmentTemplate by `$Number$`: of equal `duration` (ticks), or by a timeline where they differ."""

    timescale: int
    initialization: str
    media: str
    start_number: int
    presentation_time_offset: int
    duration: int = 0
    timeline: Sequence[Entry] = ()
    availability_time_offset: float = 0.0
    """Seconds by which a segment may be asked for before it is whole (its chunks come as they are made)."""


class Representation(msgspec.Struct, frozen=True, kw_only=True):
    """One track; those of a kind are one AdaptationSet, in which a player chooses. Video has a size, audio a
    sample rate."""

    id: str
    content_type: str
    codecs: str
    bandwidth: int
    template: Template
    width: int = 0
    height: int = 0
    frame_rate: str = ""
    sample_rate: int = 0
    channels: int = 0


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A span with one set of codecs and one mapping of numbers to times; seconds."""

    id: str
    start: float
    representations: Sequence[Representation]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole; times as ISO 8601 texts, spans in seconds. A `duration` makes it static: it has ended."""

    availability_start: str
    publish_time: str
    base_url: str
    location: str
    periods: Sequence[Period]
    window: float
    delay: float
    update_period: float
    latency_ms: int
    utc_timing: str
    duration: float = 0.0


def build_manifest(manifest: Manifest) -> str:
    """The XML text."""
    root = _root(manifest)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<MPD{_attributes(root)}>"]
    lines.append(f"<Location>{_escape(manifest.location)}</Location>")
    lines.append(f"<BaseURL>{_escape(manifest.base_url)}</BaseURL>")
    if not manifest.duration:
        lines.append(
            f'<ServiceDescription id="0"><Latency target="{manifest.latency_ms}"'
            f' min="{manifest.latency_ms // 2}" max="{manifest.latency_ms * 4}"/>'
            '<PlaybackRate min="0.95" max="1.1"/></ServiceDescription>'
        )
    for period in manifest.periods:
        lines.append(f"<Period{_attributes({'id': period.id, 'start': _span(period.start)})}>")
        lines += map(_adaptation_set, _by_kind(period.representations))
        lines.append("</Period>")
    timing = {"schemeIdUri": "urn:mpeg:dash:utc:http-iso:2014", "value": manifest.utc_timing}
    lines.append(f"<UTCTiming{_attributes(timing)}/>")
    lines.append("</MPD>")
    return "\n".join(lines) + "\n"


def _root(manifest: Manifest) -> dict[str, str]:
    root = {
        "xmlns": "urn:mpeg:dash:schema:mpd:2011",
        "profiles": "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019",
        "type": "static" if manifest.duration else "dynamic",
        "minBufferTime": "PT1S",
    }
    if manifest.duration:
        return root | {"mediaPresentationDuration": _span(manifest.duration)}
    return root | {
        "availabilityStartTime": manifest.availability_start,
        "publishTime": manifest.publish_time,
        "minimumUpdatePeriod": _span(manifest.update_period),
        "timeShiftBufferDepth": _span(manifest.window),
        "suggestedPresentationDelay": _span(manifest.delay),
    }


def _by_kind(representations: Sequence[Representation]) -> list[list[Representation]]:
    found: dict[str, list[Representation]] = {}
    for one in representations:
        found.setdefault(one.content_type, []).append(one)
    return list(found.values())


def _adaptation_set(of_a_kind: Sequence[Representation]) -> str:
    first = of_a_kind[0]
    outer = {"id": first.id, "contentType": first.content_type, "segmentAlignment": "true"}
    inner = "".join(map(_representation, of_a_kind))
    return f"<AdaptationSet{_attributes(outer)}>{inner}</AdaptationSet>"


def _representation(one: Representation) -> str:
    inner = {
        "id": one.id,
        "mimeType": f"{one.content_type}/mp4",
        "codecs": one.codecs,
        "bandwidth": str(one.bandwidth),
    }
    channels = ""
    if one.width:
        inner |= {"width": str(one.width), "height": str(one.height)}
        if one.frame_rate:
            inner["frameRate"] = one.frame_rate
    if one.sample_rate:
        inner["audioSamplingRate"] = str(one.sample_rate)
        scheme = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
        channels = f'<AudioChannelConfiguration schemeIdUri="{scheme}" value="{one.channels}"/>'
    return f"<Representation{_attributes(inner)}>{channels}{_template(one.template)}</Representation>"


def _template(template: Template) -> str:
    attributes = {
        "timescale": str(template.timescale),
        "initialization": template.initialization,
        "media": template.media,
        "startNumber": str(template.start_number),
        "presentationTimeOffset": str(template.presentation_time_offset),
    }
    if template.availability_time_offset:
        attributes["availabilityTimeOffset"] = f"{template.availability_time_offset:.3f}"
        attributes["availabilityTimeComplete"] = "false"
    if not template.timeline:
        return f"<SegmentTemplate{_attributes(attributes | {'duration': str(template.duration)})}/>"
    entries = "".join(f'<S t="{entry.start}" d="{entry.duration}"/>' for entry in template.timeline)
    timeline = f"<SegmentTimeline>{entries}</SegmentTimeline>"
    return f"<SegmentTemplate{_attributes(attributes)}>{timeline}</SegmentTemplate>"


def _attributes(pairs: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in pairs.items())


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _span(seconds: float) -> str:
    """An xs:duration."""
    return f"PT{seconds:.3f}S"
