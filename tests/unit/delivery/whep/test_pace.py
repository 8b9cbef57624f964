"""Which size suits a viewer."""

from madang.delivery.whep.pace import CLEAR_LOOKS, CLEAR_LOOKS_MAX, CONGESTED_LOOKS, Pace


def looks(pace: Pace, loss: float, count: int, largest: bool = False) -> list[int]:
    return [pace.look(loss, largest) for _ in range(count)]


def test_lasting_loss_makes_it_smaller() -> None:
    pace = Pace()
    assert looks(pace, 0.3, CONGESTED_LOOKS, largest=True) == [0] * (CONGESTED_LOOKS - 1) + [1]
    assert looks(pace, 0.3, 1) == [0]


def test_one_bad_second_changes_nothing() -> None:
    pace = Pace()
    for _ in range(20):
        assert looks(pace, 0.3, CONGESTED_LOOKS - 1) + looks(pace, 0.05, 1) == [0] * CONGESTED_LOOKS


def test_a_clear_way_makes_it_larger() -> None:
    pace = Pace()
    assert looks(pace, 0.0, CLEAR_LOOKS) == [0] * (CLEAR_LOOKS - 1) + [-1]
    assert not any(looks(pace, 0.0, 300, largest=True))


def test_who_tried_in_vain_waits_longer() -> None:
    pace = Pace()
    waited = []
    for _ in range(7):
        looks(pace, 0.3, CONGESTED_LOOKS)
        waited.append(next(n for n in range(1, 1000) if pace.look(0.0, False)))
    assert waited == [min(CLEAR_LOOKS * 2**n, CLEAR_LOOKS_MAX) for n in range(7)]
