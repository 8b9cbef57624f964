"""What the backend of a shared poll is asked by HTTP, and what comes of its answers."""

import dataclasses
import json
from base64 import b64encode
from typing import Any

import pytest
from tests.unit.realtime.conftest import Make, Yard
from tests.unit.realtime.polls import batch, settings_with, viewer
from tests.unit.realtime.test_proxies import Backend, Inner

from madang.base.limits import REALTIME_POLL_BYTES
from madang.base.secret import Secret
from madang.net.outbound import OutboundError
from madang.realtime.channel import ChannelOptions, SharedPollOptions
from madang.realtime.proxies import Proxies
from madang.realtime.settings import ProxySettings, RealtimeSettings, StatusTransform, ToError

PROXY = ProxySettings(
    endpoint="https://app.example.org/refresh",
    timeout_s=5.0,
    http_headers=("Cookie",),
    static_headers={"X-Key": Secret("k")},
    status_to_code_transforms=(StatusTransform(503, to_error=ToError(503, "away")),),
)


def votes(mode: Any) -> ChannelOptions:
    return ChannelOptions(
        subscription_type="shared_poll",
        allow_subscribe_for_client=True,
        allow_subscribe_for_anonymous=True,
        publication_data_format="json",
        shared_poll=SharedPollOptions(proxy_name="poll", mode=mode),
    )


async def opened(make: Make, settings: RealtimeSettings, backend: Backend, mode: str) -> Yard:
    with_polls = dataclasses.replace(
        settings_with(settings), proxies={"poll": PROXY}, namespaces={"votes": votes(mode)}
    )
    yard = make(with_polls)
    await yard.engine.start()
    Proxies(yard.engine.core, backend, Inner()).bind()  # type: ignore[arg-type]
    yard.engine.core.gate = None
    return yard


async def test_the_form_is_centrifugos(make: Make, settings: RealtimeSettings) -> None:
    backend = Backend()
    yard = await opened(make, settings, backend, "versioned")
    items = [
        {"key": "a", "data": {"votes": 1}, "version": 6},
        {"key": "b", "b64data": b64encode(b"[2]").decode(), "version": 1},
        {"key": "c", "version": 5},
        {"key": "stranger", "data": 1, "version": 1},
    ]
    backend.answers = [{"result": {"items": items}}, {"result": {"items": [{"key": "a", "removed": True}]}}]
    ann = await viewer(yard)
    await ann.track(batch("a", "b", "c"))
    assert await ann.told() == [("a", {"votes": 1}, 6), ("b", [2], 1)]
    (call,) = backend.calls
    assert json.loads(call.body) == {
        "channel": "votes:1",
        "items": [{"key": "a", "version": 0}, {"key": "b", "version": 0}, {"key": "c", "version": 0}],
    }
    assert call.headers == {"x-key": "k", "content-type": "application/json"}
    assert (call.url, call.deadline_s, call.limit_bytes) == (PROXY.endpoint, 5.0, REALTIME_POLL_BYTES)
    yard.pass_time(11)
    assert await ann.told() == [("a", "removed")]
    assert [item.get("version") for item in backend.asked()["items"]] == [6, 1, 0]


async def test_versions_are_left_out_where_they_are_counted_here(
    make: Make, settings: RealtimeSettings
) -> None:
    backend = Backend()
    yard = await opened(make, settings, backend, "versionless")
    backend.answers = [{"result": {"items": [{"key": "a", "data": "x"}]}}]
    ann = await viewer(yard)
    await ann.track(batch("a"))
    assert backend.asked()["items"] == [{"key": "a"}] and await ann.told() == [("a", "x", 1)]


@pytest.mark.parametrize(
    "answer",
    [
        503,
        500,
        {"error": {"code": 1000, "message": "away"}},
        {"disconnect": {"code": 4000, "reason": "no"}},
        {"result": {"items": [{"data": 1}]}},
        {"result": {"items": [{"key": "a", "b64data": "*", "version": 1}]}},
        b"no JSON",
        OutboundError("timeout", "no whole answer"),
    ],
)
async def test_bad_answers_change_nothing(make: Make, settings: RealtimeSettings, answer: Any) -> None:
    backend = Backend()
    yard = await opened(make, settings, backend, "versioned")
    ann = await viewer(yard)
    backend.answers = [answer, {"result": {"items": [{"key": "a", "data": 1, "version": 1}]}}]
    await ann.track(batch("a"))
    assert await ann.told() == [] and yard.engine.core.counters.poll_errors == 1
    assert ann.visitor.ended == 0
    yard.pass_time(21)
    assert await ann.told() == [("a", 1, 1)]


@pytest.mark.parametrize("answer", [{}, {"result": None}, {"result": {}}, {"result": {"items": None}}])
async def test_empty_answers_say_that_nothing_has_changed(
    make: Make, settings: RealtimeSettings, answer: Any
) -> None:
    backend = Backend()
    yard = await opened(make, settings, backend, "versioned")
    ann = await viewer(yard)
    backend.answers = [answer]
    await ann.track(batch("a"))
    assert await ann.pushes() == [] and yard.engine.core.counters.poll_errors == 0


async def test_data_of_another_format_are_left_out(make: Make, settings: RealtimeSettings) -> None:
    backend = Backend()
    yard = await opened(make, settings, backend, "versioned")
    ann = await viewer(yard)
    bad = {"key": "a", "b64data": b64encode(b"\xff").decode(), "version": 1}
    backend.answers = [{"result": {"items": [bad, {"key": "b", "data": 2, "version": 1}]}}]
    await ann.track(batch("a", "b"))
    assert await ann.told() == [("b", 2, 1)]


async def test_a_namespace_without_a_backend_is_not_available(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings_with(settings), namespaces={"votes": votes("versioned")}))
    await yard.engine.start()
    guest = await yard.guest()
    assert (await guest.subscribe("votes:1", type=4))["error"]["code"] == 108
