"""HTTP-FLV, `/live/{name}.flv`: the connection leaves HTTP and becomes a viewer of shared tags."""

import asyncio
import re
import socket
from typing import Final

from madang.base.ids import SessionId
from madang.base.limits import VIEWER_ERRAND_S, VIEWER_SNDBUF_BYTES
from madang.containers.flv.tag import build_header
from madang.delivery.http.admission import (
    CORS,
    NO_STORE,
    NOT_FOUND,
    PREFLIGHT,
    WRONG_METHOD,
    play_request,
)
from madang.delivery.http.errands import Errands
from madang.hub.attendance import Attendance
from madang.hub.gate import PlayGate, PlayGrant
from madang.hub.registry import Registry
from madang.media.track import Kind
from madang.net.fanout.viewer import Viewer
from madang.net.http.routes import Answer, Hold, Request, TakeOver
from madang.packaging.flv.rendering import Renderings

_PATH = re.compile(r"/live/([a-z0-9][a-z0-9_-]{0,63})\.flv", re.ASCII)
_HEADERS: Final = ((b"Content-Type", b"video/x-flv"), NO_STORE, *CORS)
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    + b"".join(b"%s: %s\r\n" % pair for pair in _HEADERS)
    + b"X-Accel-Buffering: no\r\nConnection: close\r\n\r\n"
)


class FlvViewer(Viewer):
    """One HTTP-FLV connection."""

    __slots__ = ("_attendance", "_grant", "_session")

    def __init__(self, attendance: Attendance, grant: PlayGrant) -> None:
        super().__init__()
        self._attendance = attendance
        self._grant = grant
        self._session: SessionId = attendance.enter(grant, self, "flv")

    def revoke(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def left(self) -> None:
        self._attendance.leave(self._grant, self._session)


class FlvRoute:
    """A hot route. Public channels are answered at once, private ones after the gate has looked."""

    def __init__(
        self,
        gate: PlayGate,
        registry: Registry,
        attendance: Attendance,
        renderings: Renderings,
        errands: Errands,
    ) -> None:
        self._gate = gate
        self._registry = registry
        self._attendance = attendance
        self._renderings = renderings
        self._errands = errands

    def ask(self, request: Request) -> Answer | Hold | TakeOver | None:
        """None for a path that is not ours."""
        path = _PATH.fullmatch(request.path)
        if path is None:
            return None
        if request.method == "OPTIONS":
            return PREFLIGHT
        if request.method not in ("GET", "HEAD"):
            return WRONG_METHOD
        grant = self._gate.peek(path[1])
        if grant is not None:
            return self._answer(grant, request.method)
        name = path[1]

        async def admitted() -> Answer | TakeOver:
            given = await self._gate.admit(play_request("flv", name, request))
            return self._answer(given, request.method)

        return self._errands.hold(2 * VIEWER_ERRAND_S, admitted)

    def _answer(self, grant: PlayGrant, method: str) -> Answer | TakeOver:
        stream = self._registry.get(grant.channel)
        if stream is None or not stream.tracks:
            return NOT_FOUND
        if method == "HEAD":
            return Answer(200, _HEADERS)
        return TakeOver(lambda transport, rest: self._begin(grant, transport))

    def _begin(self, grant: PlayGrant, transport: asyncio.Transport) -> asyncio.Protocol:
        viewer = FlvViewer(self._attendance, grant)
        viewer.transport = transport
        transport.set_protocol(viewer)
        stream = self._registry.get(grant.channel)
        if stream is None:
            transport.close()
            return viewer
        bound_send_buffer(transport)
        kinds = {track.kind for track in stream.tracks}
        header = build_header(audio=Kind.AUDIO in kinds, video=Kind.VIDEO in kinds)
        self._renderings.join(stream, viewer, transport, _HEAD + header)
        return viewer


def bound_send_buffer(transport: asyncio.Transport) -> None:
    """Let the kernel queue no more than VIEWER_SNDBUF_BYTES for a viewer."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, VIEWER_SNDBUF_BYTES)
