"""The DVR spool: closed segments of live broadcasts on disk, so that memory keeps only the last of them.

One directory per broadcast, named by ids alone; a segment is one file, written aside and renamed, so that
it is whole or not there. What a crash leaves is removed at the next start; what a drain leaves is
continued. Reads and writes happen in threads, never on the loop.
"""

import asyncio
import os
import re
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import structlog

from madang.base.errors import Bug
from madang.base.limits import SPOOL_BYTES, SPOOL_FREE_BYTES, SPOOL_PENDING_BYTES

log = structlog.get_logger(__name__)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_STATE = "window"
_LOOK_BYTES = 32 << 20
"""Written between two looks at what the disk has left; far less than the SPOOL_FREE_BYTES it must have."""
_TROUBLE_S = 60.0
"""How long after a refusal the disk counts as in trouble: every segment of every broadcast meets it again."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_OLD = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
"""A3: a link in the place of a segment leads nowhere."""


class Spool:
    """Files below `root`, which belongs to it alone: whatever it does not know there is removed."""

    def __init__(self, root: Path) -> None:
        self.bytes = 0
        """On disk and on the way there."""
        self.refused = 0
        """Segments that were not written: the disk or the bound is full, or too slow."""
        self._root = root
        self._refused_at = -_TROUBLE_S
        self._told = False
        """Whether the log has the trouble's beginning and not yet its end."""
        self._pending = 0
        self._unlooked = _LOOK_BYTES
        """Written since the disk was last looked at; it begins with a look."""
        self._closed = False
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="spool")
        """Writes and removes, one behind the other: nothing is written into what was dropped before."""
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="spool-read")
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def folder(self, channel: str, broadcast: str) -> Path:
        """The directory of a broadcast, which need not exist."""
        if not _ID.fullmatch(channel) or not _ID.fullmatch(broadcast):
            raise Bug(f"not an id for a path: {channel!r}, {broadcast!r}")
        return self._root / f"{channel}.{broadcast}"

    def put(self, folder: Path, msn: int, body: bytes) -> "Future[bool]":
        """Write a segment; the future tells whether it is on disk."""
        size = len(body)
        if self._closed or self._pending + size > SPOOL_PENDING_BYTES or self.bytes + size > SPOOL_BYTES:
            self._refuse("segments come faster than they can be kept")
            refused: Future[bool] = Future()
            refused.set_result(False)
            return refused
        self._pending += size
        self.bytes += size
        return self._threads.submit(self._write, folder / f"{msn}.m4s", body)

    def _write(self, path: Path, body: bytes) -> bool:
        size = len(body)
        try:
            self._look(size)
            _write_aside(path, body)
        except OSError as error:
            self._refuse(str(error))
            self.bytes -= size
            return False
        finally:
            self._pending -= size
        if self._told:
            self._told = False
            log.warning("spool_writes_again", refused=self.refused)
        return True

    @property
    def failing(self) -> bool:
        """Whether a segment of the last minute was not kept."""
        return time.monotonic() - self._refused_at < _TROUBLE_S

    def _refuse(self, why: str) -> None:
        """Count it, and tell it once for all segments of one trouble."""
        if not self.failing:
            self._told = True
            log.warning("spool_write_failed", error=why)
        self.refused += 1
        self._refused_at = time.monotonic()

    def _look(self, size: int) -> None:
        """OSError when the disk is nearly full, as it was at the last look at it."""
        self._unlooked += size
        if self._unlooked < _LOOK_BYTES:
            return
        if shutil.disk_usage(self._root).free < SPOOL_FREE_BYTES:
            raise OSError("the disk is nearly full")
        self._unlooked = 0

    async def read(self, folder: Path, msn: int) -> bytes:
        """A segment's bytes, empty when it is not there."""
        if self._closed:
            return b""
        return await asyncio.get_running_loop().run_in_executor(self._readers, _read, folder / f"{msn}.m4s")

    def remove(self, folder: Path, msn: int, size: int, written: "Future[bool] | None" = None) -> None:
        """A segment slid out of the window; `written` is what `put` gave, where that may not be known."""
        if not self._closed:
            self._threads.submit(self._remove, folder / f"{msn}.m4s", size, written)

    def _remove(self, path: Path, size: int, written: "Future[bool] | None") -> None:
        """Behind its writing, by the same thread: what was not kept does not count."""
        if written is None or written.result():
            self.bytes -= size
            path.unlink(missing_ok=True)

    def drop(self, folder: Path) -> None:
        """A broadcast is gone, its segments are removed: its directory goes."""
        if not self._closed:
            self._threads.submit(shutil.rmtree, folder, ignore_errors=True)

    def save(self, folder: Path, state: bytes) -> "Future[bool]":
        """Keep a window's state beside its segments, for the next run of the server."""
        return self._threads.submit(_write_state, folder, state)

    def load(self, folder: Path) -> bytes:
        """The state that the run before left, empty when there is none; it is used once."""
        state = _read(folder / _STATE)
        (folder / _STATE).unlink(missing_ok=True)
        return state

    def has(self, folder: Path, msn: int, size: int) -> bool:
        """Whether a segment of the run before is whole; it counts from now on."""
        try:
            whole = (folder / f"{msn}.m4s").lstat().st_size == size
        except OSError:
            whole = False
        self.bytes += size if whole else 0
        return whole

    def clean(self, keep: Iterable[Path]) -> None:
        """At the start: remove what no broadcast continues."""
        kept = set(keep)
        for folder in self._root.iterdir():
            if folder not in kept:
                self._threads.submit(shutil.rmtree, folder, ignore_errors=True)

    async def close(self) -> None:
        """Wait for what is being written; nothing is written, read or removed from now on."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._readers.shutdown)


def _read(path: Path) -> bytes:
    try:
        with os.fdopen(os.open(path, _OLD), "rb") as file:
            return file.read()
    except OSError:
        return b""


def _write_aside(path: Path, body: bytes) -> None:
    """Write a file so that it is whole or not there. As few system calls as that takes: a thread lets go of
    the interpreter at each one, and the loop has to take it back."""
    whole = str(path)
    part = whole + ".part"
    try:
        descriptor = os.open(part, _NEW, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, _NEW, 0o600)
    try:
        written = os.write(descriptor, body)
        while written < len(body):
            written += os.write(descriptor, memoryview(body)[written:])
    finally:
        os.close(descriptor)
    os.rename(part, whole)


def _write_state(folder: Path, state: bytes) -> bool:
    try:
        _write_aside(folder / _STATE, state)
    except OSError as error:
        log.warning("spool_state_failed", path=str(folder), error=str(error))
        return False
    return True
