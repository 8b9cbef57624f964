"""The data directory: made at the first start, and held by one server at a time."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from madang.store.upgrade import StoreError

LOCK_FILE: Final = "lock"
_PATIENCE_S: Final = 1.0
"""How long a server waits for one that is just going."""
_LOOK_AGAIN_S: Final = 0.1
_log = structlog.get_logger()


class InUseError(StoreError):
    """Another server holds the directory."""


def make_folder(folder: Path) -> None:
    """The directory, its owner's alone; StoreError when it cannot be made or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"The data directory {folder} cannot be made: {error.strerror}.") from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StoreError(f"The data directory {folder} cannot be written by this user.")


@contextmanager
def held(folder: Path, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Hold the directory while the block runs; InUseError when another server does.

    Two would remove each other's segments. The kernel lets go when the process ends, however it ends.
    """
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(f"{folder / LOCK_FILE} cannot be opened: {error.strerror}.") from None
    with contextlib.closing(os.fdopen(descriptor, "r+")) as file:
        deadline = time.monotonic() + patience_s
        while not _lock(descriptor):
            if time.monotonic() >= deadline:
                raise InUseError(_sentence(folder, file.read(20).strip()))
            time.sleep(_LOOK_AGAIN_S)
        with contextlib.suppress(OSError):  # a full disk: the lock is held all the same
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
        yield


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # some network file systems have no locks
        _log.warning("data_directory_without_locks", reason=error.strerror)
    return True


def _sentence(folder: Path, holder: str) -> str:
    who = f" (process {holder})" if holder.isdigit() else ""
    return (
        f"Another Madang{who} runs on {folder}: stop it, or give this one another directory by `--data DIR`."
    )
