"""Doors: which address, how many, what when descriptors run out, and TLS renewed under way."""

import asyncio
import errno
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.harness import certificates
from tests.unit.net.conftest import HOST, Wire, Yard

from madang.base import limits
from madang.net.addresses import TrustedProxies
from madang.net.http.routes import Answer
from madang.net.listeners import Binding, Door, ListenError


async def test_busy_port_is_one_sentence(yard: Yard) -> None:
    binding = Binding("127.0.0.1", yard.door.port, "--http HOST:PORT")
    with pytest.raises(ListenError) as caught:
        await yard.server.listen(binding)
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{yard.door.port} (another program listens there); "
        "change it with --http HOST:PORT"
    )
    assert caught.value.binding is binding


async def test_foreign_address_and_privileged_port(yard: Yard) -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:1935"):
        await yard.server.listen(Binding("192.0.2.1", 1935, "--rtmp"))


async def test_all_addresses_of_both_families(yard: Yard) -> None:
    door = await yard.server.listen(Binding("::", 0, "--http"))
    for host in ("127.0.0.1", "::1"):
        wire = Wire(*await asyncio.open_connection(host, door.port))
        yard.wires.append(wire)
        assert (await wire.ask("/x")).body.startswith(b"GET /x " + host.encode())


async def test_localhost_is_both_loopbacks_on_one_port(yard: Yard) -> None:
    door = await yard.server.listen(Binding("localhost", 0, "--http"))
    assert {address[1] for address in door.addresses} == {door.port}


async def test_options_are_handed_down(yard: Yard) -> None:
    await yard.connect()
    await yard.settle()
    transport = next(iter(yard.server.state.connections)).transport
    sock = transport.get_extra_info("socket")

    def option(level: int, name: int) -> Any:
        return sock.getsockopt(level, name)

    assert option(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert option(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == limits.TCP_NOTSENT_LOWAT_BYTES
    assert option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == limits.TCP_USER_TIMEOUT_S * 1000
    assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert option(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == limits.TCP_KEEPALIVE[0]


async def test_connections_in_all_are_bounded(make_yard: Any) -> None:
    """F21."""
    yard = await make_yard(connections_total=2)
    wires = [await yard.connect() for _ in range(3)]
    await wires[0].ask("/x")
    assert await wires[2].closed()
    assert yard.ground.counters.refused == 1
    wires[0].close()
    await yard.settle()
    assert (await (await yard.connect()).ask("/x")).status == 200


async def test_operators_come_in_when_the_other_doors_are_full(
    make_yard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F21: by number, and by descriptors, of which files keep their half of the reserve."""
    monkeypatch.setattr(limits, "CONNECTIONS_RESERVED", 1)
    yard = await make_yard(connections_total=2)
    door = await yard.server.listen(Binding("127.0.0.1", 0, "control_listen", reserved=True))

    async def knock() -> Wire:
        yard.wires.append(Wire(*await asyncio.open_connection("127.0.0.1", door.port)))
        return yard.wires[-1]

    crowd = [await yard.connect() for _ in range(2)]
    await crowd[1].ask("/x")
    assert await (await yard.connect()).closed()
    operator = await knock()
    assert (await operator.ask("/x")).status == 200
    assert await (await knock()).closed(), "a bound is a bound"
    assert yard.ground.crowd.full
    operator.close()
    for wire in crowd:
        wire.close()
    await yard.settle()
    assert not yard.ground.crowd.full
    most, _ = yard.ground.crowd._bounds
    yard.ground.crowd._bounds = (most, 0)
    assert await (await yard.connect()).closed()
    assert (await (await knock()).ask("/x")).status == 200


async def test_connections_of_one_address_are_bounded(
    make_yard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F21."""
    yard = await make_yard(connections_per_ip=2)
    monkeypatch.setattr(TrustedProxies, "exempt", lambda *_: False)
    wires = [await yard.connect() for _ in range(3)]
    assert (await wires[1].ask("/x")).status == 200
    assert await wires[2].closed()
    assert yard.ground.counters.refused_per_ip == 1


async def test_loopback_is_not_bounded(make_yard: Any) -> None:
    yard = await make_yard(connections_per_ip=2)
    wires = [await yard.connect() for _ in range(4)]
    assert [(await wire.ask("/x")).status for wire in wires] == [200] * 4


class Exhausted:
    """A listening socket that has no descriptor to give, a few times."""

    def __init__(self, sock: socket.socket, times: int) -> None:
        self._sock = sock
        self.times = times

    def accept(self) -> Any:
        if self.times:
            self.times -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


async def test_accepting_pauses_when_descriptors_run_out(yard: Yard) -> None:
    """F22."""
    first = await yard.connect()
    await first.ask("/x")
    door = yard.door
    exhausted: Any = Exhausted(door._sockets[0], 2)
    door._locals[exhausted] = door._locals[door._sockets[0]]
    door._pause()
    door._sockets[0] = exhausted
    door.open()
    second = await yard.connect()
    second.send(b"GET /y HTTP/1.1\r\n" + HOST)
    await yard.settle()
    assert door.crowded
    assert yard.ground.crowded
    assert (await first.ask("/x")).status == 200
    assert (await second.reply()).status == 200
    assert not door.crowded
    assert yard.ground.counters.accept_pauses == 2


async def test_closed_door_frees_the_port_and_keeps_the_connections(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200)
    wire = await yard.connect()
    await wire.ask("/hot/a")
    yard.ground.close_doors()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", yard.door.addresses[0][1]))
    assert (await wire.ask("/hot/a")).status == 200


async def test_two_processes_may_share_a_port(yard: Yard) -> None:
    first = await yard.server.listen(Binding("127.0.0.1", 0, "--http", reuse_port=True))
    second = await yard.server.listen(Binding("127.0.0.1", first.port, "--http", reuse_port=True))
    assert first.port == second.port


def speak_tls(folder: Path, name: str) -> ssl.SSLContext:
    folder.mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.make(folder, name=name))
    return context


async def tls_connect(yard: Yard, door: Door) -> tuple[Wire, bytes]:
    """A connection, and the certificate that the server showed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
    yard.wires.append(Wire(reader, writer))
    return yard.wires[-1], writer.get_extra_info("ssl_object").getpeercert(binary_form=True)


async def test_tls_is_renewed_without_a_drop(yard: Yard, tmp_path: Path) -> None:
    yard.route.says["/hot/a"] = Answer(200, (), bytes(100_000))
    door = await yard.server.listen(Binding("127.0.0.1", 0, "--https"), speak_tls(tmp_path / "1", "one.test"))
    first, old = await tls_connect(yard, door)
    assert (await first.ask("/x")).body == b"GET /x 127.0.0.1 https yard "
    assert yard.door.tls is None
    yard.ground.renew_tls(speak_tls(tmp_path / "2", "two.test"))
    assert yard.door.tls is None
    second, new = await tls_connect(yard, door)
    assert b"one.test" in old
    assert b"two.test" in new
    for wire in (first, second):
        assert len((await wire.ask("/hot/a")).body) == 100_000
    assert len(yard.ground.crowd) == 2
    for wire in (first, second):
        wire.close()
    while len(yard.ground.crowd):
        await yard.settle()


async def test_a_handshake_that_is_never_done_has_a_deadline(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A41: neither silence nor half a hello holds a place; nothing older than TLS 1.2 is spoken."""
    monkeypatch.setattr(limits, "TLS_HANDSHAKE_S", 0.1)
    tls = speak_tls(tmp_path / "1", "one.test")
    assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2
    door = await yard.server.listen(Binding("127.0.0.1", 0, "--https"), tls)
    for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(said)
        async with asyncio.timeout(60):
            await reader.read()
        writer.close()
    async with asyncio.timeout(60):
        while len(yard.ground.crowd):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert yard.ground.counters.tls_failures == 2


async def test_failed_handshake_is_counted_and_freed(yard: Yard, tmp_path: Path) -> None:
    door = await yard.server.listen(Binding("127.0.0.1", 0, "--https"), speak_tls(tmp_path / "1", "one.test"))
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(30):
        await reader.read()
    writer.close()
    await yard.settle()
    assert yard.ground.counters.tls_failures == 1
    assert len(yard.ground.crowd) == 0
