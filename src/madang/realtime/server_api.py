"""Centrifugo's server API, `/api/{method}` and the legacy `/api`, as a hot route: a key commands the crowd.

Errors of a command come in the body with status 200, or as a status with
`X-Centrifugo-Error-Mode: transport`; 401 is for requests without a good key, 400 for bodies that are no
commands.
"""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_API_BYTES, REALTIME_API_S
from madang.net.http.routes import Answer, Body, Hold, Request
from madang.realtime import api_requests
from madang.realtime.api_commands import Commands
from madang.realtime.api_methods import Methods, Rpc, told
from madang.realtime.api_requests import Asked
from madang.realtime.driving import settle
from madang.realtime.engine import Engine
from madang.realtime.ports import ReplyError

log = logging.getLogger(__name__)
PREFIX: Final = "/api"
"""Longer prefixes are asked first, and what is not ours goes on: `/api/v1/` stays what it is."""
_LEGACY: Final = ("/api", "/api/")
_BATCH: Final = "/api/batch"
_TRANSPORT: Final = b"transport"
_STATUS: Final = {100: 500, 102: 404, 103: 403, 104: 404, 107: 400, 108: 400, 111: 429, 112: 416, 113: 409}
"""Of errors in the transport error mode; others are 400."""
_JSON: Final = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
_TEXT: Final = ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"))
_UNAUTHORIZED: Final = Answer(401, _TEXT, b"Unauthorized")
_NOT_POST: Final = Answer(405, (*_TEXT, (b"allow", b"POST")), b"Method Not Allowed")
_LATE: Final = Answer(504, _TEXT, b"Gateway Timeout")
_ENCODER: Final = msgspec.json.Encoder()
Outcome = dict[str, object]
Work = Coroutine[Any, Any, Answer]


class ServerApi:
    """A hot route. FastAPI would cost more than the fan-out of most publications."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._core = engine.core
        self._commands = Commands(engine, Methods(engine))

    def bind_rpc(self, method: str, rpc: Rpc) -> None:
        """Answer the command `rpc` of this name; without any, every name is 104."""
        self._commands.methods.bind_rpc(method, rpc)

    def ask(self, request: Request) -> Answer | Body | None:
        """None for a path that is not ours."""
        path = request.path
        method = path.removeprefix("/api/")
        if path not in _LEGACY and path != _BATCH and method not in api_requests.KINDS:
            return None
        if request.method != "POST":
            return _NOT_POST
        if not self.allows(request):
            self._engine.counters.api_unauthorized += 1
            return _UNAUTHORIZED
        if path in _LEGACY:
            return Body(REALTIME_API_BYTES, lambda body: self._answer(self._lines, body))
        if path == _BATCH:
            return Body(REALTIME_API_BYTES, lambda body: self._answer(self._batch, body))
        asked = request.header(b"x-centrifugo-error-mode").strip()
        by_status = asked == _TRANSPORT or (not asked and self._core.settings.api_errors_as_status)
        return Body(
            REALTIME_API_BYTES,
            lambda body: self._answer(lambda params: self._one(method, params, by_status), body),
        )

    def allows(self, request: Request) -> bool:
        """Whether the request brings one of the keys; compared in constant time, all of them."""
        key = request.header(b"x-api-key")
        if not key:
            kind, _, rest = request.header(b"authorization").partition(b" ")
            key = rest.strip() if kind.lower() == b"apikey" else b""
        if not key and request.query:
            key = parse_qs(request.query.decode("latin-1")).get("api_key", [""])[0].encode()
        known = [secret.reveal().encode() for secret in self._core.settings.api_keys if secret]
        good = [hmac.compare_digest(key, each) for each in known]
        return any(good)

    # --- one body ------------------------------------------------------------------------------------

    def _answer(self, read: Callable[[bytes], Work], body: bytes) -> Answer | Hold:
        """Commands that wait for nothing are answered at once."""
        try:
            api_requests.check(body)
            work = read(body)
        except PeerError:
            self._engine.counters.api_errors += 1
            return Answer(400, _TEXT, b"Bad Request")
        hold = Hold(REALTIME_API_S, _LATE)

        async def answer() -> None:
            if self._core.broker.in_process:
                hold.resolve(await work)
                return
            await settle()
            with contextlib.suppress(TimeoutError):  # then the protocol has answered that it is late
                async with asyncio.timeout(REALTIME_API_S):
                    hold.resolve(await work)

        self._core.run(answer())
        ready = hold.answer
        return ready if isinstance(ready, Answer) else hold

    def _one(self, method: str, params: bytes, by_status: bool) -> Work:
        asked = Asked(method, api_requests.parse(method, params))

        async def work() -> Answer:
            outcome = await self._commands.outcome(asked)
            if isinstance(outcome, ReplyError):
                status = _STATUS.get(outcome.number, 400) if by_status else 200
                return Answer(status, _JSON, _ENCODER.encode({"error": told(outcome)}))
            return Answer(200, _JSON, b'{"result":%b}' % _ENCODER.encode(outcome))

        return work()

    def _lines(self, body: bytes) -> Work:
        commands = api_requests.parse_lines(body)

        async def work() -> Answer:
            replies: list[Outcome] = []
            for asked, outcome in zip(commands, await self._commands.perform(commands, False), strict=True):
                reply: Outcome = {"id": asked.id} if asked.id else {}
                if isinstance(outcome, ReplyError):
                    reply["error"] = told(outcome)
                else:
                    reply["result"] = outcome
                replies.append(reply)
            return Answer(200, _JSON, b"\n".join(_ENCODER.encode(reply) for reply in replies))

        return work()

    def _batch(self, body: bytes) -> Work:
        commands, parallel = api_requests.parse_batch(body)

        async def work() -> Answer:
            replies: list[Outcome] = []
            for asked, outcome in zip(
                commands, await self._commands.perform(commands, parallel), strict=True
            ):
                reply: Outcome = {"id": asked.id} if asked.id else {}
                if isinstance(outcome, ReplyError):
                    reply["error"] = told(outcome)
                else:
                    reply[asked.method] = outcome
                replies.append(reply)
            return Answer(200, _JSON, _ENCODER.encode({"replies": replies}))

        return work()
