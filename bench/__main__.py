"""All benchmarks, one table: python -m bench [--viewers N] [--seconds S] [--turns N] [--no-peers]."""

import sys

from bench import chat, flv, hls, publish, rtmp_play, webrtc
from bench.options import parse
from bench.table import render


def main() -> None:
    options = parse(__doc__ or "")
    lines: list[tuple[str, ...]] = []
    benches = (
        ("flv", flv),
        ("rtmp_play", rtmp_play),
        ("webrtc", webrtc),
        ("hls", hls),
        ("publish", publish),
        ("chat", chat),
    )
    for name, bench in benches:
        print(f"{name} …", file=sys.stderr, flush=True)
        lines += bench.run(options)
    print(render(lines))


if __name__ == "__main__":
    main()
