"""What a start loads, by name: what takes long and is not needed before the doors are open stays away."""

import subprocess
import sys
from pathlib import Path

LOADED = """
import asyncio, os, sys
from pathlib import Path
from madang.app import starting
starting.begin()
import madang.app.commands
from madang.app.reloading import Reloading
from madang.app.serve import Yard
from madang.app.settings import load

async def open_and_close():
    overrides = {"data.dir": Path(sys.argv[1])}
    yard = await Yard.open(Reloading(load(None, {}, overrides), None, {}, overrides))
    print(*sys.modules)
    await yard.close()

asyncio.run(open_and_close())
"""
ABSENT = {
    *("OpenSSL", "alembic", "argon2", "asyncpg", "av", "cryptography", "fastapi", "grpc", "httpx"),
    *("imageio_ffmpeg", "yaml"),
    *("jwt", "nats", "PIL", "prometheus_client", "pwdlib", "pygments", "pylibsrtp", "redis", "rich", "segno"),
    "starlette",
}
ABSENT_PARTS = {"sqlalchemy.dialects.postgresql"}
COMMANDS_ABSENT = {"asyncio", "madang.control", "madang.store", "pydantic", "sqlalchemy", "uvicorn", "uvloop"}


def words_of(program: str, *arguments: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    return set(ran.stdout.split())


def test_the_doors_open_without_what_can_wait(tmp_path: Path) -> None:
    found = words_of(LOADED, str(tmp_path))
    assert "sqlalchemy" in found and "madang.delivery.http.hls" in found, "something else was started"
    assert not {name.partition(".")[0] for name in found} & ABSENT
    assert not found & ABSENT_PARTS


def test_the_command_line_stands_without_the_server() -> None:
    program = "import madang.app.program, madang.app.commands, sys; print(*sys.modules)"
    assert not words_of(program) & COMMANDS_ABSENT


def test_garbage_is_collected_again_once_the_start_is_over() -> None:
    program = """
import gc
from madang.app import starting
starting.begin()
print(gc.isenabled())
starting.settle()
print(gc.isenabled(), gc.get_freeze_count() > 0, *gc.get_threshold())
"""
    assert words_of(program) == {"True", "False", "20000", "20", "100"}
