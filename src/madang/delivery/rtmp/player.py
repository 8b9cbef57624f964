"""One RTMP player: a viewer of shared chunks, whose connection still answers what it asks."""

from typing import Final

from madang.base.ids import SessionId
from madang.hub.attendance import Attendance
from madang.hub.gate import PlayGrant
from madang.net.fanout.viewer import Viewer
from madang.net.rtmp.connection import RtmpConnection

NOT_FOUND: Final = "NetStream.Play.StreamNotFound"


class RtmpPlayer(Viewer):
    """The protocol of a connection while it plays. What comes in goes to the connection: pings,
    acknowledgements, deleteStream."""

    __slots__ = ("_attendance", "_connection", "_grant", "_session")

    def __init__(self, connection: RtmpConnection, attendance: Attendance, grant: PlayGrant) -> None:
        super().__init__()
        self._connection = connection
        self._attendance = attendance
        self._grant = grant
        self._session: SessionId = attendance.enter(grant, self, "rtmp")

    def stop(self) -> None:
        """The client has stopped playing; the connection may play again."""
        transport = self.transport
        if self.fanout is not None:
            self.fanout.leave(self)
        self.left()
        if transport is not None and not transport.is_closing():
            transport.set_protocol(self._connection)

    def revoke(self) -> None:
        """The right to watch is gone: in words that do not tell that there is anything to watch."""
        self.left()
        if self.fanout is not None:
            self.fanout.leave(self)
        self._connection.refuse(NOT_FOUND, "No such stream.")
        if self.paused and self.transport is not None:
            self.transport.abort()

    def finish(self) -> None:
        self._connection.end_play("The broadcast has ended.")

    def left(self) -> None:
        self._attendance.leave(self._grant, self._session)

    def data_received(self, data: bytes) -> None:
        self._connection.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connection.connection_lost(exc)
