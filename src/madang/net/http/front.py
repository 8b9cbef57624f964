"""What all connections of one HTTP server share: routes, application, counts, the date."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from madang.base import limits
from madang.net.ground import Ground
from madang.net.http.head import Head
from madang.net.http.lifespan import AsgiApp
from madang.net.http.routes import Answer, Body, Outcome, Route

log = logging.getLogger(__name__)
_BROKEN = Answer(
    500,
    ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")),
    b"Internal Server Error",
)


class Front:
    """Asked by each connection; knows nothing of sockets."""

    def __init__(
        self,
        ground: Ground,
        routes: Sequence[tuple[str, Route]],
        app: AsgiApp,
        app_state: dict[str, Any] | None = None,
    ) -> None:
        self.ground = ground
        self.app_state = app_state if app_state is not None else {}
        self.config = Config(
            app,
            log_config=None,
            lifespan="off",
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            access_log=False,
        )
        self.config.load()
        self.state = ServerState()
        self.loop = asyncio.get_running_loop()
        self.counters = ground.counters
        self.sweeper = ground.sweeper
        self.proxies = ground.proxies
        self.body_bytes_max = limits.UPLOAD_BYTES + limits.API_BODY_BYTES
        self.draining = False
        self.date_keep = b""
        self.date_close = b""
        self._second = -1
        self._routes = tuple(sorted(routes, key=lambda pair: -len(pair[0])))
        self._holds: Counter[str] = Counter()
        self._date()
        self.sweeper.each_tick(self._date)

    def ask(self, head: Head) -> Outcome:
        """What the hot routes say; None when the request is for ASGI."""
        path = head.path
        try:
            for prefix, route in self._routes:
                if path.startswith(prefix):
                    outcome = route.ask(head)
                    if outcome is not None:
                        return outcome
        except Exception:
            self.counters.route_errors += 1
            log.exception("a hot route failed on %s %s", head.method, head.raw_path)
            return _BROKEN
        return None

    def decide(self, body: Body) -> Outcome:
        """What the route that asked for it says to a whole body."""
        try:
            return body.then(bytes(body.data))
        except Exception:
            self.counters.route_errors += 1
            log.exception("a hot route failed on a body")
            return _BROKEN

    def take_hold(self, client: str) -> bool:
        """Count one more held request of this client; False when it has too many (A53)."""
        if self._holds[client] >= limits.HOLDS_PER_IP and not self.proxies.exempt(client):
            return False
        self._holds[client] += 1
        return True

    def drop_hold(self, client: str) -> None:
        self._holds[client] -= 1
        if not self._holds[client]:
            del self._holds[client]

    @property
    def holds(self) -> int:
        """Requests that are held now."""
        return self._holds.total()

    def _date(self) -> None:
        second = int(self.ground.clock.wall())
        if second == self._second:
            return
        self._second = second
        date = formatdate(second, usegmt=True).encode()
        self.date_keep = b"date: %s\r\n\r\n" % date
        self.date_close = b"date: %s\r\nconnection: close\r\n\r\n" % date
        self.state.default_headers = [(b"date", date)]
