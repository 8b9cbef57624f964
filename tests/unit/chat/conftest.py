from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.chatroom import Chat, chatroom


@pytest.fixture
async def chat(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Chat]:
    async with chatroom(tmp_path, clock) as made:
        yield made
