"""The one way out: HTTP requests to addresses that were judged, under a deadline and a size cap.

A name is resolved once, its addresses are judged, and the connection goes to a judged address, with the
name kept for Host and TLS (A6, A7). Each redirect begins anew (A8).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from madang.base import limits
from madang.base.errors import PeerError
from madang.net.counters import NetCounters
from madang.net.settings import NetSettings

if TYPE_CHECKING:
    import httpx

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")
_COMPATIBLE: Final = IPv6Network("::/96")
# What `is_global` lets pass although nothing of the public Internet lives there.
_DENIED: Final = tuple(
    ip_network(network)
    for network in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "fec0::/10", "5f00::/16")
)
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_HIDDEN: Final = frozenset(("authorization", "cookie", "host"))


class OutboundError(PeerError):
    """The request was not sent, or its answer not taken. `code` is one of: bad-url, refused-address,
    unreachable, timeout, too-large, encoded, redirects."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request; `follow` follows redirects, which only GET may."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    deadline_s: float = limits.OUTBOUND_S
    limit_bytes: int = limits.OUTBOUND_BYTES
    follow: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `url` is where it came from, after redirects; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart by the one parser, and put together again from its parts (A11)."""

    scheme: str
    host: str
    """In ASCII; without brackets."""
    port: int
    path: str
    """With its query."""

    @property
    def netloc(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.scheme) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


class Outbound:
    """Sends requests. `resolve` gives all addresses of a name; tests bring their own.

    With `keeps`, connections stay open for the next request, each for the name that it was verified for:
    for few and steady places, such as an operator's own backends.
    """

    def __init__(
        self,
        settings: NetSettings,
        counters: NetCounters,
        resolve: Resolve | None = None,
        *,
        keeps: bool = False,
        at_once: int = limits.OUTBOUND_AT_ONCE,
    ) -> None:
        self._allowed = tuple(ip_network(network, strict=False) for network in settings.outbound_allow)
        self._counters = counters
        self._resolve = resolve or resolve_by_system
        self._keeps = keeps
        self._clients: dict[str, httpx.AsyncClient] = {}
        """By scheme and name where connections are kept; else one."""
        self._found: dict[str, tuple[float, list[str]]] = {}
        """Judged addresses, until when they are believed; by name and port."""
        self._turns = asyncio.Semaphore(at_once)

    async def fetch(self, call: Call) -> Reply:
        """Send `call` and read its answer; raises OutboundError."""
        self._counters.outbound_requests += 1
        try:
            async with asyncio.timeout(call.deadline_s), self._turns:
                return await self._follow(call)
        except TimeoutError:
            raise OutboundError("timeout", f"no whole answer in {call.deadline_s:g} s") from None
        except OutboundError as error:
            self._counters.outbound_refused += error.code == "refused-address"
            raise

    async def close(self) -> None:
        """Close what is open; the next fetch opens anew."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()

    def judge(self, address: str) -> bool:
        """Whether an address may be reached: public, or listed in the settings."""
        plain = ip_address(address.partition("%")[0])
        return any(plain in network for network in self._allowed) or is_public(plain)

    async def _follow(self, call: Call) -> Reply:
        origin = None
        for _ in range(limits.OUTBOUND_REDIRECTS + 1):
            target = parse_url(call.url)
            if origin is not None and (target.scheme, target.host, target.port) != origin:
                call = replace(call, headers=_without_secrets(call.headers))
            origin = target.scheme, target.host, target.port
            reply = await self._once(call, target)
            place = reply.headers.get("location")
            if reply.status not in _REDIRECTS or not place or not call.follow or call.method != "GET":
                return reply
            call = replace(call, url=_join(target, place))
        raise OutboundError("redirects", f"more than {limits.OUTBOUND_REDIRECTS} redirects")

    async def _once(self, call: Call, target: Target) -> Reply:
        fault = OutboundError("unreachable", f"{target.host} does not answer")
        for address in await self._judged(target):
            try:
                return await self._send(call, target, address)
            except ConnectionError:
                continue
        raise fault

    async def _judged(self, target: Target) -> list[str]:
        """Its addresses that may be reached. Where connections are kept, so is the answer, for as long."""
        now = asyncio.get_running_loop().time()
        until, judged = self._found.get(target.netloc, (0.0, []))
        if now < until:
            return judged
        judged = await self._look_up(target)
        if self._keeps and len(self._found) < limits.OUTBOUND_KEPT_NAMES:
            self._found[target.netloc] = now + limits.OUTBOUND_KEPT_S, judged
        return judged

    async def _look_up(self, target: Target) -> list[str]:
        try:
            found = await self._resolve(target.host, target.port)
        except OSError:
            raise OutboundError("unreachable", f"{target.host} has no address") from None
        judged = [address for address in dict.fromkeys(found) if self.judge(address)]
        if not judged:
            raise OutboundError("refused-address", f"{target.host} is not a public address: {found}")
        return judged

    async def _send(self, call: Call, target: Target, address: str) -> Reply:
        import httpx

        client = self._open(target)
        place = f"[{address}]" if ":" in address else address
        request = client.build_request(
            call.method,
            f"{target.scheme}://{place}:{target.port}{target.path}",
            headers={**call.headers, "host": target.netloc, "accept-encoding": "identity"},
            content=call.body or None,
            extensions={"sni_hostname": target.host},
        )
        try:
            response = await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise ConnectionError from None
        except httpx.HTTPError as error:
            raise OutboundError("unreachable", f"{target.host}: {error!r}") from None
        try:
            body = await _read(response, call.limit_bytes)
        except httpx.HTTPError as error:
            raise OutboundError("unreachable", f"{target.host}: {error!r}") from None
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, body, target.url)

    def _open(self, target: Target) -> "httpx.AsyncClient":
        # A connection was verified for one name, at an address that others share.
        keeps = self._keeps and len(self._clients) < limits.OUTBOUND_KEPT_NAMES
        name = f"{target.scheme}://{target.host}"
        client = self._clients.get(name) or (None if keeps else self._clients.get(""))
        if client is None:
            import httpx  # 10 MB of memory, for those who never send anything

            bounds = httpx.Limits(
                max_keepalive_connections=limits.OUTBOUND_KEPT if keeps else 0,
                keepalive_expiry=limits.OUTBOUND_KEPT_S,
            )
            client = self._clients[name if keeps else ""] = httpx.AsyncClient(
                trust_env=False,
                follow_redirects=False,
                limits=bounds,
                timeout=None,
                headers={"user-agent": "Madang"},
            )
        return client


def parse_url(url: str) -> Target:
    """Take a URL apart; raises OutboundError "bad-url" for whatever two parsers might read differently."""
    import httpx

    if len(url) > 2048 or any(letter <= " " or letter in "\\\x7f" for letter in url):
        raise OutboundError("bad-url", "URL has a space, a control character or a backslash, or is too long")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii").strip("[]").rstrip(".").lower()
    except (httpx.InvalidURL, UnicodeError):
        raise OutboundError("bad-url", "URL cannot be read") from None
    if parsed.scheme not in ("http", "https") or not host:
        raise OutboundError("bad-url", "URL is not http or https with a host")
    if parsed.userinfo or "@" in url.partition("//")[2].partition("/")[0]:
        raise OutboundError("bad-url", "URL has credentials in it")
    port = _default_port(parsed.scheme) if parsed.port is None else parsed.port
    if not 0 < port < 65536:
        raise OutboundError("bad-url", "URL has no such port")
    return Target(parsed.scheme, host, port, parsed.raw_path.decode("ascii"))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public Internet, whatever it is wrapped in (A6)."""
    inner = _unwrap(address)
    if inner is not None:
        return is_public(inner)
    if any(address in network for network in _DENIED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve_by_system(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system finds them; `2130706433` and `0x7f.1` become what they are."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(name[0]) for _, _, _, _, name in found]


def _unwrap(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _6TO4:
        return address.sixtofour
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


async def _read(response: "httpx.Response", limit_bytes: int) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise OutboundError("encoded", "the answer is compressed although that was not accepted")
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw(65_536):
        size += len(part)
        if size > limit_bytes:
            raise OutboundError("too-large", f"the answer is longer than {limit_bytes} bytes")
        parts.append(part)
    return b"".join(parts)


def _join(target: Target, place: str) -> str:
    import httpx

    try:
        return str(httpx.URL(target.url).join(place))
    except httpx.InvalidURL:
        raise OutboundError("bad-url", "redirect cannot be read") from None


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HIDDEN}


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
