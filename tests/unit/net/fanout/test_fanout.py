"""The fan-out: merged writes, phases, viewers that fall behind, and ends."""

from collections.abc import Callable

import pytest

from madang.base.limits import HTTP_STALLED_WRITE_S, VIEWER_QUEUE_BYTES
from madang.net.fanout.settings import FanoutSettings

FRAME_S = 1 / 30


def test_a_joiner_gets_its_burst_at_once_and_then_what_is_live(make_stage: Callable) -> None:
    stage = make_stage()
    stage.send(b"before")
    viewer = stage.join(b"burst ")
    assert viewer.received == b"burst "
    assert viewer.high == 0
    stage.send(b"one ")
    stage.send(b"two ")
    assert viewer.received == b"burst one two "
    assert stage.counters.bytes_sent == len(viewer.received)


def test_a_frame_leaves_at_once_when_the_window_has_passed(make_stage: Callable) -> None:
    stage = make_stage()
    viewer = stage.join()
    stage.send(b"v0", after=FRAME_S)
    stage.fanout.append(b"v1")
    stage.schedule.advance(0)
    assert viewer.received == b"v0v1"


def test_pieces_inside_the_window_leave_with_the_next_frame_in_one_write(make_stage: Callable) -> None:
    stage = make_stage()
    viewer = stage.join()
    stage.send(b"v0", after=0.010)
    stage.send(b"a0", after=0.012)
    stage.send(b"a1", after=0.012)
    assert viewer.writes == [b"v0"]
    stage.send(b"v1", after=0)
    assert viewer.writes == [b"v0", b"a0a1v1"]


def test_pieces_that_nothing_follows_leave_within_two_windows(make_stage: Callable) -> None:
    stage = make_stage()
    viewer = stage.join()
    stage.send(b"v0", after=0.010)
    stage.send(b"a0", after=0.06)
    assert viewer.writes == [b"v0", b"a0"]
    assert stage.schedule.pending == 0


def test_a_crowd_is_served_in_phases_over_the_longer_window(make_stage: Callable) -> None:
    stage = make_stage(FanoutSettings(crowd=9))
    viewers = [stage.join() for _ in range(20)]
    assert stage.fanout.window_s == 0.1
    stage.fanout.append(b"v0")
    served = []
    for _ in range(10):
        stage.schedule.advance(0)
        served.append(sum(viewer.received == b"v0" for viewer in viewers))
        stage.schedule.advance(0.01)
    assert served == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    stage.schedule.advance(0.001)
    stage.fanout.append(b"v1")
    stage.schedule.advance(0.1)
    assert all(viewer.received == b"v0v1" for viewer in viewers)


def test_later_phases_carry_what_came_meanwhile(make_stage: Callable) -> None:
    stage = make_stage(FanoutSettings(crowd=1))
    first, *_, last = [stage.join() for _ in range(10)]
    stage.send(b"v0", after=0.045)
    stage.send(b"v1", after=0.1)
    assert first.writes == [b"v0"]
    assert last.writes == [b"v0v1"]


def test_phases_that_come_late_follow_one_another_without_a_second_pass(make_stage: Callable) -> None:
    stage = make_stage(FanoutSettings(crowd=1))
    viewers = [stage.join() for _ in range(10)]
    stage.fanout.append(b"v0")
    stage.schedule.now += 1.0
    stage.fanout.append(b"v1")
    stage.schedule.advance(0.5)
    assert all(viewer.received == b"v0v1" for viewer in viewers)
    assert all(len(viewer.writes) == 1 for viewer in viewers)


def test_a_paused_viewer_waits_with_a_position_and_loses_nothing_within_the_bounds(
    make_stage: Callable,
) -> None:
    stage = make_stage()
    slow, fast = stage.join(), stage.join()
    slow.full = True
    stage.send(b"a")
    for piece in (b"b", b"c", b"d"):
        stage.send(piece)
    assert slow.received == b"a"
    assert fast.received == b"abcd"
    slow.drain()
    assert slow.received == b"abcd"
    stage.send(b"e")
    assert slow.received == fast.received == b"abcde"
    assert len(stage.fanout.log) == 0


def test_the_log_keeps_nothing_while_everyone_is_in_step(make_stage: Callable) -> None:
    stage = make_stage()
    stage.join()
    for _ in range(50):
        stage.send(b"x")
    assert len(stage.fanout.log) <= 1


def test_a_slow_viewer_loses_frames_up_to_the_next_keyframe_and_gets_headers_again(
    make_stage: Callable,
) -> None:
    stage = make_stage()
    slow = stage.join(b"burst ")
    slow.full = True
    stage.send(b"v")
    for _ in range(60):
        stage.send(b"p")
    assert stage.counters.drops == 1
    stage.send(b"K", b"[headers]")
    stage.send(b"q")
    slow.drain()
    assert slow.received == b"burst v[headers]Kq"
    assert stage.counters.lost_pieces == 60
    stage.send(b"r")
    assert slow.received == b"burst v[headers]Kqr"


def test_a_viewer_that_reads_again_before_a_keyframe_waits_for_it(make_stage: Callable) -> None:
    stage = make_stage()
    slow = stage.join()
    stage.send(b"v")
    slow.full = True
    for _ in range(60):
        stage.send(b"p")
    slow.drain()
    stage.send(b"p")
    assert slow.received == b"vp"
    stage.send(b"K", b"H")
    assert slow.received == b"vpHK"


def test_falling_behind_twice_within_half_a_minute_disconnects(make_stage: Callable) -> None:
    stage = make_stage()
    slow, fast = stage.join(), stage.join()
    stage.send(b"v")
    slow.full = True
    for count in range(140):
        stage.send(b"p", b"H" if count % 20 == 0 else None)
    assert slow.aborted
    assert stage.counters.disconnected == 1
    assert not fast.aborted
    assert len(stage.fanout) == 1
    assert fast.received.count(b"p") == 140


def test_falling_behind_again_much_later_is_forgiven(make_stage: Callable) -> None:
    stage = make_stage()
    slow = stage.join()
    for _ in range(2):
        stage.send(b"K", b"H")
        slow.full = True
        for _ in range(70):
            stage.send(b"p")
        slow.drain()
        for _ in range(300):
            stage.send(b"K", b"H")
    assert not slow.aborted
    assert stage.counters.drops == 2


def test_a_start_burst_does_not_count_as_backlog(make_stage: Callable) -> None:
    stage = make_stage()
    slow = stage.join(bytes(VIEWER_QUEUE_BYTES), full=True)
    for _ in range(40):
        stage.send(b"p")
    slow.drain()
    assert stage.counters.drops == 0
    assert slow.received.endswith(b"p" * 40)


def test_a_viewer_that_never_reads_is_sent_away_as_well(make_stage: Callable) -> None:
    stage = make_stage()
    slow = stage.join(b"burst ", full=True)
    for count in range(140):
        stage.send(b"p", b"H" if count % 20 == 0 else None)
    assert slow.aborted
    assert slow.received == b"burst "


def test_a_viewer_without_a_burst_begins_at_the_next_keyframe(make_stage: Callable) -> None:
    stage = make_stage()
    viewer = stage.join(b"head ", begin=False)
    stage.send(b"p")
    stage.send(b"p")
    stage.send(b"K", b"H")
    stage.send(b"q")
    assert viewer.received == b"head HKq"
    assert stage.counters.drops == 0


def test_a_stall_of_the_loop_costs_nobody_anything(make_stage: Callable) -> None:
    stage = make_stage()
    viewer = stage.join()
    stage.send(b"a", after=0.01)
    stage.fanout.append(b"b")
    stage.schedule.now += 20
    stage.fanout.append(b"c")
    stage.schedule.advance(0.1)
    assert viewer.received == b"abc"
    assert stage.counters.drops == 0


def test_an_envelope_goes_before_each_batch(make_stage: Callable) -> None:
    stage = make_stage(envelope=lambda size: b"<%d>" % size)
    viewer, other = stage.join(b"burst"), stage.join()
    stage.send(b"one", after=0.01)
    stage.fanout.append(b"two")
    stage.fanout.append(b"three")
    stage.schedule.advance(0.1)
    assert viewer.received == b"<5>burst<3>one<8>twothree"
    assert other.received == b"<3>one<8>twothree"


def test_viewers_are_spread_over_the_groups_and_leave_without_trace(make_stage: Callable) -> None:
    stage = make_stage()
    emptied = []
    stage.fanout.emptied = lambda: emptied.append(True)
    viewers = [stage.join() for _ in range(25)]
    stage.send(b"x")
    for transport in viewers:
        transport.viewer.connection_lost(None)
        transport.viewer.connection_lost(None)
    assert len(stage.fanout) == 0
    assert emptied == [True]
    assert stage.counters.left == 25
    assert stage.schedule.pending == 0


def test_the_end_brings_what_is_left_a_goodbye_and_a_close(make_stage: Callable) -> None:
    stage = make_stage(FanoutSettings(crowd=1))
    viewers = [stage.join() for _ in range(12)]
    slow = viewers[3]
    stage.send(b"a", after=0.2)
    slow.full = True
    stage.fanout.append(b"b")
    stage.fanout.close()
    stage.schedule.advance(0.1)
    assert all(viewer.received == b"abbye" for viewer in viewers if viewer is not slow)
    assert slow.received == b"ab"
    assert all(viewer.closed for viewer in viewers)
    assert not any(viewer.aborted for viewer in viewers)
    stage.schedule.advance(HTTP_STALLED_WRITE_S)
    assert [viewer.aborted for viewer in viewers].count(True) == 1
    assert slow.aborted


@pytest.mark.parametrize("count", [1, 200, 201])
def test_every_viewer_gets_every_byte_in_order(make_stage: Callable, count: int) -> None:
    stage = make_stage()
    viewers = [stage.join() for _ in range(count)]
    sent = b""
    for number in range(40):
        piece = b"%d," % number
        sent += piece
        stage.fanout.append(piece)
        stage.schedule.advance(0.013)
    stage.schedule.advance(1)
    assert all(viewer.received == sent for viewer in viewers)
