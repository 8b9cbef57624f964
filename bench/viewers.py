"""A crowd of viewers in one process: python -m bench.viewers flv|rtmp PORT PATH COUNT RAMP_S SECONDS.

Prints one JSON line when everyone is connected and has settled, and one with the result at the end.
"""

import json
import select
import socket
import sys
import time

from bench import clip
from bench.clip import FPS
from bench.wire import COMMAND, Count, FlvCounter, RtmpCounter, amf, message, open_rtmp

SETTLE_S = 2.0
_READ = 1 << 20


class Crowd:
    """Connections read by one epoll loop into one buffer."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._viewers: dict[int, tuple[socket.socket, FlvCounter | RtmpCounter]] = {}
        self._buffer = bytearray(_READ)
        self._view = memoryview(self._buffer)
        self.lost = 0

    def __len__(self) -> int:
        return len(self._viewers)

    @property
    def counts(self) -> list[Count]:
        return [count for _, count in self._viewers.values()]

    def add(self, sock: socket.socket, count: FlvCounter | RtmpCounter) -> None:
        sock.setblocking(False)
        self._viewers[sock.fileno()] = sock, count
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def read_until(self, when: float) -> None:
        """Read whatever comes until the monotonic time `when`."""
        while (left := when - time.monotonic()) > 0:
            for fd, _ in self._poll.poll(left, 1024):
                self._read(fd)

    def _read(self, fd: int) -> None:
        sock, count = self._viewers[fd]
        kept = len(count.tail)
        if kept:
            self._buffer[:kept] = count.tail
        try:
            size = sock.recv_into(self._view[kept:])
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if size:
            count.feed(self._buffer, kept + size)
            return
        self._poll.unregister(fd)
        del self._viewers[fd]
        sock.close()
        self.lost += 1


def open_flv(port: int, path: str) -> tuple[socket.socket, FlvCounter]:
    sock = socket.create_connection(("127.0.0.1", port), 10)
    # HTTP/1.0, so that no server chunks the body.
    sock.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n\r\n".encode())
    return sock, FlvCounter()


def open_player(port: int, path: str) -> tuple[socket.socket, RtmpCounter]:
    app, _, name = path.strip("/").rpartition("/")
    sock = open_rtmp(port, app)
    sock.sendall(message(8, COMMAND, 1, 0, amf("play", 3.0, None, name)))
    return sock, RtmpCounter()


def result(crowd: Crowd, seconds: float) -> dict[str, float]:
    """What was seen: frames that are missing between the first and the last one of each viewer are lost."""
    counts = crowd.counts
    per_ms = clip.SECONDS * FPS / clip.duration_ms(clip.tags(clip.path()))  # a lap ends with its sound
    expected = sum(round((c.last_ms - c.first_ms) * per_ms) + 1 for c in counts if c.frames)
    frames = sum(c.frames for c in counts)
    starved = sum(c.frames < 0.9 * FPS * seconds for c in counts)
    return {
        "viewers": len(crowd),
        "served": frames / (FPS * seconds),
        "frames": frames,
        "lost_share": max(1 - frames / expected, 0.0) if expected else 1.0,
        "starved": starved,
        "disconnected": crowd.lost,
    }


def main(kind: str, port: int, path: str, number: int, ramp_s: float, seconds: float) -> None:
    crowd = Crowd()
    begin = time.monotonic()
    for index in range(number):
        crowd.add(*(open_flv(port, path) if kind == "flv" else open_player(port, path)))
        crowd.read_until(begin + ramp_s * (index + 1) / number)
        if index % 16 == 0:
            crowd.read_until(time.monotonic() + 0.001)
    crowd.read_until(time.monotonic() + SETTLE_S)
    for count in crowd.counts:
        count.reset()
    print(json.dumps({"ready": len(crowd)}), flush=True)
    crowd.read_until(time.monotonic() + seconds)
    print(json.dumps(result(crowd, seconds)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6]))
