"""Everybody dropped at once while messages go on: python -m bench.reconnect [--viewers N] [--rate R].

N members of one room (10,000 unless told otherwise), in several processes and from 16 addresses, lose their
connections in one moment and return like Centrifugo's own clients, while R messages a second are published.
Tells how long it took until each was back with everything it had missed, and what was lost or came twice.
"""

import argparse
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench import servers
from bench.chat import namespaces
from bench.crowd import ROOM
from bench.measure import _settle as settle_on_other_cores
from bench.measure import raise_descriptors

SECRET = "a secret of the bench, of at least thirty-two letters"
API_KEY = "a-key-of-the-bench"
PATIENCE_S = 150.0
_BEFORE_S, _AFTER_S = 5.0, 5.0
_LAST_S = 3.0
"""From the last message until it is with everybody."""


class Publisher(threading.Thread):
    """Somebody who was not dropped: so many messages a second, by the server API."""

    def __init__(self, port: int, rate: float) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.slowest_ms = 0.0
        self._rate = rate
        self._port = port
        self._over = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        began = time.monotonic()
        while not self._over.wait(max(0.0, began + self.sent / self._rate - time.monotonic())):
            data = {"n": self.sent, "pad": "x" * 180}
            asked = time.monotonic()
            body = json.dumps({"channel": ROOM, "data": data})
            connection.request("POST", "/api/publish", body, {"X-API-Key": API_KEY})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            if "result" not in told:
                raise RuntimeError(f"the server did not publish: {told}")
            self.slowest_ms = max(self.slowest_ms, 1000 * (time.monotonic() - asked))
            self.sent += 1
        connection.close()

    def end(self) -> None:
        self._over.set()
        self.join(60)


class Part:
    """One process of the crowd."""

    def __init__(self, port: int, count: int, first: int) -> None:
        command = [sys.executable, "-m", "bench.returners", str(port), str(count), str(first), SECRET]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=settle_on_other_cores
        )

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("a part of the crowd gave up")
        return dict(json.loads(line))


@contextmanager
def crowd(port: int, count: int, processes: int) -> Iterator[list[Part]]:
    """All parts, once everybody is in the room."""
    shares = [count // processes + (number < count % processes) for number in range(processes)]
    with ExitStack() as stack:
        parts = []
        for number, share in enumerate(shares):
            parts.append(Part(port, share, sum(shares[:number])))
            stack.callback(parts[-1].process.kill)
        for part in parts:
            part.hear()
        yield parts


def measure(count: int, rate: float, processes: int) -> dict[str, Any]:
    """One drop, start to end."""
    start = servers.madang(
        realtime__namespaces=namespaces(allow_recovery=True),
        realtime__token_hmac_secret=SECRET,
        realtime__api_keys=API_KEY,
    )
    with start() as server, crowd(server.http, count, processes) as parts:
        publisher = Publisher(server.http, rate)
        publisher.start()
        time.sleep(_BEFORE_S)
        cpu, before = server.process.cpu_s(), publisher.sent
        for part in parts:
            part.say("drop")
        backs = [part.hear() for part in parts]
        cpu, during = server.process.cpu_s() - cpu, publisher.sent - before
        time.sleep(_AFTER_S)
        publisher.end()
        time.sleep(_LAST_S)
        for part in parts:
            part.say("count")
        counts = [part.hear() for part in parts]
        memory = server.process.rss_bytes()
    took = sorted(each for back in backs for each in back["took_s"])
    found = {name: sum(each[name] for each in counts) for name in ("lost", "doubled", "unrecovered", "away")}
    return found | {
        "back": len(took),
        "took_s": (took[len(took) // 2], took[int(len(took) * 0.99)], took[-1]),
        "tries": sum(back["tries"] for back in backs),
        "behind": publisher.sent - min(each["least"] for each in counts),
        "sent": publisher.sent,
        "during": during,
        "cpu_s": cpu,
        "slowest_ms": publisher.slowest_ms,
        "memory_mb": memory / 2**20,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--processes", type=int, default=3)
    asked = parser.parse_args()
    raise_descriptors()
    found = measure(asked.viewers, asked.rate, asked.processes)
    p50, p99, last = found["took_s"]
    print(
        f"{found['back']:,} back: half after {p50:.1f} s, 99 % after {p99:.1f} s, the last after {last:.1f} s"
    )
    print(f"{found['tries']:,} tries, {found['during']} messages meanwhile, {found['cpu_s']:.1f} s of CPU")
    print(
        f"the slowest publication took {found['slowest_ms']:.0f} ms; {found['memory_mb']:.0f} MB at the end"
    )
    print(
        f"of {found['sent']:,} messages: {found['lost']} lost, {found['doubled']} twice, "
        f"{found['behind']} still to come"
    )
    print(f"{found['unrecovered']} were not recovered, {found['away']} are away at the end")
    wrong = sum(found[name] for name in ("lost", "doubled", "unrecovered", "away", "behind"))
    return int(bool(wrong) or last > 15.0)


if __name__ == "__main__":
    raise SystemExit(main())
