"""What a connection tells of its publisher: implemented by `ingest/rtmp`."""

from collections.abc import Callable
from typing import Protocol

from madang.protocols.rtmp.message import Message


class Publisher(Protocol):
    """What becomes of an accepted publisher's messages. Called synchronously, must not await."""

    @property
    def media(self) -> Callable[[Message], None]:
        """Is called with each audio, video or data message; raises PeerError to have the publisher cut
        off. Asked for once, when the publisher is accepted."""
        ...

    @property
    def watched(self) -> bool:
        """Whether anybody waits for the media; asked a few times a second."""
        ...

    def look(self) -> None:
        """Called about once a second; raises PeerError to have the publisher cut off."""
        ...

    def closed(self, by: str) -> None:
        """The end, told once: `by` is the command that said goodbye (FCUnpublish, deleteStream,
        closeStream), or empty when the socket was lost or the peer broke the protocol."""
        ...
