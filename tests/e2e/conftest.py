"""One server and one browser for the pages' tests; each test has channels and profiles of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.harness.browser import chromium
from tests.harness.patience import PATIENCE_MS
from tests.harness.server import Server, running

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = "[accounts]\nsign_up = true\n[payments]\nrehearsal = true\n"
    with running(tmp_path_factory.mktemp("e2e") / "data", config=config) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
