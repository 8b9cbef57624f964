"""Other RTMP programs as second opinions: ffmpeg reads what our client writes, nginx-rtmp pushes to us."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import pytest
from tests.harness.patience import PATIENCE_S
from tests.harness.rtmp import KEY, PICTURE, SOUND, X264, Encoder, Yard, ffmpeg, open_yard
from tests.harness.server import free_port

from madang.containers.flv.tag import SCRIPT, Tag, TagReader

NGINX_RTMP = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


def packets(file: Path) -> list[tuple[str, bytes]]:
    with av.open(str(file)) as container:
        return [(packet.stream.type, bytes(packet)) for packet in container.demux() if packet.size]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Encoder]:
    """Our client at somebody's door, once it has opened."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                _, client = await loop.create_connection(Encoder, "127.0.0.1", port)
                break
            except ConnectionError:
                await asyncio.sleep(0.05)
        await client.told.wait()
    yield client
    client.transport.close()


def shifted(tags: list[Tag], by_ms: int) -> list[Tag]:
    return [Tag(tag.type, tag.timestamp_ms + by_ms, tag.body) for tag in tags if tag.type != SCRIPT]


@pytest.mark.parametrize(
    ("chunk_size", "start_ms"),
    [(1, 0), (128, 0), (65_536, 0), (128, 0xFFFFFF - 1000), (4096, 0xFFFFFF + 500)],
)
async def test_ffmpeg_reads_what_our_client_writes(tmp_path: Path, chunk_size: int, start_ms: int) -> None:
    clip, copy, port = tmp_path / "clip.flv", tmp_path / "copy.flv", free_port()
    await ffmpeg(*PICTURE, *SOUND, "-t", "2", *X264, "-c:a", "aac", "-f", "flv", str(clip))
    tags = shifted(TagReader().receive(clip.read_bytes()), start_ms)
    listening = asyncio.create_task(
        ffmpeg(
            "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/{KEY}", "-c", "copy", "-f", "flv", str(copy)
        )
    )
    async with connected(port) as client:
        client.wire.set_chunk_size(chunk_size)
        client.transport.write(client.wire.take())
        for tag in tags:
            client.say(tag.type, tag.timestamp_ms, tag.body)
        client.wire.say_goodbye()
        client.transport.write(client.wire.take())
    code, said = await listening
    assert code == 0, said
    assert packets(copy) == packets(clip)


@pytest.mark.needs("nginx", "nginx-rtmp")
async def test_nginx_rtmp_pushes_to_us(tmp_path: Path) -> None:
    async with open_yard() as yard:
        port = free_port()
        async with relaying(tmp_path, port, yard):
            code, said = await ffmpeg(
                "-re",
                *PICTURE,
                *SOUND,
                "-t",
                "3",
                *X264,
                "-c:a",
                "aac",
                "-f",
                "flv",
                f"rtmp://127.0.0.1:{port}/relay/x",
            )
            assert code == 0, said
            await yard.until("ended")
    tracks = yard.follower.tracks[-1]  # a busy relay may bring the sound after the picture
    assert [track.codec.value for track in tracks] == ["h264", "aac"]
    assert len(yard.follower.of(1)) >= 30  # what came before the relay had connected is lost


@asynccontextmanager
async def relaying(folder: Path, port: int, yard: Yard) -> AsyncIterator[None]:
    """nginx-rtmp that pushes what it gets on to the yard."""
    config = folder / "nginx.conf"
    config.write_text(
        f"load_module {NGINX_RTMP};\n"
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 64; }\n"
        f"rtmp {{ server {{ listen 127.0.0.1:{port}; application relay {{ live on; record off;\n"
        f"push rtmp://127.0.0.1:{yard.port}/live/{KEY}; }} }} }}\n"
    )
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    process = await asyncio.create_subprocess_exec(
        nginx, "-p", str(folder), "-c", str(config), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except ConnectionError:
                    await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await process.wait()
