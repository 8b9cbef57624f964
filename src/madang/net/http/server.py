"""The HTTP server: hot routes and an ASGI application behind the doors of the ground."""

import asyncio
import ssl

from madang.net.http.front import Front
from madang.net.http.protocol import HttpProtocol
from madang.net.listeners import Binding, Door


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
        """Drain, wait this long for answers under way, then cut."""
        self.drain()
        if self.state.tasks:
            await asyncio.wait(self.state.tasks, timeout=patience_s)
        for task in tuple(self.state.tasks):
            task.cancel()
        if self.state.tasks:
            await asyncio.wait(self.state.tasks, timeout=patience_s)
        for connection in tuple(self.state.connections):
            connection.transport.abort()
