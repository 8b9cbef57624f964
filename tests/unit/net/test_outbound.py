"""The way out: what may be reached, what is read, and for how long (A6 to A9, A11)."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from typing import Any

import pytest

from madang.net.counters import NetCounters
from madang.net.outbound import Call, Outbound, OutboundError, is_public, parse_url, resolve_by_system
from madang.net.settings import NetSettings

INNER = (
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "2001:db8::1",
)
PUBLIC = (
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::",
)


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost", "[::1]", "0"])
async def test_spellings_of_loopback_are_refused(host: str, port: int, hits: list[bytes]) -> None:
    outbound = Outbound(NetSettings(), NetCounters())
    with pytest.raises(OutboundError) as caught:
        await outbound.fetch(Call(f"http://{host}:{port}/"))
    assert caught.value.code in ("refused-address", "unreachable", "bad-url")
    assert not hits


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.example/",
        "//a.example/",
        "http://",
        "http:///path",
        "http://user:word@a.example/",
        "http://user@a.example/",
        "http://@a.example/",
        "http://a.example@b.example/",
        "http://a.example\\@b.example/",
        "http://a.example/\r\nX: y",
        "http://a.example /",
        "http://a.example\t/",
        "http://a.example:99999999/",
        "http://a.example:-1/",
        "http://[::1/",
        "http://a.example/" + "x" * 3000,
        "gopher://a.example/",
        "http+unix://a/",
    ],
)
def test_urls_that_are_not_sent(url: str) -> None:
    with pytest.raises(OutboundError) as caught:
        parse_url(url)
    assert caught.value.code == "bad-url"


@pytest.mark.parametrize(
    ("url", "rebuilt"),
    [
        ("HTTP://A.Example", "http://a.example/"),
        ("https://a.example:443/x?y=1#z", "https://a.example/x?y=1"),
        ("http://a.example.:8080/", "http://a.example:8080/"),
        ("http://[2606:4700::1111]:8080/x", "http://[2606:4700::1111]:8080/x"),
        ("http://마당.example/가", "http://xn--ok1b32k.example/%EA%B0%80"),
    ],
)
def test_urls_are_rebuilt_from_their_parts(url: str, rebuilt: str) -> None:
    assert parse_url(url).url == rebuilt


# --- a server that plays tricks ------------------------------------------------------------------------


@pytest.fixture
def hits() -> list[bytes]:
    return []


@pytest.fixture
def answers() -> dict[str, bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]]:
    return {}


@pytest.fixture
async def port(hits: list[bytes], answers: dict[str, Any]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            hits.append(head)
            answer = answers.get(head.split()[1].decode(), b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n")
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host.endswith(".example") else await resolve_by_system(host, port)

    outbound = Outbound(NetSettings(outbound_allow=("127.0.0.1",)), NetCounters(), resolve)
    yield outbound
    await outbound.close()


def ok(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = (b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers, b"", b"")
    return b"\r\n".join(lines) + body


async def test_name_is_kept_and_address_is_pinned(
    outbound: Outbound, port: int, hits: list[bytes], answers: Any
) -> None:
    answers["/hook?a=b"] = ok(b"taken", b"X-Word: yes")
    call = Call(f"http://a.example:{port}/hook?a=b", "POST", {"x-signature": "s"}, b"body")
    reply = await outbound.fetch(call)
    assert (reply.status, reply.body, reply.headers["x-word"]) == (200, b"taken", "yes")
    assert reply.url == call.url
    head = hits[0].lower()
    assert head.startswith(b"post /hook?a=b http/1.1\r\n")
    assert b"host: a.example:%d\r\n" % port in head
    assert b"x-signature: s\r\n" in head
    assert b"accept-encoding: identity\r\n" in head


async def test_second_look_up_cannot_change_the_answer(port: int, hits: list[bytes], answers: Any) -> None:
    answers["/"] = ok(b"inner")
    looks = 0

    async def rebind(host: str, _: int) -> list[str]:
        nonlocal looks
        looks += 1
        return ["192.0.2.1"] if looks > 1 else ["127.0.0.1"]

    first = Outbound(NetSettings(outbound_allow=("127.0.0.1",)), NetCounters(), rebind)
    assert (await first.fetch(Call(f"http://a.example:{port}/"))).body == b"inner"
    assert looks == 1
    with pytest.raises(OutboundError):
        await first.fetch(Call(f"http://a.example:{port}/"))
    await first.close()


async def test_of_several_addresses_only_judged_ones_are_tried(port: int, answers: Any) -> None:
    answers["/"] = ok(b"fine")

    async def resolve(host: str, _: int) -> list[str]:
        return ["10.0.0.1", "127.0.0.2", "127.0.0.1", "::1"]

    outbound = Outbound(NetSettings(outbound_allow=("127.0.0.1", "127.0.0.2")), NetCounters(), resolve)
    assert (await outbound.fetch(Call(f"http://a.example:{port}/"))).body == b"fine"
    await outbound.close()


async def test_redirects_are_judged_each(
    outbound: Outbound, port: int, hits: list[bytes], answers: Any
) -> None:
    answers["/1"] = ok(b"", b"location: /2", status=b"302 Found")
    answers["/2"] = ok(b"", b"location: http://b.example:%d/3" % port, status=b"307 There")
    answers["/3"] = ok(b"end")
    secret = {"authorization": "Bearer s", "x-plain": "p"}
    reply = await outbound.fetch(Call(f"http://a.example:{port}/1", headers=secret))
    assert (reply.body, reply.url) == (b"end", f"http://b.example:{port}/3")
    assert [b"Bearer" in hit for hit in hits] == [True, True, False]
    assert all(b"x-plain" in hit for hit in hits)
    for place, code in (
        (b"http://10.0.0.1/", "refused-address"),
        (b"http://[::1]:%d/" % port, "refused-address"),
        (b"file:///etc/passwd", "bad-url"),
        (b"rtmp://a.example/", "bad-url"),
    ):
        answers["/1"] = ok(b"", b"location: " + place, status=b"302 Found")
        with pytest.raises(OutboundError) as caught:
            await outbound.fetch(Call(f"http://a.example:{port}/1"))
        assert caught.value.code == code


async def test_redirects_end(outbound: Outbound, port: int, hits: list[bytes], answers: Any) -> None:
    answers["/1"] = ok(b"", b"location: /1", status=b"302 Found")
    with pytest.raises(OutboundError) as caught:
        await outbound.fetch(Call(f"http://a.example:{port}/1"))
    assert caught.value.code == "redirects"
    assert len(hits) == 4


async def test_a_post_is_never_redirected(outbound: Outbound, port: int, answers: Any) -> None:
    answers["/1"] = ok(b"", b"location: /2", status=b"307 There")
    assert (await outbound.fetch(Call(f"http://a.example:{port}/1", "POST"))).status == 307


async def test_dripped_answer_has_one_deadline(outbound: Outbound, port: int, answers: Any) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    answers["/"] = drip
    with pytest.raises(OutboundError) as caught:
        await outbound.fetch(Call(f"http://a.example:{port}/", deadline_s=0.1))
    assert caught.value.code == "timeout"
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("framing", [b"content-length: 2000", b"connection: close"])
async def test_endless_answer_is_cut(outbound: Outbound, port: int, answers: Any, framing: bytes) -> None:
    answers["/"] = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + bytes(2000)
    with pytest.raises(OutboundError) as caught:
        await outbound.fetch(Call(f"http://a.example:{port}/", limit_bytes=1000))
    assert caught.value.code == "too-large"


async def test_bomb_is_not_inflated(outbound: Outbound, port: int, answers: Any) -> None:
    answers["/"] = ok(gzip.compress(bytes(10_000_000)), b"content-encoding: gzip")
    with pytest.raises(OutboundError) as caught:
        await outbound.fetch(Call(f"http://a.example:{port}/"))
    assert caught.value.code == "encoded"


async def test_nobody_there(outbound: Outbound, port: int, answers: Any) -> None:
    answers["/"] = b"nonsense\r\n\r\n"
    for url in (f"http://a.example:{port}/", "http://a.example:1/", "http://nowhere.invalid/"):
        with pytest.raises(OutboundError) as caught:
            await outbound.fetch(Call(url))
        assert caught.value.code == "unreachable"


async def test_connections_are_kept_where_that_is_asked_for_each_for_its_name() -> None:
    """A second request finds the connection open, and one for another name at the same address does not."""
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ok(b"yes"))
        writer.close()

    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for keeps, connections, names in ((True, 2, "ab"), (False, 4, "aaab")):
        opened = 0
        asked.clear()
        settings = NetSettings(outbound_allow=("127.0.0.1",))
        outbound = Outbound(settings, NetCounters(), resolve, keeps=keeps)
        for name in ("a", "a", "a", "b"):
            reply = await outbound.fetch(Call(f"http://{name}.example:{port}/", "POST"))
            assert reply.body == b"yes"
        assert opened == connections and asked == [f"{name}.example" for name in names]
        await outbound.close()
    server.close()
