"""Maps with the official client, unmodified, between two servers behind one real Redis; and what a broker of
maps promises, asked of memory and of Redis."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from tests.harness import brokers
from tests.harness.patience import PATIENCE_S
from tests.harness.server import Server

from madang.app.clock import SystemClock
from madang.base.secret import Secret
from madang.realtime.broker import BrokerError
from madang.realtime.maps import KeyKept, KeyOptions, MapRetention
from madang.realtime.memory import MemoryBroker
from madang.realtime.publication import ClientInfo, Position, Publication
from madang.store.redis_broker import RedisBroker

SECRET = "a secret of the backend that is long enough"
KEY = "a-key-of-the-server-api"
PACKAGES = Path(__file__).parents[2] / "web" / "package.json"
SCRIPT = Path(__file__).parents[1] / "harness" / "js" / "maps.mjs"
CONFIG = f"""
[realtime]
broker = "{{url}}"
token_hmac_secret = "{SECRET}"
api_keys = ["{KEY}"]
[realtime.namespaces.board]
subscription_type = "map"
allow_subscribe_for_client = true
allowed_delta_types = ["fossil"]
delta_publish = true
[realtime.namespaces.board.map]
mode = "persistent"
default_page_size = 4
min_page_size = 1
allow_publish_for_subscriber = true
allow_remove_for_subscriber = true
[realtime.namespaces.cursors]
subscription_type = "map"
allow_subscribe_for_client = true
[realtime.namespaces.cursors.map]
mode = "ephemeral"
key_ttl_s = 60
default_page_size = 4
min_page_size = 1
[realtime.namespaces.game]
allow_subscribe_for_client = true
map_clients_presence_channel_prefix = "clients:"
map_users_presence_channel_prefix = "users:"
[realtime.namespaces.clients]
subscription_type = "map_clients"
allow_subscribe_for_client = true
[realtime.namespaces.clients.map]
mode = "recoverable"
key_ttl_s = 60
[realtime.namespaces.users]
subscription_type = "map_users"
allow_subscribe_for_client = true
[realtime.namespaces.users.map]
mode = "recoverable"
key_ttl_s = 60
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[brokers.Redis]:
    with brokers.redis() as server:
        yield server


@pytest.fixture(scope="module")
def servers(
    redis: brokers.Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    folder, text = tmp_path_factory.mktemp("maps"), CONFIG.format(url=redis.url)
    one, two = Server(folder / "one", config=text), Server(folder / "two", config=text)
    try:
        one.start()
        two.start()
        yield one, two
    finally:
        for server in (one, two):
            if server.process is not None and server.process.poll() is None:
                server.stop()


class Follower:
    """The client for Node, which does what it is told."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def do(self, order: str, **told: Any) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(json.dumps({"order": order, **told}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.stderr.read())
        return dict(json.loads(line))


@contextmanager
def follower(server: Server, user: str, encoding: str) -> Iterator[Follower]:
    token = jwt.encode({"sub": user}, SECRET, "HS256")
    with subprocess.Popen(
        ["node", SCRIPT, PACKAGES, server.http, encoding, token],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Follower(process)
        finally:
            process.kill()


def ask(server: Server, method: str, **params: Any) -> dict[str, Any]:
    answer = httpx.post(
        f"{server.http}/api/{method}", json=params, headers={"x-api-key": KEY}, timeout=PATIENCE_S
    )
    said = answer.json()
    assert "result" in said, said
    return dict(said["result"])


def put(server: Server, channel: str, **values: Any) -> None:
    commands = [
        {"map_publish": {"channel": channel, "key": key, "data": data}} for key, data in values.items()
    ]
    answer = httpx.post(
        f"{server.http}/api/batch",
        json={"commands": commands},
        headers={"x-api-key": KEY},
        timeout=PATIENCE_S,
    )
    assert all("map_publish" in reply for reply in answer.json()["replies"]), answer.text


@pytest.mark.needs("node")
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_the_official_client_mirrors_a_map_across_servers(
    servers: tuple[Server, Server], encoding: str
) -> None:
    here, there = servers
    channel, story = f"board:{encoding}", "once upon a time there was a yard " * 4
    put(there, channel, **{f"k{number}": {"n": number, "story": story} for number in range(10)})
    with follower(here, "mina", encoding) as mina:
        seen = mina.do("follow", channel=channel, options={"delta": "fossil"})
        assert list(seen["known"]) == [f"k{number}" for number in range(10)], "three pages"
        assert (seen["syncs"], seen["updates"], seen["delta"]) == (1, [], True)
        put(there, channel, k3={"n": 33, "story": story})
        mina.do("until", key="k3", data={"n": 33, "story": story})
        mina.do("publish", key="mine", data={"x": 1})
        seen = mina.do("until", key="mine", data={"x": 1})
        ask(there, "map_remove", channel=channel, key="k0")
        seen = mina.do("until", key="k0")
        assert seen["updates"] == [["k3", 11, False], ["mine", 12, False], ["k0", 13, True]]
        mina.do("drop")
        put(there, channel, **{f"late{number}": {"story": story} for number in range(9)})
        ask(there, "map_remove", channel=channel, key="mine")
        put(there, channel, k3={"n": 34, "story": story}, end=1)
        mina.do("come")
        seen = mina.do("until", key="end", data=1)
        assert seen["recovered"] == [False, True] and seen["syncs"] == 1
        assert [offset for _, offset, _ in seen["updates"]] == list(range(11, 26)), "no gap, nothing twice"
        state = ask(here, "map_read_state", channel=channel)
        assert seen["known"] == {entry["key"]: entry["data"] for entry in state["entries"]}
        mina.do("drop")
        put(there, channel, **{f"many{number}": number for number in range(120)})
        mina.do("come")
        seen = mina.do("until", key="many119", data=119)
        assert seen["syncs"] == 2, "more than the changes that are kept: from the beginning"
        assert len(seen["known"]) == ask(here, "map_stats", channel=channel)["num_keys"]
        mina.do("remove", key="end")
        mina.do("until", key="end")
        ask(there, "map_clear", channel=channel)
        put(there, channel, fresh=1)
        seen = mina.do("until", key="fresh", data=1)
        assert seen["known"] == {"fresh": 1}


@pytest.mark.needs("node")
def test_a_map_that_keeps_no_changes_and_who_is_there(servers: tuple[Server, Server]) -> None:
    here, there = servers
    put(there, "cursors:1", **{f"c{number}": number for number in range(9)})
    with follower(here, "mina", "json") as mina, follower(there, "duri", "protobuf") as duri:
        seen = mina.do("follow", channel="cursors:1", options={})
        assert len(seen["known"]) == 9 and seen["syncs"] == 1
        mina.do("drop")
        put(there, "cursors:1", c0="moved")
        ask(there, "map_remove", channel="cursors:1", key="c1")
        mina.do("come")
        seen = mina.do("until", key="c0", data="moved")
        assert seen["syncs"] == 2 and "c1" not in seen["known"] and len(seen["known"]) == 8
        found = mina.do("people", channel="clients:game:1", kind="clients")
        assert found["people"] == ["mina"]
        duri.do("follow", channel="cursors:1", options={})
        found = duri.do("people", channel="users:game:1", kind="users")
        assert "mina" in found["keys"]


# --- what a broker of maps promises -----------------------------------------------------------------------


class Heard:
    """What a node was told."""

    def __init__(self) -> None:
        self.publications: list[tuple[Publication, Position]] = []
        self.cleared: list[str] = []

    def on_publication(self, channel: str, publication: Publication, top: Position) -> None:
        if channel == "m:1":
            self.publications.append((publication, top))

    def on_clear(self, channel: str) -> None:
        self.cleared.append(channel)

    def on_gap(self, channels: object) -> None: ...

    def on_node_message(self, sender: str, message: bytes) -> None: ...

    async def until(self, found: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not found():  # noqa: ASYNC110  told by synchronous calls
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_what_a_broker_of_maps_promises(kind: str, redis: brokers.Redis) -> None:
    heard = Heard()
    broker: Any = MemoryBroker(SystemClock(), os.urandom)
    if kind == "redis":
        broker = RedisBroker(Secret(redis.url), os.urandom, os.urandom(4).hex())
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(BrokerError):
                await broker.start("one", heard)
                break
            await asyncio.sleep(0.05)
    try:
        await broker.subscribe("m:1")
        await promises(broker.maps, heard)
    finally:
        await broker.close()


async def promises(maps: Any, heard: Heard) -> None:
    keeps = MapRetention(size=5, ttl_s=60.0)
    mina = ClientInfo("mina", "c1", b'{"a":1}')

    async def put(key: str, data: bytes = b"1", **told: Any) -> tuple[int, str]:
        done = await maps.publish("m:1", key, data, KeyOptions(**{"retention": keeps, **told}))
        return done.offset, done.reason

    async def keys(cursor: str = "", limit: int = 100) -> tuple[list[str], str]:
        page = await maps.state("m:1", cursor, limit, keeps)
        return [each.key for each in page.entries], page.cursor

    assert (await maps.state("m:1", "", 9, keeps)).top.offset == 0
    assert await put("b", b"\x00\xff:1", info=mina, tags={"t": "v"}) == (1, "")
    assert await put("한", b"2", version=7, version_epoch="x") == (2, "")
    assert await put("a", b"3", idempotency_key="once") == (3, "")
    assert await put("z", idempotency_key="once") == (3, "idempotency")
    assert await put("a", key_mode="if_new") == (3, "key_exists")
    assert await put("c", key_mode="if_exists") == (3, "key_not_found")
    assert await put("한", version=7, version_epoch="x") == (3, "version")
    assert await keys() == (["a", "b", "한"], "") and await maps.count("m:1") == 3
    await maps.publish("m:big", "1", b"x" * 300_000, KeyOptions(retention=keeps))
    await maps.publish("m:big", "2", b"x" * 300_000, KeyOptions(retention=keeps))
    await maps.publish("m:big", "3", b"x", KeyOptions(retention=keeps))
    page = await maps.state("m:big", "", 100, keeps)
    assert ([each.key for each in page.entries], page.cursor) == (["1", "2"], "2"), "so many bytes of a page"
    assert [each.key for each in (await maps.state("m:big", "2", 100, keeps)).entries] == ["3"]
    assert await keys("", 2) == (["a", "b"], "b") and await keys("b", 2) == (["한"], "")
    (entry,) = (await maps.entry("m:1", "b", keeps)).entries
    assert (entry.data, entry.offset, entry.info, entry.tags) == (b"\x00\xff:1", 1, mina, {"t": "v"})
    assert (await maps.entry("m:1", "none", keeps)).entries == []
    assert await put("a", b"33", delta=True) == (4, "")
    assert await put("a", b"all", delta=True, stream_data=b"part") == (5, "")
    assert await put("a", b"again", delta=True) == (6, "")
    removed = await maps.remove("m:1", "b", KeyOptions(retention=keeps))
    assert (removed.offset, removed.reason) == (7, "")
    assert (await maps.remove("m:1", "b", KeyOptions(retention=keeps))).reason == "key_not_found"
    await heard.until(lambda: len(heard.publications) == 7)
    told = [publication for publication, _ in heard.publications]
    assert [each.offset for each in told] == list(range(1, 8))
    assert [each.prev for each in told[3:6]] == [b"3", b"", b""] and told[4].data == b"part"
    assert told[6].removed and told[6].key == "b" and told[6].tags == {"t": "v"} and told[6].data == b""
    stretch = await maps.stream("m:1", 4, 2, keeps)
    assert [(each.offset, each.key) for each in stretch.publications] == [(5, "a"), (6, "a")]
    assert stretch.top.offset == 7 and stretch.top.epoch == heard.publications[0][1].epoch
    for since, limit, reverse, expected in (
        (-1, 100, False, [3, 4, 5, 6, 7]),
        (-1, 2, True, [7, 6]),
        (5, 9, True, [4, 3]),
        (7, 9, False, []),
        (0, 0, False, []),
    ):
        found = await maps.stream("m:1", since, limit, keeps, reverse=reverse)
        assert [each.offset for each in found.publications] == expected
    await expiring(maps, heard)
    epoch = (await maps.state("m:1", "", 9, keeps)).top.epoch
    await maps.clear("m:1")
    await heard.until(lambda: heard.cleared)
    page = await maps.state("m:1", "", 9, keeps)
    assert page.entries == [] and page.top.offset == 0 and page.top.epoch != epoch


async def expiring(maps: Any, heard: Heard) -> None:
    """Keys whose time is over go; those that are told again stay."""
    short = MapRetention(size=5, ttl_s=60.0, key_ttl_s=1.5, meta_ttl_s=60.0)
    before = (await maps.stream("m:1", 0, 0, short)).top.offset
    stays = KeyOptions(retention=short, key_mode="if_new", refresh=True)
    await maps.publish("m:1", "goes", b"1", KeyOptions(retention=short, tags={"t": "g"}))
    await maps.keep([KeyKept("m:1", "stays", stays)])

    def gone() -> bool:
        return any(each.removed and each.key == "goes" for each, _ in heard.publications)

    async with asyncio.timeout(PATIENCE_S):
        while not gone():
            await maps.keep([KeyKept("m:1", "stays", stays)])
            await maps.expire(lambda channel: short)
            await asyncio.sleep(0.02)
    removal = heard.publications[-1][0]
    assert (removal.key, removal.tags, removal.offset) == ("goes", {"t": "g"}, before + 3)
    page = await maps.state("m:1", "", 100, short)
    assert "stays" in [each.key for each in page.entries]
