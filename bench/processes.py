"""Processes under measurement: pinned to a core, their CPU time and memory read from /proc."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE = 0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def generator_cores() -> set[int]:
    """Every core but the server's; the same one on a machine that has no other."""
    return (os.sched_getaffinity(0) - {SERVER_CORE}) or {SERVER_CORE}


class Pinned:
    """A running process and its children. Times are seconds of CPU, user and system together."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def cpu_s(self) -> float:
        """CPU time of the tree so far; children that have ended count with their parent."""
        return sum(_cpu_s(pid) for pid in self._tree())

    def rss_bytes(self) -> int:
        """Resident memory of the tree."""
        return sum(_rss_bytes(pid) for pid in self._tree())

    def idle_share(self, seconds: float = 2.0) -> float:
        """Cores that the process uses by itself, measured now."""
        before = self.cpu_s()
        time.sleep(seconds)
        return (self.cpu_s() - before) / seconds

    def calm_down(self, seconds: float = 15.0) -> None:
        """Wait until what goes on behind a start is over: two quiet seconds, at most so many."""
        end, quiet = time.monotonic() + seconds, 0
        while quiet < 2 and time.monotonic() < end:
            quiet = quiet + 1 if self.idle_share(1.0) < 0.03 else 0

    def _tree(self) -> list[int]:
        pids = [self.process.pid]
        for pid in pids:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    pids += [int(child) for child in task.read_text().split()]
                except OSError:
                    continue
        return pids


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


@contextmanager
def running(
    command: Sequence[str], cores: set[int], env: dict[str, str] | None = None, until: bytes = b""
) -> Iterator[Pinned]:
    """Run `command` on `cores` and end it, with all its children, at the end. With `until`, wait first for
    that line of its output."""

    def settle() -> None:
        os.sched_setaffinity(0, cores)

    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE if until else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=settle,
        start_new_session=True,
        env=os.environ | (env or {}),
    )
    try:
        if process.stdout is not None and process.stdout.readline().strip() != until:
            raise RuntimeError(f"{' '.join(command)} did not begin")
        yield Pinned(process)
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_for_port(port: int, seconds: float = 60.0) -> None:
    """Return once somebody accepts on `port`."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise TimeoutError(f"nobody listens on {port}") from None
            time.sleep(0.05)
