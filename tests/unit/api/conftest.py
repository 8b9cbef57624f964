from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.household import Household, household
from tests.harness.visitor import Site, site


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Household]:
    async with household(tmp_path, clock) as made:
        yield made


@pytest.fixture
async def web(house: Household) -> AsyncIterator[Site]:
    async with site(house) as made:
        yield made
