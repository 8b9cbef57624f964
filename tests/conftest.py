"""What every test shares: programs it may need, a fake clock, and proof that nothing is left behind."""

import asyncio
import inspect
import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings
from tests.harness import gstreamer
from tests.harness.patience import PATIENCE_S

# httpx gives up after five seconds unless told otherwise; a busy machine may need longer to answer well.
for _phase in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _phase, 30.0)

settings.register_profile(
    "default", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thousand", deadline=None, max_examples=1000)
settings.register_profile("long", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

PROGRAMS = {
    "chromium": lambda: shutil.which("chromium"),
    "gstreamer": gstreamer.home,
    "nginx": lambda: shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"),
    "nginx-rtmp": lambda: next(iter(Path("/usr/lib/nginx/modules").glob("ngx_rtmp_module.so")), None),
    "node": lambda: shutil.which("node"),
    "postgres": lambda: next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None),
    "root": lambda: os.geteuid() == 0 or None,
}


FROM_DEBIAN = {"gstreamer": "scripts/setup found none of its packages: they are Debian's"}
"""What setup lays out from Debian's packages alone: skipped without it in CI as well."""


LONGEST = (
    "integration/test_drain.py",
    "integration/test_operations.py",
    "integration/test_two_servers.py",
    "integration/test_flaps.py",
    "integration/test_every_way.py",
    "integration/test_webrtc_peers.py",
    "integration/test_brokers.py",
    "integration/test_rooms_of_two_servers.py",
    "integration/test_migrants.py",
    "integration/test_play.py",
    "e2e/test_pages.py",
    "e2e/test_pages_on_a_phone.py",
    "e2e/test_by_thumb.py",
    "e2e/test_seek.py",
    "e2e/test_webrtc.py",
    "e2e/test_watch.py",
    "e2e/test_chat.py",
    "e2e/test_superchat.py",
)
"""Files that begin first, so that none of them still runs when there is nothing else left to do."""


def _place(item: pytest.Item) -> tuple[bool, int]:
    """Where a test comes. The browser's come last: Playwright keeps an event loop in the thread that the
    asynchronous tests need."""
    name = f"{item.path.parent.name}/{item.path.name}"
    return "e2e" in item.path.parts, LONGEST.index(name) if name in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A missing program skips its tests with a reason; in CI it fails them."""
    items.sort(key=_place)
    for item in items:
        for marker in item.iter_markers("needs"):
            missing = [name for name in marker.args if not PROGRAMS[name]()]
            if missing:
                reason = f"needs {', '.join(missing)}: run `make setup-tests` as root, or install by hand"
                kind = "missing"
                if FROM_DEBIAN.keys() >= set(missing):
                    kind, reason = "absent", "; ".join(FROM_DEBIAN[name] for name in missing)
                item.user_properties.append((kind, reason))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, reason in item.user_properties:
        if name == "missing":
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(reason))
        if name == "absent":
            pytest.skip(str(reason))


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self, monotonic: float = 1000.0, wall: float = 1_790_000_000.0) -> None:
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        self._monotonic += seconds
        self._wall += seconds

    def jump_wall(self, seconds: float) -> None:
        self._wall += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each unit test: no thread or child process that was not there before."""
    if "/unit/" not in str(request.path):
        yield
        return
    before = set(threading.enumerate()), _children()
    if inspect.iscoroutinefunction(getattr(request.function, "__wrapped__", request.function)):
        request.getfixturevalue("no_task_left")
    yield
    threads = {t for t in set(threading.enumerate()) - before[0] if t.is_alive() and not t.daemon}
    threads = {t for t in threads if not t.name.startswith(("asyncio_", "ThreadPoolExecutor"))}
    for thread in threads:
        thread.join(PATIENCE_S)  # AnyIO's are told to end with the test, and end a moment later
    threads = {t for t in threads if t.is_alive()}
    assert not threads, f"threads left: {threads}"
    assert not _children() - before[1], "child processes left"


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """After each asynchronous unit test: no task that still runs."""
    yield
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left: {left}"
