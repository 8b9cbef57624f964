"""WebRTC viewers per core: python -m bench.webrtc."""

import time
from collections.abc import Callable

from bench import servers
from bench.measure import Reading, load, turns
from bench.options import Options, parse
from bench.play import SETTLE_S
from bench.table import render, rows


def viewers(start: servers.Start, kind: str, count: int, seconds: float) -> Callable[[], Reading]:
    """A measurement of `count` viewers of one stream, with sound, for so long."""

    def measure() -> Reading:
        with start() as server, servers.published(server):
            time.sleep(SETTLE_S)
            ramp_s = max(2.0, count / 150)
            what = ["bench.webrtc_viewers", kind, str(server.http), server.name]
            return load(server.process, [*what, str(count), str(ramp_s), str(seconds)])

    return measure


def run(options: Options) -> list[tuple[str, ...]]:
    """Rows of Madang beside the floor."""
    count, seconds = min(options.viewers, 600), options.seconds
    contenders = {
        "floor": viewers(servers.floor_webrtc(), "floor", count, seconds),
        "Madang": viewers(servers.madang(webrtc__listen="127.0.0.1:0"), "whep", count, seconds),
    }
    return rows(turns(contenders, options.turns), "WebRTC", "floor")


if __name__ == "__main__":
    print(render(run(parse(__doc__ or ""))))
