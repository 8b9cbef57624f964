"""The shared byte log: bounds, positions, and places to begin."""

from hypothesis import given
from hypothesis import strategies as st

from madang.base.limits import VIEWER_QUEUE_BYTES, VIEWER_QUEUE_S
from madang.net.fanout.log import Log


def served(log: Log) -> Log:
    log.served = log.end
    return log


def test_keeps_pieces_by_position() -> None:
    log = Log()
    for piece in (b"a", b"b", b"c"):
        log.append(piece, 0.0)
    assert (log.start, log.end, log.size) == (0, 3, 3)
    assert log.between(1, 3) == [b"b", b"c"]
    log.forget(2)
    assert (log.start, log.end, log.size, len(log)) == (2, 3, 1, 1)
    assert log.between(0, 3) == [b"c"]
    assert log.between(3, 3) == []


def test_forgetting_beyond_the_end_empties() -> None:
    log = Log()
    log.append(b"a", 0.0, b"h")
    log.forget(9)
    assert (log.start, log.end, log.size) == (1, 1, 0)
    assert log.keyframe(0) is None


def test_bounds_what_was_served_in_bytes() -> None:
    log = Log()
    piece = bytes(VIEWER_QUEUE_BYTES // 4)
    for _ in range(10):
        served(log).append(piece, 0.0)
    assert log.size <= VIEWER_QUEUE_BYTES
    assert log.end - log.start == 4


def test_bounds_what_was_served_in_seconds() -> None:
    log = Log()
    for second in range(20):
        served(log).append(b"x", float(second))
    assert log.start == 19 - int(VIEWER_QUEUE_S)


def test_keeps_what_nobody_was_offered_yet() -> None:
    log = Log()
    log.append(b"before a stall", 0.0)
    log.append(b"after it", 60.0)
    assert log.between(0, 2) == [b"before a stall", b"after it"]
    served(log).append(b"later", 61.0)
    assert log.start == 1


def test_finds_the_next_place_to_begin() -> None:
    log = Log()
    log.append(b"k0", 0.0, b"h0")
    log.append(b"p1", 0.0)
    log.append(b"k2", 0.0, b"h2")
    assert log.keyframe(0) == (0, b"h0")
    assert log.keyframe(1) == (2, b"h2")
    assert log.keyframe(3) is None
    log.forget(1)
    assert log.keyframe(0) == (2, b"h2")


def test_slices_by_bytes() -> None:
    log = Log()
    for _ in range(10):
        log.append(bytes(10), 0.0)
    assert len(log.slice(0, 10, 25)) == 3
    assert len(log.slice(4, 10, 1000)) == 6
    assert log.slice(10, 10, 1000) == []


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.floats(0, 2), st.booleans()), max_size=60))
def test_positions_and_sizes_agree(steps: list[tuple[int, float, bool]]) -> None:
    log, now = Log(), 0.0
    for size, pause, key in steps:
        now += pause
        served(log).append(bytes(size), now, b"h" if key else None)
        kept = log.between(log.start, log.end)
        assert len(kept) == log.end - log.start
        assert log.size == sum(map(len, kept)) <= VIEWER_QUEUE_BYTES
        found = log.keyframe(log.start)
        assert found is None or log.start <= found[0] < log.end
