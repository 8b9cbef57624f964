"""LL-HLS viewers and requests per core: python -m bench.hls. Muxed rung, 0.5 s parts."""

import time
from collections.abc import Callable
from dataclasses import replace

from bench import servers
from bench.measure import Reading, load, turns
from bench.options import Options, parse
from bench.table import render, rows

_SETTLE_S = 8.0
"""Until a fresh stream has its first segments."""


def viewers(start: servers.Start, count: int, seconds: float) -> Callable[[], Reading]:
    """A measurement of viewers who follow the live edge part by part."""

    def measure() -> Reading:
        with start() as server, servers.published(server):
            time.sleep(_SETTLE_S)
            path = f"/{server.app}/{server.name}/index.m3u8"
            ramp_s = max(2.0, count / 400)
            return load(
                server.process,
                ["bench.segments", str(server.http), path, str(count), str(ramp_s), str(seconds)],
            )

    return measure


def run(options: Options) -> list[tuple[str, ...]]:
    """One row in viewers, one in requests per CPU-second; MediaMTX had 980 and 8,820 on this machine."""
    readings = turns(
        {"Madang": viewers(servers.madang(), options.viewers // 2, options.seconds)}, options.turns
    )
    requests = {
        name: [replace(r, per_core=r.detail["requests_per_s"] / r.cpu_share) for r in several]
        for name, several in readings.items()
    }
    return rows(readings, "LL-HLS, viewers") + rows(requests, "LL-HLS, requests/s")


if __name__ == "__main__":
    print(render(run(parse(__doc__ or ""))))
