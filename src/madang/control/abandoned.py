"""Broadcasts that nobody ended: this server's own of the run before, and those of a server that is gone.

Several servers may share one database. Each marks its broadcasts with its name, which stays beside its data,
and notes each minute that they go on; nobody touches another's while those notes come.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import msgspec

from madang.control.ports import Store, Work
from madang.control.records import Broadcast
from madang.control.vault import SecretError

NOTE_S: Final = 60.0
"""How often it is written down that a stream goes on: where a crash leaves its end, at most so far off."""
_UNCHANGED: Final = 4
"""Looks, NOTE_S apart, that find no new note: then its server is gone. Looks while the database is away do
not count, so that an outage ends nobody's broadcast."""
_NAME_BYTES: Final = 8


def load_name(path: Path, entropy: Callable[[int], bytes]) -> str:
    """This server's name, made at its first start. Raises SecretError for a file that is out of reach."""
    try:
        if not path.exists() or not path.read_text().strip():
            path.write_text(f"{entropy(_NAME_BYTES).hex()}\n")
        return path.read_text().strip()[: 2 * _NAME_BYTES]
    except (OSError, ValueError) as error:
        raise SecretError(f"{path} cannot be used: {error}.") from None


class Abandoned:
    """Ends what goes on nowhere. `node` is this server's name."""

    def __init__(self, store: Store, node: str) -> None:
        self._store = store
        self._node = node
        self._seen: dict[str, tuple[float, int]] = {}
        """The last note of others' broadcasts, and how often it was found again."""

    async def end_own(self, going_on: Collection[str]) -> None:
        """At the start; `going_on` are those that may be continued."""
        async with self._store.write() as work:
            for row in await work.broadcasts.find(ended_at=None, node=[self._node, ""]):
                if row.broadcast not in going_on:
                    await _interrupt(work, row)

    async def look(self) -> None:
        """Each NOTE_S: whether the others' broadcasts still have somebody who notes them."""
        async with self._store.read() as work:
            found = await work.broadcasts.find(ended_at=None)
        before, self._seen = self._seen, {}
        for row in found:
            if row.node not in (self._node, ""):
                noted_at, count = before.get(row.id, (row.alive_at, -1))
                self._seen[row.id] = row.alive_at, count + 1 if noted_at == row.alive_at else 0
        gone = [row for row in found if self._seen.get(row.id, (0.0, 0))[1] >= _UNCHANGED]
        if not gone:
            return
        async with self._store.write() as work:
            for row in gone:
                if await work.broadcasts.find(id=row.id, ended_at=None, alive_at=row.alive_at):
                    await _interrupt(work, row)


async def _interrupt(work: Work, row: Broadcast) -> None:
    channel = await work.channels.get(row.channel)
    last = row.alive_at or (channel.last_live_at if channel else None) or 0.0
    ended_at = max(row.began_at, last)
    await work.broadcasts.put(msgspec.structs.replace(row, ended_at=ended_at, end_reason="interrupted"))
