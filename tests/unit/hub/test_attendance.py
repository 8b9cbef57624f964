"""Connections that play are counted while they stay, and sent away when their right is gone."""

import pytest

from madang.base.ids import ChannelId
from madang.hub.attendance import Attendance
from madang.hub.audience import Audience
from madang.hub.gate import PlayGrant

YARD = ChannelId("yard")
PUBLIC = PlayGrant(channel=YARD, name="yard")
ANNS = PlayGrant(channel=YARD, name="yard", private=True, subject="ann")


class Gate:
    """A play gate that forgets whom the test says."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()
        self.asked = 0

    def holds(self, grant: PlayGrant) -> bool:
        self.asked += 1
        return grant.subject not in self.revoked


class Viewer:
    """A connection that leaves when it is told to."""

    def __init__(self, attendance: Attendance, grant: PlayGrant, door: str = "flv") -> None:
        self.attendance, self.grant = attendance, grant
        self.session = attendance.enter(grant, self, door)
        self.revoked = False

    def revoke(self) -> None:
        self.revoked = True
        self.attendance.leave(self.grant, self.session)


class House:
    def __init__(self, clock) -> None:
        self.clock, self.gate, self.audience = clock, Gate(), Audience()
        numbers = iter(range(1000))
        entropy = lambda size: next(numbers).to_bytes(size, "big")  # noqa: E731
        self.attendance = Attendance(self.gate, self.audience, clock, entropy)  # type: ignore[arg-type]

    def count(self) -> int:
        return self.audience.count(YARD, self.clock.monotonic())


@pytest.fixture
def house(clock) -> House:
    return House(clock)


def test_those_who_stay_are_counted_by_their_door(house: House) -> None:
    first, _ = Viewer(house.attendance, PUBLIC), Viewer(house.attendance, PUBLIC, "rtmp")
    house.clock.advance(10_000)
    house.audience.sweep(house.clock.monotonic())
    assert house.audience.stats(YARD, house.clock.monotonic()).doors == {"flv": 1, "rtmp": 1}
    house.attendance.leave(PUBLIC, first.session)
    house.attendance.leave(PUBLIC, first.session)
    assert house.count() == 1


def test_whoever_lost_the_right_is_sent_away_and_nobody_else(house: House) -> None:
    ann, other = Viewer(house.attendance, ANNS), Viewer(house.attendance, PUBLIC)
    house.attendance.sweep()
    assert not ann.revoked
    house.gate.revoked.add("ann")
    house.attendance.sweep()
    assert ann.revoked and not other.revoked
    assert house.count() == 1


def test_a_right_ends_at_its_time(house: House) -> None:
    grant = PlayGrant(channel=YARD, name="yard", subject="bob", expires_at=house.clock.wall() + 60)
    bob = Viewer(house.attendance, grant)
    house.clock.advance(59)
    house.attendance.sweep()
    assert not bob.revoked
    house.clock.advance(1)
    house.attendance.sweep()
    assert bob.revoked
    assert house.count() == 0


def test_a_sweep_asks_once_for_all_who_share_a_grant(house: House) -> None:
    viewers = [Viewer(house.attendance, PUBLIC) for _ in range(500)]
    house.attendance.sweep()
    assert house.gate.asked == 1
    for viewer in viewers:
        house.attendance.leave(PUBLIC, viewer.session)
    house.attendance.sweep()
    assert house.gate.asked == 1
    assert house.count() == 0
