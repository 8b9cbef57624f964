"""The documentation's shell blocks, run as they stand, against a real server where they need one."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.docs.blocks import Block, blocks, pages, settings
from tests.harness.publisher import FFMPEG, publishing
from tests.harness.server import ADMIN_PASSWORD, MADANG, Server, running

from madang.app.settings import load

SCOPES = [
    *("channels:read", "channels:write", "keys:read", "keys:write", "streams:read", "streams:write"),
    *("events:read", "play:mint", "metrics:read", "server:read", "users:read"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose channel `demo` is on the air."""
    with running(tmp_path_factory.mktemp("docs") / "data") as server:
        key = server.channel("demo")
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("demo", "live")
            yield server


@pytest.fixture(scope="module")
def variables(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the reader of a page has at hand: programs, a key, a token, the password, a backup."""
    programs = tmp_path_factory.mktemp("bin")
    for name, program in (("ffmpeg", FFMPEG), ("madang", str(MADANG))):
        (programs / name).symlink_to(program)
    backup = programs.parent / "backup.tar.gz"
    server.madang("backup", str(backup))
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(programs),
        "MADANG_DATA__DIR": str(server.data),
        "MADANG_HTTP__LISTEN": f"127.0.0.1:{server.http_port}",
        "MADANG_RTMP__LISTEN": f"127.0.0.1:{server.rtmp_port}",
        "PASSWORD": ADMIN_PASSWORD,
        "KEY": server.channel("reader"),
        "TOKEN": _token(server),
        "BACKUP": str(backup),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }


def _token(server: Server) -> str:
    with httpx.Client(base_url=server.http, headers={"X-Madang": "1"}) as http:
        http.post("/api/v1/sessions", json={"name": "admin", "password": ADMIN_PASSWORD}).raise_for_status()
        made = http.post("/api/v1/tokens", json={"name": "docs", "scopes": SCOPES})
        made.raise_for_status()
        return str(made.json()["value"])


def here(script: str, server: Server) -> str:
    """The script with the test server's ports in the place of the default ones."""
    script = script.replace("localhost:8080", f"127.0.0.1:{server.http_port}")
    return re.sub(r"rtmp://localhost/", f"rtmp://127.0.0.1:{server.rtmp_port}/", script)


RUN = [block for page in pages() for block in blocks(page)]


@pytest.mark.parametrize("block", RUN, ids=str)
def test_a_block_does_what_its_page_says(
    block: Block, server: Server, variables: dict[str, str], tmp_path: Path
) -> None:
    script = "set -euo pipefail\n" + here(block.script, server)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", [page for page in pages() if settings(page)], ids=lambda page: page.name)
def test_settings_that_a_page_shows_are_accepted(page: Path, tmp_path: Path) -> None:
    for number, block in enumerate(settings(page)):
        file = tmp_path / f"{number}.toml"
        file.write_text(block)
        load(file, {}, {})
