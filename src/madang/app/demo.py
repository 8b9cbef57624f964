"""The demo broadcast: a dusk-coloured test picture with a running wall clock and a beep each second,
made by ffmpeg and published by RTMP over a real connection."""

import asyncio
import tempfile
from pathlib import Path

import structlog

from madang.app import ffmpeg
from madang.app.sending import SendError, send
from madang.net.processes import Backoff, Command, running

WIDTH, HEIGHT, FPS = 1280, 720, 30
# The beep: 80 ms of 880 Hz at the start of each second.
BEEP = "aevalsrc=exprs='0.25*sin(2*PI*880*t)*lt(mod(t\\,1)\\,0.08)':s=48000:c=stereo"
AWAY_S = 2.0
"""Until a server that is away, or sent the demo away, is tried again."""

SUN = 220
"""Pixels."""

_log = structlog.get_logger()


def paint(folder: Path) -> None:
    """The still parts, drawn once: `dusk.png`, `sun.png`, and `clock.ttf`, the font that Pillow carries."""
    from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageFont

    stops = [
        ImageColor.getrgb(colour)
        for colour in ("#1c1a2e", "#4a2a44", "#b4553f", "#e9a25a", "#2a1a1c", "#13110f")
    ]
    column = Image.new("RGB", (1, len(stops)))
    column.putdata(stops)
    dusk = column.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    dusk.save(folder / "dusk.png")
    sun = Image.new("RGBA", (SUN, SUN), (255, 214, 140, 0))
    ImageDraw.Draw(sun).ellipse((30, 30, SUN - 30, SUN - 30), fill=(255, 214, 140, 255))
    sun.filter(ImageFilter.GaussianBlur(12)).save(folder / "sun.png")
    (folder / "clock.ttf").write_bytes(ImageFont.load_default(16).font_bytes)  # type: ignore[union-attr]


def picture(folder: Path) -> str:
    """The filter graph: the sun crosses the dusk once a minute, the clock stands still, a bar runs below."""
    text = f"drawtext=fontfile={folder}/clock.ttf:fontcolor=0xf4eee5:x=(w-text_w)/2"
    return ",".join(
        (
            # The stills are decoded once and repeated by `loop`: -loop 1 would decode a PNG for each frame.
            "[0]format=yuv420p,loop=-1:size=1[dusk];[1]format=yuva420p,loop=-1:size=1[sun];"
            f"[dusk][sun]overlay=x='mod(n\\,{FPS * 60})*{WIDTH + SUN}/{FPS * 60}-{SUN}'"
            f":y='{HEIGHT // 2 - SUN}-150*sin(PI*mod(n\\,{FPS * 60})/{FPS * 60})':eval=frame",
            f"{text}:fontsize=34:y=h/2-130:alpha=0.85:text='MADANG'",
            f"{text}:fontsize=128:y=h/2-70:text='%{{localtime\\:%T}}'",
            f"{text}:fontsize=30:y=h/2+70:alpha=0.85:text='frame %{{frame_num}}'",
            f"drawtext=fontfile={folder}/clock.ttf:fontsize=10:fontcolor=0xf0c052:text='-'"
            f":x='mod(n*8\\,{WIDTH})':y={HEIGHT - 14}:box=1:boxcolor=0xf0c052:boxborderw=4|40",
            "realtime",
        )
    )


def command(folder: Path) -> list[str]:
    """The ffmpeg command line that writes the demo as FLV, from what `paint` left in `folder`."""
    return [
        ffmpeg.executable(),
        *("-hide_banner", "-nostdin", "-loglevel", "error"),
        *("-framerate", str(FPS), "-i", str(folder / "dusk.png")),
        *("-framerate", str(FPS), "-i", str(folder / "sun.png")),
        *("-re", "-f", "lavfi", "-i", BEEP),
        *("-filter_complex", f"{picture(folder)}[v]", "-map", "[v]", "-map", "2:a"),
        *("-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-profile:v", "high"),
        *("-b:v", "2000k", "-maxrate", "2000k", "-bufsize", "2000k", "-g", str(FPS * 2), "-threads", "1"),
        *("-c:a", "aac", "-b:a", "96k"),
        *("-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1"),
    ]


async def broadcast(url: str) -> None:
    """Publish the demo until cancelled. A server that is away is tried again and again; an encoder that ends
    is started again, later each time, and left alone when it goes on so (F11)."""
    backoff = Backoff(asyncio.get_running_loop().time)
    with tempfile.TemporaryDirectory(prefix="madang-demo-") as folder:
        await asyncio.to_thread(paint, Path(folder))
        try:
            encoder = Command(command(Path(folder)), stdout=True)
        except FileNotFoundError as error:
            _log.error("demo_given_up", reason=str(error))
            return
        while True:
            wait_s: float | None = AWAY_S
            try:
                reason = await _broadcast_once(encoder, url)
                wait_s = backoff.delay_s()
            except SendError as error:
                reason = str(error)
            except OSError as error:
                reason = f"ffmpeg cannot be started: {error.strerror}"
                wait_s = backoff.delay_s()
            if wait_s is None:
                _log.error("demo_given_up", reason=reason)
                return
            _log.warning("demo_stopped", reason=reason)
            await asyncio.sleep(wait_s)


async def _broadcast_once(encoder: Command, url: str) -> str:
    """Publish until the encoder ends; its last words. Raises SendError when the server ends it."""
    async with running(encoder) as child:
        await send(child.stdout, url)
        finished = await child.end()
    return finished.last_words.rpartition("\n")[2] or f"ffmpeg ended with {finished.code}"
