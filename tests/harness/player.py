"""Real players: ffmpeg and PyAV read what the server serves, and complain about what is wrong with it."""

import subprocess
from dataclasses import dataclass
from fractions import Fraction

import av
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
    """Demux and decode `seconds` of media of `url` with PyAV."""
    played = Played({}, {}, 0, 0)
    last: dict[int, int] = {}
    first: Fraction | None = None
    with av.open(url, timeout=(10.0, 10.0), options=options or {}) as container:
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
