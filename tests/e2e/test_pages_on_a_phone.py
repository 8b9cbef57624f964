"""Every page on a phone."""

import pytest
from playwright.sync_api import Browser
from tests.e2e.walks.looks import ON_A_PHONE, every_page
from tests.harness.browser import PHONE
from tests.harness.server import Server


@pytest.mark.needs("chromium")
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("stage")
def test_every_page_on_a_phone(server: Server, browser: Browser) -> None:
    every_page(server, browser, PHONE, ON_A_PHONE)
