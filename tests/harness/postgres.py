"""A private PostgreSQL cluster in a temporary directory, as a user that is not root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.server import free_port

_OWNER = "postgres"


def _binaries() -> Path:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1].parent


def _run(*command: str | Path) -> None:
    as_owner = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_owner, *map(str, command)], capture_output=True, text=True, timeout=60, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Yields `postgresql://…/` without a database name; unix socket and data stay in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, _OWNER)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent != Path("/") and str(parent).startswith("/tmp/"):
                parent.chmod(0o755)
    data, port = folder / "data", free_port()
    _run(_binaries() / "initdb", "-D", data, "-A", "trust", "-U", _OWNER, "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=40"
    (folder / "options").write_text(options)
    switch(folder, True)
    try:
        yield f"postgresql://{_OWNER}@127.0.0.1:{port}/"
    finally:
        if (data / "postmaster.pid").exists():
            switch(folder, False)


def switch(folder: Path, on: bool) -> None:
    """Start or stop the cluster; stopping cuts every connection."""
    program = [_binaries() / "pg_ctl", "-D", folder / "data"]
    if on:
        options = (folder / "options").read_text()
        _run(*program, "-w", "-l", folder / "log", "-o", options, "start")
    else:
        _run(*program, "-m", "immediate", "stop")
