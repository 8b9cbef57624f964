"""A crowd of LL-HLS viewers in one process: python -m bench.segments PORT PATH COUNT RAMP_S SECONDS.

Each does what hls.js does in low-latency mode, over one kept connection: the multivariant playlist once,
then by turns a blocking playlist reload with delta updates, and the part that it brought. Prints one JSON
line when everyone plays, and one with the result at the end.
"""

import json
import re
import select
import socket
import sys
import time
import zlib
from enum import Enum
from typing import NamedTuple

SETTLE_S = 3.0
PART_S = 0.5
"""Of the standard preset: a viewer who is served in full gets two parts a second."""
_READ = 1 << 20
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PART = re.compile(rb'#EXT-X-PART:[^\n]*URI="([^"]+)"')
_SEQUENCE = re.compile(rb"#EXT-X-MEDIA-SEQUENCE:(\d+)")
_SKIPPED = re.compile(rb"SKIPPED-SEGMENTS=(\d+)")


class Asked(Enum):
    """What a viewer waits for."""

    DOOR = "door"
    PLAYLIST = "playlist"
    PART = "part"


class Edge(NamedTuple):
    """What a media playlist says: its last part, and which segment and part to ask for next."""

    part: bytes
    msn: int
    index: int


class Viewer:
    """One viewer and the answer that it waits for."""

    __slots__ = ("asked", "edge", "folder", "gathered", "missing", "playlist", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.asked = Asked.DOOR
        self.folder = self.playlist = self.gathered = b""
        self.missing = 0
        self.edge = Edge(b"", -1, -1)


class Crowd:
    """Viewers of one stream, driven by one epoll loop. Counts since the last `reset`."""

    def __init__(self, port: int, path: str) -> None:
        self.viewers: dict[int, Viewer] = {}
        self.disconnected = 0
        self._port = port
        self._path = path.encode()
        self._poll = select.epoll()
        self._buffer = bytearray(_READ)
        self._view = memoryview(self._buffer)
        self._edges: dict[bytes, Edge] = {}
        self.reset()

    def reset(self) -> None:
        self.parts = self.playlists = self.skipped = self.bytes = 0

    def add(self) -> None:
        sock = socket.create_connection(("127.0.0.1", self._port), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        viewer = self.viewers[sock.fileno()] = Viewer(sock)
        self._poll.register(sock.fileno(), select.EPOLLIN)
        self._get(viewer, self._path)

    def run_until(self, when: float) -> None:
        while (left := when - time.monotonic()) > 0:
            for fd, _ in self._poll.poll(left, 1024):
                self._read(self.viewers[fd])

    def _get(self, viewer: Viewer, path: bytes) -> None:
        viewer.sock.send(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n" % path)

    def _read(self, viewer: Viewer) -> None:
        try:
            size = viewer.sock.recv_into(self._view)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        self.bytes += size
        if not size:
            self._drop(viewer)
        elif viewer.missing:
            viewer.missing = max(viewer.missing - size, 0)
            if not viewer.missing:
                self._have_part(viewer)
        else:
            self._answer(viewer, viewer.gathered + self._buffer[:size])

    def _answer(self, viewer: Viewer, data: bytes) -> None:
        """The beginning of an answer, with what was gathered of it before."""
        end = data.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(data, 0, end) if end > 3 else None
        viewer.gathered = b""
        if end > 3 and (length is None or not data.startswith(b"HTTP/1.1 200")):
            self._drop(viewer)
            return
        left = end + int(length[1]) - len(data) if length else 1
        if left <= 0:
            self._take(viewer, data[:end], data[end:])
        elif viewer.asked is Asked.PART and length:
            viewer.missing = left
        else:
            viewer.gathered = data

    def _take(self, viewer: Viewer, head: bytes, body: bytes) -> None:
        """A whole answer."""
        if viewer.asked is Asked.PART:
            self._have_part(viewer)
            return
        if viewer.asked is Asked.PLAYLIST:
            self._have_playlist(viewer, body)
            return
        text = _plain(body) if b"gzip" in head.lower() else body
        uri = next(line for line in text.splitlines() if line and not line.startswith(b"#"))
        viewer.playlist = self._path.rpartition(b"/")[0] + b"/" + uri
        viewer.folder = viewer.playlist.partition(b"?")[0].rpartition(b"/")[0] + b"/"
        viewer.asked = Asked.PLAYLIST
        self._get(viewer, viewer.playlist)

    def _have_playlist(self, viewer: Viewer, body: bytes) -> None:
        self.playlists += 1
        edge = self._edges.get(body)
        if edge is None:
            if len(self._edges) > 64:
                self._edges.clear()
            edge = self._edges[body] = _read_edge(_plain(body) if body[:2] == b"\x1f\x8b" else body)
        last = viewer.edge
        if last.msn >= 0 and edge.msn == last.msn and edge.index > last.index + 1:
            self.skipped += edge.index - last.index - 1
        viewer.edge = edge
        if edge.part and edge.part != last.part:
            viewer.asked = Asked.PART
            self._get(viewer, viewer.folder + edge.part)
        else:
            self._reload(viewer)

    def _have_part(self, viewer: Viewer) -> None:
        self.parts += 1
        self._reload(viewer)

    def _reload(self, viewer: Viewer) -> None:
        viewer.asked = Asked.PLAYLIST
        mark = b"&" if b"?" in viewer.playlist else b"?"
        next_part = b"_HLS_msn=%d&_HLS_part=%d&_HLS_skip=YES" % (viewer.edge.msn, viewer.edge.index)
        self._get(viewer, viewer.playlist + mark + next_part)

    def _drop(self, viewer: Viewer) -> None:
        self._poll.unregister(viewer.sock.fileno())
        del self.viewers[viewer.sock.fileno()]
        viewer.sock.close()
        self.disconnected += 1


def _plain(body: bytes) -> bytes:
    return zlib.decompress(body, 31)


def _read_edge(text: bytes) -> Edge:
    """The live edge of a media playlist, whole or delta."""
    sequence, skipped = _SEQUENCE.search(text), _SKIPPED.search(text)
    msn = (int(sequence[1]) if sequence else 0) + (int(skipped[1]) if skipped else 0) + text.count(b"#EXTINF")
    parts = _PART.findall(text)
    behind = text[text.rfind(b"#EXTINF") :] if b"#EXTINF" in text else text
    return Edge(parts[-1] if parts else b"", msn, len(_PART.findall(behind)))


def main(port: int, path: str, number: int, ramp_s: float, seconds: float) -> None:
    crowd = Crowd(port, path)
    begin = time.monotonic()
    for index in range(number):
        crowd.add()
        crowd.run_until(begin + ramp_s * (index + 1) / number)
    crowd.run_until(time.monotonic() + SETTLE_S)
    crowd.reset()
    print(json.dumps({"ready": len(crowd.viewers)}), flush=True)
    crowd.run_until(time.monotonic() + seconds)
    requests = crowd.parts + crowd.playlists
    result = {
        "viewers": len(crowd.viewers),
        "served": crowd.parts * PART_S / seconds,
        "requests": requests,
        "requests_per_s": requests / seconds,
        "parts": crowd.parts,
        "bytes": crowd.bytes,
        "disconnected": crowd.disconnected,
        "lost_share": crowd.skipped / max(crowd.parts + crowd.skipped, 1),
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
