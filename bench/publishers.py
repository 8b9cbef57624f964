"""Publishers in one process: python -m bench.publishers PORT APP FILE, FILE with one stream key per line.

Each sends the clip in a loop, in real time, frame by frame as OBS does (chunks of 4,096 bytes); their
clocks are staggered so that keyframes do not come together. Prints `ready` when all publish, and each second
how many frames were sent.
"""

import heapq
import select
import socket
import sys
import time
from functools import lru_cache
from pathlib import Path

from bench import clip
from bench.wire import AUDIO, COMMAND, amf, message, open_rtmp

_CHUNK = 4096
_METADATA = {"width": 1280, "height": 720, "videocodecid": 7, "audiocodecid": 10}


class Publisher:
    """One connection and its place in the clip."""

    __slots__ = ("began", "index", "lap", "sock")

    def __init__(self, port: int, app: str, key: str) -> None:
        self.sock = open_rtmp(port, app, _CHUNK)
        self.sock.sendall(message(8, COMMAND, 1, 0, amf("publish", 4.0, None, key, "live"), _CHUNK))
        wait_for(self.sock, b"NetStream.Publish.Start")
        self.sock.sendall(message(4, 18, 1, 0, amf("@setDataFrame", "onMetaData", _METADATA), _CHUNK))
        self.index = self.lap = 0
        self.began = 0.0


def wait_for(sock: socket.socket, word: bytes) -> None:
    """Read until the server has said `word`."""
    heard = b""
    while word not in heard:
        data = sock.recv(65_536)
        if not data:
            raise ConnectionError(f"closed before {word.decode()}")
        heard += data


def publish(port: int, app: str, keys: list[str]) -> None:
    tags = [tag for tag in clip.tags(clip.path()) if tag.type in (8, 9)]
    length_ms = clip.duration_ms(tags)

    @lru_cache(maxsize=4096)
    def rendered(index: int, lap: int) -> bytes:
        tag = tags[index]
        csid = 4 if tag.type == AUDIO else 6
        return message(csid, tag.type, 1, lap * length_ms + tag.at_ms, tag.body, _CHUNK)

    poll = select.epoll()
    due: list[tuple[float, int]] = []
    publishers: list[Publisher] = []
    for number, key in enumerate(keys):
        publisher = Publisher(port, app, key)
        publisher.began = time.monotonic() + 2 * number / len(keys)
        publishers.append(publisher)
        poll.register(publisher.sock.fileno(), select.EPOLLIN)
        heapq.heappush(due, (publisher.began, number))
    print("ready", flush=True)
    sent, told = 0, time.monotonic()
    by_fd = {publisher.sock.fileno(): publisher.sock for publisher in publishers}
    while True:
        at, number = due[0]
        wait = at - time.monotonic()
        if wait > 0:
            drain(poll, by_fd, wait)
            continue
        publisher = publishers[number]
        publisher.sock.sendall(rendered(publisher.index, publisher.lap))
        publisher.index += 1
        sent += 1
        if time.monotonic() - told > 1.0:
            told = time.monotonic()
            print(f"{told} {sent}", flush=True)
        if publisher.index == len(tags):
            publisher.index, publisher.lap = 0, publisher.lap + 1
        at_ms = publisher.lap * length_ms + tags[publisher.index].at_ms
        heapq.heapreplace(due, (publisher.began + at_ms / 1000, number))


def drain(poll: select.epoll, by_fd: dict[int, socket.socket], seconds: float) -> None:
    """Read acknowledgements and answers for so long; a server that hangs up ends the benchmark."""
    for fd, _ in poll.poll(seconds):
        if not by_fd[fd].recv(65_536):
            raise ConnectionError("a publisher was sent away")


if __name__ == "__main__":
    publish(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text().split())
