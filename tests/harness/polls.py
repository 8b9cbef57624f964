"""A backend that shared polls ask, and the official client as a process that takes orders."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.harness.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "web" / "package.json"
SCRIPT = Path(__file__).parent / "js" / "polls.mjs"


class PollBackend:
    """Answers with what it has; an item is a dict as in Centrifugo's answers."""

    def __init__(self) -> None:
        self.has: dict[str, dict[str, Any]] = {}
        self.epoch = ""
        self.asked: list[list[str]] = []
        self.status = 200
        self.url = ""

    def put(self, key: str, **item: Any) -> None:
        self.has = {**self.has, key: {"key": key, **item}}

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        keys = [item["key"] for item in body["items"]]
        self.asked.append(keys)
        items = [self.has[key] for key in keys if key in self.has]
        return {"result": {"items": items, "epoch": self.epoch}}


@contextmanager
def poll_backend() -> Iterator[PollBackend]:
    backend = PollBackend()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802 (named by the base class)
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            words = json.dumps(backend.answer(body)).encode()
            self.send_response(backend.status)
            self.send_header("content-length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        backend.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield backend
        finally:
            server.shutdown()
            thread.join()


class PollClient:
    """One official client, subscribed to one channel."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._said: queue.Queue[list[Any]] = queue.Queue()

    def read(self) -> None:
        """In a thread of its own, until the client ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def do(self, order: str, what: Any = None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([order, what]) + "\n")
        self._process.stdin.flush()

    def hears(self, *words: Any) -> list[list[Any]]:
        """Wait until the client says this; what it said before."""
        before: list[list[Any]] = []
        while True:
            try:
                said = self._said.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise AssertionError(f"{words} was not said, but {before}") from None
            if said[: len(words)] == list(words):
                return before
            before.append(said)


@contextmanager
def poll_client(
    base: str, encoding: str, channel: str, secret: str, *, transport: str = "websocket", delta: str = ""
) -> Iterator[PollClient]:
    command = ["node", str(SCRIPT), str(PACKAGES), base, transport, encoding, channel, secret, delta]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        client = PollClient(process)
        reader = threading.Thread(target=client.read)
        reader.start()
        try:
            yield client
        finally:
            process.kill()
            reader.join()
