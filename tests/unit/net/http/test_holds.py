"""Answers that come later: resolved, late, gone, refused; and what is pipelined behind them."""

import asyncio
from typing import Any

import pytest
from tests.unit.net.conftest import HOST, Yard

from madang.base import limits
from madang.net.http.routes import Answer, Hold

LATE = Answer(503, ((b"retry-after", b"1"),), b"late")
GOOD = Answer(200, (), b"good")
HELD = b"GET /hot/held HTTP/1.1\r\n" + HOST


class Desk:
    """Holds every request to /hot/held."""

    def __init__(self, yard: Yard, deadline_s: float = 6.0) -> None:
        self.held: list[Hold] = []
        self.gone: list[Hold] = []
        self.deadline_s = deadline_s
        yard.route.says["/hot/held"] = self.hold
        yard.route.says["/hot/a"] = Answer(200, (), b"a")

    def hold(self, _: object) -> Hold:
        self.held.append(Hold(self.deadline_s, LATE, self.gone.append))
        return self.held[-1]


@pytest.fixture
def desk(yard: Yard) -> Desk:
    return Desk(yard)


async def test_resolved(yard: Yard, desk: Desk) -> None:
    wire = await yard.connect()
    for _ in range(2):
        wire.send(HELD)
        await yard.settle()
        assert yard.server.holds == 1
        desk.held[-1].resolve(GOOD)
        desk.held[-1].resolve(LATE)
        assert (await wire.reply()).body == b"good"
        assert yard.server.holds == 0
    assert not desk.gone


async def test_resolved_before_it_is_held(yard: Yard) -> None:
    hold = Hold(6.0, LATE)
    hold.resolve(GOOD)
    yard.route.says["/hot/held"] = hold
    wire = await yard.connect()
    assert (await wire.ask("/hot/held")).body == b"good"


async def test_deadline_answers_late(yard: Yard, desk: Desk) -> None:
    wire = await yard.connect()
    wire.send(HELD)
    await yard.after(5.5)
    assert yard.server.holds == 1
    await yard.after(1)
    reply = await wire.reply()
    assert (reply.status, reply.headers[b"retry-after"]) == (503, b"1")
    assert desk.gone == desk.held
    desk.held[0].resolve(GOOD)
    assert (await wire.ask("/hot/a")).body == b"a"


async def test_no_hold_is_longer_than_the_bound(yard: Yard, desk: Desk) -> None:
    desk.deadline_s = 1e9
    wire = await yard.connect()
    wire.send(HELD)
    await yard.after(limits.HOLD_S_MAX + 0.5)
    assert (await wire.reply()).status == 503


async def test_client_that_left_is_gone(yard: Yard, desk: Desk) -> None:
    wire = await yard.connect()
    wire.send(HELD)
    await yard.settle()
    wire.close()
    await yard.settle()
    assert desk.gone == desk.held
    assert desk.held[0].respond is None
    assert yard.server.holds == 0
    desk.held[0].resolve(GOOD)


async def test_client_that_left_before_its_body_came_is_gone(yard: Yard, desk: Desk) -> None:
    wire = await yard.connect()
    wire.send(b"POST /hot/held HTTP/1.1\r\nContent-Length: 10\r\n" + HOST + b"half")
    await yard.settle()
    wire.close()
    await yard.settle()
    assert desk.gone == desk.held


async def test_pipelined_behind_a_hold_waits_its_turn(yard: Yard, desk: Desk) -> None:
    wire = await yard.connect()
    rest = b"GET /hot/a HTTP/1.1\r\n" + HOST + b"GET /x HTTP/1.1\r\n" + HOST
    wire.send(HELD + rest)
    await yard.settle()
    wire.send(rest)
    await yard.settle()
    wire.send(rest)
    await yard.settle()
    desk.held[0].resolve(GOOD)
    bodies = [(await wire.reply()).body[:6] for _ in range(7)]
    assert bodies == [b"good", *[b"a", b"GET /x"] * 3]


async def test_held_while_behind_asgi(yard: Yard, desk: Desk) -> None:
    wire = await yard.connect()
    wire.send(b"GET /x HTTP/1.1\r\n" + HOST + HELD + HELD)
    assert (await wire.reply()).body.startswith(b"GET /x")
    await yard.settle()
    assert len(desk.held) == 1
    desk.held[0].resolve(GOOD)
    assert (await wire.reply()).body == b"good"
    desk.held[1].resolve(GOOD)
    assert (await wire.reply()).body == b"good"


async def test_drain_answers_the_held_late_and_closes(yard: Yard, desk: Desk) -> None:
    held, idle, busy = [await yard.connect() for _ in range(3)]
    held.send(HELD)
    await idle.ask("/hot/a")
    busy.send(b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n" + HOST)
    await yard.settle()
    yard.server.drain()
    reply = await held.reply()
    assert (reply.status, reply.headers[b"connection"]) == (503, b"close")
    assert await held.closed()
    assert await idle.closed()
    busy.send(b"abc")
    assert (await busy.reply()).body.endswith(b"abc")
    assert await busy.closed()


async def test_close_lets_the_last_answers_be_read(yard: Yard, desk: Desk) -> None:
    yard.route.says["/hot/held"] = lambda _: Hold(6.0, Answer(503, (), bytes(4 << 20)))
    wire = await yard.connect(buffer_bytes=1 << 16)
    wire.send(HELD)
    await yard.settle()
    _, reply = await asyncio.gather(yard.server.close(5), wire.reply())
    assert len(reply.body) == 4 << 20


async def test_holds_of_one_client_are_bounded(make_yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOLDS_PER_IP", 3)
    yard = await make_yard(trusted_proxies=("127.0.0.0/8",))
    desk = Desk(yard)
    wires = [await yard.connect() for _ in range(5)]
    for wire in wires:
        wire.send(b"GET /hot/held HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9\r\n" + HOST)
        await yard.settle()
    assert yard.server.holds == 3
    for wire in wires[3:]:
        reply = await wire.reply()
        assert (reply.status, reply.headers[b"retry-after"]) == (503, b"1")
    assert desk.gone == desk.held[3:]
    wires[3].send(b"GET /hot/held HTTP/1.1\r\nX-Forwarded-For: 203.0.113.8\r\n" + HOST)
    wires[4].send(HELD)  # the proxy itself is not bounded
    await yard.settle()
    assert yard.server.holds == 5


async def test_many_holds_end_together(yard: Yard, desk: Desk) -> None:
    wires = await asyncio.gather(*(yard.connect() for _ in range(300)))
    for wire in wires:
        wire.send(HELD)
    while len(desk.held) < 300:
        await yard.settle()
    for hold in desk.held:
        hold.resolve(GOOD)
    assert {(await wire.reply()).body for wire in wires} == {b"good"}
