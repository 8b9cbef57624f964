"""What every use-case shares: store, directory, vault, clock, new ids, and notes of what happened."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from madang.base.clock import Clock
from madang.base.errors import Overloaded
from madang.base.events import Plain
from madang.base.ids import ChannelId, encode_id
from madang.base.limits import LOOK_AGAIN_S, LOOK_EVERY_S
from madang.control.counters import ControlCounters
from madang.control.directory import Directory
from madang.control.feed import EventFeed
from madang.control.ports import Store, Work
from madang.control.records import Happening
from madang.control.rights import Actor
from madang.control.settings import Settings
from madang.control.vault import Vault


class Clerk:
    """Passed to each use-case; holds no rule of its own."""

    def __init__(
        self, store: Store, vault: Vault, clock: Clock, entropy: Callable[[int], bytes], settings: Settings
    ) -> None:
        self.store = store
        self.vault = vault
        self.clock = clock
        self.entropy = entropy
        self.settings = settings
        self.counters = ControlCounters()
        self.directory = Directory(store, clock.wall)
        self.feed = EventFeed(self.directory, self.counters)
        self.before_look: list[Callable[[], Awaitable[None]]] = []
        """Awaited when sessions or tokens ended somewhere: memory forgets them."""
        self.after_change: list[Callable[[], None]] = []
        """Called when anything changed: held rights are looked at again."""
        self._entries = -1
        self._last_id = 0
        self._turn = asyncio.Lock()
        self._look = asyncio.Lock()
        self._looks_begun = 0
        self._look_due = float("-inf")

    def new_id(self) -> str:
        """26 letters that sort by time, of one process in order: 48 bits of milliseconds, 80 of chance."""
        fresh = int(self.clock.wall() * 1000) << 80 | int.from_bytes(self.entropy(10), "big") >> 1
        same_moment = fresh >> 80 <= self._last_id >> 80
        self._last_id = self._last_id + 1 if same_moment else fresh
        return encode_id(self._last_id.to_bytes(16, "big"))

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Work]:
        """A transaction, after which this process sees at once what it wrote."""
        async with self.store.write() as work:
            yield work
        await self.refresh()

    async def refresh(self) -> None:
        """Take over what changed, whoever changed it."""
        async with self._turn:
            directory, entries = await self.store.changes()
            same = (directory, entries) == (self.directory.version, self._entries)
            if directory != self.directory.version:
                await self.directory.read(directory)
            if entries != self._entries:
                for forget in self.before_look:
                    await forget()
                self._entries = entries
            if not same:
                for look in self.after_change:
                    look()

    async def look_again(self) -> None:
        """Before a name is called unknown: another process may just have made it. One look serves all who
        waited for it, looks are LOOK_EVERY_S apart, and a database that is away leaves what memory knows."""
        began = self._looks_begun
        async with self._look:
            if self._looks_begun > began:
                return
            await asyncio.sleep(max(0.0, self._look_due - self.clock.monotonic()))
            self._looks_begun += 1
            self._look_due = self.clock.monotonic() + LOOK_EVERY_S
            with contextlib.suppress(Overloaded, OSError, TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self.refresh()

    def happening(
        self, kind: str, actor: Actor | None, channel: ChannelId | None = None, **data: Plain
    ) -> Happening:
        """Something that happened now; not yet written."""
        return Happening(
            id=self.new_id(),
            at=self.clock.wall(),
            kind=kind,
            channel=channel,
            actor=actor.account if actor else None,
            peer=actor.peer if actor else "",
            data=data,
        )

    async def note(
        self, work: Work, kind: str, actor: Actor | None, channel: ChannelId | None = None, **data: Plain
    ) -> None:
        """Write into the book, in the same transaction as the deed, and tell the studios."""
        happening = self.happening(kind, actor, channel, **data)
        await work.happenings.add(happening)
        self.feed.happened(happening)
