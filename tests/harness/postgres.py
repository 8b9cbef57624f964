"""A private PostgreSQL cluster in a temporary directory, as a user that is not root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWNER = "postgres"


def _binaries() -> Path:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1].parent


def _run(*command: str | Path) -> None:
    as_owner = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
    line = [*as_owner, *map(str, command)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=90, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


class Cluster:
    """It listens on a unix socket in `folder` alone: a port could be taken by somebody else while it is
    stopped, and pytest closes its own folders to other users."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql://{_OWNER}@/{database}?host={self.folder}"

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=40"
        log = self.folder / "log"
        _run(_binaries() / "pg_ctl", "-D", self.data, "-w", "-t", "80", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Cut every connection."""
        _run(_binaries() / "pg_ctl", "-D", self.data, "-m", "immediate", "stop")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster that runs, and is gone afterwards."""
    made = Cluster(Path(tempfile.mkdtemp(prefix="madang-postgres-", dir="/tmp")))
    if os.geteuid() == 0:
        shutil.chown(made.folder, _OWNER)
    try:
        _run(_binaries() / "initdb", "-D", made.data, "-A", "trust", "-U", _OWNER, "--no-sync")
        made.start()
        yield made
    finally:
        if (made.data / "postmaster.pid").exists():
            made.stop()
        shutil.rmtree(made.folder, ignore_errors=True)
