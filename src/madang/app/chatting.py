"""The chat, put together: a log over the store, rooms over the crowd, people from the control plane."""

import asyncio
import contextlib
import os

from madang.app.assembled import paid_settings
from madang.app.sections import Settings
from madang.base.clock import Clock
from madang.base.errors import Overloaded
from madang.base.ids import ChannelId
from madang.chat.chat import Chat
from madang.chat.extras import Extras
from madang.chat.leases import Leases
from madang.chat.nodes import Nodes
from madang.chat.pump import Pump
from madang.chat.room import Yard
from madang.chat.roomfilters import RoomFilters
from madang.chat.settings import ChatSettings
from madang.control import Control
from madang.hub.audience import Audience
from madang.realtime.ports import Crowd
from madang.store.chatlog import ChatLog
from madang.store.sql import SqlStore

_DAY_S = 86_400.0
_FORGET_EVERY_S = 3600.0
_SETTLE_S = 2.0
"""How long what was committed may take to be told; whoever takes the rooms over tells the rest."""
_EVENTS_KEPT_S = 30 * _DAY_S


class Chatting:
    """Owns the chat and its log."""

    def __init__(
        self,
        store: SqlStore,
        control: Control,
        crowd: Crowd,
        clock: Clock,
        audience: Audience,
        enabled: bool = True,
    ) -> None:
        self.log = ChatLog(store)
        self._clock = clock
        self._keep_s = (0.0, 0.0)
        filters = RoomFilters(self.log)
        yard = Yard(crowd, Pump(self.log), control.chatters, filters, clock, os.urandom)
        self.chat = Chat(yard, control.secret_of("chat addresses"))
        self.chat.rooms.viewers = lambda channel: audience.count(ChannelId(channel), clock.monotonic())
        self.open_chat = self.chat if enabled else None
        """What the pages and the REST doors see of it: nothing where the chat is switched off."""
        if enabled:
            self.chat.bind(control.rooms)
        self.extras = Extras(self.chat, filters, os.urandom, control.secret_of("overlays"))
        control.webhooks.shared = not crowd.neighbours.alone
        if enabled:
            self.extras.bind()
            if not crowd.neighbours.alone:
                leases = Leases(self.log, clock, crowd.node)
                self.extras.share(Nodes(self.chat.rooms, leases, crowd.neighbours))
        control.after_change(self.chat.changed)
        farewell = self.chat.farewell
        control.joining.leaving.append(farewell.forget)
        control.joining.exporting |= {
            "chat": farewell.said,
            "chat_waiting": farewell.waiting,
            "chat_bans": farewell.bans,
            "paid_messages": farewell.paid,
            "poll_votes": farewell.votes,
        }

    def configure(self, settings: Settings) -> None:
        chat = settings.chat
        self._keep_s = chat.keep_days * _DAY_S, chat.keep_audit_days * _DAY_S
        self.extras.paid.settings = paid_settings(settings)
        self.chat.configure(
            ChatSettings(guests=chat.guests, keep_days=chat.keep_days, keep_audit_days=chat.keep_audit_days)
        )

    async def start(self) -> None:
        """Read what was kept."""
        await self.extras.load()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(self.extras.filters.warm))
            tasks.create_task(self.extras.run())
            tasks.create_task(self.chat.run())
            tasks.create_task(self._forget())

    async def close(self) -> None:
        """What was accepted is on the disk; what was told as well goes to other nodes at once."""
        nodes = self.chat.nodes
        if nodes is None:
            await self.log.close()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self.chat.pump.settle()
        told = self.chat.pump.idle
        await self.log.close()
        if told:
            await nodes.close()

    async def _forget(self) -> None:
        while True:
            now = self._clock.wall()
            messages, audit = (int((now - kept_s) * 1000) for kept_s in self._keep_s)
            with contextlib.suppress(Overloaded):  # the next round does it
                await self.log.forget(messages, audit, now - _EVENTS_KEPT_S)
            await asyncio.sleep(_FORGET_EVERY_S)
