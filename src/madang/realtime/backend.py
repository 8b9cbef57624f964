"""One backend that is asked by HTTP: the request, its answer as a result or as a refusal, its absence."""

import logging
from base64 import b64encode
from collections.abc import Mapping
from typing import Final, NoReturn, TypedDict, TypeVar

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.base.limits import OUTBOUND_BYTES, REALTIME_PROXY_AGAIN_S
from madang.net.outbound import Call as Sent
from madang.net.outbound import Outbound, OutboundError, Reply
from madang.protocols.centrifugo import proxy as p
from madang.protocols.centrifugo import text
from madang.protocols.centrifugo.messages import NONE, raw
from madang.realtime.core import Core
from madang.realtime.gate import Caller
from madang.realtime.people import Carried
from madang.realtime.ports import BAD_REQUEST, INTERNAL, Disconnect, RefreshReply, ReplyError
from madang.realtime.settings import ProxySettings

log = logging.getLogger(__name__)
NOTHING: Final = Carried()
_R = TypeVar("_R")


class About(TypedDict):
    """Of a connection, in every question."""

    client: str
    transport: str
    protocol: str
    encoding: str


class Standing(About):
    """And once it is known whose it is."""

    user: str
    meta: Raw


class Unanswered(Exception):
    """A backend brought no good answer."""


class Proxy:
    """One backend. Says once in the log that it does not answer, and once that it does again."""

    def __init__(self, name: str, settings: ProxySettings, core: Core, outbound: Outbound) -> None:
        self.name = name
        self.settings = settings
        self._core = core
        self._outbound = outbound
        self._passed = frozenset(header.lower() for header in settings.http_headers)
        self._emulated = frozenset(header.lower() for header in settings.emulated_headers)
        self._static = {name.lower(): value.reveal() for name, value in settings.static_headers.items()}
        self._statuses = {each.status_code: each for each in settings.status_to_code_transforms}
        self._fails = False

    async def ask(
        self,
        call: p.Question,
        kind: msgspec.json.Decoder[p.Answer[_R]],
        carried: Carried,
        *,
        by_status: bool = True,
        limit_bytes: int = OUTBOUND_BYTES,
    ) -> _R | None:
        """The result, if there is one. Raises ReplyError and Disconnect of the backend, with `by_status`
        also for its HTTP status, and Unanswered."""
        self._core.counters.proxy_requests += 1
        try:
            headers = self._headers(carried)
            reply = await self._send(p.encode(call), headers, limit_bytes)
            if reply.status != 200:
                self._refuse(reply.status, by_status)
            answer = p.parse(kind, reply.body)
        except (ReplyError, Disconnect):
            raise
        except PeerError as error:
            raise self._failed(error.reason) from None
        if self._fails:
            self._fails = False
            log.info("realtime: the proxy %s answers again", self.name)
        if answer.disconnect is not None:
            raise Disconnect(answer.disconnect.code, answer.disconnect.reason)
        if answer.error is not None:
            told = answer.error
            raise ReplyError(told.code, told.message, temporary=told.temporary)
        return answer.result

    async def _send(self, body: bytes, headers: Mapping[str, str], limit_bytes: int) -> Reply:
        where, deadline_s = self.settings.endpoint, self.settings.timeout_s
        sent = Sent(where, "POST", headers, body, deadline_s, limit_bytes, follow=False)
        return await self._outbound.fetch(sent)

    def _refuse(self, status: int, by_status: bool) -> NoReturn:
        told = self._statuses.get(status) if by_status else None
        if told is not None and told.to_error is not None:
            error = told.to_error
            raise ReplyError(error.code, error.message, temporary=error.temporary)
        if told is not None and told.to_disconnect is not None:
            raise Disconnect(told.to_disconnect.code, told.to_disconnect.reason)
        raise OutboundError("status", f"the backend answers {status}")

    def _headers(self, carried: Carried) -> dict[str, str]:
        """What the request's own headers say wins over what the client said, and both over what is set."""
        said = {name: value for name, value in carried.emulated if name in self._emulated}
        passed = {name: value for name, value in carried.headers if name in self._passed}
        return {**self._static, **said, **passed, "content-type": "application/json"}

    def _failed(self, why: str) -> Unanswered:
        self._core.counters.proxy_errors += 1
        if not self._fails:
            self._fails = True
            log.warning("realtime: the proxy %s (%s) does not answer: %s", self.name, self.where, why)
        return Unanswered(why)

    @property
    def where(self) -> str:
        """The endpoint without its query, which may hold a key."""
        return self.settings.endpoint.partition("?")[0]

    @property
    def encoding(self) -> str:
        return "binary" if self.settings.binary_encoding else "json"

    def data(self, data: bytes) -> tuple[Raw, str]:
        """A client's data as `data` and `b64data`. Raises ReplyError 107 for bytes that are no JSON."""
        if self.settings.binary_encoding:
            return NONE, b64encode(data).decode()
        if data and not text.is_json(data):
            raise BAD_REQUEST
        return raw(data), ""

    def about(self, caller: Caller) -> About:
        """What every question begins with."""
        return {
            "client": caller.client,
            "transport": caller.transport,
            "protocol": caller.encoding,
            "encoding": self.encoding,
        }

    def of(self, caller: Caller) -> Standing:
        """What every question about a connection that stands begins with."""
        meta = raw(caller.meta) if self.settings.include_connection_meta else NONE
        return {**self.about(caller), "user": caller.user, "meta": meta}

    async def stand(
        self, caller: Caller, call: p.Call, kind: msgspec.json.Decoder[p.Answer[_R]]
    ) -> _R | None:
        """Ask about a connection that stands. Raises ReplyError and Disconnect."""
        try:
            return await self.ask(call, kind, self._core.carried.get(caller.client, NOTHING))
        except Unanswered:
            raise INTERNAL from None

    async def refresh(self, caller: Caller, call: p.Call) -> RefreshReply:
        """A backend that does not answer is asked again in a minute; one that answers without a result ends
        it."""
        carried = self._core.carried.get(caller.client, NOTHING)
        try:
            result = await self.ask(call, p.REFRESH, carried, by_status=False)
            if result is None or result.expired:
                return RefreshReply(expired=True)
            info = p.either(result.info, result.b64info)
        except (ReplyError, Disconnect):
            return RefreshReply(expired=True)
        except (Unanswered, PeerError):
            return RefreshReply(expires_at=self._core.clock.wall() + REALTIME_PROXY_AGAIN_S)
        meta = p.present(result.meta)
        return RefreshReply(expires_at=result.expire_at or 0.0, info=info or None, meta=meta or None)
