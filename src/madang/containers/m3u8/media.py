"""Media playlists, tag by tag (rfc8216bis section 4.4). Durations in seconds, five decimals."""

import msgspec


class Control(msgspec.Struct, frozen=True):
    """What the head of a live playlist promises and never changes; seconds. Zero leaves a promise out."""

    target_duration: int
    part_target: float
    part_hold_back: float
    hold_back: float
    skip_until: float


def head(control: Control, media_sequence: int, discontinuity_sequence: int, live: bool) -> str:
    """The tags before the first segment; an ended playlist promises nothing of reloads."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:10", f"#EXT-X-TARGETDURATION:{control.target_duration}"]
    if live:
        lines.append(
            f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={control.skip_until:.3f},"
            f"PART-HOLD-BACK={control.part_hold_back:.3f},HOLD-BACK={control.hold_back:.3f}"
        )
    lines.append(f"#EXT-X-PART-INF:PART-TARGET={control.part_target:.3f}")
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{media_sequence}")
    if discontinuity_sequence:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity_sequence}")
    lines.append("")
    return "\n".join(lines)


def map_tag(uri: str) -> str:
    return f'#EXT-X-MAP:URI="{uri}"\n'


def discontinuity() -> str:
    return "#EXT-X-DISCONTINUITY\n"


def program_date_time(moment: str) -> str:
    """`moment` by ISO 8601 with milliseconds and zone."""
    return f"#EXT-X-PROGRAM-DATE-TIME:{moment}\n"


def part(uri: str, duration: float, independent: bool, gap: bool = False) -> str:
    mark = ",GAP=YES" if gap else ",INDEPENDENT=YES" if independent else ""
    return f'#EXT-X-PART:DURATION={duration:.5f},URI="{uri}"{mark}\n'


def segment(uri: str, duration: float, gap: bool = False) -> str:
    mark = "#EXT-X-GAP\n" if gap else ""
    return f"{mark}#EXTINF:{duration:.5f},\n{uri}\n"


def skip(count: int) -> str:
    """In the place of the `count` oldest segments (section 4.4.5.2)."""
    return f"#EXT-X-SKIP:SKIPPED-SEGMENTS={count}\n"


def preload_hint(uri: str) -> str:
    return f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{uri}"\n'


def rendition_report(uri: str, msn: int, part_index: int) -> str:
    """How far another rendition's playlist has come; `part_index` below 0 when its last segment is whole."""
    tail = f",LAST-PART={part_index}" if part_index >= 0 else ""
    return f'#EXT-X-RENDITION-REPORT:URI="{uri}",LAST-MSN={msn}{tail}\n'


def end_list() -> str:
    return "#EXT-X-ENDLIST\n"
