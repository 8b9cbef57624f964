"""Real players: ffmpeg and PyAV read what the server serves, and complain about what is wrong with it."""

import io
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree

import av
import httpx
from tests.harness.publisher import FFMPEG


@dataclass
class Played:
    """What a player saw of one URL."""

    codecs: dict[str, str]
    frames: dict[str, int]
    decoded: int
    backwards: int
    """Packets whose dts did not rise within their track."""


def play(url: str, seconds: float = 3.0, options: dict[str, str] | None = None) -> Played:
    """Demux and decode `seconds` of media of `url` with PyAV. What does not play fails as an assertion does:
    who waits for it takes that for "not yet"."""
    try:
        return _play(url, seconds, options or {})
    except av.FFmpegError as error:
        raise AssertionError(f"{url} does not play: {error}") from error


def _play(url: str, seconds: float, options: dict[str, str]) -> Played:
    played = Played({}, {}, 0, 0)
    last: dict[int, int] = {}
    first: Fraction | None = None
    with av.open(url, timeout=(10.0, 10.0), options=options) as container:
        for packet in container.demux():
            if packet.dts is None or packet.time_base is None:
                continue
            kind = packet.stream.type
            played.codecs[kind] = packet.stream.codec_context.name
            played.frames[kind] = played.frames.get(kind, 0) + 1
            played.backwards += packet.dts <= last.get(packet.stream_index, -(2**63))
            last[packet.stream_index] = packet.dts
            played.decoded += len(packet.decode())
            at = packet.dts * packet.time_base
            first = at if first is None else first
            if at - first >= seconds:
                break
    return played


def complaints(url: str, seconds: float = 3.0) -> str:
    """What ffmpeg says on the level `error` while it decodes `seconds` of `url`; empty is good."""
    done = subprocess.run(
        [FFMPEG, "-hide_banner", "-nostdin", "-loglevel", "error", "-i", url,
         "-t", str(seconds), "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "null", "-"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stderr.strip() + (f"\nexit {done.returncode}" if done.returncode else "")


def settled_in_hls(url: str) -> bool:
    """Whether what a player of HLS begins with, the last three segments, has the same tracks as what comes
    next: ffmpeg keeps to the tracks that it began with."""
    with httpx.Client(timeout=20) as client:
        ways = client.get(url).raise_for_status().text.splitlines()
        media = next(line for line in ways if line and not line.startswith("#"))
        listed = client.get(urljoin(url, media)).raise_for_status().text
    return listed.rpartition("#EXT-X-MAP:")[2].count("#EXTINF:") >= 3


_MPD = {"d": "urn:mpeg:dash:schema:mpd:2011"}


def listed_by_dash(url: str, kinds: set[str], segments: int = 2) -> bool:
    """Whether the last period has so many segments of these kinds, or is listed by numbers."""
    _, templates = _last_period(httpx.get(url, timeout=20))
    counts = [
        len(each.findall(".//d:S", _MPD)) or segments * ("duration" in each.attrib)
        for each in templates.values()
    ]
    return set(templates) == kinds and min(counts) >= segments


def _last_period(manifest: httpx.Response) -> tuple[str, dict[str, ElementTree.Element]]:
    """Where its segments are, and the first template of each kind."""
    root = ElementTree.fromstring(manifest.raise_for_status().text)
    found: dict[str, ElementTree.Element] = {}
    for period in root.findall("d:Period", _MPD)[-1:]:
        for of_a_kind in period.findall("d:AdaptationSet", _MPD):
            template = of_a_kind.find(".//d:SegmentTemplate", _MPD)
            assert template is not None
            found[of_a_kind.attrib["contentType"]] = template
    return urljoin(str(manifest.url), root.findtext("d:BaseURL", "", _MPD)), found


def play_dash(url: str, segments: int = 2) -> Played:
    """Decode the first segments of the last period of a live manifest, when they are whole, with PyAV, whose
    ffmpeg reads no manifests; of each kind the first representation."""
    played = Played({}, {}, 0, 0)
    with httpx.Client(timeout=20) as client:
        base, templates = _last_period(client.get(url))
        for kind, template in templates.items():
            first = int(template.attrib["startNumber"])
            numbers = range(first, first + segments)
            media = [template.attrib["media"].replace("$Number$", str(each)) for each in numbers]
            files = [client.get(base + each) for each in (template.attrib["initialization"], *media)]
            body = b"".join(file.raise_for_status().content for file in files)
            with av.open(io.BytesIO(body)) as container:
                _read(played, kind, container.demux())
    return played


def _read(played: Played, kind: str, packets: Iterable[Any]) -> None:
    last = -(2**63)
    for packet in packets:
        if packet.dts is None:
            continue
        played.codecs[kind] = packet.stream.codec_context.name
        played.frames[kind] = played.frames.get(kind, 0) + 1
        played.backwards += packet.dts <= last
        last = packet.dts
        played.decoded += len(packet.decode())
