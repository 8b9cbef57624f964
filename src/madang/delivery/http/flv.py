"""HTTP-FLV and websocket-FLV: the connection leaves HTTP and becomes a viewer of shared tags.

/live/{name}.flv         a body that ends with the connection; a websocket, when the client asks to upgrade
/live/{name}.ws.flv      a websocket: one binary message per batch of tags
"""

import asyncio
import re
from typing import Final

import msgspec

from madang.base.ids import SessionId
from madang.base.limits import VIEWER_ERRAND_S
from madang.base.secret import Secret
from madang.containers.flv.tag import build_header
from madang.delivery.http.admission import CORS, NOT_FOUND, check_method, play_request
from madang.delivery.http.errands import Errands
from madang.hub.attendance import Attendance
from madang.hub.gate import PlayGate, PlayGrant
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.media.track import Kind
from madang.net.fanout.fanout import Envelope
from madang.net.fanout.viewer import Viewer
from madang.net.http.problem import NO_STORE
from madang.net.http.routes import Answer, Hold, Request, TakeOver
from madang.net.websocket import WebSocket, WebSockets, same_origin
from madang.packaging.flv.rendering import Renderings
from madang.protocols.websocket import frame

_PATH = re.compile(r"/live/([a-z0-9][a-z0-9_-]{0,63})(\.ws)?\.flv", re.ASCII)
_HEADERS: Final = ((b"Content-Type", b"video/x-flv"), NO_STORE, *CORS)
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    + b"".join(b"%s: %s\r\n" % pair for pair in _HEADERS)
    + b"X-Accel-Buffering: no\r\nConnection: close\r\n\r\n"
)


class FlvViewer(Viewer):
    """One HTTP-FLV connection."""

    __slots__ = ("_attendance", "_grant", "_session")

    def __init__(self, attendance: Attendance, grant: PlayGrant, door: str = "flv") -> None:
        super().__init__()
        self._attendance = attendance
        self._grant = grant
        self._session: SessionId = attendance.enter(grant, self, door)

    def revoke(self) -> None:
        """The right to watch is gone: nothing more, not even what is queued."""
        if self.transport is not None:
            self.transport.abort()

    def left(self) -> None:
        self._attendance.leave(self._grant, self._session)


class SocketViewer(FlvViewer):
    """One websocket-FLV connection: the websocket speaks for itself, this writes the frames."""

    __slots__ = ("_socket",)

    def __init__(self, attendance: Attendance, grant: PlayGrant, socket: WebSocket) -> None:
        super().__init__(attendance, grant, "wsflv")
        self._socket = socket

    def finish(self) -> None:
        self._socket.close(frame.NORMAL, "the broadcast has ended")

    def shutdown(self) -> None:
        self._socket.shutdown()

    def on_message(self, data: str | bytes) -> None:
        """Viewers have nothing to say."""

    @property
    def is_open(self) -> bool:
        """Whether nobody has said goodbye."""
        return self._socket.is_open

    def on_closed(self, code: int, reason: str) -> None:
        """Told by `connection_lost` already, but for one that was over before it could play."""
        self.left()

    def data_received(self, data: bytes) -> None:
        self._socket.data_received(data)
        if not self._socket.is_open and self.fanout is not None:
            self.fanout.leave(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._socket.pause_writing()

    def resume_writing(self) -> None:
        self._socket.resume_writing()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._socket.connection_lost(exc)


class Doors(msgspec.Struct, frozen=True):
    """What the route shares with the rest of the HTTP front."""

    errands: Errands
    sockets: WebSockets


class FlvRoute:
    """A hot route. Public channels are answered at once, private ones after the gate has looked."""

    def __init__(
        self, gate: PlayGate, registry: Registry, attendance: Attendance, renderings: Renderings, doors: Doors
    ) -> None:
        self._gate = gate
        self._registry = registry
        self._attendance = attendance
        self._renderings = renderings
        self._doors = doors

    def ask(self, request: Request) -> Answer | Hold | TakeOver | None:
        """None for a path that is not ours."""
        path = _PATH.fullmatch(request.path)
        if path is None:
            return None
        name = path[1]
        upgrade = path[2] is not None or request.header(b"upgrade").lower() == b"websocket"
        refusal = check_method(request.method)
        if refusal is not None:
            return refusal
        grant = self._gate.peek(name)
        if grant is not None:
            return self._answer(grant, request, upgrade)
        return self._doors.errands.hold(2 * VIEWER_ERRAND_S, lambda: self._admit(name, request, upgrade))

    async def _admit(self, name: str, request: Request, upgrade: bool) -> Answer | TakeOver:
        asked = play_request("wsflv" if upgrade else "flv", name, request)
        if upgrade and not same_origin(request):
            # No CORS protects a websocket: a foreign page must not watch with its visitor's cookie (A18).
            asked = msgspec.structs.replace(asked, session=Secret(""))
        return self._answer(await self._gate.admit(asked), request, upgrade)

    def _answer(self, grant: PlayGrant, request: Request, upgrade: bool) -> Answer | TakeOver:
        stream = self._registry.get(grant.channel)
        if stream is None or not stream.tracks:
            return NOT_FOUND
        if upgrade:
            return self._upgrade(grant, request)
        if request.method == "HEAD":
            return Answer(200, _HEADERS)
        return TakeOver(lambda transport, rest: self._begin(grant, transport))

    def _begin(self, grant: PlayGrant, transport: asyncio.Transport) -> asyncio.Protocol:
        viewer = FlvViewer(self._attendance, grant)
        transport.set_protocol(viewer)
        self._join(grant, viewer, transport)
        return viewer

    def _upgrade(self, grant: PlayGrant, request: Request) -> Answer | TakeOver:
        viewer: SocketViewer | None = None

        def make_viewer(socket: WebSocket) -> SocketViewer:
            nonlocal viewer
            viewer = SocketViewer(self._attendance, grant, socket)
            return viewer

        accepted = self._doors.sockets.accept(request, make_viewer)
        if isinstance(accepted, Answer):
            return accepted

        def begin(transport: asyncio.Transport, rest: bytes) -> asyncio.Protocol:
            socket = accepted.begin(transport, rest)
            if viewer is None or not viewer.is_open or transport.is_closing():
                return socket  # what came with the upgrade has ended it
            transport.set_protocol(viewer)
            self._join(grant, viewer, transport, binary_head)
            return viewer

        return TakeOver(begin)

    def _join(
        self,
        grant: PlayGrant,
        viewer: FlvViewer,
        transport: asyncio.Transport,
        envelope: Envelope | None = None,
    ) -> None:
        viewer.transport = transport
        stream = self._registry.get(grant.channel)
        if stream is None:
            viewer.finish()
            return
        head = b"" if envelope else _HEAD
        self._renderings.join(stream, viewer, transport, head + file_header(stream), envelope)


def file_header(stream: Stream) -> bytes:
    """The FLV header whose flags say which tracks there are."""
    kinds = {track.kind for track in stream.tracks}
    return build_header(audio=Kind.AUDIO in kinds, video=Kind.VIDEO in kinds)


def binary_head(length: int) -> bytes:
    """The websocket frame head of a batch: shared by all viewers, so that batches are framed once."""
    return frame.build_head(frame.BINARY, length)
