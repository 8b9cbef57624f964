from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.household import Household, household

from madang.base.roles import SiteRole
from madang.control.rights import Actor


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Household]:
    async with household(tmp_path, clock) as made:
        yield made


@pytest.fixture
async def admin(house: Household) -> Actor:
    return await house.account("admin", SiteRole.ADMIN)
