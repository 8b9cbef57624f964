"""A publisher who sends recorded tags in real time, under whatever timestamps a test wants."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.harness.patience import PATIENCE_S
from tests.harness.publisher import FFMPEG

from madang.containers.flv.tag import Tag, TagReader
from madang.protocols.rtmp.client import Aim, ClientConnection, Status, Target
from madang.protocols.rtmp.handshake import ENTROPY_BYTES

Stamp = Callable[[int], int]


def record(file: Path, seconds: float, *extra: str) -> list[Tag]:
    """What ffmpeg writes of a test picture and a tone: a keyframe each second."""
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30"]
    sound = ["-f", "lavfi", "-i", "sine=sample_rate=48000"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-c:a", "aac"]
    ends = ["-t", str(seconds), *extra, "-f", "flv", str(file)]
    subprocess.run([FFMPEG, "-loglevel", "error", *picture, *sound, *coded, *ends], check=True, timeout=60)
    return TagReader().receive(file.read_bytes())


class Encoder(threading.Thread):
    """Publishes its tags, and says goodbye when it is told to. `fault` says why it did not come so far."""

    def __init__(self, port: int, key: str, tags: Sequence[Tag], stamp: Stamp = lambda ms: ms) -> None:
        super().__init__(daemon=True)
        self._tags = tags
        self._stamp = stamp
        self._sock = socket.create_connection(("127.0.0.1", port), 30)
        target = Target("rtmp://127.0.0.1/live", "live", key, Aim.PUBLISH)
        self._wire = ClientConnection(os.urandom(ENTROPY_BYTES), target)
        self.status = self._open()
        self.fault = ""
        self.sent = threading.Event()
        self._enough = threading.Event()
        self.start()

    def _open(self) -> str:
        """Up to the answer; its code."""
        while True:
            self._sock.sendall(self._wire.take())
            data = self._sock.recv(65536)
            assert data, "the server closed without an answer"
            for event in self._wire.receive(data):
                if isinstance(event, Status):
                    return event.code

    def finish(self) -> None:
        """Say goodbye."""
        self._enough.set()
        self.join(PATIENCE_S)

    def run(self) -> None:
        began = time.monotonic()
        try:
            for tag in self._tags:
                time.sleep(max(0.0, began + tag.timestamp_ms / 1000 - time.monotonic()))
                stamped = self._stamp(tag.timestamp_ms) % 2**32
                self._sock.sendall(self._wire.send(tag.type, stamped, tag.body))
            self.sent.set()
            self._enough.wait(PATIENCE_S)
            self._wire.say_goodbye()
            self._sock.sendall(self._wire.take())
            self._sock.shutdown(socket.SHUT_WR)
            while self._sock.recv(65536):  # with something unread, a close would take the goodbye back
                pass
        except OSError as error:
            self.fault = repr(error)
        finally:
            self._sock.close()
