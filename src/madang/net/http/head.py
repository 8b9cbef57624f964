"""The head of one request, as routes and ASGI read it."""

from urllib.parse import unquote

from httptools import HttpParserError, parse_url

from madang.net.addresses import TrustedProxies
from madang.net.listeners import Accepted

Headers = list[tuple[bytes, bytes]]
_FORWARDED = frozenset(
    (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-real-ip")
)


class BadHead(Exception):
    """The request is refused with this status and the connection closed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Head:
    """Implements `routes.Request`; lives as long as somebody asks it something."""

    __slots__ = (
        "body_bytes", "client", "expects_continue", "headers", "host", "http_1_0",
        "keep_alive", "method", "path", "query", "raw_path", "secure",
    )  # fmt: skip

    def __init__(
        self, method: str, target: bytes, headers: Headers, http_1_0: bool, keep_alive: bool
    ) -> None:
        self.method = method
        self.headers = headers
        self.http_1_0 = http_1_0
        self.keep_alive = keep_alive
        self.raw_path, self.query = _split(target)
        path = self.raw_path.decode("ascii")
        self.path = unquote(path) if "%" in path else path
        self.body_bytes = 0
        """What Content-Length says; 0 for a chunked body, too."""
        self.expects_continue = False
        self.client = ""
        self.secure = False
        self.host = ""

    def header(self, name: bytes) -> bytes:
        for known, value in self.headers:
            if known == name:
                return value
        return b""

    def settle(self, peer: Accepted, proxies: TrustedProxies) -> None:
        """Resolve who asks for which host by which scheme; raises BadHead for a head that may deceive."""
        self.client = peer.address
        self.secure = peer.secure
        host: bytes | None = None
        for name, value in self.headers:
            if name == b"host":
                if host is not None:
                    raise BadHead(400)
                host = value
            elif name == b"content-length":
                self.body_bytes = int(value)
            elif name == b"expect":
                self.expects_continue = value.lower() == b"100-continue"
            elif name == b"transfer-encoding" and (self.http_1_0 or value.lower() != b"chunked"):
                raise BadHead(400)
        if host is None and not self.http_1_0:
            raise BadHead(400)  # RFC 9112 section 3.2
        self.host = host.decode("latin-1") if host else ""
        if proxies.lists(peer.address):
            self._believe(proxies)

    def asgi_headers(self) -> Headers:
        """The headers as the application may see them: what proxies say is already in the scope."""
        kept = [pair for pair in self.headers if pair[0] not in _FORWARDED and pair[0] != b"host"]
        return [(b"host", self.host.encode("latin-1")), *kept]

    def _believe(self, proxies: TrustedProxies) -> None:
        told = b",".join(value for name, value in self.headers if name == b"x-forwarded-for")
        if told:
            self.client = proxies.client(self.client, told)
        scheme = self.header(b"x-forwarded-proto").strip().lower()
        if scheme:
            self.secure = scheme == b"https"
        host = self.header(b"x-forwarded-host").partition(b",")[0].strip()
        if host:
            self.host = host.decode("latin-1")


def _split(target: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request target in origin-form or absolute-form (RFC 9112 section 3.2)."""
    if not target.isascii() or b"#" in target:
        raise BadHead(400)
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return path, query
    if target == b"*":
        return b"*", b""
    try:
        url = parse_url(target)
    except HttpParserError:
        raise BadHead(400) from None
    return url.path or b"/", url.query or b""
