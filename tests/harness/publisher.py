"""A real RTMP publisher: ffmpeg, fed with pictures that carry the wall clock in their top rows.

The top 16 rows are 40 blocks of 16 pixels: 32 bits of the wall clock in milliseconds (modulo 2**32, most
significant first) and 8 bits of their byte sum, black for 0 and white for 1.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import imageio_ffmpeg

WIDTH, HEIGHT, BLOCK = 640, 360, 16
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

READ_CLOCK_JS = """
(video) => {
  const canvas = (window.__clock ??= document.createElement('canvas'));
  canvas.width = 640; canvas.height = 16;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight * 16 / 360, 0, 0, 640, 16);
  const pixels = context.getImageData(0, 8, 640, 1).data;
  let value = 0, sum = 0, check = 0;
  for (let i = 0; i < 40; i++) {
    const bit = pixels[(i * 16 + 8) * 4] > 127 ? 1 : 0;
    if (i < 32) value = value * 2 + bit; else check = check * 2 + bit;
  }
  for (let v = value, i = 0; i < 4; i++) { sum += v % 256; v = Math.floor(v / 256); }
  if (sum % 256 !== check) return null;
  return (Date.now() % 4294967296) - value;
}
"""
"""Evaluates to the milliseconds between the picture's burned clock and now, or null when unreadable."""


def clock_rows(milliseconds: int) -> bytes:
    """The luma of the top 16 rows for one moment."""
    value = milliseconds % 2**32
    bits = value << 8 | sum(value.to_bytes(4, "big")) % 256
    row = b"".join((b"\xeb" if bits >> (39 - i) & 1 else b"\x10") * BLOCK for i in range(40))
    return row * BLOCK


def bodies(count: int = 60) -> list[bytes]:
    """Luma below the clock and both chroma planes: a bright bar that moves over a ramp."""
    ramp = bytes(40 + x * 120 // WIDTH for x in range(WIDTH))
    chroma = bytes([120]) * (WIDTH * HEIGHT // 4) + bytes([140]) * (WIDTH * HEIGHT // 4)
    made = []
    for i in range(count):
        left = i * (WIDTH - 60) // count
        row = ramp[:left] + b"\xd0" * 60 + ramp[left + 60 :]
        made.append(row * (HEIGHT - BLOCK) + chroma)
    return made


def command(
    url: str, *, fps: int = 30, gop_s: float = 2.0, audio: bool = True, extra: tuple[str, ...] = ()
) -> list[str]:
    """ffmpeg from a pipe of raw pictures to `url`; options in `extra` win over the usual ones."""
    sound = ("-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000") if audio else ()
    return [
        FFMPEG, "-hide_banner", "-loglevel", "error", "-fflags", "nobuffer",
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(fps), "-i", "pipe:0",
        *sound,
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "800k", "-maxrate", "800k",
        "-bufsize", "400k", "-g", str(round(fps * gop_s)), "-threads", "1", "-c:a", "aac", "-b:a", "96k",
        *extra, "-flush_packets", "1", "-f", "flv", url,
    ]  # fmt: skip


class Publisher:
    """Publishes until stopped; `stop` says goodbye, `kill` does not."""

    def __init__(self, arguments: list[str], fps: int = 30) -> None:
        self._fps = fps
        self._said: str | None = None
        self._over = threading.Event()
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        self._thread = threading.Thread(target=self._feed, name="publisher", daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        assert self.process.stdin is not None
        pictures, start, index = bodies(), time.monotonic(), 0
        try:
            while not self._over.wait(max(0.0, start + index / self._fps - time.monotonic())):
                self.process.stdin.write(
                    clock_rows(int(time.time() * 1000)) + pictures[index % len(pictures)]
                )
                self.process.stdin.flush()
                index += 1
        except OSError:
            return

    def stop(self) -> str:
        """End like a broadcaster who presses stop; what ffmpeg complained about."""
        self._over.set()
        self._thread.join(5)
        if self.process.poll() is None:
            # Its sound has no end, and while it reads pictures it hears no signal.
            assert self.process.stdin is not None
            self.process.send_signal(signal.SIGINT)
            self.process.stdin.close()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._close()

    def kill(self) -> None:
        """Vanish without a word."""
        self._over.set()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._thread.join(5)
        self._close()

    def _close(self) -> str:
        """Close what is left of the process; its complaints."""
        if self._said is None:
            assert self.process.stderr is not None and self.process.stdin is not None
            with suppress(OSError):
                self.process.stdin.close()
            self._said = self.process.stderr.read().decode(errors="replace")
            self.process.stderr.close()
        return self._said


@contextmanager
def publishing(
    url: str, *, fps: int = 30, gop_s: float = 2.0, audio: bool = True, extra: tuple[str, ...] = ()
) -> Iterator[Publisher]:
    """A publisher that is stopped at the end."""
    publisher = Publisher(command(url, fps=fps, gop_s=gop_s, audio=audio, extra=extra), fps)
    try:
        yield publisher
    finally:
        publisher.stop()
