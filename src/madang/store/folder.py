"""The data directory: made at the first start, and held by one server at a time."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
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


class Holder(msgspec.Struct, frozen=True):
    """Who runs on a directory, and where its first doors are: `HOST:PORT`, empty while they are not open."""

    process: int
    http: str = ""
    rtmp: str = ""


@contextmanager
def held(folder: Path, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Hold the directory while the block runs; InUseError when another server does.

    Two would remove each other's segments. The kernel lets go when the process ends, however it ends.
    """
    with _opened(folder / LOCK_FILE) as descriptor:
        deadline = time.monotonic() + patience_s
        while not _lock(descriptor):
            if time.monotonic() >= deadline:
                raise InUseError(_sentence(folder))
            time.sleep(_LOOK_AGAIN_S)
        tell(folder, Holder(os.getpid()))
        yield


def tell(folder: Path, holder: Holder) -> None:
    """What the commands beside a server want to know of it; to be called by the one that holds."""
    with contextlib.suppress(OSError):  # a full disk: the directory is held all the same
        (folder / LOCK_FILE).write_bytes(msgspec.json.encode(holder))


def holder_of(folder: Path) -> Holder | None:
    """The server that runs on the directory now; None when none does."""
    with contextlib.suppress(OSError, StoreError), _opened(folder / LOCK_FILE, make=False) as descriptor:
        if not _lock(descriptor):
            return _read(folder)
    return None


def _read(folder: Path) -> Holder | None:
    try:
        return msgspec.json.decode((folder / LOCK_FILE).read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None


@contextmanager
def _opened(path: Path, make: bool = True) -> Iterator[int]:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if make else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # some network file systems have no locks
        _log.warning("data_directory_without_locks", reason=error.strerror)
    return True


def _sentence(folder: Path) -> str:
    holder = _read(folder)
    who = f" (process {holder.process})" if holder else ""
    return f"Another Madang{who} runs on {folder}: stop it, or take another directory by `--data DIR`."
