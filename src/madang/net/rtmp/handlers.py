"""Who takes over: the port that `ingest/rtmp` and `delivery/rtmp` implement, joined in `app/wiring`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from madang.protocols.rtmp.message import Message
from madang.protocols.rtmp.server import Play, Publish

if TYPE_CHECKING:
    from madang.net.rtmp.connection import RtmpConnection


class PublishHandler(Protocol):
    """Decides about publishers."""

    async def publish(self, connection: "RtmpConnection", request: Publish) -> None:
        """Decide, then `connection.accept_publish(...)` or `connection.refuse(...)`, and return.

        Cancelled when the client goes away meanwhile, and after RTMP_COMMAND_S.
        """
        ...


class PlayHandler(Protocol):
    """Decides about players."""

    async def play(self, connection: "RtmpConnection", request: Play) -> None:
        """Decide, then `connection.accept_play(...)` or `connection.refuse(...)`, and return."""
        ...


class Publisher(Protocol):
    """What becomes of an accepted publisher's messages. Called synchronously, must not await."""

    @property
    def media(self) -> Callable[[Message], None]:
        """Is called with each audio, video or data message; raises PeerError to have the publisher cut
        off. Asked for once, when the publisher is accepted."""
        ...

    def look(self) -> None:
        """Called about once a second; raises PeerError to have the publisher cut off."""
        ...

    def closed(self, by: str) -> None:
        """The end, told once: `by` is the command that said goodbye (FCUnpublish, deleteStream,
        closeStream), or empty when the socket was lost or the peer broke the protocol."""
        ...
