"""`python -m tests.soak [MINUTES]`: publishers that vanish and return, viewers that must not notice.

Passes when the server's memory is flat, no viewer was disconnected, and no timestamp went backwards.
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
from tests.harness.publisher import FFMPEG
from tests.harness.server import Server, running

PUBLISHERS, FLV_VIEWERS, HLS_VIEWERS = 5, 40, 10
RECONNECT_S, GONE_S = 60.0, 3.0
FLAT_BYTES_PER_HOUR = 16 * 2**20


@dataclass
class Tally:
    """What the viewers saw."""

    bytes_seen: int = 0
    disconnected: list[str] = field(default_factory=list)
    backwards: list[str] = field(default_factory=list)
    rss: list[tuple[float, int]] = field(default_factory=list)


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


async def publish(url: str, clip: Path, phase_s: float) -> None:
    """Publish, vanish once a minute, come back."""
    await asyncio.sleep(phase_s)
    while True:
        process = await asyncio.create_subprocess_exec(
            FFMPEG, "-hide_banner", "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i", str(clip),
            "-c", "copy", "-f", "flv", url, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.sleep(RECONNECT_S)
        finally:
            process.kill()
            await process.wait()
        await asyncio.sleep(GONE_S)


async def watch_flv(server: Server, name: str, tally: Tally) -> None:
    """Read tags; each kind's timestamps must not fall."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
    try:
        writer.write(f"GET /live/{name}.flv HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(13)
        last: dict[int, int] = {}
        while True:
            head = await reader.readexactly(11)
            kind, size = head[0], int.from_bytes(head[1:4], "big")
            at = int.from_bytes(head[4:7], "big") | head[7] << 24
            await reader.readexactly(size + 4)
            tally.bytes_seen += size + 15
            if at < last.get(kind, 0):
                tally.backwards.append(f"{name}.flv kind {kind}: {last[kind]} then {at}")
            last[kind] = at
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        tally.disconnected.append(f"{name}.flv: {error!r}")
    finally:
        writer.close()


async def watch_hls(client: httpx.AsyncClient, server: Server, name: str, tally: Tally) -> None:
    """Blocking reloads of the media playlist; its media sequence must not fall."""
    index = f"{server.http}/live/{name}/index.m3u8"
    answer = await client.get(index)
    media = next(line for line in answer.text.splitlines() if line and not line.startswith("#"))
    url, last = urljoin(index, media), 0
    while True:
        separator = "&" if "?" in url else "?"
        answer = await client.get(f"{url}{separator}_HLS_msn={last + 1}" if last else url)
        if answer.status_code == 503:
            continue
        if answer.status_code != 200:
            tally.disconnected.append(f"{name}.m3u8: {answer.status_code}")
            return
        lines = answer.text.splitlines()
        first = next(int(x.split(":")[1]) for x in lines if x.startswith("#EXT-X-MEDIA-SEQUENCE"))
        newest = first + sum(x.startswith("#EXTINF") for x in lines) - 1
        if newest < last:
            tally.backwards.append(f"{name}.m3u8: {last} then {newest}")
        last = max(last, newest)
        tally.bytes_seen += len(answer.content)


async def observe(server: Server, tally: Tally, began: float) -> None:
    """The server's memory, each ten seconds."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status")
    while True:
        rss = next(int(x.split()[1]) for x in status.read_text().splitlines() if x.startswith("VmRSS")) * 1024
        tally.rss.append((time.monotonic() - began, rss))
        await asyncio.sleep(10)


def slope_per_hour(points: list[tuple[float, int]]) -> float:
    """Least squares over the second half: bytes per hour."""
    half = points[len(points) // 2 :]
    mean_t = sum(t for t, _ in half) / len(half)
    mean_r = sum(r for _, r in half) / len(half)
    spread = sum((t - mean_t) ** 2 for t, _ in half) or 1.0
    return 3600 * sum((t - mean_t) * (r - mean_r) for t, r in half) / spread


async def soak(server: Server, clip: Path, minutes: float) -> Tally:
    """Everything at once, for so long."""
    tally, began = Tally(), time.monotonic()
    names = [f"soak{i}" for i in range(PUBLISHERS)]
    keys = [server.channel(name) for name in names]
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=40, limits=limits) as client:
        tasks = [
            asyncio.create_task(publish(f"{server.rtmp}/{key}", clip, i * 2.0)) for i, key in enumerate(keys)
        ]
        for name in names:
            await asyncio.to_thread(server.wait_for, name, "live", 30)
        await asyncio.sleep(5)
        for name in names:
            tasks += [asyncio.create_task(watch_flv(server, name, tally)) for _ in range(FLV_VIEWERS)]
            tasks += [asyncio.create_task(watch_hls(client, server, name, tally)) for _ in range(HLS_VIEWERS)]
        tasks.append(asyncio.create_task(observe(server, tally, began)))
        await asyncio.sleep(minutes * 60)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                tally.disconnected.append(repr(result))
    return tally


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    with tempfile.TemporaryDirectory(prefix="madang-soak-") as folder:
        clip = make_clip(Path(folder))
        with running(Path(folder) / "data") as server:
            tally = asyncio.run(soak(server, clip, minutes))
    slope = slope_per_hour(tally.rss)
    viewers, first, last = PUBLISHERS * (FLV_VIEWERS + HLS_VIEWERS), tally.rss[0][1], tally.rss[-1][1]
    print(f"{minutes:g} min, {tally.bytes_seen / 2**20:.0f} MiB seen by {viewers} viewers")
    print(f"memory {first / 2**20:.0f} → {last / 2**20:.0f} MiB, {slope / 2**20:+.1f} MiB/h")
    print(f"{len(tally.disconnected)} disconnected, {len(tally.backwards)} timestamps backwards")
    for line in (tally.disconnected + tally.backwards)[:20]:
        print(f"  {line}")
    return int(bool(tally.disconnected or tally.backwards) or slope > FLAT_BYTES_PER_HOUR)


if __name__ == "__main__":
    raise SystemExit(main())
