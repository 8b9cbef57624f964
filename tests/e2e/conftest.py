"""One server and one browser for the pages' tests; each test has channels and profiles of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.harness.browser import chromium
from tests.harness.crowd import furnish
from tests.harness.patience import PATIENCE_MS
from tests.harness.publisher import publishing
from tests.harness.server import Server, running

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = "[accounts]\nsign_up = true\n[payments]\nrehearsal = true\n"
    with running(tmp_path_factory.mktemp("e2e") / "data", config=config) as server:
        yield server


@pytest.fixture(scope="session")
def furnished(server: Server) -> str:
    """The key of the channel `stage`, which has a crowd; beside it is one that was never live."""
    key = server.channel("stage")
    server.madang("channel", "create", "quiet")
    furnish(server, "stage")
    return key


@pytest.fixture(scope="module")
def stage(server: Server, furnished: str) -> Iterator[None]:
    """The channel `stage` is live."""
    with publishing(f"{server.rtmp}/{furnished}", fps=15):
        server.wait_for("stage", "live")
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
