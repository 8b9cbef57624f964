"""The HTTP side of WHIP and WHEP: offers, candidates, restarts, goodbyes, and every way to do it wrong."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import Request
from tests.unit.net.webrtc.test_sizes import Picture

from madang.base.errors import Overloaded, PeerError, Refused
from madang.base.limits import SDP_BYTES, SIGNALLING_AT_ONCE
from madang.base.secret import Secret
from madang.net.http.routes import Answer, Body, Hold
from madang.net.webrtc.relays import Relays
from madang.net.webrtc.signalling import Asked, Opened, SignallingRoute
from madang.protocols.sdp.fragment import parse_fragment
from madang.protocols.sdp.words import Transport

OFFER = (Path(__file__).parents[3] / "captures" / "sdp" / "chromium-play.sdp").read_bytes()
SDP = {b"content-type": b"application/sdp"}
FRAGMENT = {b"content-type": b"application/trickle-ice-sdpfrag"}
CANDIDATES = (
    b"a=ice-ufrag:%b\r\na=ice-pwd:%b\r\nm=audio 9 X 0\r\na=mid:0\r\n"
    b"a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
)
STUN, TURN = '<stun:x.example>; rel="ice-server"', '<turn:y.example>; rel="ice-server"'
RELAYS = Relays((STUN, TURN), Secret("shared"), FakeClock())


class Peer:
    """A session, as the route sees it."""

    def __init__(self) -> None:
        self.id = "s3ss10n-of-a-peer-x"
        self.ended = False
        self.trickled: list[str] = []
        self.restarts = 0

    def trickle(self, candidates: tuple[str, ...]) -> None:
        self.trickled += candidates

    def restart(self, remote: Transport) -> Transport:
        self.restarts += 1
        return Transport(ufrag=f"ours{self.restarts}", pwd="p" * 24, lite=True)

    def end(self) -> None:
        self.ended = True


class Desk:
    """The route, and who opens sessions."""

    def __init__(self) -> None:
        self.peer = Peer()
        self.chooser: Picture | None = None
        self.asked: list[Asked] = []
        self.error: PeerError | None = None
        self.stall: asyncio.Event | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.route = SignallingRoute("whep", self.open, self.spawn, RELAYS)

    async def open(self, asked: Asked) -> Opened:
        self.asked.append(asked)
        if self.stall is not None:
            await self.stall.wait()
        if self.error is not None:
            raise self.error
        return Opened(self.peer, b"v=0 the answer", "yard", self.chooser)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def ask(
        self, url: str, method: str = "POST", headers: dict[bytes, bytes] | None = None, body: bytes = OFFER
    ) -> Answer:
        outcome = self.route.ask(Request(url, method, SDP if headers is None else headers))
        if isinstance(outcome, Body):
            assert len(body) <= outcome.limit_bytes <= SDP_BYTES
            outcome = outcome.then(body)
        if isinstance(outcome, Hold):
            await asyncio.gather(*self.tasks)
            outcome = outcome.answer
        assert isinstance(outcome, Answer)
        return outcome


@pytest.fixture
def desk() -> Desk:
    return Desk()


def header(answer: Answer, name: bytes) -> bytes:
    return next((value for key, value in answer.headers if key.lower() == name.lower()), b"")


def code(answer: Answer) -> str:
    assert header(answer, b"content-type") == b"application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == answer.status
    return str(problem["type"])


async def opened(desk: Desk) -> tuple[str, bytes]:
    answer = await desk.ask("/live/yard/whep")
    return header(answer, b"Location").decode(), header(answer, b"ETag")


@pytest.mark.parametrize("url", ["/live/yard/whep", "/live/yard/whep/", "/rtc/v1/whep/?app=live&stream=yard"])
async def test_an_offer_is_answered_with_a_session(desk: Desk, url: str) -> None:
    answer = await desk.ask(url)
    assert answer.status == 201 and answer.body == b"v=0 the answer"
    assert header(answer, b"Content-Type") == b"application/sdp"
    assert header(answer, b"Location") == b"/live/yard/whep/s3ss10n-of-a-peer-x"
    assert header(answer, b"ETag").startswith(b'"') and header(answer, b"Link").startswith(b"<stun:")
    assert header(answer, b"Accept-Patch") == b"application/trickle-ice-sdpfrag"
    assert header(answer, b"Access-Control-Allow-Origin") == b"*"
    assert b"Location" in header(answer, b"Access-Control-Expose-Headers")
    assert desk.asked[0].name == "yard" and len(desk.route) == 1
    told = [value for key, value in answer.headers if key == b"Link"]
    assert told[0] == STUN.encode() and b':yard"; credential="' in told[1]


@pytest.mark.parametrize(
    ("headers", "query", "secret"),
    [
        ({b"authorization": b"Bearer k3y"}, "", "k3y"),
        ({b"authorization": b"bearer  k3y "}, "", "k3y"),
        ({b"authorization": b"Basic dXNlcjprM3k="}, "", "k3y"),
        ({b"authorization": b"Basic !!"}, "?key=other", "other"),
        ({}, "?token=a%2Bb", "a+b"),
        ({}, "?secret=k3y&app=live", "k3y"),
        ({}, "", ""),
    ],
)
async def test_what_a_client_shows(desk: Desk, headers: dict[bytes, bytes], query: str, secret: str) -> None:
    headers |= {b"cookie": b"a=b; madang_session=c00kie"}
    await desk.ask(f"/live/yard/whep{query}", headers=SDP | headers)
    assert desk.asked[0].credential.reveal() == secret and desk.asked[0].session.reveal() == "c00kie"
    assert "k3y" not in repr(desk.asked[0])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PeerError("malformed_sdp", "x"), 400),
        (Refused("no_such_key", "x"), 401),
        (Refused("kicked", "x"), 403),
        (Refused("not_found", "x"), 404),
        (PeerError("unacceptable", "x"), 406),
        (PeerError("not_live", "x"), 409),
        (Refused("busy", "x"), 409),
        (Overloaded("x", retry_after_s=7), 503),
    ],
)
async def test_refusals(desk: Desk, error: PeerError, status: int) -> None:
    desk.error = error
    answer = await desk.ask("/live/yard/whep")
    assert answer.status == status and code(answer) == error.code
    assert (header(answer, b"Retry-After") == b"") is (status not in (409, 503))
    assert (header(answer, b"WWW-Authenticate") == b"Bearer") is (status == 401)
    assert not len(desk.route)


async def test_offers_that_are_none(desk: Desk) -> None:
    assert (await desk.ask("/live/yard/whep", body=b"hello")).status == 400
    assert (await desk.ask("/live/yard/whep", headers={b"content-type": b"application/json"})).status == 415
    assert (await desk.ask("/live/yard/whep", headers={})).status == 415
    assert (await desk.ask("/live/yard/whep", "PUT")).status == 405
    assert desk.asked == []


async def test_discovery(desk: Desk) -> None:
    plain = await desk.ask("/live/yard/whep", "OPTIONS", {})
    assert (
        plain.status == 200 and header(plain, b"Accept-Post") == b"application/sdp" and header(plain, b"Link")
    )
    preflight = await desk.ask("/live/yard/whep", "OPTIONS", {b"access-control-request-method": b"POST"})
    assert preflight.status == 204 and not header(preflight, b"Link")
    assert b"If-Match" in header(preflight, b"Access-Control-Allow-Headers")
    assert header(await desk.ask("/live/yard/whep", "HEAD"), b"Content-Type") == b"application/sdp"
    assert (await desk.ask("/live/yard/whep", "GET")).body == b""


@pytest.mark.parametrize(
    "path", ["/live/yard/whip", "/live/yard.flv", "/live/yard/whep/a/b", "/rtc/v1/whip/", "/live//whep"]
)
def test_other_paths_are_not_ours(desk: Desk, path: str) -> None:
    assert desk.route.ask(Request(path, "POST", SDP)) is None


async def test_candidates_trickle(desk: Desk) -> None:
    location, etag = await opened(desk)
    same = CANDIDATES % (desk.asked[0].offer.transport.ufrag.encode(), b"p" * 24)
    answer = await desk.ask(location, "PATCH", FRAGMENT | {b"if-match": etag}, same)
    assert answer.status == 204 and not header(answer, b"ETag")
    assert len(desk.peer.trickled) == 1 and not desk.peer.restarts


async def test_ice_restart_gives_another_tag(desk: Desk) -> None:
    location, etag = await opened(desk)
    fresh = CANDIDATES % (b"fresh", b"p" * 24)
    answer = await desk.ask(location, "PATCH", FRAGMENT | {b"if-match": b"*"}, fresh)
    assert answer.status == 200 and header(answer, b"ETag") not in (etag, b"")
    assert parse_fragment(answer.body).transport.ufrag == "ours1"
    assert (await desk.ask(location, "PATCH", FRAGMENT | {b"if-match": etag}, fresh)).status == 412
    again = await desk.ask(location, "PATCH", FRAGMENT | {b"if-match": header(answer, b"ETag")}, fresh)
    assert again.status == 204 and desk.peer.restarts == 1


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("PATCH", FRAGMENT, CANDIDATES % (b"fresh", b"p" * 24), 428),
        ("PATCH", FRAGMENT | {b"if-match": b'"stale"'}, CANDIDATES % (b"fresh", b"p" * 24), 412),
        ("PATCH", FRAGMENT | {b"if-match": b"*"}, b"a=ice-ufrag:fresh\r\n", 422),
        ("PATCH", FRAGMENT | {b"if-match": b"*"}, b"\xff", 400),
        ("PATCH", SDP, b"", 415),
        ("POST", SDP, OFFER, 405),
        ("GET", {}, b"", 200),
        ("OPTIONS", {}, b"", 204),
    ],
)  # fmt: skip
async def test_a_session_that_is_asked_wrongly_goes_on(
    desk: Desk, method: str, headers: dict[bytes, bytes], body: bytes, status: int
) -> None:
    location, _ = await opened(desk)
    assert (await desk.ask(location, method, headers, body)).status == status
    assert not desk.peer.ended and not desk.peer.restarts


async def test_a_viewer_chooses_its_size(desk: Desk) -> None:
    desk.chooser = Picture()
    answer = await desk.ask("/live/yard/whep")
    links = [value for key, value in answer.headers if key == b"Link"]
    assert links[-1] == (
        b'</live/yard/whep/s3ss10n-of-a-peer-x.layer>; rel="urn:ietf:params:whep:ext:core:layer"'
    )
    layer = links[-1].partition(b">")[0][1:].decode()
    found = await desk.ask(layer, "GET", {})
    assert found.status == 200 and header(found, b"Content-Type") == b"application/json"
    assert [each["id"] for each in json.loads(found.body)["0"]["active"]] == ["best", "q"]
    said = {b"content-type": b"application/json"}
    assert (await desk.ask(layer, "POST", said, b'{"encodingId":"q"}')).status == 204
    assert desk.chooser.picked == ["q"]
    assert (await desk.ask(layer, "POST", said, b'{"encodingId":"x"}')).status == 422
    assert (await desk.ask(layer, "POST", SDP, b"{}")).status == 415
    assert (await desk.ask(layer, "DELETE", {})).status == 405 and not desk.peer.ended
    preflight = await desk.ask(layer, "OPTIONS", {b"access-control-request-method": b"POST"})
    assert b"POST" in header(preflight, b"Access-Control-Allow-Methods")


async def test_a_session_without_a_picture_has_no_sizes(desk: Desk) -> None:
    location, _ = await opened(desk)
    assert (await desk.ask(f"{location}.layer", "GET", {})).status == 404
    assert (await desk.ask("/live/yard/whep/never.layer", "GET", {})).status == 404
    shown = await desk.ask("/live/yard/whep", headers=SDP | {b"authorization": b"Bearer k3y"})
    mine = header(shown, b"Location").decode()
    assert (await desk.ask(f"{mine}.layer", "GET", {})).status == 401


async def test_delete_ends_it(desk: Desk) -> None:
    location, _ = await opened(desk)
    assert (await desk.ask(location, "DELETE", {})).status == 200
    assert desk.peer.ended
    assert (await desk.ask(location, "DELETE", {})).status == 404
    assert (await desk.ask("/live/yard/whep/never", "DELETE", {})).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "DELETE", "PUT"])
async def test_a_session_with_a_bearer_is_its_owners(desk: Desk, method: str) -> None:
    """A26: every method, with no bearer, another one, or the right one where it does not belong."""
    shown = {b"authorization": b"Bearer k3y"}
    answer = await desk.ask("/live/yard/whep", headers=SDP | shown)
    location = header(answer, b"Location").decode()
    other = {b"authorization": b"Bearer k3"}, {b"authorization": b"Bearer \xff"}, {b"authorization": b"k3y"}
    for wrong in ({}, *other, {b"cookie": b"madang_session=k3y"}):
        refused = await desk.ask(location, method, FRAGMENT | {b"if-match": b"*"} | wrong)
        assert refused.status == 401 and code(refused) == "not_yours"
        assert header(refused, b"WWW-Authenticate") == b"Bearer"
    assert (await desk.ask(f"{location}?token=k3y", "DELETE", {})).status in (401, 404)
    assert not desk.peer.ended and not desk.peer.restarts and not desk.peer.trickled
    assert (await desk.ask(location, "OPTIONS", {})).status == 204
    assert (await desk.ask(location, "DELETE", shown)).status == 200 and desk.peer.ended


async def test_a_session_whose_token_stood_in_the_url_is_known_by_its_own(desk: Desk) -> None:
    """ffmpeg with `?key=`: what follows carries no token, only the session's URL."""
    answer = await desk.ask("/rtc/v1/whep/?app=live&stream=yard&key=k3y")
    location = header(answer, b"Location").decode()
    assert "k3y" not in location
    assert (await desk.ask(location, "DELETE", {})).status == 200


@pytest.mark.parametrize("method", ["PATCH", "POST"])
async def test_a_session_that_ends_before_the_body_comes_is_gone(desk: Desk, method: str) -> None:
    """A restart would make it known again to the port, for good."""
    desk.chooser = picture = Picture()
    location, _ = await opened(desk)
    headers, body = FRAGMENT | {b"if-match": b"*"}, CANDIDATES % (b"fresh", b"p" * 24)
    if method == "POST":
        location, headers = f"{location}.layer", {b"content-type": b"application/json"}
        body = b'{"encodingId":"q"}'
    asked = desk.route.ask(Request(location, method, headers))
    assert isinstance(asked, Body)
    desk.peer.ended = True
    answer = asked.then(body)
    assert isinstance(answer, Answer) and answer.status == 404
    assert not desk.peer.restarts and not picture.picked


async def test_the_url_of_a_session_that_is_over_is_forgotten(desk: Desk) -> None:
    location, _ = await opened(desk)
    desk.route.sweep()
    assert len(desk.route) == 1
    desk.peer.ended = True
    assert (await desk.ask(location, "PATCH", FRAGMENT)).status == 404
    desk.route.sweep()
    assert not len(desk.route)


@pytest.mark.parametrize("late", [False, True])
async def test_who_leaves_before_the_answer_gets_no_session(desk: Desk, late: bool) -> None:
    """Nobody would ever come to it, and a publisher's would keep the channel, or take it from another."""
    desk.stall = asyncio.Event()
    asked = desk.route.ask(Request("/live/yard/whep", "POST", SDP))
    assert isinstance(asked, Body)
    hold = asked.then(OFFER)
    assert isinstance(hold, Hold) and hold.gone is not None
    if late:
        await asyncio.sleep(0)
        assert len(desk.asked) == 1
    assert hold.gone is not None
    hold.gone(hold)
    await asyncio.wait(desk.tasks, timeout=15)
    desk.stall.set()
    await asyncio.gather(*desk.tasks)
    assert len(desk.asked) == late and len(desk.route) == 0
    desk.stall = None
    assert (await desk.ask("/live/yard/whep")).status == 201


async def test_too_many_offers_at_once_are_told_to_wait(desk: Desk) -> None:
    desk.stall = asyncio.Event()
    for _ in range(SIGNALLING_AT_ONCE):
        outcome = desk.route.ask(Request("/live/yard/whep", "POST", SDP))
        assert isinstance(outcome, Body) and isinstance(outcome.then(OFFER), Hold)
    answer = await desk.ask("/live/yard/whep")
    assert answer.status == 503 and header(answer, b"Retry-After")
    desk.stall.set()
    await asyncio.gather(*desk.tasks)
    assert (await desk.ask("/live/yard/whep")).status == 201
