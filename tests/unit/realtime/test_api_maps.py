"""The server API's methods of maps, as a backend calls them."""

import dataclasses
from base64 import b64encode
from typing import Any

import pytest
from tests.unit.realtime.conftest import Make, Yard
from tests.unit.realtime.mirror import Mirror
from tests.unit.realtime.test_mapping import NAMESPACES, there
from tests.unit.realtime.test_server_api import KEY, Backend

from madang.base.limits import REALTIME_MAP_KEY_BYTES
from madang.base.secret import Secret
from madang.realtime import memory_maps
from madang.realtime.settings import RealtimeSettings


@pytest.fixture
async def backend(make: Make, settings: RealtimeSettings) -> Backend:
    yard = make(dataclasses.replace(settings, namespaces=NAMESPACES, api_keys=(Secret(KEY),), ping_s=36000))
    await yard.engine.start()
    return Backend(yard)


@pytest.fixture
def yard(backend: Backend) -> Yard:
    return backend.yard


async def test_keys_are_set_read_and_removed(backend: Backend, yard: Yard) -> None:
    ann = Mirror(yard, "per:1")
    await ann.come()
    first = await backend.done("map_publish", channel="per:1", key="a", data={"x": 1}, tags={"t": "v"})
    assert (first["offset"], len(first["epoch"])) == (1, 8)
    await backend.done("map_publish", channel="per:1", key="b", b64data=b64encode(b"[2]").decode())
    await ann.listen()
    assert ann.known == {"a": {"x": 1}, "b": [2]}
    state = await backend.done("map_read_state", channel="per:1")
    assert state == {
        "entries": [
            {"key": "a", "data": {"x": 1}, "tags": {"t": "v"}, "offset": 1},
            {"key": "b", "data": [2], "offset": 2},
        ],
        "offset": 2,
        "epoch": first["epoch"],
    }
    page = await backend.done("map_read_state", channel="per:1", limit=1)
    assert page["cursor"] == "a" and len(page["entries"]) == 1
    page = await backend.done("map_read_state", channel="per:1", limit=1, cursor="a")
    assert "cursor" not in page and page["entries"][0]["key"] == "b"
    only = await backend.done("map_read_state", channel="per:1", key="b")
    assert [each["key"] for each in only["entries"]] == ["b"]
    assert (await backend.done("map_read_state", channel="per:1", key="c"))["entries"] == []
    assert (await backend.done("map_remove", channel="per:1", key="a"))["offset"] == 3
    gone = await backend.done("map_remove", channel="per:1", key="a")
    assert (gone["suppressed"], gone["suppress_reason"]) == (True, "key_not_found")
    assert await backend.done("map_stats", channel="per:1") == {"num_keys": 1}
    await ann.listen()
    assert ann.known == {"b": [2]} == await there(yard, "per:1")


async def test_changes_are_read_in_both_directions(backend: Backend) -> None:
    for number in range(4):
        told = await backend.done("map_publish", channel="per:1", key="k", data=number)
    since = {"since_offset": 1, "since_epoch": told["epoch"]}
    for asked, expected in (
        ({}, []),
        ({"limit": -1}, [1, 2, 3, 4]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, **since}, [2, 3]),
        ({"limit": 2, "reverse": True}, [4, 3]),
        ({"limit": 9, "reverse": True, "since_offset": 3}, [2, 1]),
    ):
        found = await backend.done("map_read_stream", channel="per:1", **asked)
        assert [each["offset"] for each in found["entries"]] == expected and found["offset"] == 4
    await backend.done("map_remove", channel="per:1", key="k")
    found = await backend.done("map_read_stream", channel="per:1", limit=1, reverse=True)
    assert found["entries"] == [{"key": "k", "offset": 5, "removed": True}]
    assert await backend.refused("map_read_stream", channel="per:1", since_epoch="other") == 112
    assert await backend.refused("map_read_state", channel="per:1", revision_epoch="other") == 112
    assert await backend.done("map_clear", channel="per:1") == {}
    emptied = await backend.done("map_read_stream", channel="per:1", limit=-1)
    assert emptied["entries"] == [] and emptied["offset"] == 0 and emptied["epoch"] != told["epoch"]


async def test_why_a_key_is_not_set(backend: Backend, yard: Yard) -> None:
    async def put(key: str, **told: Any) -> str:
        said = await backend.done("map_publish", channel="per:1", key=key, data=1, **told)
        assert said.get("suppressed", False) is ("suppress_reason" in said)
        return str(said.get("suppress_reason", ""))

    assert await put("a", key_mode="if_exists") == "key_not_found"
    assert await put("a", key_mode="if_new") == ""
    assert await put("a", key_mode="if_new") == "key_exists"
    assert await put("a", key_mode="if_exists", idempotency_key="once") == ""
    assert await put("a", idempotency_key="once") == "idempotency"
    assert await put("b", idempotency_key="once") == "idempotency", "a key of the channel"
    assert await put("a", version=5, version_epoch="x") == ""
    assert await put("a", version=5, version_epoch="x") == "version"
    assert await put("a", version=4, version_epoch="x") == "version"
    assert await put("a", version=4, version_epoch="y") == ""
    assert await put("b", version=1, version_epoch="x") == "", "versions are of keys"


async def test_subscribers_may_get_other_data_than_are_kept(backend: Backend, yard: Yard) -> None:
    ann = Mirror(yard, "per:1")
    await ann.come()
    await backend.done("map_publish", channel="per:1", key="a", data={"all": 9}, stream_data={"more": 1})
    await ann.listen()
    assert ann.known == {"a": {"more": 1}} and await there(yard, "per:1") == {"a": {"all": 9}}


@pytest.mark.parametrize("method", ["map_publish", "map_remove", "map_read_state", "map_stats", "map_clear"])
async def test_channels_that_are_no_maps(backend: Backend, method: str) -> None:
    told = {"key": "k", "data": 1} if method in ("map_publish", "map_remove") else {}
    for channel, expected in (("game:1", 107), ("nowhere:1", 102), ("madang_chat:1", 102), ("", 107)):
        assert await backend.refused(method, channel=channel, **told) == expected


@pytest.mark.parametrize(
    "told",
    [
        {"key": ""},
        {"key": "x" * (REALTIME_MAP_KEY_BYTES + 1)},
        {"key_mode": "bogus"},
        {"data": None, "b64data": "*"},
        {"tags": {"t": "x" * 5000}},
    ],
)
async def test_bad_parameters(backend: Backend, told: dict[str, Any]) -> None:
    assert await backend.refused("map_publish", **{"channel": "per:1", "key": "k", "data": 1, **told}) == 107


async def test_streams_are_not_published_to_maps(backend: Backend) -> None:
    assert await backend.refused("publish", channel="per:1", data=1) == 107
    said = await backend.done("broadcast", channels=["per:1", "game:1"], data=1)
    assert said["responses"][0]["error"]["code"] == 107 and "result" in said["responses"][1]


async def test_a_map_has_a_bound(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_maps, "REALTIME_MAP_KEYS", 2)
    for key in ("a", "b", "a"):
        await backend.done("map_publish", channel="per:1", key=key, data=1)
    assert await backend.refused("map_publish", channel="per:1", key="c", data=1) == 106
    monkeypatch.setattr(memory_maps, "REALTIME_MAP_BYTES", 2000)
    assert await backend.refused("map_publish", channel="per:1", key="a", data="x" * 2000) == 106
    monkeypatch.setattr(memory_maps, "REALTIME_MAPS_BYTES", 1000)
    assert await backend.refused("map_publish", channel="per:2", key="a", data="x" * 500) == 106
    await backend.done("map_clear", channel="per:1")
    await backend.done("map_publish", channel="per:2", key="a", data="x" * 500)


async def test_several_in_one_request(backend: Backend) -> None:
    body = (
        b'{"commands":[{"map_publish":{"channel":"per:1","key":"a","data":1}},'
        b'{"map_stats":{"channel":"per:1"}}]}'
    )
    answer = await backend.answer("/api/batch", body)
    assert b'"map_stats":{"num_keys":1}' in answer.body
    answer = await backend.answer("/api", b'{"method":"map_stats","params":{"channel":"per:1"}}')
    assert answer.body == b'{"result":{"num_keys":1}}'
