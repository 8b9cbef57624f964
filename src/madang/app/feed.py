"""The websocket of state changes, `/api/v1/events/ws`: our pages' only one; `?channel=` names a channel."""

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import msgspec

from madang.base.errors import Overloaded, Refused
from madang.base.limits import FEED_BACKLOG_BYTES
from madang.control import Control
from madang.control.errors import NotFound
from madang.control.rights import Actor, Scope
from madang.control.tokens import PREFIX as API_TOKEN
from madang.delivery.http.admission import play_request
from madang.delivery.http.errands import Errands
from madang.hub.gate import PlayGrant, PlayRequest
from madang.net.http.problem import problem
from madang.net.http.routes import Answer, Hold, Request, TakeOver
from madang.net.websocket import WebSocket, WebSockets
from madang.protocols.websocket.frame import TEXT, build_frame

PATH: Final = "/api/v1/events/ws"
_FOREIGN = problem(403, "foreign_origin", "This websocket is for this site's own pages and for API tokens.")
_BAD_TOKEN = problem(401, "bad_token", "This API token is unknown, expired, revoked, or may not read events.")
_TRY_AGAIN_LATER: Final = 1013
_POLICY: Final = 1008
_DECIDE_S: Final = 5.0


class _Entry(NamedTuple):
    """By which right a page comes."""

    channel: str | None
    actor: Actor | None = None
    grant: PlayGrant | None = None


class _Page:
    """One open page at the feed."""

    def __init__(self, socket: WebSocket, control: Control, entry: "_Entry") -> None:
        self._socket = socket
        self._detach: Callable[[], None] | None = None
        try:
            self._detach = control.feed.attach(self._send, entry.actor, entry.channel, self._end, entry.grant)
        except Overloaded as error:
            socket.close(_TRY_AGAIN_LATER, error.told)
        except NotFound:
            socket.close(_POLICY, "no such channel")

    def _send(self, message: bytes) -> None:
        if self._socket.backlog_bytes > FEED_BACKLOG_BYTES:
            self._socket.close(_TRY_AGAIN_LATER, "the page reads too slowly")
        else:
            self._socket.send_frame(build_frame(TEXT, message))

    def _end(self) -> None:
        self._socket.close(_POLICY, "no such channel")

    def on_message(self, data: str | bytes) -> None:
        """Pages have nothing to say here; whatever they say shows that they are alive."""

    def on_closed(self, code: int, reason: str) -> None:
        if self._detach is not None:
            self._detach()


class FeedRoute:
    """The hot route: the origin is checked before anything, who calls is looked up off the loop's way."""

    def __init__(self, control: Control, sockets: WebSockets, errands: Errands) -> None:
        self._control = control
        self._sockets = sockets
        self._errands = errands

    def ask(self, request: Request) -> Answer | Hold | TakeOver | None:
        if request.path != PATH:
            return None
        origin = request.header(b"origin").decode("latin-1")
        if origin and not self._control.is_own_origin(origin, request.host):
            return _FOREIGN
        channel = parse_qs(request.query.decode("latin-1")).get("channel", [None])[0]
        shown = play_request("api", "", request)
        if not shown.token and not shown.session:
            return self._open(request, _Entry(channel))
        return self._errands.hold(_DECIDE_S, lambda: self._identify(request, shown, channel))

    async def _identify(self, request: Request, shown: PlayRequest, channel: str | None) -> Answer | TakeOver:
        if not shown.token:
            actor = await self._control.authenticate_session(shown.session, request.client)
            return self._open(request, _Entry(channel, actor))
        if not shown.token.reveal().startswith(API_TOKEN):
            return self._open(request, _Entry(channel, grant=await self._grant(shown, channel)))
        actor = await self._control.authenticate_bearer(shown.token, request.client)
        if actor is None or not actor.allows(Scope.EVENTS_READ):
            return _BAD_TOKEN
        return self._open(request, _Entry(channel, actor))

    async def _grant(self, shown: PlayRequest, channel: str | None) -> PlayGrant | None:
        """What a play token is worth: the right to follow its private channel."""
        try:
            return await self._control.play.admit(msgspec.structs.replace(shown, name=channel or ""))
        except Refused:
            return None

    def _open(self, request: Request, entry: _Entry) -> Answer | TakeOver:
        return self._sockets.accept(request, lambda socket: _Page(socket, self._control, entry))
