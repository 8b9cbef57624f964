"""WHIP and WHEP over HTTP: what both doors share (RFC 9725, draft-ietf-wish-whep).

An offer is posted to the endpoint and answered with 201 and the URL of the session, where candidates are
trickled and ICE is restarted by PATCH, and the session is ended by DELETE. What a session means is the
door's: `open` is given an offer and gives the session with its answer.
"""

import asyncio
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote

import msgspec
import structlog

from madang.base.errors import Overloaded, PeerError
from madang.base.limits import (
    LAYER_BYTES,
    SDP_BYTES,
    SIGNALLING_AT_ONCE,
    SIGNALLING_S,
    SIGNALLING_SESSIONS,
    TOKEN_BYTES,
)
from madang.base.secret import Secret
from madang.net.http.problem import NO_STORE, problem
from madang.net.http.routes import Answer, Body, Growing, Hold, Request, TakeOver
from madang.net.webrtc.relays import Relays
from madang.net.webrtc.sizes import EXTENSION, Chooser, choose, listed
from madang.protocols.sdp.fragment import Fragment, build_fragment, parse_fragment
from madang.protocols.sdp.parse import parse
from madang.protocols.sdp.words import Description, Transport

log = structlog.get_logger(__name__)

Spawn = Callable[[Coroutine[None, None, None]], object]
Header = tuple[bytes, bytes]

CORS: Final = (
    (b"Access-Control-Allow-Origin", b"*"),
    (b"Access-Control-Expose-Headers", b"Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After"),
)
_SDP: Final = b"application/sdp"
_FRAGMENT: Final = b"application/trickle-ice-sdpfrag"
_ACCEPT_POST: Final = (b"Accept-Post", _SDP)
_ACCEPT_PATCH: Final = (b"Accept-Patch", _FRAGMENT)
_METHODS: Final = b"OPTIONS, GET, HEAD, POST, PATCH, DELETE"
_PREFLIGHT: Final = Answer(
    204,
    (
        *CORS,
        (b"Access-Control-Allow-Methods", _METHODS),
        (b"Access-Control-Allow-Headers", b"Authorization, Content-Type, If-Match"),
        (b"Access-Control-Max-Age", b"86400"),
        _ACCEPT_POST,
    ),
)
# What a refusal is in HTTP; what is not here is 403.
_STATUS: Final = {
    "malformed_sdp": 400,
    "no_such_key": 401,
    "not_found": 404,
    "unacceptable": 406,
    "busy": 409,
    "not_live": 409,
    "precondition_failed": 412,
    "wrong_type": 415,
    "unprocessable": 422,
    "precondition_required": 428,
    "overloaded": 503,
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An offer, and what its HTTP request showed."""

    name: str
    """The channel, as the path or the query `stream` names it."""
    offer: Description
    credential: Secret
    """A bearer, the password of Basic, or `token`, `key` or `secret` of the query."""
    session: Secret
    """The account's session cookie."""
    peer: str
    user_agent: str
    layer: str = ""
    """Of the query: the picture that is asked for, where the publisher sends several."""


class Peer(Protocol):
    """A session, as its HTTP resource sees it."""

    @property
    def id(self) -> str: ...

    @property
    def ended(self) -> bool:
        """Nothing flows any more."""
        ...

    def trickle(self, candidates: tuple[str, ...]) -> None:
        """More candidates of the peer."""
        ...

    def restart(self, remote: Transport) -> Transport:
        """A new ICE session: the peer's credentials in, ours out."""
        ...

    def end(self) -> None:
        """The peer says goodbye."""
        ...


class Opened(msgspec.Struct, frozen=True):
    """A session and the answer to its offer; `name` is the channel's canonical name."""

    peer: Peer
    answer: bytes
    name: str
    chooser: Chooser | None = None
    """Who is asked about the sizes of its picture."""


Open = Callable[[Asked], Awaitable[Opened]]


class _Resource:
    """One session's URL, which only its owner knows; who opened it with a bearer has to show that again
    (A26)."""

    __slots__ = ("_bearer", "chooser", "mids", "peer", "ufrag", "version")

    def __init__(self, opened: Opened, offer: Description, bearer: Secret) -> None:
        self.peer = opened.peer
        self.chooser = opened.chooser
        self._bearer = bearer
        self.version = 1
        self.mids = tuple(section.mid for section in offer.sections[:1])
        self.ufrag = offer.transport.ufrag

    @property
    def etag(self) -> bytes:
        """Of the ICE session: strong, and another after each restart (RFC 9725 section 4.3.1)."""
        return b'"%s.%d"' % (self.peer.id[:16].encode(), self.version)

    def is_of(self, request: Request) -> bool:
        """Whether this request is its owner's. RFC 9725 section 4.9: the token goes with every request; one
        that stood in the offer's URL is not part of this URL and not asked for."""
        ours = self._bearer.reveal()
        return not ours or hmac.compare_digest(authorization(request).encode(), ours.encode())


class SignallingRoute:
    """A hot route of one door, `whip` or `whep`, under `/live/` and `/rtc/v1/`."""

    def __init__(self, door: str, open_session: Open, spawn: Spawn, relays: Relays) -> None:
        self.door = door
        self._path = re.compile(
            rf"/live/([^/]{{1,200}})/{door}(?:/(?:([0-9A-Za-z_-]{{1,64}})(\.layer)?)?)?", re.ASCII
        )
        self._srs = {f"/rtc/v1/{door}", f"/rtc/v1/{door}/"} | (
            {"/rtc/v1/whip-play/"} if door == "whep" else set()
        )
        self._open = open_session
        self._spawn = spawn
        self._relays = relays
        self._resources: dict[str, _Resource] = {}
        self._running = 0

    def __len__(self) -> int:
        return len(self._resources)

    def sweep(self) -> None:
        """Once a second: forget the URLs of sessions that have ended."""
        for id_, resource in list(self._resources.items()):
            if resource.peer.ended:
                del self._resources[id_]

    def ask(self, request: Request) -> Answer | Body | Hold | Growing | TakeOver | None:
        """None for a path that is not this door's."""
        if request.path in self._srs:
            query = _query(request)
            return self._endpoint(request, query.get("stream", ""), query)
        path = self._path.fullmatch(request.path)
        if path is None:
            return None
        if path[2]:
            return self._resource(request, path[2], bool(path[3]))
        return self._endpoint(request, path[1], _query(request))

    # --- the endpoint ------------------------------------------------------------------------------------

    def _endpoint(
        self, request: Request, name: str, query: dict[str, str]
    ) -> Answer | Body | Hold | Growing | TakeOver:
        if request.method == "OPTIONS":
            if request.header(b"access-control-request-method"):
                return _PREFLIGHT
            return Answer(200, (*CORS, _ACCEPT_POST, *self._relays.public()))
        if request.method in ("GET", "HEAD"):
            kind = ((b"Content-Type", _SDP),) if request.method == "HEAD" else ()
            return Answer(200, (*CORS, NO_STORE, _ACCEPT_POST, *kind))
        if request.method != "POST":
            return _problem(405, "wrong_method", "Post an SDP offer.", (b"Allow", _METHODS))
        if _content_type(request) != _SDP:
            return _problem(415, "wrong_type", "An offer is of the type application/sdp.", _ACCEPT_POST)
        asked = (name, credential(request, query), session_cookie(request), request)
        return Body(SDP_BYTES, lambda body: self._answer_later(self._post(body, *asked)))

    def _answer_later(self, work: Coroutine[None, None, Answer]) -> Answer | Hold:
        if self._running >= SIGNALLING_AT_ONCE:
            work.close()
            return refusal(Overloaded("too many offers at once", "The server is busy; try again.", 2))
        self._running += 1
        late = refusal(Overloaded("an offer stalled", "The server is busy.", 2))
        hold = Hold(2 * SIGNALLING_S, late, _left)
        self._spawn(self._run(hold, work))
        return hold

    async def _run(self, hold: Hold, work: Coroutine[None, None, Answer]) -> None:
        answer = refusal(Overloaded("an offer took too long", "The server is busy; try again.", 2))
        try:
            if hold.answer is not None:
                work.close()
                return
            async with asyncio.timeout(SIGNALLING_S) as limit:
                hold.gone = partial(_left, limit=limit)
                answer = await work
        except PeerError as error:
            log.info("offer_refused", door=self.door, code=error.code, reason=error.reason)
            answer = refusal(error)
        except TimeoutError:
            log.warning("offer_stalled", door=self.door, left=hold.answer is not None)
        finally:
            self._running -= 1
            hold.resolve(answer)

    async def _post(self, body: bytes, name: str, shown: Secret, cookie: Secret, request: Request) -> Answer:
        if len(self._resources) >= SIGNALLING_SESSIONS:
            raise Overloaded("too many sessions", "The server is full; try again later.", 5)
        asked = Asked(
            name=name,
            offer=parse(body),
            credential=shown,
            session=cookie,
            peer=request.client,
            user_agent=request.header(b"user-agent")[:200].decode("latin-1"),
            layer=_query(request).get("layer", "")[:64],
        )
        opened = await self._open(asked)
        bearer = Secret(authorization(request))
        resource = self._resources[opened.peer.id] = _Resource(opened, asked.offer, bearer)
        location = f"/live/{opened.name}/{self.door}/{opened.peer.id}".encode()
        layers = (b'<%b.layer>; rel="%b"' % (location, EXTENSION.encode()),) if opened.chooser else ()
        headers = (
            *CORS, NO_STORE, (b"Content-Type", _SDP), (b"Location", location), (b"ETag", resource.etag),
            _ACCEPT_PATCH, *self._relays.links(opened.name), *((b"Link", each) for each in layers),
        )  # fmt: skip
        return Answer(201, headers, opened.answer)

    # --- a session ---------------------------------------------------------------------------------------

    def _resource(self, request: Request, id_: str, layer: bool) -> Answer | Body:
        if request.method == "OPTIONS":
            return _PREFLIGHT
        resource = self._resources.get(id_)
        if resource is None or resource.peer.ended:
            return _gone()
        if not resource.is_of(request):
            told = "Show the token that the session was opened with."
            return _problem(401, "not_yours", told, (b"WWW-Authenticate", b"Bearer"))
        if layer:
            return _layer(request, resource)
        if request.method in ("GET", "HEAD"):
            return Answer(200, (*CORS, NO_STORE, _ACCEPT_PATCH))
        if request.method == "DELETE":
            del self._resources[id_]
            resource.peer.end()
            return Answer(200, (*CORS, NO_STORE))
        if request.method != "PATCH":
            return _problem(405, "wrong_method", "Use PATCH or DELETE.", (b"Allow", _METHODS))
        if _content_type(request) != _FRAGMENT:
            told = "A patch is of the type application/trickle-ice-sdpfrag."
            return _problem(415, "wrong_type", told, _ACCEPT_PATCH)
        match = request.header(b"if-match").strip()
        return Body(SDP_BYTES, lambda body: self._patch(resource, match, body))

    def _patch(self, resource: _Resource, match: bytes, body: bytes) -> Answer:
        if resource.peer.ended:
            return _gone()  # while the body came
        try:
            return _trickle(resource, match, parse_fragment(body))
        except PeerError as error:
            return refusal(error)


def _left(hold: Hold, limit: asyncio.Timeout | None = None) -> None:
    """Nobody waits for the answer any more: no session is made for it."""
    if hold.answer is None:
        hold.resolve(hold.late)
        if limit is not None:
            limit.reschedule(0.0)


def _gone() -> Answer:
    return _problem(404, "not_found", "No such session.")


def _layer(request: Request, resource: _Resource) -> Answer | Body:
    """The sizes of a viewer's picture, and which one it wants."""
    chooser = resource.chooser
    if chooser is None:
        return _problem(404, "not_found", "This session has no picture to choose.")
    if request.method in ("GET", "HEAD"):
        return Answer(200, (*CORS, NO_STORE, (b"Content-Type", b"application/json")), listed(chooser))
    if request.method != "POST":
        return _problem(405, "wrong_method", "Use GET or POST.", (b"Allow", b"OPTIONS, GET, HEAD, POST"))
    if _content_type(request) != b"application/json":
        return _problem(415, "wrong_type", "A layer is named in JSON.", (b"Accept-Post", b"application/json"))

    def chosen(body: bytes) -> Answer:
        if resource.peer.ended:
            return _gone()
        try:
            choose(chooser, body)
        except PeerError as error:
            return refusal(error)
        return Answer(204, (*CORS, NO_STORE))

    return Body(LAYER_BYTES, chosen)


def _trickle(resource: _Resource, match: bytes, fragment: Fragment) -> Answer:
    """RFC 9725 section 4.3: candidates for the ICE session of the ETag, or another ICE session."""
    remote = fragment.transport
    fresh = bool(remote.ufrag) and remote.ufrag != resource.ufrag
    if not match:
        raise PeerError(
            "precondition_required", "no If-Match", "Say for which ICE session this is (If-Match)."
        )
    if match != b"*" and resource.etag not in [each.strip() for each in match.split(b",")]:
        raise PeerError("precondition_failed", "a stale ETag", "This ICE session is over.")
    if not fresh:
        resource.peer.trickle(remote.candidates)
        return Answer(204, (*CORS, NO_STORE))
    if not remote.pwd:
        raise PeerError("unprocessable", "a restart without ice-pwd", "An ICE restart needs ufrag and pwd.")
    ours = resource.peer.restart(remote)
    resource.version += 1
    resource.ufrag = remote.ufrag
    mids = fragment.mids[:1] or resource.mids
    body = build_fragment(Fragment(transport=ours, mids=mids))
    return Answer(200, (*CORS, NO_STORE, (b"Content-Type", _FRAGMENT), (b"ETag", resource.etag)), body)


def refusal(error: PeerError) -> Answer:
    """A refusal as problem+json (RFC 9457)."""
    status = _STATUS.get(error.code, 403)
    headers: list[Header] = []
    if isinstance(error, Overloaded):
        headers.append((b"Retry-After", b"%d" % error.retry_after_s))
    elif error.code in ("busy", "not_live"):
        headers.append((b"Retry-After", b"2"))
    elif status == 401:
        headers.append((b"WWW-Authenticate", b"Bearer"))
    return _problem(status, error.code, error.told, *headers)


def _problem(status: int, code: str, detail: str, *headers: Header) -> Answer:
    return problem(status, code, detail, *CORS, *headers)


def _content_type(request: Request) -> bytes:
    return request.header(b"content-type").partition(b";")[0].strip().lower()


def _query(request: Request) -> dict[str, str]:
    pairs = request.query[:TOKEN_BYTES].decode("latin-1").replace("+", "%2B")
    try:
        return dict(parse_qsl(pairs, max_num_fields=32))
    except ValueError:
        return {}


def credential(request: Request, query: dict[str, str]) -> Secret:
    """What a client showed: a bearer (RFC 9725 section 4.9), a password, or a parameter of the query."""
    text = authorization(request)
    for name in ("token", "key", "secret", "pass"):
        text = text or query.get(name, "")
    return Secret(text if len(text) <= TOKEN_BYTES else "")


def authorization(request: Request) -> str:
    """The token or the password of the header, empty when there is none."""
    scheme, _, given = request.header(b"authorization").partition(b" ")
    if scheme.lower() == b"bearer":
        return given.strip().decode("latin-1")
    return _password(given) if scheme.lower() == b"basic" else ""


def _password(basic: bytes) -> str:
    try:
        whole = binascii.a2b_base64(basic.strip(), strict_mode=True)
    except binascii.Error:
        return ""
    return whole.partition(b":")[2].decode("utf-8", "replace")


def session_cookie(request: Request) -> Secret:
    """The account's session, for channels that are not public."""
    for pair in request.header(b"cookie").split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name == b"madang_session" and len(value) <= TOKEN_BYTES:
            return Secret(unquote(value.decode("latin-1").strip('"')))
    return Secret("")
