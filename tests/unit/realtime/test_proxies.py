"""Proxies: what backends are asked, what comes of their answers, and what when there is none."""

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from tests.unit.realtime.conftest import NAMESPACES, OPEN, Make, Visitor, Yard

from madang.base.secret import Secret
from madang.net.outbound import Call, OutboundError, Reply
from madang.protocols.centrifugo import messages as m
from madang.realtime import states, wires
from madang.realtime.channel import ChannelOptions
from madang.realtime.gate import Caller, ConnectReply, ConnectRequest
from madang.realtime.maps import MapOptions
from madang.realtime.ports import Disconnect
from madang.realtime.proxies import Proxies
from madang.realtime.settings import (
    ProxySettings,
    RealtimeSettings,
    StatusTransform,
    ToDisconnect,
    ToError,
)

PROXIES = {
    "connect": ProxySettings(
        endpoint="https://app.example.org/connect",
        timeout_s=3.0,
        http_headers=("Cookie", "X-Real-Ip"),
        emulated_headers=("Authorization", "Cookie"),
        static_headers={"X-Key": Secret("k"), "Cookie": Secret("static")},
        status_to_code_transforms=(
            StatusTransform(403, to_error=ToError(403, "no")),
            StatusTransform(451, to_disconnect=ToDisconnect(4900, "law")),
        ),
    ),
    "refresh": ProxySettings(endpoint="https://app.example.org/refresh", include_connection_meta=True),
    "channel": ProxySettings(endpoint="https://app.example.org/channel", include_connection_meta=True),
    "binary": ProxySettings(endpoint="https://app.example.org/binary", binary_encoding=True),
}


BOARD = ChannelOptions(
    subscription_type="map",
    map=MapOptions(mode="persistent", publish_proxy_name="channel", remove_proxy_name="channel"),
    allow_subscribe_for_client=True,
)


class Inner:
    """The gate behind the proxy's."""

    def holds(self, caller: Caller) -> bool:
        return caller.user != "gone"

    async def connect(self, request: ConnectRequest) -> ConnectReply:
        raise Disconnect(3501, "no credentials")


class Backend:
    """Stands in for the way out: keeps what was sent, answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[Any] = []
        self.stall: asyncio.Event | None = None

    async def fetch(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.stall is not None:
            await self.stall.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, OutboundError):
            raise answer
        if isinstance(answer, int):
            return Reply(answer, {}, b"", call.url)
        return Reply(200, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), call.url)

    def judge(self, address: str) -> bool:
        return address != "127.0.0.1"

    def asked(self) -> dict[str, Any]:
        """The last body."""
        return dict(json.loads(self.calls[-1].body))


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def settings(settings: RealtimeSettings) -> RealtimeSettings:
    game = msgspec.structs.replace(
        OPEN, subscribe_proxy_name="channel", publish_proxy_name="channel", sub_refresh_proxy_name="channel"
    )
    watched = ChannelOptions(allow_subscribe_for_client=True, state_proxy_name="channel")
    bytes_ = msgspec.structs.replace(OPEN, publish_proxy_name="binary")
    return dataclasses.replace(
        settings,
        pong_s=0.0,
        namespaces={**NAMESPACES, "game": game, "bytes": bytes_, "watched": watched, "board": BOARD},
        proxies=PROXIES,
        connect_proxy_name="connect",
        refresh_proxy_name="refresh",
        rpc_proxy_name="channel",
        rpc_namespaces={"raw": "binary"},
    )


def bound(yard: Yard, backend: Backend) -> Yard:
    Proxies(yard.engine.core, backend, Inner()).bind()  # type: ignore[arg-type]
    return yard


@pytest.fixture
async def yard(make: Make, settings: RealtimeSettings, backend: Backend) -> Yard:
    made = make(settings)
    await made.engine.start()
    return bound(made, backend)


async def entered(yard: Yard, backend: Backend, **result: Any) -> Visitor:
    """A visitor whom the backend let in as 56."""
    backend.answers.append({"result": {"user": "56", "meta": {"m": 1}, **result}})
    visitor = yard.visitor()
    assert "connect" in await visitor.connect()
    return visitor


async def test_what_is_over_before_it_begins_is_error_110(yard: Yard, backend: Backend) -> None:
    over = int(yard.clock.wall()) - 1
    backend.answers.append({"result": {"user": "56", "expire_at": over}})
    visitor = yard.visitor()
    assert (await visitor.connect())["error"]["code"] == 110
    visitor = await entered(yard, backend)
    backend.answers.append({"result": {"expire_at": over}})
    assert (await visitor.subscribe("game:1"))["error"]["code"] == 110


async def test_who_brings_no_token_is_asked_about(yard: Yard, backend: Backend) -> None:
    backend.answers.append(
        {"result": {"user": "56", "info": {"n": "Ann"}, "data": {"hello": 1}, "channels": ["plain:1"],
                    "subs": {"open:1": {"data": [2], "override": {"force_recovery": {"value": True}}}},
                    "meta": {"m": 1}, "expire_at": int(yard.clock.wall()) + 60}}
    )  # fmt: skip
    visitor = yard.visitor()
    reply = (await visitor.connect(data={"d": 1}, name="web", version="2", subs={"plain:1": {}}))["connect"]
    assert backend.asked() == {
        "client": "client-1", "transport": "websocket", "protocol": "json", "encoding": "json",
        "name": "web", "version": "2", "data": {"d": 1}, "channels": ["plain:1"],
    }  # fmt: skip
    call = backend.calls[0]
    assert (call.url, call.method, call.deadline_s) == ("https://app.example.org/connect", "POST", 3.0)
    assert call.headers["content-type"] == "application/json" and not call.follow
    assert reply["data"] == {"hello": 1} and set(reply["subs"]) == {"plain:1", "open:1"}
    assert reply["subs"]["open:1"]["data"] == [2] and reply["subs"]["open:1"]["recoverable"]
    assert "expires" not in reply  # a refresh proxy is there: the client need not
    caller = visitor.session.caller
    assert (caller.user, json.loads(caller.info), json.loads(caller.meta)) == ("56", {"n": "Ann"}, {"m": 1})


async def test_who_is_asked_about_while_the_server_drains_is_told_to_come_back(
    yard: Yard, backend: Backend
) -> None:
    backend.stall = asyncio.Event()
    backend.answers.append({"result": {"user": "56"}})
    visitor = yard.visitor()
    assert not await visitor.connect()
    yard.engine.drain()
    backend.stall.set()
    await yard.settle()
    assert visitor.ended == 3001 and not visitor.heard() and not yard.engine.core.guests


async def test_tokens_are_not_asked_about(yard: Yard, backend: Backend) -> None:
    await yard.guest("ann")
    assert not backend.calls


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({"error": {"code": 1000, "message": "custom", "temporary": True}}, 1000),
        (403, 403),
        (500, 100),
        (b"nonsense", 100),
        ({"result": {"b64info": "?"}}, 100),
        (OutboundError("timeout", "no answer"), 100),
    ],
)
async def test_a_connect_is_answered_with_an_error(
    yard: Yard, backend: Backend, answer: object, number: int
) -> None:
    backend.answers.append(answer)
    error = (await yard.visitor().connect())["error"]
    assert error["code"] == number and error.get("temporary", False) == (number in (100, 1000))


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({"disconnect": {"code": 4501, "reason": "unauthorized"}}, 4501),
        (451, 4900),
        ({}, 3501),
        ({"result": {"user": "madang.u.1"}}, 3507),
        ({"result": {"user": "gone"}}, 3503),
    ],
)
async def test_a_connect_ends_the_connection(
    yard: Yard, backend: Backend, answer: object, number: int
) -> None:
    backend.answers.append(answer)
    visitor = yard.visitor()
    await visitor.connect()
    assert visitor.ended == number


async def test_unidirectional_clients_hear_no_errors(
    make: Make, backend: Backend, settings: RealtimeSettings
) -> None:
    told = {403: ToDisconnect(4903, "forbidden")}
    yard = bound(make(dataclasses.replace(settings, unidirectional_disconnects=told)), backend)
    await yard.engine.start()
    for answer, number in ((403, 4903), (500, 3004), ({"disconnect": {"code": 4000}}, 4000)):
        backend.answers.append(answer)
        visitor = yard.visitor(wires.UNI_STREAM)
        visitor.session.begin_with(m.ConnectRequest())
        await yard.settle()
        assert visitor.ended == number
    visitor = yard.visitor(wires.UNI_STREAM)
    visitor.session.begin_with(m.ConnectRequest(token=yard.token("ann", exp=int(yard.clock.wall()) - 1)))
    await yard.settle()
    assert visitor.ended == 3005


async def test_headers_go_along_as_they_are_listed(yard: Yard, backend: Backend) -> None:
    core = yard.engine.core
    assert core.headers == (b"cookie", b"x-real-ip") and core.emulated == {"authorization", "cookie"}
    said = {"Authorization": "Bearer t", "cookie": "forged", "x-real-ip": "forged", "X-Bad": "x"}
    backend.answers.append({"result": {"user": "56"}})
    visitor = yard.visitor()
    await visitor.connect(headers=said)
    assert dict(backend.calls[0].headers) == {
        "x-key": "k", "cookie": "forged", "authorization": "Bearer t", "content-type": "application/json",
    }  # fmt: skip
    assert core.carried["client-1"].emulated == (("authorization", "Bearer t"), ("cookie", "forged"))
    visitor.session.close()
    assert not core.carried


async def test_a_header_with_a_line_break_is_left_out(yard: Yard, backend: Backend) -> None:
    backend.answers.append({"result": {"user": "56"}})
    await yard.visitor().connect(headers={"authorization": "a\r\nx-key: forged"})
    assert "authorization" not in backend.calls[0].headers


async def test_a_subscription_is_asked_about(yard: Yard, backend: Backend) -> None:
    visitor = await entered(yard, backend)
    backend.answers.append(
        {"result": {"info": {"c": 1}, "data": {"seen": True}, "override": {"presence": {"value": False}},
                    "server_tags_filter": {"key": "k", "cmp": "eq", "val": "v"}}}
    )  # fmt: skip
    reply = await visitor.subscribe("game:1", data={"want": 1})
    assert reply["subscribe"]["data"] == {"seen": True}
    assert backend.asked() == {
        "client": "client-1", "transport": "websocket", "protocol": "json", "encoding": "json",
        "user": "56", "channel": "game:1", "data": {"want": 1}, "meta": {"m": 1},
    }  # fmt: skip
    subscription = visitor.session.subscriptions["game:1"]
    assert not subscription.presence and json.loads(subscription.info) == {"c": 1}
    await yard.publish("game:1", 1, tags={"k": "other"})
    await yard.publish("game:1", 2, tags={"k": "v"})
    assert await visitor.publications() == [2]


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({"error": {"code": 403, "message": "permission denied"}}, 403),
        ({"result": {"server_tags_filter": {"op": "?"}}}, 100),
        (502, 100),
    ],
)
async def test_a_subscription_is_refused(yard: Yard, backend: Backend, answer: object, number: int) -> None:
    visitor = await entered(yard, backend)
    backend.answers.append(answer)
    assert (await visitor.subscribe("game:1"))["error"]["code"] == number
    assert "game:1" not in visitor.session.subscriptions


async def test_a_publication_is_asked_about_and_may_be_another(yard: Yard, backend: Backend) -> None:
    reader = await yard.member("open:1", "ann")
    visitor = await entered(yard, backend)
    backend.answers += [{}, {"result": {}}]
    await visitor.subscribe("game:1")
    assert "publish" in await visitor.ask(publish={"channel": "game:1", "data": {"t": 1}})
    assert backend.asked()["data"] == {"t": 1} and backend.asked()["channel"] == "game:1"
    backend.answers.append({"result": {"data": {"t": 2}, "tags": {"a": "b"}, "skip_history": True}})
    visitor.session.on_message('{"id":9,"publish":{"channel":"game:1","data":{"t":1}}}')
    await yard.settle()
    told = [push["pub"] for push in visitor.pushes() if "pub" in push]
    assert told[-1]["data"] == {"t": 2} and told[-1]["tags"] == {"a": "b"} and "offset" not in told[-1]
    backend.answers.append({"error": {"code": 1001, "message": "slow down"}})
    assert (await visitor.ask(publish={"channel": "game:1", "data": 1}))["error"]["code"] == 1001
    assert await reader.publications() == []


async def test_keys_of_maps_are_asked_about_and_may_be_others(yard: Yard, backend: Backend) -> None:
    visitor = await entered(yard, backend)
    reader = await yard.guest("ann")
    await reader.subscribe("board:1", type=1, phase=2)
    backend.answers.append({})
    said = {"channel": "board:1", "type": 1, "key": "k", "data": {"t": 1}}
    assert "publish" in await visitor.ask(publish=said)
    assert backend.asked()["data"] == {"t": 1} and backend.asked()["key"] == "k"
    result = {"key": "other", "data": {"t": 2}, "tags": {"a": "b"}, "stream_data": {"t": 3}}
    backend.answers.append({"result": result})
    assert "publish" in await visitor.ask(publish=said)
    backend.answers.append({"result": {"key": "other", "key_mode": "if_new"}})
    assert "publish" in await visitor.ask(publish=said)
    backend.answers.append({"result": {"key": "k"}})
    assert "publish" in await visitor.ask(
        publish={"channel": "board:1", "type": 1, "key": "x", "removed": True}
    )
    assert "data" not in backend.asked() and backend.asked()["key"] == "x"
    told = [push["pub"] for push in reader.pushes() if "pub" in push]
    assert [(each["key"], each["data"], each.get("tags")) for each in told] == [
        ("k", {"t": 1}, None),
        ("other", {"t": 3}, {"a": "b"}),
        ("k", None, None),
    ]
    for answer, number in (
        ({"error": {"code": 1001, "message": "slow down"}}, 1001),
        ({"result": {"key_mode": "bogus"}}, 100),
        ({"result": {"b64data": "*"}}, 100),
        ({"result": {"key": "x" * 300}}, 107),
        (503, 100),
    ):
        backend.answers.append(answer)
        assert (await visitor.ask(publish=said))["error"]["code"] == number
    backend.answers.append({"disconnect": {"code": 4501, "reason": "away"}})
    await visitor.ask(publish=said)
    assert visitor.ended == 4501


async def test_bytes_go_and_come_as_base_64(yard: Yard, backend: Backend) -> None:
    visitor = await entered(yard, backend)
    await visitor.subscribe("bytes:1")
    backend.answers.append({"result": {"b64data": "WzJd"}})
    visitor.session.on_message('{"id":9,"publish":{"channel":"bytes:1","data":[1]}}')
    await yard.settle()
    assert backend.asked()["b64data"] == "WzFd" and "data" not in backend.asked()
    assert backend.asked()["encoding"] == "binary"
    assert [push["pub"]["data"] for push in visitor.pushes() if "pub" in push] == [[2]]


async def test_calls_are_answered(yard: Yard, backend: Backend) -> None:
    visitor = await entered(yard, backend)
    backend.answers.append({"result": {"data": {"year": "2024"}}})
    reply = await visitor.ask(rpc={"method": "getCurrentYear", "data": {"a": 1}})
    assert reply["rpc"]["data"] == {"year": "2024"}
    assert (backend.asked()["method"], backend.asked()["data"]) == ("getCurrentYear", {"a": 1})
    backend.answers.append({"result": {"b64data": "WzFd"}})
    assert (await visitor.ask(rpc={"method": "raw:x"}))["rpc"]["data"] == [1]
    assert backend.calls[-1].url.endswith("/binary")
    assert (await visitor.ask(rpc={"method": "unknown:x"}))["error"]["code"] == 104
    backend.answers.append({"error": {"code": 400, "message": "bad", "temporary": False}})
    assert (await visitor.ask(rpc={"method": "m"}))["error"]["code"] == 400


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        ({"result": {"expired": True}}, True),
        ({}, True),
        ({"error": {"code": 403}}, True),
        (500, False),
        (OutboundError("timeout", "no answer"), False),
    ],
)
async def test_a_connection_is_refreshed(yard: Yard, backend: Backend, answer: object, ends: bool) -> None:
    now = int(yard.clock.wall())
    visitor = await entered(yard, backend, expire_at=now + 10)
    backend.answers.append({"result": {"expire_at": now + 100, "info": {"new": 1}, "meta": {"m": 2}}})
    yard.pass_time(12)
    await yard.settle()
    assert backend.asked()["user"] == "56" and backend.asked()["meta"] == {"m": 1}
    assert not visitor.ended and json.loads(visitor.session.caller.info) == {"new": 1}
    yard.pass_time(80)
    assert len(backend.calls) == 2
    backend.answers.append(answer)
    yard.pass_time(10)
    await yard.settle()
    assert backend.asked()["meta"] == {"m": 2}
    assert visitor.ended == (3005 if ends else 0)
    if not ends:  # it is asked again in a minute
        backend.answers.append({"result": {"expired": True}})
        yard.pass_time(62)
        await yard.settle()
        assert visitor.ended == 3005


async def test_a_subscription_is_refreshed(yard: Yard, backend: Backend) -> None:
    now = int(yard.clock.wall())
    visitor = await entered(yard, backend)
    backend.answers.append({"result": {"expire_at": now + 10}})
    reply = (await visitor.subscribe("game:1"))["subscribe"]
    assert "expires" not in reply
    backend.answers.append({"result": {"expire_at": now + 20}})
    yard.pass_time(12)
    await yard.settle()
    assert backend.asked()["channel"] == "game:1" and "data" not in backend.asked()
    backend.answers.append({"result": {"expired": True}})
    yard.pass_time(10)
    await yard.settle()
    assert visitor.pushes()[-1]["unsubscribe"]["code"] == 2501 and not visitor.ended


async def test_a_subscription_by_token_is_refreshed_by_the_backend_too(yard: Yard, backend: Backend) -> None:
    visitor = await entered(yard, backend)
    claims = {"channel": "game:1", "exp": int(yard.clock.wall()) + 10}
    reply = (await visitor.subscribe("game:1", token=yard.token("56", **claims)))["subscribe"]
    assert "expires" not in reply
    backend.answers.append({"result": {"expired": True}})
    yard.pass_time(12)
    await yard.settle()
    assert backend.asked()["channel"] == "game:1"
    assert visitor.pushes()[-1]["unsubscribe"]["code"] == 2501


async def test_occupied_and_vacated_channels(
    yard: Yard, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "AGAIN_S", 0.0)
    at = int(yard.clock.wall() * 1000)
    refusal = {"error": {"code": 400, "message": "no"}}
    backend.answers += [OutboundError("unreachable", "away"), {"result": {}}, refusal]
    ann, bob = await yard.guest("ann"), await yard.guest("bob")
    for guest in (ann, bob):
        assert "subscribe" in await guest.subscribe("watched:1")
    await yard.settle()
    await ann.ask(unsubscribe={"channel": "watched:1"})
    await bob.ask(unsubscribe={"channel": "watched:1"})
    await yard.settle()
    told = [json.loads(call.body)["events"] for call in backend.calls]
    occupied, vacated = (
        [{"channel": "watched:1", "type": kind, "time_ms": at}] for kind in ("occupied", "vacated")
    )
    assert told == [occupied, occupied, vacated]


async def test_an_outage_is_told_once(yard: Yard, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for answer in (500, 500, {"result": {"user": "1"}}, 500):
        backend.answers.append(answer)
        await yard.visitor().connect()
    told = [line for line in caplog.messages if "proxy connect" in line]
    assert [("again" in line) for line in told] == [False, True, False]
    counters = yard.engine.counters
    assert (counters.proxy_requests, counters.proxy_errors) == (4, 3)


async def test_private_places_are_warned_of(
    make: Make, backend: Backend, settings: RealtimeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    places = {name: f"http://{host}:3000/x" for name, host in
              (("a1", "localhost"), ("b1", "127.0.0.1"), ("c1", "192.0.2.1"), ("d1", "app"))}  # fmt: skip
    proxies = {name: ProxySettings(endpoint=place) for name, place in places.items()}
    plain = RealtimeSettings(token=settings.token, proxies=proxies)
    bound(make(plain), backend)
    assert [line.split()[3] for line in caplog.messages] == ["a1", "b1"]


async def test_other_settings_bind_others(yard: Yard, backend: Backend, settings: RealtimeSettings) -> None:
    visitor = await entered(yard, backend)
    backend.answers.append({})
    await visitor.subscribe("game:1")
    namespaces: Mapping[str, ChannelOptions] = {"open": OPEN, "game": OPEN}
    core = yard.engine.core
    core.configure(dataclasses.replace(settings, namespaces=dict(namespaces), connect_proxy_name=""))
    bound(yard, backend)
    asked = len(backend.calls)
    assert "subscribe" in await visitor.subscribe("game:2") and len(backend.calls) == asked
    other = yard.visitor()
    await other.connect()
    assert other.ended == 3501 and len(backend.calls) == asked


async def test_a_subscription_that_nobody_refreshes_any_more_expires(
    yard: Yard, backend: Backend, settings: RealtimeSettings
) -> None:
    visitor = await entered(yard, backend)
    backend.answers.append({"result": {"expire_at": int(yard.clock.wall()) + 10}})
    await visitor.subscribe("game:1")
    yard.engine.core.configure(dataclasses.replace(settings, namespaces={"game": OPEN}))
    bound(yard, backend)
    yard.pass_time(12)
    await yard.settle()
    assert visitor.pushes()[-1]["unsubscribe"]["code"] == 2501 and not visitor.ended


async def test_a_namespace_that_is_gone_is_left(yard: Yard, settings: RealtimeSettings) -> None:
    member = await yard.member("plain:1", "ann")
    await member.subscribe("open:1")
    yard.engine.core.configure(dataclasses.replace(settings, namespaces={"open": OPEN}))
    (push,) = [each for each in member.pushes() if "unsubscribe" in each]
    assert push["channel"] == "plain:1" and push["unsubscribe"]["code"] == 2000
    assert (await member.subscribe("plain:1"))["error"]["code"] == 102
    assert set(member.session.subscriptions) == {"open:1"}
