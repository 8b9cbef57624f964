"""Directives, rights in paths, errands, and slices of released viewers."""

import asyncio
from collections.abc import Awaitable, Coroutine
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import FakeClock
from tests.harness.broadcast import CHANNEL, Broadcast, Gate, frames

from madang.base.errors import Overloaded, Refused
from madang.delivery.http import errands as errands_module
from madang.delivery.http import grants as grants_module
from madang.delivery.http.directives import NONE, Directives, parse_directives
from madang.delivery.http.errands import Errands, Reply, chain
from madang.delivery.http.grants import Grants
from madang.delivery.http.waiting import RELEASED_AT_ONCE
from madang.hub.gate import PlayGrant
from madang.net.http.routes import Answer, Hold


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", NONE),
        (b"_HLS_msn=5", Directives(5, -1, False, "", True)),
        (b"_HLS_msn=5&_HLS_part=2&_HLS_skip=YES&s=abc", Directives(5, 2, True, "abc", True)),
        (b"s=abc&_HLS_skip=v2", Directives(-1, -1, True, "abc", True)),
        (b"token=x&_HLS_skip=maybe&&=", Directives(-1, -1, False, "", True)),
        (b"s=" + b"x" * 33, Directives(-1, -1, False, "", True)),
    ],
)
def test_directives(query: bytes, expected: Directives) -> None:
    assert parse_directives(query) == expected


@given(st.binary(max_size=60), st.sampled_from([b"", b"_HLS_msn=", b"_HLS_part=", b"_HLS_msn=1&_HLS_part="]))
def test_any_query_is_read_or_called_invalid(query: bytes, before: bytes) -> None:
    found = parse_directives(before + query)
    assert found.msn < 10**15
    assert found.valid or found.msn == -1


def grants(clock: FakeClock) -> tuple[Grants, Gate, list[int]]:
    gate, count = Gate(), [0]

    def entropy(size: int) -> bytes:
        count[0] += 1
        return count[0].to_bytes(size, "big")

    return Grants(gate, clock, entropy), gate, count


def test_rights_are_found_by_their_names_alone(clock: FakeClock) -> None:
    kept, gate, _ = grants(clock)
    grant = PlayGrant(channel=CHANNEL, name="yard", private=True, subject="ana")
    element = kept.mint(grant)
    assert kept.find(element) is grant
    assert kept.find(element[:-1] + "z") is None
    gate.revoked.add("ana")
    assert kept.find(element) is None
    gate.revoked.clear()
    assert kept.find(element) is None  # once refused it is forgotten


def test_the_oldest_right_goes_first(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants_module, "PLAY_GRANTS", 2)
    kept, _, _ = grants(clock)
    grant = PlayGrant(channel=CHANNEL, name="yard", private=True)
    first, second = kept.mint(grant), kept.mint(grant)
    assert kept.find(first)
    third = kept.mint(grant)
    assert kept.find(first)
    assert kept.find(second) is None
    assert kept.find(third)


def spawner() -> tuple[list[asyncio.Task[None]], Errands]:
    tasks: list[asyncio.Task[None]] = []

    def spawn(work: Coroutine[None, None, None]) -> None:
        tasks.append(asyncio.get_running_loop().create_task(work))

    return tasks, Errands(spawn)


async def fail(error: Exception) -> Reply:
    raise error


@pytest.mark.parametrize(
    ("error", "status"), [(Refused("not_found", "x"), 404), (Overloaded("x"), 503), (TimeoutError(), 503)]
)
async def test_refusals_of_the_gate_become_answers(error: Exception, status: int) -> None:
    tasks, errands = spawner()
    hold = errands.hold(5, lambda: fail(error))
    await asyncio.gather(*tasks)
    assert isinstance(hold, Hold)
    assert isinstance(hold.answer, Answer)
    assert hold.answer.status == status
    assert errands.running == 0


async def test_a_gate_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands_module, "VIEWER_ERRAND_S", 0.01)
    tasks, errands = spawner()

    def never() -> Awaitable[Reply]:
        return asyncio.get_running_loop().create_future()

    hold = errands.hold(5, never)
    await asyncio.gather(*tasks)
    assert isinstance(hold, Hold)
    assert isinstance(hold.answer, Answer)
    assert hold.answer.status == 503


async def test_errands_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands_module, "VIEWER_ERRANDS", 2)
    tasks, errands = spawner()
    gate = asyncio.Event()

    async def work() -> Reply:
        await gate.wait()
        return Answer(200)

    held = [errands.hold(5, work) for _ in range(3)]
    assert isinstance(held[2], Answer)
    assert held[2].status == 503
    gate.set()
    await asyncio.gather(*tasks)
    assert isinstance(errands.hold(5, work), Hold)
    await asyncio.gather(*tasks)


async def test_who_leaves_during_an_errand_waits_for_nothing_behind_it() -> None:
    """Or requests that nobody awaits would pile up until the first playlist is there."""
    tasks, errands = spawner()
    gone: list[Hold] = []
    inner = Hold(1, Answer(503), gone.append)

    async def work() -> Reply:
        return inner

    outer = errands.hold(5, work)
    assert isinstance(outer, Hold)
    assert outer.gone is not None
    outer.gone(outer)  # as the connection says that was lost, or has answered `late`
    await asyncio.gather(*tasks)
    assert gone == [inner]


def test_a_hold_that_leads_to_a_hold() -> None:
    gone: list[Hold] = []
    inner, outer = Hold(1, Answer(503), gone.append), Hold(1, Answer(503))
    chain(inner, outer)
    assert outer.gone is not None
    outer.gone(outer)
    assert gone == [inner]
    inner.resolve(Answer(200))
    assert outer.answer is inner.answer
    late = Hold(1, Answer(503))
    chain(inner, late)
    assert late.answer is inner.answer


async def test_thousands_are_released_in_slices(clock: FakeClock, tmp_path: Path) -> None:
    air = Broadcast(clock, tmp_path / "spool")
    await air.publish()
    air.feed(frames(5))
    url = await air.enter()
    held = [air.ask(url + "&_HLS_msn=2&_HLS_part=2") for _ in range(3 * RELEASED_AT_ONCE)]
    air.feed(frames(5.5, 5))
    assert sum(hold.answer is not None for hold in held if isinstance(hold, Hold)) == RELEASED_AT_ONCE
    for _ in range(4):
        await asyncio.sleep(0)
    answers = {hold.answer for hold in held if isinstance(hold, Hold)}
    assert len(answers) == 1
    assert None not in answers
    await air.close()
