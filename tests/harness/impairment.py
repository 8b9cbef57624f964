"""A bad network on loopback: UDP that is lost and comes late, both ways, by dice that are the same each time.

The kernel of a container seldom has netem; this stands between a browser and the server instead. A peer is
sent to it by its port in the answer's candidates.
"""

import heapq
import random
import re
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

BUFFER_BYTES = 1 << 20
BOTTLENECK_BYTES = 32 * 1024
"""What a bottleneck lets through at once."""


class BadNetwork:
    """Passes UDP between whoever comes to `port` and the server at `to`; each datagram is lost with the
    chance `loss`, and comes up to `jitter_s` late, so that datagrams overtake each other. What the server
    sends beyond `rate_bps` is lost as well, where that is set."""

    def __init__(self, to: int, loss: float, jitter_s: float, seed: int = 1) -> None:
        self._to = ("127.0.0.1", to)
        self._loss, self._jitter_s = loss, jitter_s
        self._dice = random.Random(seed)
        self._select = selectors.DefaultSelector()
        self._door = self._socket()
        self._door.bind(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.passed = self.lost = self.bytes = 0
        self.rate_bps = 0.0
        self._room_bytes, self._room_at = 0.0, time.monotonic()
        self._ways: dict[tuple[str, int], socket.socket] = {}
        """Our socket towards the server, by the peer's address."""
        self._peers: dict[socket.socket, tuple[str, int]] = {}
        self._late: list[tuple[float, int, socket.socket, tuple[str, int], bytes]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bad network", daemon=True)
        self._thread.start()

    def mislead(self, sdp: str) -> str:
        """An answer whose candidates lead here, and by UDP alone."""
        lines = [line for line in sdp.split("\r\n") if not re.match(r"a=candidate:\S+ 1 tcp", line, re.I)]
        return re.sub(rf"127\.0\.0\.1 {self._to[1]} ", f"127.0.0.1 {self.port} ", "\r\n".join(lines))

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        for sock in (self._door, *self._peers):
            sock.close()
        self._select.close()

    def _socket(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._select.register(sock, selectors.EVENT_READ)
        return sock

    def _run(self) -> None:
        while not self._over.is_set():
            due = self._late[0][0] - time.monotonic() if self._late else 0.05
            for key, _ in self._select.select(min(max(due, 0.0), 0.05)):
                assert isinstance(key.fileobj, socket.socket)
                self._read(key.fileobj)
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, sock, name, data = heapq.heappop(self._late)
                try:
                    sock.sendto(data, name)
                except OSError:
                    pass  # lost, as on any network

    def _read(self, sock: socket.socket) -> None:
        while True:
            try:
                data, name = sock.recvfrom(2048)
            except OSError:
                return
            if self._dice.random() < self._loss or (sock is not self._door and self._too_much(len(data))):
                self.lost += 1
                continue
            self.passed += 1
            self.bytes += len(data)
            at = time.monotonic() + self._dice.uniform(0, self._jitter_s)
            if sock is self._door:
                way = self._ways.get(name)
                if way is None:
                    way = self._ways[name] = self._socket()
                    self._peers[way] = name
                heapq.heappush(self._late, (at, self.passed, way, self._to, data))
            else:
                heapq.heappush(self._late, (at, self.passed, self._door, self._peers[sock], data))

    def _too_much(self, size: int) -> bool:
        """Whether the bottleneck has no room for so many bytes now."""
        if not self.rate_bps:
            return False
        now = time.monotonic()
        gained = (now - self._room_at) * self.rate_bps / 8
        self._room_bytes, self._room_at = min(self._room_bytes + gained, BOTTLENECK_BYTES), now
        if size > self._room_bytes:
            return True
        self._room_bytes -= size
        return False


@contextmanager
def bad_network(to: int, *, loss: float = 0.05, jitter_s: float = 0.05) -> Iterator[BadNetwork]:
    """Between a browser and the server's UDP port."""
    network = BadNetwork(to, loss, jitter_s)
    try:
        yield network
    finally:
        network.close()
