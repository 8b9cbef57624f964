"""RTMP publishers per core: python -m bench.publish. Packaged at once, and packaged on demand."""

import os
import time
from collections.abc import Callable

from bench import clip, servers
from bench.measure import Reading, turns
from bench.options import Options, parse
from bench.processes import Pinned
from bench.table import render, rows


def publishers(start: servers.Start, count: int, seconds: float) -> Callable[[], Reading]:
    """A measurement of as many publishers as the server has keys, by the frames that they really sent."""
    per_publisher = len(clip.tags(clip.path())) / clip.SECONDS

    def measure() -> Reading:
        with start() as server:
            idle = server.process.idle_share()
            memory = server.process.rss_bytes()
            with servers.published(server) as generator:
                assert generator is not None
                time.sleep(4 + count / 50)
                grown = server.process.rss_bytes() - memory
                before, began = server.process.cpu_s(), time.monotonic()
                first_at, first = _sent(generator)
                time.sleep(seconds)
                share = (server.process.cpu_s() - before) / (time.monotonic() - began) - idle
                last_at, last = _sent(generator)
        served = (last - first) / (last_at - first_at) / per_publisher
        return Reading(served / share, served, share, grown / count, 0.0, {})

    return measure


def _sent(generator: Pinned) -> tuple[float, int]:
    """When the generator last said how many frames it had sent, and how many."""
    assert generator.process.stdout is not None
    os.set_blocking(generator.process.stdout.fileno(), False)
    at, sent = (generator.process.stdout.read() or b"0 0").split()[-2:]
    return float(at), int(sent)


def run(options: Options) -> list[tuple[str, ...]]:
    """Rows beside the floor and the peers."""
    count = options.publishers
    found: dict[str, servers.Start | None] = {
        "floor": servers.floor_publish(count),
        "Madang, packaged": servers.madang(count),
        "Madang, on demand": servers.madang(count, publish__package_on_demand="true"),
    }
    if options.peers:
        found |= {
            "nginx-rtmp, not packaged": servers.nginx_rtmp(count),
            "Node-Media-Server, not packaged": servers.node_media_server(count),
        }
    contenders = {
        name: publishers(start, count, options.seconds) for name, start in found.items() if start is not None
    }
    return rows(turns(contenders, options.turns), "RTMP publish", "floor")


if __name__ == "__main__":
    print(render(run(parse(__doc__ or ""))))
