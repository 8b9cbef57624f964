"""Who takes over: the port that `ingest/rtmp` and `delivery/rtmp` implement, joined in `app/wiring`."""

from typing import Protocol

from madang.net.rtmp.connection import RtmpConnection
from madang.protocols.rtmp.server import Play, Publish


class PublishHandler(Protocol):
    """Decides about publishers."""

    async def publish(self, connection: RtmpConnection, request: Publish) -> None:
        """Decide, then `connection.accept_publish(...)` or `connection.refuse(...)`, and return.

        Cancelled when the client goes away meanwhile, and after RTMP_COMMAND_S.
        """
        ...


class PlayHandler(Protocol):
    """Decides about players."""

    async def play(self, connection: RtmpConnection, request: Play) -> None:
        """Decide, then `connection.accept_play(...)` or `connection.refuse(...)`, and return."""
        ...
