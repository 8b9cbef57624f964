"""The timer wheel: never early, at most a tick late, cheap to put off."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from madang.net.deadlines import NEVER, NOWHERE, TICK_S, Sweeper


class Item:
    """Notes when it was called."""

    def __init__(self, sweeper: Sweeper, again_s: float = 0.0) -> None:
        self.deadline = NEVER
        self.bucket = NOWHERE
        self.calls: list[float] = []
        self._sweeper = sweeper
        self._again_s = again_s

    def on_deadline(self) -> None:
        self.calls.append(self._sweeper.now)
        if self._again_s:
            self._sweeper.expire(self, self._again_s)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 40)), min_size=1, max_size=20), st.floats(0.01, 3))
def test_called_once_and_on_time(pairs: list[tuple[float, float]], step_s: float) -> None:
    sweeper = Sweeper()
    items = []
    for first_s, then_s in pairs:
        item = Item(sweeper)
        sweeper.expire(item, first_s)
        sweeper.expire(item, then_s)
        items.append((item, item.deadline))
    while sweeper.now < 45:
        sweeper.advance(step_s)
    for item, deadline in items:
        assert len(item.calls) == 1
        assert deadline <= item.calls[0] <= deadline + 2 * TICK_S + step_s
        assert item.bucket == NOWHERE


def test_put_off_by_assignment() -> None:
    sweeper = Sweeper()
    item = Item(sweeper)
    sweeper.expire(item, 1.0)
    for _ in range(10):
        item.deadline = sweeper.now + 1.0
        sweeper.advance(0.5)
    assert not item.calls
    item.deadline = NEVER
    sweeper.advance(10)
    assert not item.calls
    assert item.bucket == NOWHERE


def test_again_and_again() -> None:
    sweeper = Sweeper()
    item = Item(sweeper, again_s=1.0)
    sweeper.expire(item, 1.0)
    for _ in range(44):
        sweeper.advance(TICK_S)
    assert 8 <= len(item.calls) <= 10


def test_forgotten_items_are_not_called() -> None:
    sweeper = Sweeper()
    item = Item(sweeper)
    sweeper.expire(item, 1.0)
    sweeper.forget(item)
    sweeper.forget(item)
    sweeper.advance(5)
    assert not item.calls


def test_an_item_may_forget_another_that_is_due_with_it() -> None:
    sweeper = Sweeper()

    class Jealous(Item):
        def on_deadline(self) -> None:
            super().on_deadline()
            for other in items:
                sweeper.forget(other)

    items = [Jealous(sweeper) for _ in range(3)]
    for item in items:
        sweeper.expire(item, 1.0)
    sweeper.advance(5)
    assert sum(len(item.calls) for item in items) == 1


async def test_thousands_are_met_in_slices_between_which_others_get_their_turn() -> None:
    """F21: what is due together does not hold the loop together; whoever speaks meanwhile is spared."""
    sweeper = Sweeper()
    sweeper.start()
    items = [Item(sweeper) for _ in range(1000)]
    for item in items:
        sweeper.expire(item, 0.0)
    sweeper._last -= TICK_S
    sweeper._tick()
    met = [sum(len(item.calls) for item in items)]
    spared = next(item for item in items if not item.calls)
    sweeper.expire(spared, 60.0)
    sweeper._last -= TICK_S
    sweeper._tick()  # the loop was slow: the next tick comes while the slices go on
    while met[-1] < 999:
        await asyncio.sleep(0)
        met.append(sum(len(item.calls) for item in items))
        assert met[-1] - met[-2] < 100 and len(met) < 100
    sweeper.stop()
    assert met[0] < 100 and not spared.calls
