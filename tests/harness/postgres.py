"""A private PostgreSQL cluster in a temporary directory, as a user that is not root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """Yields a URL with `{}` for the database's name. It listens on a unix socket in `folder` alone: a port
    could be taken by somebody else while it is stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, _OWNER)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent != Path("/") and str(parent).startswith("/tmp/"):
                parent.chmod(0o755)
    data = folder / "data"
    _run(_binaries() / "initdb", "-D", data, "-A", "trust", "-U", _OWNER, "--no-sync")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=40"
    (folder / "options").write_text(options)
    switch(folder, True)
    try:
        yield f"postgresql://{_OWNER}@/{{}}?host={folder}"
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
