"""One server and one browser for the pages' tests; each test has channels and profiles of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.harness.browser import chromium
from tests.harness.patience import PATIENCE_S
from tests.harness.server import Server, running

expect.set_options(timeout=PATIENCE_S * 1000)

LONGEST = ("test_by_thumb.py", "test_webrtc.py", "test_pages.py", "test_watch.py")
"""Files that begin first, so that none of them is still running when there is nothing else left to do."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        if "e2e" not in item.path.parts:
            return -1
        return LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = "[accounts]\nsign_up = true\n[payments]\nrehearsal = true\n"
    with running(tmp_path_factory.mktemp("e2e") / "data", config=config) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
