"""When a second publisher gets the channel, and when two of them are kept apart."""

import pytest

from madang.base.errors import Refused
from madang.base.limits import TAKEOVER_GUARD_S, TAKEOVER_REFUSAL_S
from madang.hub.contention import ALIVE_AFTER_S, GRACE_S, STALL_S, Contender, Guard


@pytest.mark.parametrize(
    ("alive_at", "now", "verdict"),
    [
        (96.9, 100.0, True),
        (97.1, 100.0, None),
        (98.0, 101.0, True),
        (100.4, 101.0, None),
        (100.6, 101.0, False),
        (100.4, 103.0, False),
    ],
    ids=["long silent", "silent for 2.9 s", "silent in time", "perhaps", "alive", "alive at the deadline"],
)
async def test_the_holder_is_judged_by_its_last_sign_of_life(
    alive_at: float, now: float, verdict: bool | None
) -> None:
    contender = Contender(100.0)
    contender.look_at = now
    assert contender.judge(alive_at, now) is verdict


async def test_looks_end_within_three_seconds() -> None:
    for alive_at in (97.1, 98.5, 99.9, 100.2, 100.5):
        contender, now, looks = Contender(100.0), 100.0, 0
        while contender.judge(alive_at, now) is None:
            now, looks = contender.look_at, looks + 1
        assert now <= 103.0
        assert looks <= 3
        assert (now >= alive_at + 3.0) or alive_at > 100.0


async def test_a_late_look_lets_the_holder_be_read_first() -> None:
    contender = Contender(100.0)
    assert contender.judge(98.0, 100.0) is None
    late = contender.look_at + STALL_S + 0.1
    assert contender.judge(98.0, late) is None
    assert contender.look_at == late + GRACE_S
    assert contender.judge(late + 0.1, contender.look_at) is False
    assert ALIVE_AFTER_S < 3.0


async def test_an_answer_is_given_once() -> None:
    contender = Contender(0.0)
    contender.decide(True)
    contender.decide(Refused("busy", "too late"))
    assert await contender.answer is True
    contender.close()


def test_two_takeovers_in_ten_seconds_close_the_channel_for_a_minute() -> None:
    """F10: no oscillation."""
    guard = Guard()
    assert guard.take(100.0)
    assert not guard.closed(100.1)
    assert not guard.take(100.0 + TAKEOVER_GUARD_S - 0.1)
    assert guard.closed(109.9 + TAKEOVER_REFUSAL_S - 0.1)
    assert not guard.closed(109.9 + TAKEOVER_REFUSAL_S)
    assert guard.take(109.9 + TAKEOVER_REFUSAL_S)
