"""Says where the event loop stands while it stands still (F23): a thread beside it looks now and then."""

import sys
import threading
import time
from types import FrameType
from typing import Final

import structlog

LOOK_S: Final = 0.5
_FRAMES: Final = 12
_log = structlog.get_logger()


class Watchdog:
    """Watches the thread that starts it, which has to `beat` at least every `patience_s` seconds."""

    def __init__(self, patience_s: float, look_s: float = LOOK_S) -> None:
        self._patience_s = patience_s
        self._look_s = look_s
        self._watched = threading.get_ident()
        self._beat = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def beat(self) -> None:
        """The loop goes on."""
        self._beat = time.monotonic()

    def _run(self) -> None:
        told, before = 0.0, time.monotonic()
        while not self._over.wait(self._look_s):
            now = time.monotonic()
            slept, before = now - before, now
            beat = self._beat
            # Where this thread was late too, the machine stood still and not the loop.
            if slept < 2 * self._look_s and now - beat > self._patience_s and beat != told:
                told = beat
                _log.warning("loop_stands_still", seconds=round(now - beat, 2), stack=self._stack())

    def _stack(self) -> list[str]:
        """Where the watched thread is, innermost first: files, lines and functions, never values."""
        frame: FrameType | None = sys._current_frames().get(self._watched)
        found: list[str] = []
        while frame is not None and len(found) < _FRAMES:
            code = frame.f_code
            found.append(f"{code.co_filename.rpartition('/')[2]}:{frame.f_lineno} {code.co_qualname}")
            frame = frame.f_back
        return found
