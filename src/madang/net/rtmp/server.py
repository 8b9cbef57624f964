"""All RTMP connections of this process: who is pending, who decides, who is asked to come back later."""

import asyncio
import contextlib
import os
from collections import Counter

import structlog

from madang.base.limits import (
    PENDING_SESSIONS_PER_IP,
    PENDING_SESSIONS_TOTAL,
    RTMP_COMMAND_S,
    RTMP_LINGER_S,
)
from madang.net.deadlines import TICK_S
from madang.net.ground import Ground
from madang.net.listeners import Accepted
from madang.net.rtmp.connection import RtmpConnection
from madang.net.rtmp.counters import RtmpCounters
from madang.net.rtmp.handlers import PlayHandler, PublishHandler
from madang.protocols.rtmp.handshake import ENTROPY_BYTES
from madang.protocols.rtmp.server import Play, Publish

_LOOK_TICKS = round(1.0 / TICK_S)
log = structlog.get_logger(__name__)


class RtmpServer:
    """Made once; `ground.listen(binding, server.accept, tls)` opens its doors, with and without TLS."""

    def __init__(self, ground: Ground, publish: PublishHandler, play: PlayHandler) -> None:
        self.sweeper = ground.sweeper
        self.counters = RtmpCounters()
        self.connections: set[RtmpConnection] = set()
        self._publishing: set[RtmpConnection] = set()
        """Those that published, as long as they are here."""
        self._exempt = ground.proxies.exempt
        self._publish = publish
        self._play = play
        self._pending: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticks = 0
        self._emptied: asyncio.Event | None = None
        """Set when the last connection is gone; made by `close`."""
        ground.sweeper.each_tick(self._tick)

    def accept(self, peer: Accepted) -> RtmpConnection:
        """The protocol factory of RTMP and RTMPS doors."""
        return RtmpConnection(self, peer, os.urandom(ENTROPY_BYTES))

    def ask_to_reconnect(self, description: str) -> int:
        """Ask all who understand it to come back in a moment (drain); returns how many were asked."""
        return sum(connection.ask_to_reconnect(description) for connection in tuple(self.connections))

    async def close(self) -> None:
        """End every connection, and give the peers RTMP_LINGER_S to read what they were told last."""
        for task in self._tasks:
            task.cancel()
        for connection in tuple(self.connections):
            connection.close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._emptied = asyncio.Event()
        if self.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), RTMP_LINGER_S)

    # --- for connections ---------------------------------------------------------------------------------

    def enter(self, connection: RtmpConnection) -> bool:
        """Count a new connection as pending (loopback and proxies are not); False when too many are."""
        address = connection.peer.address
        if not self._exempt(address):
            full = self._pending.total() >= PENDING_SESSIONS_TOTAL
            if full or self._pending[address] >= PENDING_SESSIONS_PER_IP:
                self.counters.refused_pending += 1
                return False
            self._pending[address] += 1
            connection.counted = True
        self.counters.connections += 1
        self.connections.add(connection)
        return True

    def admitted(self, connection: RtmpConnection) -> None:
        """It publishes or plays, or is gone: no longer pending."""
        if connection.counted:
            connection.counted = False
            address = connection.peer.address
            self._pending[address] -= 1
            if not self._pending[address]:
                del self._pending[address]

    def publishes(self, connection: RtmpConnection) -> None:
        """It may send media from now on."""
        self._publishing.add(connection)

    def leave(self, connection: RtmpConnection) -> None:
        """Its socket is gone."""
        self._publishing.discard(connection)
        self.sweeper.forget(connection)
        self.connections.discard(connection)
        self.admitted(connection)
        if self._emptied is not None and not self.connections:
            self._emptied.set()

    def decide(self, connection: RtmpConnection, request: Publish | Play) -> asyncio.Task[None]:
        """Let the handler answer in a task of its own, which the connection cancels when it is lost."""
        task = asyncio.get_running_loop().create_task(self._decide(connection, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _tick(self) -> None:
        """Let publishers gather at each tick, and look at them once in _LOOK_TICKS ticks."""
        self._ticks += 1
        for connection in self._publishing:
            connection.gather(TICK_S)
        if self._ticks % _LOOK_TICKS == 0:
            for connection in tuple(self._publishing):
                connection.look()

    async def _decide(self, connection: RtmpConnection, request: Publish | Play) -> None:
        failed = "NetStream.Publish.Failed" if isinstance(request, Publish) else "NetStream.Play.Failed"
        try:
            async with asyncio.timeout(RTMP_COMMAND_S):
                if isinstance(request, Publish):
                    await self._publish.publish(connection, request)
                else:
                    await self._play.play(connection, request)
        except TimeoutError:
            connection.refuse(failed, "The server is too busy; try again in a moment.")
        except Exception:
            self.counters.failures += 1
            log.exception("rtmp_handler_failed", peer=connection.peer.address)
            connection.refuse(failed, "The server made a mistake; try again in a moment.")
