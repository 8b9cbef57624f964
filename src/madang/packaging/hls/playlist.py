"""Media playlists of one rendition, rendered once per version of the window."""

import gzip
from datetime import UTC, datetime
from itertools import islice

from madang.containers.m3u8 import media
from madang.packaging.cmaf.segment import Name, Segment
from madang.packaging.cmaf.window import Window

# What `index.m3u8` lists; `dvr.m3u8` lists the whole window.
INDEX_S = 60.0
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
        self._lines: dict[int, str] = {}
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

    def _render(self, skip: bool) -> str:
        window = self._window
        targets = window.targets
        assert targets is not None
        first = self._first()
        segments = list(islice(window.segments, first, None))
        passed = sum(segment.discontinuity for segment in islice(window.segments, first))
        control = media.Control(
            targets.target_duration, targets.part_target, targets.part_hold_back, targets.hold_back,
            targets.skip_until,
        )  # fmt: skip
        pieces = [
            media.head(
                control,
                segments[0].msn if segments else window.next_msn,
                window.discontinuity_sequence + passed,
                live=not window.ended,
            )
        ]
        skipped = self._skippable(segments) if skip and not window.ended else 0
        if skipped:
            pieces.append(media.skip(skipped))
        self._append(pieces, segments, skipped)
        if window.ended:
            pieces.append(media.end_list())
        else:
            pieces.append(media.preload_hint(f"p{window.next_part}.m4s"))
            pieces += self._reports()
        return "".join(pieces)

    def _append(self, pieces: list[str], segments: list[Segment], skipped: int) -> None:
        targets = self._window.targets
        assert targets is not None
        total = sum(segment.duration for segment in segments)
        parts_from = total - _PART_TARGETS * targets.target_duration
        position, init = 0.0, -1
        for index, segment in enumerate(segments):
            position += segment.duration
            if index >= skipped:
                pieces.append(self._opening(segment))
                if segment.init != init:
                    pieces.append(media.map_tag(f"i{segment.init}.mp4"))
                if position > parts_from and not self._window.ended:
                    pieces += self._parts(segment)
                if segment.closed:
                    pieces.append(self._closed(segment))
            init = segment.init

    def _opening(self, segment: Segment) -> str:
        """Discontinuity and date of a segment."""
        mark = media.discontinuity() if segment.discontinuity else ""
        moment = datetime.fromtimestamp(segment.wall, UTC).isoformat(timespec="milliseconds")
        return mark + media.program_date_time(moment.replace("+00:00", "Z"))

    def _parts(self, segment: Segment) -> list[str]:
        return [
            media.part(f"p{part.number}.m4s", part.duration_of(self.name), part.independent)
            for part in segment.parts
        ]

    def _closed(self, segment: Segment) -> str:
        return media.segment(f"s{segment.msn}.m4s", segment.duration_of(self.name), segment.gap)

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
        targets = self._window.targets
        assert targets is not None
        left = sum(segment.duration for segment in segments)
        for index, segment in enumerate(segments):
            if left - segment.duration <= targets.skip_until:
                return index
            left -= segment.duration
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
