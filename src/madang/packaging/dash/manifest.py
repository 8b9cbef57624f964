"""The live manifest of a broadcast.

Segments of equal length, as encoders with a fixed keyframe interval make them, are listed by number and
duration, so that a player asks for a segment while it grows. Where keyframes come as they like, whole
segments are listed in a timeline. A break in the timeline begins a period.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

from madang.containers.mpd.manifest import (
    Entry,
    Manifest,
    Period,
    Representation,
    Template,
    build_manifest,
)
from madang.media.track import Kind, Track
from madang.packaging.cmaf.rung import Rung
from madang.packaging.cmaf.segment import Segment
from madang.packaging.cmaf.window import Window
from madang.packaging.hls.variants import bandwidths

# Segments count as equal while none begins further than this share of one from where its number says.
_EQUAL = 0.15
# Error of a duration that is the difference of two whole milliseconds.
_MEASURED_S = 0.003
_UPDATE_S = 2.0
LOCATION = "@location@"
BASE_URL = "@base@"
# A smaller picture is offered in a period of whose listed segments it lacks no more than so many, the first:
# it begins a moment after the larger one.
_LACKED = 5
_NONE: Mapping[str, Rung] = MappingProxyType({})


class _Stretch(msgspec.Struct):
    """A period as it is being followed: where it began, and how long its segments are."""

    msn: int
    start: float
    wall: float
    length: float = 0.0
    uneven: int = 0
    """Segments that are not as long as the first; the last before a break is one of them, mostly."""

    @property
    def equal(self) -> bool:
        return not self.uneven


class LiveManifest:
    """The manifest of one window, rendered once per version. The texts LOCATION and BASE_URL stand where
    each viewer's own go."""

    def __init__(self, window: Window, rungs: Mapping[str, Rung] = _NONE) -> None:
        """`rungs`: smaller pictures, by the names of their directories."""
        self._window = window
        self._rungs = rungs
        self._stretches: list[_Stretch] = []
        self._seen_msn = -1
        self._version = -1
        self._text = ""

    def text(self, now: float) -> str:
        """The manifest at wall time `now`."""
        if self._version != self._window.version:
            self._version = self._window.version
            self._text = self._render(now)
        return self._text

    def _render(self, now: float) -> str:
        window = self._window
        self._follow()
        closed = [segment for segment in window.segments if segment.closed and not segment.gap]
        origin = self._stretches[0].wall - self._stretches[0].start if self._stretches else now
        targets = window.targets
        part = targets.part_target if targets else 1.0
        longest = targets.target_duration if targets else 2
        ended = closed[-1].wall + closed[-1].duration - origin if window.ended and closed else 0.0
        return build_manifest(
            Manifest(
                availability_start=_moment(origin),
                publish_time=_moment(now),
                base_url=BASE_URL,
                location=LOCATION,
                periods=[
                    self._period(stretch, origin) for stretch in self._stretches if self._shown(stretch)
                ],
                window=window.dvr_s,
                delay=2.0 * longest,
                update_period=_UPDATE_S,
                latency_ms=int(3000 * part),
                utc_timing="time",
                duration=ended,
            )
        )

    def _follow(self) -> None:
        """Take note of new segments: where periods begin, and whether segments are equal."""
        for segment in self._window.segments:
            if segment.msn > self._seen_msn and (segment.closed or self._begins(segment)):
                if self._begins(segment):
                    before = self._stretches[-1] if self._stretches else None
                    uneven = int(before is not None and before.uneven > 1)  # keyframes will be at will again
                    self._stretches.append(_Stretch(segment.msn, segment.start, segment.wall, uneven=uneven))
                if segment.closed:
                    self._measure(segment)
                    self._seen_msn = segment.msn
        first = self._window.segments[0].msn if self._window.segments else 0
        while len(self._stretches) > 1 and self._stretches[1].msn <= first:
            del self._stretches[0]

    def _begins(self, segment: Segment) -> bool:
        """Whether a period begins with this segment, and is not yet known."""
        newest = self._stretches[-1].msn if self._stretches else -1
        return segment.msn > newest and (newest < 0 or segment.discontinuity)

    def _measure(self, segment: Segment) -> None:
        """Hold a whole segment against the place that its number gives it."""
        stretch = self._stretches[-1]
        if segment.msn == stretch.msn:
            stretch.length = self._exact(segment.duration)
            before = self._stretches[-2].length if len(self._stretches) > 1 else 0.0
            if before and abs(stretch.length - before) > _EQUAL * before:
                stretch.uneven += 1  # perhaps a short one, by which numbers would run ahead
            return
        limit = _EQUAL * stretch.length
        place = stretch.start + (segment.msn - stretch.msn) * stretch.length
        if abs(segment.duration - stretch.length) > limit:
            stretch.uneven += 1
        elif stretch.equal and abs(segment.start - place) > limit:  # slow drift: number anew from here
            length = self._exact(segment.duration)
            self._stretches.append(_Stretch(segment.msn, segment.start, segment.wall, length))

    def _exact(self, duration: float) -> float:
        """A duration that was measured through milliseconds, as a whole number of frames."""
        rate = self._window.frame_rate
        frames = round(duration * rate)
        return frames / rate if frames and abs(frames / rate - duration) < _MEASURED_S else duration

    def _segments_of(self, stretch: _Stretch) -> list[Segment]:
        index = self._stretches.index(stretch)
        until = self._stretches[index + 1].msn if index + 1 < len(self._stretches) else self._window.next_msn
        return [s for s in self._window.segments if stretch.msn <= s.msn < until and not s.gap]

    def _shown(self, stretch: _Stretch) -> bool:
        """Whether a period has anything to play."""
        segments = self._segments_of(stretch)
        grows = stretch is self._stretches[-1] and stretch.equal and not self._window.ended
        return bool(segments) and (grows or any(segment.closed for segment in segments))

    def _period(self, stretch: _Stretch, origin: float) -> Period:
        segments = self._segments_of(stretch)
        init = self._window.inits[segments[0].init]
        live = stretch is self._stretches[-1] and not self._window.ended
        found = [self._representation(stretch, track, segments, live) for track in init.tracks]
        found += [
            self._lower(name, rung, stretch, segments, live)
            for name, rung in self._rungs.items()
            if _covers(rung, segments)
        ]
        there = [each for each in found if each.template.duration or each.template.timeline]
        return Period(id=f"p{stretch.msn}", start=stretch.wall - origin, representations=there)

    def _lower(
        self, name: str, rung: Rung, stretch: _Stretch, segments: Sequence[Segment], live: bool
    ) -> Representation:
        """A smaller picture: its segments have the numbers of the larger one's."""
        own = [each for each in map(rung.window.segment, (s.msn for s in segments)) if each is not None]
        track = rung.window.inits[own[0].init].tracks[0]
        template = self._template(stretch, track, own, live)
        return Representation(
            id=name,
            content_type=track.kind.value,
            codecs=track.codec_string,
            bandwidth=bandwidths(rung.window)[0],
            template=msgspec.structs.replace(
                template, initialization=f"{name}/i{own[0].init}.mp4", media=f"{name}/s$Number$.m4s"
            ),
            width=track.width,
            height=track.height,
        )

    def _representation(
        self, stretch: _Stretch, track: Track, segments: Sequence[Segment], live: bool
    ) -> Representation:
        peak, _ = bandwidths(self._window)
        video = track.kind is Kind.VIDEO
        sound = max(64_000, peak // 20)
        return Representation(
            id=track.kind.value,
            content_type=track.kind.value,
            codecs=track.codec_string,
            bandwidth=max(1, peak - sound) if video else sound,
            template=self._template(stretch, track, segments, live),
            width=track.width,
            height=track.height,
            frame_rate=_rate(self._window.frame_rate) if video else "",
            sample_rate=track.sample_rate,
            channels=track.channels,
        )

    def _template(self, stretch: _Stretch, track: Track, segments: Sequence[Segment], live: bool) -> Template:
        names = track.kind.value
        template = Template(
            timescale=track.timescale,
            initialization=f"{names}/i{segments[0].init}.mp4",
            media=f"{names}/s$Number$.m4s",
            start_number=stretch.msn,
            presentation_time_offset=round(stretch.start * track.timescale),
        )
        length = stretch.length or self._foreseen()
        targets = self._window.targets
        if live and stretch.equal and targets is not None:
            return msgspec.structs.replace(
                template,
                duration=round(length * track.timescale),
                availability_time_offset=max(0.0, length - targets.part_target),
            )
        timeline = tuple(_timeline(track, [s for s in segments if s.closed]))
        number = next((s.msn for s in segments if s.closed and track.kind in s.first_ticks), stretch.msn)
        return msgspec.structs.replace(template, timeline=timeline, start_number=number)

    def _foreseen(self) -> float:
        """The length of a period's segments before the first is whole."""
        before = self._stretches[-2].length if len(self._stretches) > 1 else 0.0
        targets = self._window.targets
        return before or float(targets.target_duration if targets else 2)


def _covers(rung: Rung, segments: Sequence[Segment]) -> bool:
    """Whether a smaller picture is there for a period: with one configuration, nearly from its beginning,
    and without a gap, for which a timeline by numbers has no word."""
    own = [rung.window.segment(segment.msn) for segment in segments]
    there = [each for each in own if each is not None]
    lacked = len(own) - len(there)
    steady = len({each.init for each in there}) == 1 and not any(each.gap for each in there)
    return rung.offered and lacked <= _LACKED and steady


def _timeline(track: Track, segments: Iterable[Segment]) -> Iterable[Entry]:
    present = [segment for segment in segments if track.kind in segment.first_ticks]
    for index, segment in enumerate(present):
        start = segment.first_ticks[track.kind]
        if index + 1 < len(present):
            end = present[index + 1].first_ticks[track.kind]
        else:
            audio = track.kind is Kind.AUDIO and segment.audio_duration
            end = start + round((segment.audio_duration if audio else segment.duration) * track.timescale)
        yield Entry(start, end - start)


def _moment(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rate(frames: float) -> str:
    """As xs:string of the form that DASH allows: a whole number or a fraction."""
    if not frames:
        return ""
    if abs(frames - round(frames)) < 0.005:
        return str(round(frames))
    if abs(frames * 1001 / 1000 - round(frames * 1001 / 1000)) < 0.01:
        return f"{round(frames * 1001 / 1000) * 1000}/1001"
    return f"{round(frames * 1000)}/1000"
