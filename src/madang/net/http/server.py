"""The HTTP server: hot routes and an ASGI application behind the doors of the ground."""

import asyncio
import ssl
from typing import Final

from madang.net.http.front import Front
from madang.net.http.protocol import HttpProtocol
from madang.net.listeners import Binding, Door

_LOOK_AGAIN_S: Final = 0.02
_LAST_S: Final = 0.2


class HttpServer(Front):
    """`routes` are pairs of path prefix and route, asked by longest prefix first, before ASGI.

    Signals are not its business: `Ground.close_doors` stops accepting, `drain` ends what only waits,
    `close` ends all.
    """

    async def listen(self, binding: Binding, tls: ssl.SSLContext | None = None) -> Door:
        """Open a door for HTTP, or for HTTPS with `tls`; raises ListenError."""
        return await self.ground.listen(binding, lambda peer: HttpProtocol(self, peer), tls)

    def drain(self) -> None:
        """Answer what is held, close what is idle, let the rest finish its answer and close."""
        self.draining = True
        for connection in tuple(self.state.connections):
            connection.shutdown()

    async def close(self, patience_s: float = 1.0) -> None:
        """Drain, wait this long for answers to be made and read, then cut."""
        self.drain()
        end = self.loop.time() + patience_s
        while (self.state.tasks or self.state.connections) and self.loop.time() < end:
            await asyncio.sleep(_LOOK_AGAIN_S)
        for connection in tuple(self.state.connections):
            connection.transport.abort()
        # The application hears that its client is gone; what does not listen is cancelled.
        if self.state.tasks:
            await asyncio.wait(self.state.tasks, timeout=_LAST_S)
        for task in tuple(self.state.tasks):
            task.cancel()
        if self.state.tasks:
            await asyncio.wait(self.state.tasks, timeout=_LAST_S)
