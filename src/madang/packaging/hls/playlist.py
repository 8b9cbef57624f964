"""Media playlists of one rendition, rendered once per version of the window."""

import gzip
from datetime import UTC, datetime
from itertools import islice

from madang.base.errors import Bug
from madang.containers.m3u8 import media
from madang.packaging.cmaf.segment import Name, Part, Segment
from madang.packaging.cmaf.targets import Targets
from madang.packaging.cmaf.window import Window

# What `index.m3u8` lists; `dvr.m3u8` lists the whole window.
INDEX_S = 60.0
# Longer than any audio frame but Opus's longest.
_SOUND_FRAME_S = 0.044
# Parts are listed for three target durations (rfc8216bis section 6.2.2).
_PART_TARGETS = 3


class Text:
    """A playlist as bytes, plain and compressed."""

    __slots__ = ("_gzip", "plain")

    def __init__(self, text: str) -> None:
        self.plain = text.encode()
        self._gzip = b""

    @property
    def gzip(self) -> bytes:
        """Compressed when first asked for."""
        if not self._gzip:
            self._gzip = gzip.compress(self.plain, 6, mtime=0)
        return self._gzip


class MediaPlaylist:
    """The playlist of one rendition in one length (`index` or `dvr`)."""

    def __init__(self, window: Window, name: Name, listed_s: float) -> None:
        self.name = name
        self._window = window
        self._listed_s = listed_s
        self._lines: dict[int, tuple[str, str]] = {}
        self._version = -1
        self._texts: dict[bool, Text] = {}

    def text(self, skip: bool) -> Text:
        """The playlist as it is now; a delta update when `skip` and there is enough to skip."""
        if self._version != self._window.version:
            self._version = self._window.version
            self._texts = {}
        text = self._texts.get(skip)
        if text is None:
            text = self._texts[skip] = Text(self._render(skip))
        return text

    @property
    def _targets(self) -> Targets:
        """Those of the window; there is no playlist before they are fixed."""
        targets = self._window.targets
        if targets is None:
            raise Bug("a playlist was asked for before its targets were fixed")
        return targets

    @property
    def _part_target(self) -> float:
        """PART-TARGET: sound apart has frames that do not end where the picture's parts do."""
        apart = self.name is Name.AUDIO and len(self._window.renditions()) == len(Name)
        return self._targets.part_target + (_SOUND_FRAME_S if apart else 0.0)

    def _render(self, skip: bool) -> str:
        window = self._window
        first = self._first()
        segments = list(islice(window.segments, first, None))
        skipped = self._skippable(segments) if skip and not window.ended else 0
        pieces = [self._head(first)]
        if skipped:
            pieces.append(media.skip(skipped))
        self._append(pieces, segments, skipped)
        if window.ended:
            pieces.append(media.end_list())
        else:
            pieces.append(media.preload_hint(f"p{window.next_part}.m4s"))
            pieces += self._reports()
        self._prune()
        return "".join(pieces)

    def _head(self, first: int) -> str:
        window, targets = self._window, self._targets
        control = media.Control(
            target_duration=targets.target_duration,
            part_target=self._part_target,
            part_hold_back=3 * self._part_target,
            hold_back=targets.hold_back,
            skip_until=targets.skip_until,
        )
        msn = window.segments[first].msn if window.segments else window.next_msn
        passed = sum(segment.discontinuity for segment in islice(window.segments, first))
        return media.head(control, msn, window.discontinuity_sequence + passed, live=not window.ended)

    def _prune(self) -> None:
        """Forget the lines of segments that have left the window."""
        if len(self._lines) > 2 * len(self._window.segments) + 8:
            first = self._window.segments[0].msn if self._window.segments else 0
            self._lines = {msn: lines for msn, lines in self._lines.items() if msn >= first}

    def _append(self, pieces: list[str], segments: list[Segment], skipped: int) -> None:
        """The lines of all segments but the skipped ones; the newest with their parts."""
        parts_from = len(segments) if self._window.ended else self._first_with_parts(segments)
        init = segments[skipped - 1].init if skipped else -1
        for index in range(skipped, len(segments)):
            segment = segments[index]
            opening, closing = self._lines_of(segment)
            pieces.append(opening)
            if segment.init != init:
                init = segment.init
                pieces.append(media.map_tag(f"i{init}.mp4"))
            if index >= parts_from:
                pieces += map(self._part, segment.parts)
            pieces.append(closing)

    def _first_with_parts(self, segments: list[Segment]) -> int:
        """Index of the first segment that lies within three target durations of the end."""
        left = float(_PART_TARGETS * self._targets.target_duration)
        for index in range(len(segments) - 1, -1, -1):
            left -= segments[index].duration
            if left <= 0:
                return index
        return 0

    def _lines_of(self, segment: Segment) -> tuple[str, str]:
        """What stands before a segment's parts and behind them; kept once the segment is closed."""
        lines = self._lines.get(segment.msn)
        if lines is None or (segment.gap and "GAP" not in lines[1]):
            mark = media.discontinuity() if segment.discontinuity else ""
            moment = datetime.fromtimestamp(segment.wall, UTC).isoformat(timespec="milliseconds")
            opening = mark + media.program_date_time(moment.replace("+00:00", "Z"))
            if not segment.closed:
                return opening, ""
            closing = media.segment(f"s{segment.msn}.m4s", segment.duration_of(self.name), segment.gap)
            lines = self._lines[segment.msn] = opening, closing
        return lines

    def _part(self, part: Part) -> str:
        """No part is listed longer than PART-TARGET, though a frame may have been."""
        duration = min(part.duration_of(self.name), self._part_target)
        independent = part.independent or self.name is Name.AUDIO
        return media.part(f"p{part.number}.m4s", duration, independent, gap=not part.holds(self.name))

    def _first(self) -> int:
        """Index of the first listed segment of the window."""
        length = 0.0
        segments = self._window.segments
        for index in range(len(segments) - 1, -1, -1):
            length += segments[index].duration
            if length > self._listed_s:
                return min(index + 1, max(0, len(segments) - 4))
        return 0

    def _skippable(self, segments: list[Segment]) -> int:
        """Segments further from the end than the skip boundary (section 6.2.5.1)."""
        left = sum(segment.duration for segment in segments) - self._targets.skip_until
        for index, segment in enumerate(segments):
            left -= segment.duration
            if left < 0:
                return index
        return 0

    def _reports(self) -> list[str]:
        last = self._window.last
        if last is None:
            return []
        part = len(last.parts) - 1
        return [
            media.rendition_report(f"../{name.value}/index.m3u8", last.msn, part)
            for name in self._window.renditions()
            if name not in (self.name, Name.MAIN) and self.name is not Name.MAIN
        ]
