"""Connections that play are counted while they stay, and sent away when their grant no longer holds."""

from itertools import count

from madang.base.ids import ChannelId
from madang.hub.attendance import Attendance
from madang.hub.audience import Audience
from madang.hub.gate import PlayGrant

PUBLIC = PlayGrant(channel=ChannelId("c1"), name="main")
PRIVATE = PlayGrant(channel=ChannelId("c2"), name="inner", private=True, subject="u1")


class FakeGate:
    def __init__(self) -> None:
        self.revoked: set[PlayGrant] = set()
        self.asked = 0

    def holds(self, grant: PlayGrant) -> bool:
        self.asked += 1
        return grant not in self.revoked


class FakeViewer:
    def __init__(self) -> None:
        self.revoked = False

    def revoke(self) -> None:
        self.revoked = True


class Scene:
    def __init__(self, clock) -> None:
        numbers = count(1)
        self.gate = FakeGate()
        self.audience = Audience()
        self.clock = clock
        self.attendance = Attendance(
            self.gate, self.audience, clock, lambda n: next(numbers).to_bytes(n, "big")
        )

    def count(self, grant: PlayGrant) -> int:
        return self.audience.count(grant.channel, self.clock.monotonic())


def test_each_connection_counts_until_it_leaves(clock) -> None:
    scene = Scene(clock)
    first = scene.attendance.enter(PUBLIC, FakeViewer(), "flv")
    second = scene.attendance.enter(PUBLIC, FakeViewer(), "rtmp")
    assert first != second
    assert scene.count(PUBLIC) == 2
    scene.attendance.leave(PUBLIC, first)
    scene.attendance.leave(PUBLIC, first)
    assert scene.count(PUBLIC) == 1
    scene.attendance.leave(PUBLIC, second)
    assert scene.count(PUBLIC) == 0


def test_a_sweep_asks_once_for_everybody_with_the_same_grant(clock) -> None:
    scene = Scene(clock)
    for _ in range(100):
        scene.attendance.enter(PUBLIC, FakeViewer(), "flv")
    scene.attendance.sweep()
    assert scene.gate.asked == 1


def test_who_lost_the_right_is_sent_away(clock) -> None:
    scene = Scene(clock)
    public, private = FakeViewer(), FakeViewer()
    scene.attendance.enter(PUBLIC, public, "flv")
    scene.attendance.enter(PRIVATE, private, "flv")
    scene.gate.revoked.add(PRIVATE)
    scene.attendance.sweep()
    assert (public.revoked, private.revoked) == (False, True)


def test_a_grant_expires_by_the_wall_clock(clock) -> None:
    scene = Scene(clock)
    viewer = FakeViewer()
    grant = PlayGrant(channel=ChannelId("c2"), name="inner", private=True, expires_at=clock.wall() + 10)
    scene.attendance.enter(grant, viewer, "flv")
    scene.attendance.sweep()
    assert not viewer.revoked
    clock.advance(10)
    scene.attendance.sweep()
    assert viewer.revoked


def test_leaving_while_being_swept_is_fine(clock) -> None:
    scene = Scene(clock)

    class Leaver(FakeViewer):
        def revoke(self) -> None:
            super().revoke()
            scene.attendance.leave(PRIVATE, self.session)

    viewers = [Leaver() for _ in range(3)]
    for viewer in viewers:
        viewer.session = scene.attendance.enter(PRIVATE, viewer, "flv")
    scene.gate.revoked.add(PRIVATE)
    scene.attendance.sweep()
    assert all(viewer.revoked for viewer in viewers)
    assert scene.count(PRIVATE) == 0
