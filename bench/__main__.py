"""All benchmarks, one table: python -m bench [--viewers N] [--seconds S] [--turns N] [--no-peers]."""

import sys

from bench import flv, hls, publish, rtmp_play
from bench.options import parse
from bench.table import render


def main() -> None:
    options = parse(__doc__ or "")
    lines: list[tuple[str, ...]] = []
    for name, bench in (("flv", flv), ("rtmp_play", rtmp_play), ("hls", hls), ("publish", publish)):
        print(f"{name} …", file=sys.stderr, flush=True)
        lines += bench.run(options)
    print(render(lines))


if __name__ == "__main__":
    main()
