"""The crowd's websockets: the shared framed connection, with the session's own pings and its slow readers."""

import asyncio

from madang.base.limits import REALTIME_WRITE_BYTES
from madang.net.progress import acked_bytes
from madang.net.websocket import WebSocket, WebSockets
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code, reconnects
from madang.protocols.websocket import frame
from madang.realtime.session import Session

PING_FRAME = frame.build_frame(frame.PING, b"")


class CrowdSocket(WebSocket):
    """Implements `sending.Link`."""

    __slots__ = ("session",)

    def __init__(self, home: WebSockets, transport: asyncio.Transport, limit_bytes: int) -> None:
        super().__init__(home, transport, limit_bytes)
        transport.set_write_buffer_limits(high=REALTIME_WRITE_BYTES)
        self.session: Session | None = None

    def end(self, code: Code) -> None:
        session, self.session = self.session, None
        if session is not None and session.wire.bare:
            push = m.DisconnectPush(code.number, code.words, reconnects(code.number))
            self.send_frame(session.wire.push(m.Push(disconnect=push)))
        self.resume_reading()
        self.close(code.number, code.words)

    def acked_bytes(self) -> int | None:
        return acked_bytes(self.transport)

    def refuse(self, number: int) -> bool:
        return False

    def shutdown(self) -> None:
        """The engine drains by itself, with the protocol's own code; this one is for what it did not know."""
        if self.session is None:
            super().shutdown()

    def pause_reading(self) -> None:
        if not self.transport.is_closing() and self.transport.is_reading():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self.transport.is_closing() and not self.transport.is_reading():
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.session is not None:
            self.session.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.session is not None:
            self.session.resume(self._is_full)

    def _is_full(self) -> bool:
        return self.paused

    def on_pong(self) -> None:
        if self.session is not None:
            self.session.on_transport_pong()

    def on_deadline(self) -> None:
        if self.is_open and self.session is not None:
            self.session.on_deadline()
        else:
            super().on_deadline()


class SocketHandler:
    """Between the socket and its session; one per connection, without state."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def on_message(self, data: str | bytes) -> None:
        self._session.on_message(data)

    def on_closed(self, code: int, reason: str) -> None:
        self._session.close()
