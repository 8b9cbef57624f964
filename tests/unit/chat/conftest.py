from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.chatroom import Chat, another, chatroom

from madang.chat import nodes


@pytest.fixture
async def chat(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Chat]:
    async with chatroom(tmp_path, clock) as made:
        yield made


@pytest.fixture
async def other(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Chat]:
    """The second node, which does not wait long for the first one; `chat` comes first."""
    monkeypatch.setattr(nodes, "_AGAIN_S", 0.01)
    monkeypatch.setattr(nodes, "CHAT_FORWARD_S", 0.2)
    async with another(chat) as made:
        yield made
