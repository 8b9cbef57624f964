"""HTTP streams and server-sent events: an answer that never ends, with the commands coming by other
requests."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from madang.base.limits import REALTIME_WRITE_BYTES, WEBSOCKET_CLOSE_S
from madang.net.deadlines import NEVER, NOWHERE, Sweeper
from madang.net.progress import acked_bytes
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code, reconnects
from madang.realtime.session import Session

_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


class StreamLink(asyncio.Protocol):
    """Implements `sending.Link` on a connection that has left HTTP."""

    __slots__ = ("_head", "_paused", "_statuses", "_sweeper", "bucket", "deadline", "session", "transport")

    def __init__(self, transport: asyncio.Transport, sweeper: Sweeper) -> None:
        self.transport = transport
        self.session: Session | None = None
        self.deadline = NEVER
        self.bucket = NOWHERE
        self._sweeper = sweeper
        self._paused = False
        self._head = b""
        """What is not written yet, while another status may take its place."""
        self._statuses: Mapping[int, int] = {}
        transport.set_write_buffer_limits(high=REALTIME_WRITE_BYTES)

    def begin(self, head: bytes, session: Session, statuses: Mapping[int, int]) -> None:
        """Write the answer's head: at once, or with the first frame where the connect may end with one of
        these statuses."""
        self.session = session
        if statuses:
            self._head, self._statuses = head, statuses
            session.transport = self
        else:
            self.transport.write(head)

    def write(self, data: bytes) -> None:
        """The session's first frame; the others go to the transport itself."""
        head, self._head = self._head, b""
        self.transport.write(head + data)
        if self.session is not None:
            self.session.transport = self.transport

    def acked_bytes(self) -> int | None:
        return acked_bytes(self.transport)

    def refuse(self, number: int) -> bool:
        status = self._statuses.get(number) if self._head else None
        if status is None:
            return False
        self._head = b""
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncache-control: no-store\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            % (status, _PHRASES.get(status, b""))
        )
        session, self.session = self.session, None
        if session is not None:
            session.close()
        self._close()
        return True

    def end(self, code: Code) -> None:
        if self.refuse(code.number):
            return
        session, self.session = self.session, None
        if session is not None and not self.transport.is_closing():
            push = m.DisconnectPush(code.number, code.words, reconnects(code.number))
            wire = session.wire
            self.transport.write(self._head + wire.push(m.Push(disconnect=push)) + wire.end)
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self._sweeper.expire(self, WEBSOCKET_CLOSE_S)

    def shutdown(self) -> None:
        """The server drains; the engine has told its sessions."""
        if self.session is None:
            self.transport.close()

    def pause_reading(self) -> None:
        """Commands come by other requests: there is nothing to pause."""

    def resume_reading(self) -> None:
        """Nor to resume."""

    def data_received(self, data: bytes) -> None:
        """A client has nothing to say here."""

    def pause_writing(self) -> None:
        self._paused = True
        if self.session is not None:
            self.session.pause()

    def resume_writing(self) -> None:
        self._paused = False
        if self.session is not None:
            self.session.resume(self._is_full)

    def _is_full(self) -> bool:
        return self._paused

    def on_deadline(self) -> None:
        if self.session is not None:
            self.session.on_deadline()
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._sweeper.forget(self)
        session, self.session = self.session, None
        if session is not None:
            session.close()
