"""What the benchmarks of HTTP-FLV and RTMP play share: viewers of one stream, beside floor and peers."""

import time
from collections.abc import Callable
from typing import Literal

from bench import servers
from bench.measure import Reading, load, turns
from bench.table import rows

SETTLE_S = 4.0
"""Until the stream of a fresh publisher has a whole group of pictures."""


def viewers(
    start: servers.Start, kind: Literal["flv", "rtmp"], count: int, seconds: float
) -> Callable[[], Reading]:
    """A measurement of `count` viewers of one stream for so long."""

    def measure() -> Reading:
        with start() as server, servers.published(server):
            time.sleep(SETTLE_S)
            port = server.http if kind == "flv" else server.rtmp
            path = f"/{server.app}/{server.name}" + (".flv" if kind == "flv" else "")
            ramp_s = max(2.0, count / 800)
            what = ["bench.viewers", kind, str(port), path, str(count), str(ramp_s), str(seconds)]
            return load(server.process, what)

    return measure


def compare(
    kind: Literal["flv", "rtmp"], window_ms: int, count: int, seconds: float, repeat: int
) -> list[tuple[str, ...]]:
    """Rows of one path at one write-merging window; peers merge as they do by default."""
    merging = {"fanout__merge_ms": str(window_ms), "fanout__crowd_merge_ms": str(window_ms)}
    contenders = {
        "floor": _floor(window_ms, count, seconds),
        "Madang": viewers(servers.madang(**merging), kind, count, seconds),
    }
    return rows(turns(contenders, repeat), f"{_NAMES[kind]}, {window_ms} ms", "floor")


def peers(kind: Literal["flv", "rtmp"], count: int, seconds: float, repeat: int) -> list[tuple[str, ...]]:
    """Rows of the peers that are there; they write each frame as it comes."""
    found = {"Node-Media-Server": servers.node_media_server()}
    if kind == "rtmp":
        found["nginx-rtmp"] = servers.nginx_rtmp()
    contenders = {
        name: viewers(start, kind, count, seconds) for name, start in found.items() if start is not None
    }
    return rows(turns(contenders, repeat), f"{_NAMES[kind]}, unmerged")


def _floor(window_ms: int, count: int, seconds: float) -> Callable[[], Reading]:
    # The same writes for both: an RTMP player costs what an FLV viewer costs.
    return viewers(servers.floor_flv(window_ms), "flv", count, seconds)


_NAMES = {"flv": "HTTP-FLV", "rtmp": "RTMP play"}
