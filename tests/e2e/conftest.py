"""One server and one browser for the pages' tests; each test has channels and profiles of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.harness.browser import chromium
from tests.harness.server import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("e2e") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
