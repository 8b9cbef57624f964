"""A crowd that does nothing: python -m bench.idlers silent|feed|holds PORT NAME COUNT.

Prints `there` once all are. One process, one epoll loop; it runs until it is killed.
"""

import http.client
import re
import select
import socket
import sys
import time
from collections.abc import Callable
from urllib.parse import urljoin

_READ = 1 << 16
_HOST = "127.0.0.1"
_PONG = b"\x8a\x80\x00\x00\x00\x00"


class Crowd:
    """Sockets that are opened again when they are closed, and answer what `heard` says."""

    def __init__(self, port: int, hello: Callable[[], bytes], heard: Callable[[bytes], bytes]) -> None:
        self._port = port
        self._hello = hello
        self._heard = heard
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}

    def add(self) -> None:
        sock = socket.create_connection((_HOST, self._port), 20)
        if hello := self._hello():
            sock.sendall(hello)
        sock.setblocking(False)
        self._sockets[sock.fileno()] = sock
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def serve(self, seconds: float) -> None:
        """Read for so long; whoever was sent away comes back."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for fd, _ in self._poll.poll(left, 1024):
                self._read(fd)

    def _read(self, fd: int) -> None:
        sock = self._sockets[fd]
        try:
            data = sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._poll.unregister(fd)
            del self._sockets[fd]
            sock.close()
            self.add()
        elif said := self._heard(data):
            sock.send(said)


def fetch(port: int, path: str) -> str:
    connection = http.client.HTTPConnection(_HOST, port, timeout=20)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def playlist_of(port: int, name: str) -> str:
    """The path of the media playlist."""
    index = f"/live/{name}/index.m3u8"
    media = next(line for line in fetch(port, index).splitlines() if line and not line.startswith("#"))
    return urljoin(index, media)


def silent(port: int, name: str) -> Crowd:
    return Crowd(port, lambda: b"", lambda data: b"")


def feed(port: int, name: str) -> Crowd:
    """Follows the events by websocket, and answers pings."""
    hello = (
        f"GET /api/v1/events/ws HTTP/1.1\r\nHost: {_HOST}:{port}\r\nOrigin: http://{_HOST}:{port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    return Crowd(port, lambda: hello, lambda data: _PONG if data[:1] == b"\x89" else b"")


def holds(port: int, name: str) -> Crowd:
    """Waits for the next segment, again and again, on a connection that is kept."""
    path = playlist_of(port, name)
    newest = _newest(fetch(port, path))

    def ask() -> bytes:
        query = "&" if "?" in path else "?"
        head = f"GET {path}{query}_HLS_msn={newest + 1} HTTP/1.1\r\nHost: {_HOST}:{port}\r\n\r\n"
        return head.encode()

    def heard(data: bytes) -> bytes:
        nonlocal newest
        if not data.startswith(b"HTTP/1.1 "):
            return b""  # the rest of a playlist that came in two
        if b"#EXTINF" in data:
            newest = max(newest, _newest(data.decode("latin-1")))
        return ask()

    return Crowd(port, ask, heard)


def _newest(playlist: str) -> int:
    """The number of the last whole segment."""
    found = re.findall(r"^s(\d+)\.m4s", playlist, re.MULTILINE)
    return int(found[-1]) if found else 0


def main(kind: str, port: int, name: str, count: int) -> None:
    crowd = {"silent": silent, "feed": feed, "holds": holds}[kind](port, name)
    for number in range(count):
        crowd.add()
        if number % 64 == 0:
            crowd.serve(0.01)
    print("there", flush=True)
    crowd.serve(3600)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
