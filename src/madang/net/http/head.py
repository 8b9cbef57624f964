"""The head of one request, as routes and ASGI read it."""

from urllib.parse import unquote

from httptools import HttpParserError, parse_url

from madang.net.addresses import TrustedProxies
from madang.net.listeners import Accepted

Headers = list[tuple[bytes, bytes]]
_FORWARDED = frozenset(
    (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-real-ip")
)


# Repeated, these would frame or route the request differently for us and for a proxy before us.
_SINGLE = (b"host", b"content-length", b"transfer-encoding")


class BadHead(Exception):
    """The request is refused with this status and the connection closed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Head:
    """Implements `routes.Request`; lives as long as somebody asks it something."""

    __slots__ = (
        "body_bytes",
        "client",
        "expects_continue",
        "fields",
        "headers",
        "host",
        "http_1_0",
        "keep_alive",
        "method",
        "path",
        "query",
        "raw_path",
        "secure",
    )

    def __init__(
        self, method: str, target: bytes, headers: Headers, peer: Accepted, version: str = "1.1"
    ) -> None:
        """Raises BadHead for a head that is no request, or may deceive (A42)."""
        self.method = method
        self.headers = headers
        self.fields = fields = dict(headers)
        if len(fields) != len(headers):
            self._settle_repeated()
        if target.startswith(b"/") and b"#" not in target:
            self.raw_path, _, self.query = target.partition(b"?")
        else:
            self.raw_path, self.query = _split(target)
        path = self.raw_path.decode("ascii")
        self.path = unquote(path) if "%" in path else path
        self.http_1_0 = False
        self.keep_alive = True
        self.client = peer.address
        self.secure = peer.secure
        host = fields.get(b"host")
        self.host = "" if host is None else host.decode("latin-1")
        if version != "1.1":
            self._check_old(version)
        elif host is None:
            raise BadHead(400)  # RFC 9112 section 3.2
        elif b"transfer-encoding" in fields and fields[b"transfer-encoding"].lower() != b"chunked":
            raise BadHead(400)
        self.body_bytes = int(fields.get(b"content-length", 0))
        """What Content-Length says; 0 for a chunked body, too."""
        self.expects_continue = b"expect" in fields and fields[b"expect"].lower() == b"100-continue"

    def header(self, name: bytes) -> bytes:
        return self.fields.get(name, b"")

    def _check_old(self, version: str) -> None:
        if version != "1.0" or b"transfer-encoding" in self.fields:
            raise BadHead(400)
        self.http_1_0 = True
        self.keep_alive = False

    def _settle_repeated(self) -> None:
        """Of a header that is repeated, the first counts; one that frames or routes must not be."""
        self.fields = dict(reversed(self.headers))
        names = [name for name, _ in self.headers]
        if any(names.count(name) > 1 for name in _SINGLE):
            raise BadHead(400)

    def believe(self, proxies: TrustedProxies) -> None:
        """Take client, scheme and host from the headers of a listed proxy."""
        told = b",".join(value for name, value in self.headers if name == b"x-forwarded-for")
        if told:
            self.client = proxies.client(self.client, told)
        scheme = self.header(b"x-forwarded-proto").strip().lower()
        if scheme:
            self.secure = scheme == b"https"
        host = self.header(b"x-forwarded-host").partition(b",")[0].strip()
        if host:
            self.host = host.decode("latin-1")

    def asgi_headers(self) -> Headers:
        """The headers as the application may see them: what proxies say is already in the scope."""
        kept = [pair for pair in self.headers if pair[0] not in _FORWARDED and pair[0] != b"host"]
        return [(b"host", self.host.encode("latin-1")), *kept]


def _split(target: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request target in origin-form or absolute-form (RFC 9112 section 3.2)."""
    if b"#" in target:
        raise BadHead(400)
    if target == b"*":
        return b"*", b""
    try:
        url = parse_url(target)
    except HttpParserError:
        raise BadHead(400) from None
    return url.path or b"/", url.query or b""
