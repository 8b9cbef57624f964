"""Durable work: a job that was accepted is done, whatever happens to the process."""

from collections.abc import Mapping
from typing import Protocol

from madang.base.events import Plain


class Jobs(Protocol):
    """Runs named work durably; the same `key` is accepted once."""

    async def submit(self, name: str, key: str, arguments: Mapping[str, Plain]) -> None: ...
