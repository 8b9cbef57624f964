"""Those who are measured: Madang, the floors, and the peers that this machine has."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import SERVER_CORE, Pinned, free_port, generator_cores, running, wait_for_port

_CORE = {SERVER_CORE}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `app` and `keys` are what publishers use; `name` is the public name of the first."""

    process: Pinned
    http: int
    rtmp: int
    keys: list[str]
    name: str = "bench"
    app: str = "live"
    back: int = 0
    """A second HTTP door, for those who keep the house."""


Start = Callable[[], AbstractContextManager[Server]]


def madang(streams: int = 1, **settings: str) -> Start:
    """`madang serve` on an empty data directory with channels `bench`, `bench1`, …; `settings` become
    variables, `fanout__merge_ms` MADANG_FANOUT__MERGE_MS."""

    @contextmanager
    def start() -> Iterator[Server]:
        http, rtmp, back = free_port(), free_port(), free_port()
        with tempfile.TemporaryDirectory(prefix="madang-bench-") as data:
            keys = asyncio.run(_make_keys(Path(data), streams))
            places = ["--http", f"127.0.0.1:{http},127.0.0.1:{back}", "--rtmp", f"127.0.0.1:{rtmp}"]
            command = [str(Path(sys.executable).with_name("madang")), "serve", "--data", data, *places]
            env = {"MADANG_WEBRTC__LISTEN": "127.0.0.1:0", "MADANG_WEBRTC__TCP_LISTEN": ""}
            env |= {f"MADANG_{name.upper()}": value for name, value in settings.items()}
            with running(command, _CORE, env) as process:
                wait_for_port(http)
                wait_for_port(rtmp)
                process.calm_down()
                yield Server(process, http, rtmp, keys, back=back)

    return start


async def _make_keys(data: Path, streams: int) -> list[str]:
    from madang.app.commands import settings
    from madang.app.offline import control

    keys = []
    async with control(settings(data, None)) as made:
        for number in range(streams):
            slug = f"bench{number or ''}"
            await made.house.create_channel(slug, None)
            keys.append((await made.house.create_key(slug, "")).value)
    return keys


def floor_flv(window_ms: int) -> Start:
    """The floor of FLV and RTMP play; it needs no publisher."""

    @contextmanager
    def start() -> Iterator[Server]:
        port = free_port()
        with running([sys.executable, "-m", "bench.floor_flv", str(port), str(window_ms)], _CORE) as process:
            wait_for_port(port)
            yield Server(process, port, port, [])

    return start


def floor_webrtc() -> Start:
    """The floor of WebRTC play; it needs no publisher."""

    @contextmanager
    def start() -> Iterator[Server]:
        port = free_port()
        with running([sys.executable, "-m", "bench.floor_webrtc", str(port)], _CORE) as process:
            wait_for_port(port)
            yield Server(process, port, port, [])

    return start


def floor_publish(streams: int) -> Start:
    """The floor of RTMP ingest."""

    @contextmanager
    def start() -> Iterator[Server]:
        port = free_port()
        with running([sys.executable, "-m", "bench.floor_publish", str(port)], _CORE) as process:
            wait_for_port(port)
            yield Server(process, port, port, _names(streams))

    return start


def nginx_rtmp(streams: int = 1) -> Start | None:
    """Debian's nginx with libnginx-mod-rtmp; None where it is not installed."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    module = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
    if binary is None or not module.exists():
        return None

    @contextmanager
    def start() -> Iterator[Server]:
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="nginx-bench-") as place:
            conf = Path(place) / "nginx.conf"
            conf.write_text(
                f"load_module {module};\ndaemon off; master_process off; worker_processes 1;\n"
                f"pid {place}/pid; error_log {place}/error.log crit; worker_rlimit_nofile 20000;\n"
                "events { worker_connections 20000; }\n"
                f"rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; }} }} }}\n"
            )
            with running(
                [binary, "-p", place, "-e", f"{place}/error.log", "-c", str(conf)], _CORE
            ) as process:
                wait_for_port(port)
                yield Server(process, 0, port, _names(streams))

    return start


def node_media_server(streams: int = 1) -> Start | None:
    """Node-Media-Server from npm, in a directory of its own; None without node or without the package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    place = Path(tempfile.gettempdir()) / "madang-bench-nms"
    if not (place / "node_modules/node-media-server").exists():
        place.mkdir(exist_ok=True)
        install = [npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "node-media-server@4"]
        if subprocess.run(install, capture_output=True, check=False, timeout=180).returncode:
            return None

    @contextmanager
    def start() -> Iterator[Server]:
        http, rtmp = free_port(), free_port()
        ports = f"rtmp:{{port:{rtmp}}},http:{{port:{http}}}"
        config = f'{{bind:"127.0.0.1",auth:{{play:false,publish:false}},{ports}}}'
        (place / "bench.js").write_text(
            f'const Nms = require("node-media-server");\nnew Nms({config}).run();\n'
        )
        with running([node, str(place / "bench.js")], _CORE) as process:
            wait_for_port(rtmp)
            wait_for_port(http)
            yield Server(process, http, rtmp, _names(streams))

    return start


def _names(streams: int) -> list[str]:
    return [f"bench{number or ''}" for number in range(streams)]


@contextmanager
def published(server: Server) -> Iterator[Pinned | None]:
    """All keys of the server are published while this lasts, by the process that is given."""
    if not server.keys:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".keys") as keys:
        keys.write("\n".join(server.keys))
        keys.flush()
        command = [sys.executable, "-m", "bench.publishers", str(server.rtmp), server.app, keys.name]
        with running(command, generator_cores(), until=b"ready") as process:
            yield process
