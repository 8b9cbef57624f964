"""`python -m tests.soak [MINUTES]`: publishers that vanish and return, viewers that must not notice.

Passes when the server's memory is flat, no viewer was disconnected or left without media, and no timestamp
went backwards. What the soak itself did wrong (a publisher that died, its own loop that stood still) is told
beside it: those lines say whom to suspect.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import httpx
import uvloop
from tests.harness.publisher import FFMPEG
from tests.harness.server import Server, running

PUBLISHERS, FLV_VIEWERS, HLS_VIEWERS = 5, 40, 10
RECONNECT_S, GONE_S = 60.0, 3.0
FLAT_BYTES_PER_HOUR = 16 * 2**20
DVR_S = 300
"""The window of these channels: what it lists is kept in memory, so memory is flat once it is full."""
FLV_HEAD_BYTES, TAG_HEAD_BYTES = 13, 11
ARRIVE_S = 0.05
"""Between two viewers: a crowd comes one by one."""
STARVED_S = GONE_S + 15.0
"""A viewer for whom nothing came for so long: its publisher is away for GONE_S, and starts anew."""
OBSERVE_S, LAG_S = 10.0, 0.1
AGAIN_S = 2.0
"""A publisher that died comes back like OBS; a playlist that was refused is asked for anew."""

TOLD = ("timeouts", "stalled_writes", "refused", "requests_bad", "disconnected", "drops", "holds_late")


@dataclass
class Tally:
    """What the viewers saw."""

    began: float = field(default_factory=time.monotonic)
    bytes_seen: int = 0
    disconnected: list[str] = field(default_factory=list)
    backwards: list[str] = field(default_factory=list)
    starved: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    """Publishers that ended by themselves."""
    late_holds: int = 0
    """Playlists that were answered with 503, as they are while a publisher is away."""
    lag_s: float = 0.0
    """The longest that the soak's own loop stood still."""
    rss: list[tuple[float, int]] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    fed: dict[object, float] = field(default_factory=dict)
    """When each viewer last heard of its stream."""
    counters: dict[str, float] = field(default_factory=dict)
    """What the server says of connections that it closed itself."""

    def lost(self, who: str, why: object) -> None:
        """A viewer was disconnected."""
        self.disconnected.append(f"{self.at()}: {who}: {why}")

    def at(self) -> str:
        """Now, as it is told."""
        return f"{time.monotonic() - self.began:.0f} s"

    def feed(self, viewer: object) -> None:
        """Something came for this viewer; after too long a time that is told."""
        now = time.monotonic()
        waited = now - self.fed.get(viewer, now)
        if waited > STARVED_S:
            self.starved.append(f"{self.at()}: {viewer}: nothing for {waited:.0f} s")
        self.fed[viewer] = now


def make_clip(folder: Path) -> Path:
    """Ten seconds of 720p at 1 Mbit/s, encoded once so that publishers only copy."""
    clip = folder / "clip.flv"
    subprocess.run(
        [FFMPEG, "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30",
         "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "10", "-c:v", "libx264", "-preset", "ultrafast",
         "-tune", "zerolatency", "-g", "60", "-b:v", "900k", "-maxrate", "900k", "-bufsize", "900k",
         "-c:a", "aac", "-b:a", "96k", str(clip)],
        check=True,
    )  # fmt: skip
    return clip


async def publish(server: Server, key: str, clip: Path, phase_s: float, tally: Tally) -> None:
    """Publish, vanish once a minute, come back."""
    await asyncio.sleep(phase_s)
    while True:
        process = await asyncio.create_subprocess_exec(
            FFMPEG, "-hide_banner", "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i", str(clip),
            "-c", "copy", "-f", "flv", f"{server.rtmp}/{key}", stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(RECONNECT_S):
                code = await process.wait()
            tally.died.append(f"{tally.at()}: a publisher ended with {code}")
            await asyncio.sleep(AGAIN_S)
            continue
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await asyncio.sleep(GONE_S)


class FlvViewer(asyncio.Protocol):
    """Reads tags as they come; each kind's timestamps must not fall. As cheap as it can be: 200 of these must
    not starve each other on the machine that they test."""

    def __init__(self, name: str, tally: Tally) -> None:
        self._name, self._tally = name, tally
        self._rest = b""
        self._skip = -1
        """Bytes of the tag that are still to come; before the answer's head is whole, -1."""
        self._last: dict[int, int] = {}
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.write(f"GET /live/{self._name}.flv HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._tally.bytes_seen += len(data)
        self._tally.feed(self)
        if self._skip < 0:
            head, found, rest = (self._rest + data).partition(b"\r\n\r\n")
            if not found or len(rest) < FLV_HEAD_BYTES:
                self._rest += data
                return
            self._rest, self._skip, data = b"", 0, rest[FLV_HEAD_BYTES:]
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        self._read(self._rest + data[self._skip :])

    def _read(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at + TAG_HEAD_BYTES <= end:
            self._see(data[at], int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24)
            at += TAG_HEAD_BYTES + int.from_bytes(data[at + 1 : at + 4], "big") + 4
        self._skip, self._rest = max(0, at - end), data[at:]

    def _see(self, kind: int, timestamp: int) -> None:
        if timestamp < self._last.get(kind, 0):
            self._tally.backwards.append(f"{self._name}.flv kind {kind}: {self._last[kind]} then {timestamp}")
        self._last[kind] = timestamp

    def __str__(self) -> str:
        return f"{self._name}.flv"

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.fed.pop(self, None)
        if not self.over.done():
            self.over.set_result(None)


async def watch_flv(server: Server, name: str, tally: Tally) -> None:
    """One viewer until it is disconnected."""
    loop = asyncio.get_running_loop()
    transport, viewer = await loop.create_connection(
        lambda: FlvViewer(name, tally), "127.0.0.1", server.http_port
    )
    try:
        await viewer.over
        tally.lost(f"{name}.flv", "the connection was closed")
    finally:
        transport.close()


async def watch_hls(server: Server, name: str, tally: Tally) -> None:
    """Blocking reloads of the media playlist, on a connection of one's own, which never rests: in a shared
    pool one that has rested for as long as the server allows would be taken as it is being closed."""
    try:
        async with httpx.AsyncClient(timeout=40) as client:
            await reload_hls(client, server, name, tally)
    except httpx.HTTPError as error:
        tally.lost(f"{name}.m3u8", repr(error))


async def reload_hls(client: httpx.AsyncClient, server: Server, name: str, tally: Tally) -> None:
    """Until a playlist cannot be had."""
    index = f"{server.http}/live/{name}/index.m3u8"
    answer = await client.get(index)
    media = next(line for line in answer.text.splitlines() if line and not line.startswith("#"))
    url, last, viewer = urljoin(index, media), 0, Hls(name)
    while True:
        separator = "&" if "?" in url else "?"
        answer = await client.get(f"{url}{separator}_HLS_msn={last + 1}" if last else url)
        if answer.status_code == 503:
            tally.late_holds += 1
            await asyncio.sleep(AGAIN_S)
            continue
        if answer.status_code != 200:
            tally.fed.pop(viewer, None)
            return tally.lost(f"{name}.m3u8", answer.status_code)
        lines = answer.text.splitlines()
        first = next(int(x.split(":")[1]) for x in lines if x.startswith("#EXT-X-MEDIA-SEQUENCE"))
        newest = first + sum(x.startswith("#EXTINF") for x in lines) - 1
        if newest < last:
            tally.backwards.append(f"{name}.m3u8: {last} then {newest}")
        if newest > last:
            tally.feed(viewer)
        last = max(last, newest)
        tally.bytes_seen += len(answer.content)


class Hls:
    """One viewer of playlists, for the tally."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return f"{self._name}.m3u8"


async def observe(server: Server, tally: Tally) -> None:
    """The server's memory and open files, each ten seconds."""
    assert server.process is not None
    place = Path(f"/proc/{server.process.pid}")
    while True:
        lines = (place / "status").read_text().splitlines()
        rss = next(int(x.split()[1]) for x in lines if x.startswith("VmRSS")) * 1024
        tally.rss.append((time.monotonic() - tally.began, rss))
        tally.files.append(sum(1 for _ in (place / "fd").iterdir()))
        for viewer in list(tally.fed):
            if time.monotonic() - tally.fed[viewer] > STARVED_S:
                tally.feed(viewer)
        await asyncio.sleep(OBSERVE_S)


async def watch_oneself(tally: Tally) -> None:
    """How long the soak's own loop stands still: beyond the server's patience its viewers are slow ones."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(LAG_S)
        tally.lag_s = max(tally.lag_s, time.monotonic() - before - LAG_S)


def slope_per_hour(points: list[tuple[float, int]]) -> float:
    """Least squares over the second half: bytes per hour."""
    half = points[len(points) // 2 :]
    if len(half) < 2:
        return 0.0
    mean_t = sum(t for t, _ in half) / len(half)
    mean_r = sum(r for _, r in half) / len(half)
    spread = sum((t - mean_t) ** 2 for t, _ in half) or 1.0
    return 3600 * sum((t - mean_t) * (r - mean_r) for t, r in half) / spread


async def soak(server: Server, clip: Path, minutes: float) -> Tally:
    """Everything at once, for so long."""
    tally = Tally()
    names = [f"soak{i}" for i in range(PUBLISHERS)]
    keys = [server.channel(name, dvr_window_s=DVR_S) for name in names]
    tasks = [asyncio.create_task(publish(server, key, clip, i * 2.0, tally)) for i, key in enumerate(keys)]
    for name in names:
        await asyncio.to_thread(server.wait_for, name, "live", 30)
    await asyncio.sleep(5)
    tasks += [asyncio.create_task(observe(server, tally)), asyncio.create_task(watch_oneself(tally))]
    for name in names:
        for number in range(FLV_VIEWERS + HLS_VIEWERS):
            hls = number >= FLV_VIEWERS
            viewer = watch_hls(server, name, tally) if hls else watch_flv(server, name, tally)
            tasks.append(asyncio.create_task(viewer))
            await asyncio.sleep(ARRIVE_S)
    await asyncio.sleep(minutes * 60)
    for task in tasks:
        task.cancel()
    tally.counters = {
        name: value
        for name, value in (await asyncio.to_thread(server.metrics)).items()
        if name.removesuffix("_total").endswith(TOLD) and value
    }
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            tally.lost("a task", repr(result))
    return tally


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    with tempfile.TemporaryDirectory(prefix="madang-soak-") as folder:
        clip = make_clip(Path(folder))
        with running(Path(folder) / "data") as server:
            tally = uvloop.run(soak(server, clip, minutes))
    report(tally, minutes)
    wrong = tally.disconnected or tally.starved or tally.backwards
    return int(bool(wrong) or slope_per_hour(tally.rss) > FLAT_BYTES_PER_HOUR)


def report(tally: Tally, minutes: float) -> None:
    """What came of it."""
    viewers, first, last = PUBLISHERS * (FLV_VIEWERS + HLS_VIEWERS), tally.rss[0][1], tally.rss[-1][1]
    slope = slope_per_hour(tally.rss)
    print(f"{minutes:g} min, {tally.bytes_seen / 2**20:.0f} MiB seen by {viewers} viewers")
    print(
        f"memory {first / 2**20:.0f} → {last / 2**20:.0f} MiB, {slope / 2**20:+.1f} MiB/h in the second half"
    )
    for at, rss in tally.rss[:: max(1, len(tally.rss) // 10)]:
        print(f"  {at / 60:4.1f} min {rss / 2**20:6.1f} MiB")
    print(f"open files {tally.files[0]} → {tally.files[-1]}, at most {max(tally.files)}")
    print(f"{len(tally.disconnected)} disconnected, {len(tally.backwards)} timestamps backwards")
    print(f"{len(tally.starved)} times nothing came for {STARVED_S:g} s, {tally.late_holds} late playlists")
    print("the server counted " + (", ".join(f"{k} {v:.0f}" for k, v in tally.counters.items()) or "nothing"))
    print(
        f"of the soak itself: {len(tally.died)} publishers died, its loop stood still for {tally.lag_s:.2f} s"
    )
    for line in (tally.disconnected + tally.starved + tally.backwards + tally.died)[:40]:
        print(f"  {line}")


if __name__ == "__main__":
    raise SystemExit(main())
