"""The server API: keys, each method with its parameters, errors, batches, the legacy endpoint."""

import asyncio
import dataclasses
import json
from base64 import b64encode
from typing import Any

import pytest
from tests.unit.realtime.conftest import Make, Yard
from tests.unit.realtime.polls import CHANNEL, batch, bind, settings_with, viewer
from tests.unit.realtime.polls import Backend as Polled

from madang.base.errors import Overloaded
from madang.base.limits import REALTIME_API_BYTES, REALTIME_API_COMMANDS
from madang.base.secret import Secret
from madang.net.http.routes import Answer, Body, Hold
from madang.realtime.broker import BrokerError
from madang.realtime.memory import MemoryBroker
from madang.realtime.ports import Ban
from madang.realtime.server_api import ServerApi
from madang.realtime.settings import RealtimeSettings

KEY = "a key of the server API"


class Post:
    """A request's head."""

    def __init__(self, path: str, method: str = "POST", query: bytes = b"", **headers: str) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.client = "192.0.2.9"
        self.secure = False
        self.host = "yard"
        self.http_1_0 = False
        self._headers = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}

    def header(self, name: bytes) -> bytes:
        return self._headers.get(name, b"")


class Backend:
    """A backend with a key."""

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.api = ServerApi(yard.engine)

    async def answer(self, path: str, body: bytes, **headers: str) -> Answer:
        wanted = self.api.ask(Post(path, x_api_key=KEY, **headers))
        assert isinstance(wanted, Body) and wanted.limit_bytes == REALTIME_API_BYTES
        answer = wanted.then(body)
        if isinstance(answer, Hold):
            async with asyncio.timeout(60):
                while answer.answer is None:
                    await asyncio.sleep(0)
            answer = answer.answer
        assert isinstance(answer, Answer)
        return answer

    async def ask(self, method: str, /, **params: Any) -> Any:
        answer = await self.answer(f"/api/{method}", json.dumps(params).encode())
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    async def done(self, method: str, /, **params: Any) -> Any:
        """The result of a command that succeeds."""
        said = await self.ask(method, **params)
        assert "result" in said, said
        return said["result"]

    async def refused(self, method: str, /, **params: Any) -> int:
        """The code of a command's error."""
        said = await self.ask(method, **params)
        assert set(said) == {"error"} and said["error"]["message"], said
        return int(said["error"]["code"])


@pytest.fixture
async def backend(make: Make, settings: RealtimeSettings) -> Backend:
    keys = (Secret(""), Secret("an older key"), Secret(KEY))
    yard = make(dataclasses.replace(settings, api_keys=keys))
    await yard.engine.start()
    return Backend(yard)


# --- who may ask -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "headers", "good"),
    [
        (b"", {"x_api_key": KEY}, True),
        (b"", {"x_api_key": "an older key"}, True),
        (b"", {"authorization": f"apikey {KEY}"}, True),
        (b"", {"authorization": f"ApiKey {KEY}"}, True),
        (b"api_key=a+key+of+the%20server+API", {}, True),
        (b"", {}, False),
        (b"", {"x_api_key": ""}, False),
        (b"", {"x_api_key": KEY + "."}, False),
        (b"", {"x_api_key": KEY[:-1]}, False),
        (b"", {"x_api_key": "key\u00ff"}, False),
        (b"", {"authorization": f"Bearer {KEY}"}, False),
        (b"", {"authorization": "apikey"}, False),
        (b"api_key=", {}, False),
        (b"api_key=%ff", {}, False),
        (b"api_key=a+key+of+the%20server+API", {"x_api_key": "wrong"}, False),
    ],
)
async def test_keys(backend: Backend, query: bytes, headers: dict[str, str], good: bool) -> None:
    for path in ("/api", "/api/", "/api/info", "/api/batch"):
        outcome = backend.api.ask(Post(path, query=query, **headers))
        assert isinstance(outcome, Body) is good
        if isinstance(outcome, Answer):
            assert outcome.status == 401
    assert backend.yard.engine.counters.api_unauthorized == (0 if good else 4)


async def test_without_a_key_nobody_is_answered(yard: Yard) -> None:
    api = ServerApi(yard.engine)
    for headers in ({}, {"x_api_key": ""}, {"x_api_key": "anything"}):
        outcome = api.ask(Post("/api/info", **headers))
        assert isinstance(outcome, Answer) and outcome.status == 401


@pytest.mark.parametrize(
    "path", ["/api/v1/channels", "/api/v1", "/apis", "/api/nothing", "/api/publish/", "/api//publish"]
)
async def test_other_paths_go_on(backend: Backend, path: str) -> None:
    assert backend.api.ask(Post(path, x_api_key=KEY)) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "HEAD"])
async def test_only_post(backend: Backend, method: str) -> None:
    outcome = backend.api.ask(Post("/api/info", method, x_api_key=KEY))
    assert isinstance(outcome, Answer) and outcome.status == 405


# --- publishing ------------------------------------------------------------------------------------------


async def test_publishing(backend: Backend) -> None:
    guest = await backend.yard.member("open:1")
    first = await backend.done("publish", channel="open:1", data={"a": [1, "둘"]})
    assert first["offset"] == 1 and len(first["epoch"]) == 8
    assert await backend.done("publish", channel="plain:1", data=1) == {}
    assert await backend.done("publish", channel="open:1", data=None, skip_history=True) == {}
    assert await guest.publications() == [{"a": [1, "둘"]}, None]


async def test_publishing_with_every_parameter(backend: Backend) -> None:
    guest = await backend.yard.member("open:1")
    how: dict[str, Any] = {"channel": "open:1", "tags": {"k": "v"}, "idempotency_key": "once", "delta": True}
    first = await backend.done("publish", data=1, **how)
    assert await backend.done("publish", data=2, **how) == first
    await backend.yard.settle()
    assert [push["pub"] for push in guest.pushes()] == [
        {"data": 1, "offset": 1, "tags": {"k": "v"}, "epoch": first["epoch"]}
    ]
    for version, epoch, fresh in ((5, "a", True), (5, "a", False), (4, "a", False), (1, "b", True)):
        await backend.done("publish", channel="open:1", data=version, version=version, version_epoch=epoch)
        assert bool(await guest.publications()) is fresh


async def test_publishing_to_shared_polls(make: Make, settings: RealtimeSettings) -> None:
    keyed = dataclasses.replace(settings_with(settings), api_keys=(Secret(KEY),))
    yard = make(keyed)
    await yard.engine.start()
    bind(yard, Polled(), mode="versioned", publish_enabled=True)
    backend, ann = Backend(yard), await viewer(yard)
    await ann.track(batch("a"))
    value: dict[str, Any] = {"channel": CHANNEL, "key": "a", "data": {"votes": 1}, "version": 1}
    assert await backend.done("shared_poll_publish", **value) == {}
    encoded = b64encode(b"[2]").decode()
    await backend.done("shared_poll_publish", channel=CHANNEL, key="a", b64data=encoded, version=2)
    assert await ann.told() == [("a", {"votes": 1}, 1), ("a", [2], 2)]
    for wrong in ({"key": ""}, {"key": "x" * 2000}, {"version": 0}, {"channel": "open:1"}):
        assert await backend.refused("shared_poll_publish", **{**value, **wrong}) == 107
    assert await backend.refused("shared_poll_publish", **{**value, "channel": "unknown:1"}) == 102
    assert await backend.refused("shared_poll_publish", **{**value, "channel": "madang_chat:1"}) == 103
    bind(yard, Polled(), mode="versioned")
    assert await backend.refused("shared_poll_publish", **value) == 108


async def test_publishing_base_64(backend: Backend) -> None:
    guest = await backend.yard.member("open:1")
    encoded = b64encode(b'{"b":1}').decode()
    await backend.done("publish", channel="open:1", b64data=encoded)
    assert await guest.publications() == [{"b": 1}]
    assert await backend.refused("publish", channel="open:1", b64data="*") == 107
    # Bytes that are no text end the connection of a JSON client, and only that.
    await backend.done("publish", channel="open:1", b64data=b64encode(b'"\xff"').decode())
    await backend.yard.settle()
    assert guest.ended == 3506
    history = await backend.done("history", channel="open:1", limit=-1)
    assert [each["data"] for each in history["publications"]] == [
        {"b": 1},
        {"b64data": b64encode(b'"\xff"').decode()},
    ]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"channel": "nowhere:1", "data": 1}, 102),
        ({"channel": "madang_chat:1", "data": 1}, 103),
        ({"channel": "$madang_chat:1", "data": 1}, 103),
        ({"channel": "madang_user:#madang.u.1", "data": 1}, 103),
        ({"channel": "", "data": 1}, 107),
        ({"channel": "c" * 256, "data": 1}, 107),
        ({"channel": "채널", "data": 1}, 107),
        ({"channel": "open:1"}, 107),
        ({"channel": "open:1", "data": 1, "tags": {"k": "v" * 5000}}, 107),
    ],
)
async def test_publications_that_are_refused(backend: Backend, params: dict[str, Any], code: int) -> None:
    assert await backend.refused("publish", **params) == code
    assert await backend.refused("publish", **params) == code
    assert backend.yard.engine.counters.api_errors == 2


async def test_broadcasting(backend: Backend) -> None:
    guests = [await backend.yard.member(f"open:{number}") for number in (1, 2)]
    channels = ["open:1", "madang_mod:1", "nowhere:1", "open:2"]
    said = await backend.done("broadcast", channels=channels, data={"all": True}, idempotency_key="k")
    assert [each.get("error", {}).get("code", 0) for each in said["responses"]] == [0, 103, 102, 0]
    assert [each["result"]["offset"] for each in said["responses"] if "result" in each] == [1, 1]
    for guest in guests:
        assert await guest.publications() == [{"all": True}]
    assert await backend.refused("broadcast", channels=[], data=1) == 107
    many = await backend.done("broadcast", channels=["open:1"] * 1200, data=1)
    assert [each["result"]["offset"] for each in many["responses"]] == list(range(2, 1202))


# --- history and presence --------------------------------------------------------------------------------


async def test_history(backend: Backend) -> None:
    await backend.yard.publish("closed:1", *range(1, 8))

    async def read(**query: Any) -> list[int]:
        said = await backend.done("history", channel="closed:1", **query)
        assert said["offset"] == 7 and said["epoch"]
        return [each["data"] for each in said["publications"]]

    epoch = (await backend.done("history", channel="closed:1"))["epoch"]
    assert await read() == []
    assert await read(limit=3) == [1, 2, 3]
    assert await read(limit=-1, since={"offset": 5, "epoch": epoch}) == [6, 7]
    assert await read(limit=2, reverse=True) == [7, 6]
    assert await read(limit=2, reverse=True, since={"offset": 4, "epoch": epoch}) == [3, 2]
    assert await backend.refused("history", channel="closed:1", since={"offset": 1, "epoch": "x"}) == 112
    assert await backend.refused("history", channel="closed:1", reverse=True, since={"offset": 0}) == 107
    assert await backend.refused("history", channel="plain:1") == 108
    assert await backend.done("history_remove", channel="closed:1") == {}
    assert await read(limit=-1) == []
    assert await backend.refused("history_remove", channel="madang_chat:1") == 103
    assert await backend.refused("history_remove", channel="plain:1") == 108


async def test_history_tells_who_published(backend: Backend) -> None:
    guest = await backend.yard.member("open:1", "ann", data={})
    await guest.ask(publish={"channel": "open:1", "data": {"a": 1}})
    said = await backend.done("history", channel="open:1", limit=1)
    info = said["publications"][0]["info"]
    assert (info["user"], info["client"]) == ("ann", guest.session.caller.client)


async def test_presence(backend: Backend) -> None:
    guests = [await backend.yard.member("open:1", "ann", data={}) for _ in range(2)]
    said = (await backend.done("presence", channel="open:1"))["presence"]
    assert {client: info["user"] for client, info in said.items()} == {
        guest.session.caller.client: "ann" for guest in guests
    }
    assert await backend.done("presence_stats", channel="open:1") == {"num_clients": 2, "num_users": 1}
    for method in ("presence", "presence_stats"):
        assert await backend.refused(method, channel="plain:1") == 108
        assert await backend.refused(method, channel="nowhere:1") == 102


async def test_channels_and_info(backend: Backend) -> None:
    for channel in ("open:1", "open:1", "open:2", "plain:1"):
        await backend.yard.member(channel)
    assert await backend.done("channels") == {
        "channels": {
            "open:1": {"num_clients": 2}, "open:2": {"num_clients": 1}, "plain:1": {"num_clients": 1},
        }
    }  # fmt: skip
    assert list((await backend.done("channels", pattern="open:*"))["channels"]) == ["open:1", "open:2"]
    (node,) = (await backend.done("info"))["nodes"]
    assert node["uid"] == backend.yard.engine.node and node["version"]
    assert (node["num_clients"], node["num_channels"], node["num_subs"]) == (4, 3, 4)


# --- connections of users --------------------------------------------------------------------------------


async def test_subscribing_and_unsubscribing_a_user(backend: Backend) -> None:
    guest, other = await backend.yard.guest("ann"), await backend.yard.guest("ann")
    override = {"presence": {"value": False}, "force_recovery": {"value": True}}
    await backend.done(
        "subscribe", user="ann", client=guest.session.caller.client, channel="closed:1", info={"i": 1},
        b64data=b64encode(b'{"d":2}').decode(), override=override,
    )  # fmt: skip
    await backend.yard.settle()
    (push,) = guest.pushes()
    assert push["channel"] == "closed:1" and push["subscribe"]["data"] == {"d": 2}
    assert push["subscribe"]["recoverable"] and not other.pushes()
    assert (await backend.done("presence", channel="closed:1"))["presence"] == {}
    await backend.done("unsubscribe", user="ann", channel="closed:1")
    await backend.yard.settle()
    (push,) = guest.pushes()
    assert push["unsubscribe"]["code"] == 2000
    for method in ("subscribe", "unsubscribe"):
        assert await backend.refused(method, user="ann", channel="madang_live:1") == 103
        assert await backend.refused(method, user="ann", channel="nowhere:1") == 102


async def test_a_subscription_recovers_from_where_the_backend_says(backend: Backend) -> None:
    await backend.yard.publish("closed:1", 1, 2, 3)
    epoch = (await backend.done("history", channel="closed:1"))["epoch"]
    guest = await backend.yard.guest("ann")
    since = {"offset": 1, "epoch": epoch}
    override = {"force_recovery": {"value": True}}
    how = {"user": "ann", "channel": "closed:1", "recover_since": since, "override": override}
    await backend.done("subscribe", **how)
    await backend.yard.publish("closed:1", 4)
    await backend.yard.settle()
    first, *rest = guest.pushes()
    assert first["subscribe"]["offset"] == 1
    assert [(push["pub"]["offset"], push["pub"]["data"]) for push in rest] == [(2, 2), (3, 3), (4, 4)]


async def test_disconnecting(backend: Backend) -> None:
    spared, first, other = [await backend.yard.guest(user) for user in ("ann", "ann", "bob")]
    own = {"code": 4001, "reason": "go"}
    whitelist = [spared.session.caller.client]
    await backend.done("disconnect", user="ann", whitelist=whitelist, disconnect=own)
    assert (spared.ended, first.ended, other.ended) == (0, 4001, 0)
    await backend.done("disconnect", user="ann", disconnect={"code": 0, "reason": ""})
    assert (spared.ended, other.ended) == (3503, 0)
    for bad in ({"code": 2000}, {"code": 5000}, {"code": 4000, "reason": "x" * 124}):
        assert await backend.refused("disconnect", user="bob", disconnect=bad) == 107
    assert other.ended == 0


async def test_refreshing(backend: Backend) -> None:
    guest, gone = await backend.yard.guest("ann"), await backend.yard.guest("bob")
    later = backend.yard.clock.wall() + 60
    await backend.done("refresh", user="ann", expire_at=later, info={"new": 1})
    (push,) = guest.pushes()
    assert push["refresh"] == {"expires": True, "ttl": 60}
    assert json.loads(guest.session.caller.info) == {"new": 1}
    await backend.done("refresh", user="bob", expired=True)
    assert (guest.ended, gone.ended) == (0, 3005)


async def test_connections(backend: Backend) -> None:
    guest = await backend.yard.member("open:1", "ann", data={})
    await backend.yard.guest("bob")
    said = (await backend.done("connections", user="ann"))["connections"]
    assert list(said) == [guest.session.caller.client]
    (told,) = said.values()
    assert (told["user"], told["transport"], told["protocol"]) == ("ann", "websocket", "json")
    assert told["state"]["channels"] == {"open:1": {}}
    assert len((await backend.done("connections"))["connections"]) == 2
    assert await backend.refused("connections", expression="true") == 108


async def test_blocking_a_user(backend: Backend) -> None:
    yard = backend.yard
    guest = await yard.guest("ann")
    await backend.done("block_user", user="ann", expire_at=yard.clock.wall() + 60)
    assert guest.ended == 3503
    again = yard.visitor()
    await again.connect(token=yard.token("ann"))
    assert again.ended == 3503
    await backend.done("unblock_user", user="ann")
    await yard.guest("ann")
    await backend.done("block_user", user="ann")
    yard.pass_time(10)
    again = yard.visitor()
    await again.connect(token=yard.token("ann"))
    assert again.ended == 3503


async def test_revoking_one_token(backend: Backend) -> None:
    yard = backend.yard
    guest, other = await yard.guest("ann", jti="one"), await yard.guest("ann", jti="two")
    await backend.done("revoke_token", uid="one", expire_at=yard.clock.wall() + 60)
    assert (guest.ended, other.ended) == (3014, 0)
    again = yard.visitor()
    assert (await again.connect(token=yard.token("ann", jti="one")))["error"]["code"] == 109
    await other.ask(refresh={"token": yard.token("ann", jti="one")})
    assert other.ended == 3014
    yard.pass_time(61)
    await yard.guest("ann", jti="one")


async def test_invalidating_a_users_tokens(backend: Backend) -> None:
    yard, now = backend.yard, backend.yard.clock.wall()
    guest = await yard.guest("ann", iat=now - 10)
    await backend.done("invalidate_user_tokens", user="ann")
    assert guest.ended == 3014
    old = yard.visitor()
    assert (await old.connect(token=yard.token("ann", iat=now - 10)))["error"]["code"] == 109
    await yard.guest("ann", iat=now)
    assert await backend.refused("invalidate_user_tokens", user="ann", channel="open:1") == 108


async def test_rpc_is_what_was_bound(backend: Backend) -> None:
    async def double(params: bytes) -> bytes:
        return params + b"0" if params.isdigit() else b""

    assert await backend.refused("rpc", method="double") == 104
    backend.api.bind_rpc("double", double)
    assert await backend.done("rpc", method="double", params=21) == {"data": 210}
    assert await backend.done("rpc", method="double") == {}


# --- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("publish", b""),
        ("publish", b"{"),
        ("publish", b"[]"),
        ("publish", b'{"channel":1,"data":1}'),
        ("publish", b'{"channel":"open:1","data":1,"version":-1}'),
        ("publish", b'{"channel":"open:1","data":"\xff"}'),
        ("publish", b'{"channel":"open:1","data":' + b"[" * 100 + b"]" * 100 + b"}"),
        ("publish", b'{"channel":"open:1","data":1,"idempotency_key":"' + b"k" * 256 + b'"}'),
        ("disconnect", b"{}"),
        ("revoke_token", b'{"uid":""}'),
        ("batch", b"[]"),
        ("batch", b'{"commands":{}}'),
        ("batch", b'{"commands":[' + b"{}," * REALTIME_API_COMMANDS + b"{}]}"),
    ],
)
async def test_bodies_that_are_no_commands(backend: Backend, method: str, body: bytes) -> None:
    answer = await backend.answer(f"/api/{method}", body)
    assert (answer.status, answer.body) == (400, b"Bad Request")


async def test_null_is_absent_and_what_is_unknown_is_passed_over(backend: Backend) -> None:
    await backend.done("publish", channel="open:1", data=1, tags=None, b64data=None, more={"x": 1})
    assert (await backend.answer("/api/info", b"")).status == 200


async def test_errors_as_statuses(backend: Backend) -> None:
    async def status(method: str, body: dict[str, Any], mode: str = "transport") -> int:
        answer = await backend.answer(
            f"/api/{method}", json.dumps(body).encode(), x_centrifugo_error_mode=mode
        )
        assert ("error" in json.loads(answer.body)) is (answer.status != 200 or mode != "transport")
        return answer.status

    assert await status("publish", {"channel": "nowhere:1", "data": 1}, "in_band") == 200
    assert await status("publish", {"channel": "nowhere:1", "data": 1}) == 404
    assert await status("publish", {"channel": "madang_x:1", "data": 1}) == 403
    assert await status("publish", {"channel": "open:1"}) == 400
    assert await status("history", {"channel": "plain:1"}) == 400
    assert await status("history", {"channel": "closed:1", "since": {"offset": 1, "epoch": "x"}}) == 416
    assert await status("rpc", {"method": "x"}) == 404
    assert await status("publish", {"channel": "open:1", "data": 1}) == 200


async def test_our_own_faults_are_100(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: object) -> None:
        raise BrokerError("no answer")

    async def broken(params: bytes) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(MemoryBroker, "publish", silent)
    assert await backend.refused("publish", channel="open:1", data=1) == 100
    backend.api.bind_rpc("broken", broken)
    said = await backend.ask("rpc", method="broken")
    assert said == {"error": {"code": 100, "message": "internal server error"}}
    assert backend.yard.engine.counters.handler_errors == 1


# --- many commands ---------------------------------------------------------------------------------------

COMMANDS: list[dict[str, Any]] = [
    {"publish": {"channel": "closed:1", "data": 1}, "id": 7},
    {"publish": {"channel": "madang_x:1", "data": 1}},
    {"publish": {"channel": 1}},
    {"nothing": {}},
    {"presence_stats": {"channel": "closed:1"}},
]


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("in_process", [False, True])
async def test_a_batch(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, parallel: bool, in_process: bool
) -> None:
    monkeypatch.setattr(MemoryBroker, "in_process", in_process)
    body = json.dumps({"commands": COMMANDS, "parallel": parallel}).encode()
    answer = await backend.answer("/api/batch", body)
    replies = json.loads(answer.body)["replies"]
    assert answer.status == 200
    assert (replies[0]["id"], replies[0]["publish"]["offset"]) == (7, 1)
    assert [each.get("error", {}).get("code", 0) for each in replies] == [0, 103, 107, 104, 0]
    assert replies[4] == {"presence_stats": {"num_clients": 0, "num_users": 0}}
    assert backend.yard.engine.counters.api_commands == len(COMMANDS)


async def test_a_long_batch_lets_others_have_their_turn(backend: Backend) -> None:
    commands = [{"publish": {"channel": "plain:1", "data": number}} for number in range(1001)]
    answer = await backend.answer("/api/batch", json.dumps({"commands": commands}).encode())
    assert json.loads(answer.body)["replies"] == [{"publish": {}}] * 1001


async def test_the_legacy_endpoint(backend: Backend) -> None:
    lines = [
        {"method": "publish", "params": {"channel": "closed:1", "data": 1}},
        {"method": "publish", "params": {"channel": "nowhere:1", "data": 1}, "id": 3},
        {"method": "nothing"},
        {"method": "presence_stats", "params": {"channel": "closed:1"}},
    ]
    body = "\n".join(json.dumps(line) for line in lines) + "\n"
    for path in ("/api", "/api/"):
        answer = await backend.answer(path, body.encode())
        replies = [json.loads(line) for line in answer.body.split(b"\n")]
        assert [each.get("error", {}).get("code", 0) for each in replies] == [0, 102, 104, 0]
        assert replies[1]["id"] == 3 and replies[3]["result"]["num_users"] == 0
    for bad in (b"", b"\n", b"[]", b"{", b'{"method":1}'):
        assert (await backend.answer("/api", bad)).status == 400


class Kept:
    """Bans in a dictionary."""

    def __init__(self) -> None:
        self.bans: dict[tuple[str, str], Ban] = {}
        self.away = False

    async def load(self, now: float) -> list[Ban]:
        return [ban for ban in self.bans.values() if ban.until > now]

    async def keep(self, ban: Ban, now: float) -> None:
        if self.away:
            raise Overloaded("database", "busy", 2)
        self.bans[ban.kind, ban.subject] = ban


async def test_bans_outlast_a_restart(backend: Backend, make: Make, settings: RealtimeSettings) -> None:
    kept = backend.yard.engine.bans = Kept()
    wall = backend.yard.engine.core.clock.wall()
    for method, params in (
        ("block_user", {"user": "ann", "expire_at": wall + 100}),
        ("block_user", {"user": "bob"}),
        ("unblock_user", {"user": "bob"}),
        ("revoke_token", {"uid": "t1"}),
        ("invalidate_user_tokens", {"user": "cid", "issued_before": wall}),
    ):
        assert await backend.done(method, **params) == {}
    again = make(settings).engine
    again.bans = kept
    await again.start()
    core = again.core
    assert core.is_blocked("ann") and not core.is_blocked("bob") and core.is_revoked("t1", "", 0)
    assert core.is_revoked("", "cid", wall - 1) and not core.is_revoked("", "cid", wall + 1)
    kept.away = True
    assert await backend.refused("block_user", user="eve") == 100
    assert backend.yard.engine.core.is_blocked("eve")
