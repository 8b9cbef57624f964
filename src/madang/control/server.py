"""The server itself, as its admins see it."""

import os
import resource
import shutil
import time
from pathlib import Path
from typing import Any

import madang
from madang.control.book import Book
from madang.control.clerk import Clerk
from madang.control.live import Live
from madang.control.urls import Urls

_DISK_SHARE_MIN = 0.1
_LAG_MAX_MS = 100.0
_PAGE_BYTES = resource.getpagesize()


class Server:
    """Measures this process. `reasons` of `health` are words; a page turns them into sentences."""

    def __init__(self, clerk: Clerk, live: Live, book: Book, data_dir: Path, database: str) -> None:
        self.loop_lag_ms = 0.0
        """Written once a second by whoever runs the control plane's loop."""
        self.unsafe: tuple[str, ...] = ()
        """Unsafe settings that are on (A68)."""
        self.unread = False
        """Whether the last look at the database failed (F13); written by whoever follows it."""
        self._clerk = clerk
        self._live = live
        self._book = book
        self._data_dir = data_dir
        self._database = database
        self._started = clerk.clock.wall()
        self._cpu = (time.process_time(), clerk.clock.monotonic())
        self._cpu_percent = 0.0

    @property
    def database_away(self) -> bool:
        """Whether it was not to be read or written when that was tried last."""
        return self.unread or self._book.away

    def site(self, urls: Urls) -> dict[str, Any]:
        """What a page must know before anybody signs in."""
        return {
            "name": self._clerk.settings.name,
            "version": madang.__version__,
            "public_url": urls.base,
            "rtmp_url": urls.rtmp,
            "signed_up": bool(self._clerk.directory.admins()),
            "sign_up": self._clerk.settings.sign_up,
        }

    def tick(self, lag_s: float) -> None:
        """Once a second: how late the loop was, and how much of a core was used."""
        self.loop_lag_ms = round(max(lag_s * 1000, self.loop_lag_ms * 0.8), 1)
        used, now = time.process_time(), self._clerk.clock.monotonic()
        before, since = self._cpu
        if now - since >= 5.0:
            self._cpu_percent = round(100 * (used - before) / (now - since), 1)
            self._cpu = (used, now)

    async def health(self) -> dict[str, Any]:
        """Load, memory, disk, descriptors, streams, viewers; and why it is degraded, where it is."""
        disk = shutil.disk_usage(self._data_dir)
        streams, viewers = self._live.count()
        files, limit = len(os.listdir("/proc/self/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)[0]  # noqa: PTH208
        reasons = [f"unsafe:{name}" for name in self.unsafe]
        if disk.free < _DISK_SHARE_MIN * disk.total:
            reasons.append("disk")
        if self.loop_lag_ms > _LAG_MAX_MS:
            reasons.append("loop_lag")
        if files > 0.9 * limit:
            reasons.append("open_files")
        if self.database_away or self._book.dropped or len(self._book) > 1000:
            reasons.append("database")
        now = self._clerk.clock.wall()
        return {
            "status": "degraded" if reasons else "ok",
            "reasons": reasons,
            "version": madang.__version__,
            "started_at": self._started,
            "uptime_s": max(0.0, now - self._started),
            "cpu_percent": self._cpu_percent,
            "memory_bytes": _resident_bytes(),
            "open_files": files,
            "open_files_limit": limit,
            "loop_lag_ms": self.loop_lag_ms,
            "disk": {"path": str(self._data_dir), "total_bytes": disk.total, "free_bytes": disk.free},
            "database": self._database,
            "live_streams": streams,
            "viewers": viewers,
            "channels": sum(1 for _ in self._clerk.directory.channels()),
            "users": len(self._clerk.directory.accounts()),
        }


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES
