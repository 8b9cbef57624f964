"""What operators and balancers ask: `/healthz`, `/readyz`, `/version`, `/metrics`. Answered before ASGI."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Final

from madang import __version__
from madang.app.metrics import CONTENT_TYPE, Metrics, may_read
from madang.app.sections import Metrics as MetricsSettings
from madang.net.http.routes import Answer, Hold, Request

_PLAIN: Final = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
_DECIDE_S: Final = 10.0


def _json(code: int, **values: object) -> Answer:
    return Answer(code, _PLAIN, json.dumps(values).encode() + b"\n")


class Operations:
    """The route of these pages.

    `degraded` lists what is wrong in words (invariant 10: health tells the truth); `has_scope` judges a
    bearer token for the scope `metrics`.
    """

    PREFIXES: Final = ("/healthz", "/readyz", "/version", "/metrics", "/health")
    """The last one as Centrifugo calls it."""

    def __init__(
        self,
        metrics: Metrics,
        settings: MetricsSettings,
        degraded: Callable[[], list[str]],
        has_scope: Callable[[str], Awaitable[bool]],
    ) -> None:
        self.ready = False
        """Whether the doors are open; false again from the first moment of the drain."""
        self._metrics = metrics
        self._settings = settings
        self._degraded = degraded
        self._has_scope = has_scope
        self._deciding: set[asyncio.Task[None]] = set()

    def ask(self, request: Request) -> Answer | Hold | None:
        if request.path not in self.PREFIXES:
            return None
        if request.method not in ("GET", "HEAD"):
            return _json(405, status=405, title="Method not allowed")
        if request.path in ("/healthz", "/health"):
            wrong = self._degraded()
            return _json(200, status="degraded" if wrong else "ok", wrong=wrong)
        if request.path == "/readyz":
            return _json(200 if self.ready else 503, ready=self.ready)
        if request.path == "/version":
            return _json(200, name="madang", version=__version__)
        return self._ask_metrics(request)

    def _ask_metrics(self, request: Request) -> Answer | Hold:
        forwarded = bool(request.header(b"x-forwarded-for") or request.header(b"forwarded"))
        scheme, _, token = request.header(b"authorization").decode("latin-1").partition(" ")
        if may_read(self._settings, request.client, forwarded, has_scope=False):
            if self._metrics.prepared:
                return self._page()
            token = ""
        elif scheme.lower() != "bearer" or not token:
            return self._refusal()
        hold = Hold(_DECIDE_S, _json(503, status=503, title="The metrics were not ready in time"))
        task = asyncio.get_running_loop().create_task(self._judge(hold, token))
        self._deciding.add(task)
        task.add_done_callback(self._deciding.discard)
        return hold

    async def _judge(self, hold: Hold, token: str) -> None:
        """Answer a token's request, or one that needs none (an empty token) and came first."""
        try:
            async with asyncio.timeout(_DECIDE_S):
                allowed = not token or await self._has_scope(token)
                if allowed and not self._metrics.prepared:
                    await asyncio.to_thread(self._metrics.prepare)
        except TimeoutError:
            return  # the hold's own deadline answers
        hold.resolve(self._page() if allowed else self._refusal())

    def _page(self) -> Answer:
        headers = ((b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store"))
        return Answer(200, headers, self._metrics.render())

    def _refusal(self) -> Answer:
        told = (
            b'{"status": 401, "title": "Metrics are for this machine, or for a token that may read them"}\n'
        )
        return Answer(401, (*_PLAIN, (b"www-authenticate", b'Bearer realm="madang", scope="metrics"')), told)
