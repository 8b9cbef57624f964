"""RTMP players per core: python -m bench.rtmp_play."""

from bench.options import Options, parse
from bench.play import compare, peers
from bench.table import render


def run(options: Options) -> list[tuple[str, ...]]:
    """Rows at both windows, beside the floor and the peers."""
    amount = options.viewers, options.seconds, options.turns
    lines = compare("rtmp", 100, *amount) + compare("rtmp", 33, *amount)
    return lines + (peers("rtmp", min(options.viewers, 500), *amount[1:]) if options.peers else [])


if __name__ == "__main__":
    print(render(run(parse(__doc__ or ""))))
