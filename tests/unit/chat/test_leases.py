"""Who runs a room: leases over one clock, two nodes and a row that both see."""

import pytest
from tests.conftest import FakeClock

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_DEAF_S, CHAT_LEASE_S
from madang.chat.leases import ElsewhereError, Leases
from madang.chat.ports import Claim, Held, Lease

YARD = "01yard"


class Rows:
    """Of `chat.ports.Log`, the leases."""

    def __init__(self) -> None:
        self.rows: dict[str, Lease] = {}
        self.away = False
        self.claims = 0

    async def claim(self, claim: Claim) -> tuple[Lease, str]:
        self._look()
        self.claims += 1
        known = self.rows.get(claim.channel, Lease())
        taken = known.claimed(claim.node, claim.now, claim.until, claim.deaf)
        if taken is None:
            return known, known.holder
        self.rows[claim.channel] = taken
        return taken, known.holder

    async def renew(self, node: str, until: int) -> dict[str, int]:
        self._look()
        mine = {channel: row for channel, row in self.rows.items() if row.holder == node}
        for channel, row in mine.items():
            self.rows[channel] = Lease(holder=node, fence=row.fence, until=until)
        return {channel: row.fence for channel, row in mine.items()}

    async def release(self, node: str, channels: list[str]) -> None:
        self._look()
        for channel in channels:
            self.rows[channel] = Lease(fence=self.rows[channel].fence)

    def _look(self) -> None:
        if self.away:
            raise Overloaded("away")


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def two(rows: Rows, clock: FakeClock) -> tuple[Leases, Leases]:
    log: object = rows
    return Leases(log, clock, "one"), Leases(log, clock, "two")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "deaf", "taken"),
    [
        (Lease(), "", Lease(holder="me", fence=1, until=30)),
        (Lease(holder="me", fence=4, until=25), "", Lease(holder="me", fence=4, until=30)),
        (Lease(holder="me", fence=4, until=5), "", Lease(holder="me", fence=4, until=30)),
        (Lease(holder="you", fence=4, until=21), "", None),
        (Lease(holder="you", fence=4, until=20), "", Lease(holder="me", fence=5, until=30)),
        (Lease(holder="you", fence=4, until=25), "you", Lease(holder="me", fence=5, until=30)),
        (Lease(holder="you", fence=4, until=25), "her", None),
        (Lease(fence=4), "", Lease(holder="me", fence=5, until=30)),
    ],
)
def test_a_claim(known: Lease, deaf: str, taken: Lease | None) -> None:
    assert known.claimed("me", 20, 30, deaf) == taken


async def test_one_of_two_runs_a_room(two: tuple[Leases, Leases], rows: Rows) -> None:
    one, other = two
    assert not one.holds(YARD)
    taken = await one.take(YARD)
    assert one.holds(YARD) and (taken.fence, taken.before) == (1, "")
    assert one.held(YARD, 1) == Held(YARD, "one", 1)
    for _ in range(5):
        with pytest.raises(ElsewhereError, match="one"):
            await other.take(YARD)
    assert rows.claims == 2, "who runs it is believed, not asked each time"
    assert not other.holds(YARD) and not other.is_open(YARD)


async def test_a_lease_is_renewed_or_lost(two: tuple[Leases, Leases], clock: FakeClock) -> None:
    one, other = two
    await one.take(YARD)
    for _ in range(6):
        clock.advance(CHAT_LEASE_S / 3)
        assert await one.renew() == []
        assert one.holds(YARD)
        with pytest.raises(ElsewhereError):
            await other.take(YARD)
    clock.advance(CHAT_LEASE_S)
    assert not one.holds(YARD), "a node that slept knows it by itself"
    taken = await other.take(YARD)
    assert (taken.fence, taken.before) == (2, "one")
    assert await one.renew() == [YARD] and not list(one.led)
    with pytest.raises(ElsewhereError, match="two"):
        await one.take(YARD)


async def test_a_dead_node_gives_its_rooms_up_within_twelve_seconds(
    two: tuple[Leases, Leases], clock: FakeClock
) -> None:
    one, other = two
    await one.take(YARD)
    clock.advance(CHAT_LEASE_S / 3)
    await one.renew()
    other.listed("one", [YARD])
    waited = 0.0
    while other.is_open(YARD) is False:
        clock.advance(0.5)
        waited += 0.5
    assert (await other.take(YARD)).before == "one"
    assert CHAT_LEASE_S - 1 < waited <= 12


async def test_a_node_that_nobody_listens_for_gives_them_up_sooner(
    two: tuple[Leases, Leases], clock: FakeClock
) -> None:
    one, other = two
    await one.take(YARD)
    with pytest.raises(ElsewhereError):
        await other.take(YARD)
    other.nobody_listens("one")
    clock.advance(CHAT_DEAF_S - 0.5)
    other.nobody_listens("one")
    with pytest.raises(ElsewhereError):
        await other.take(YARD)
    other.heard("one")
    clock.advance(1.0)
    other.nobody_listens("one")
    with pytest.raises(ElsewhereError):
        await other.take(YARD)
    for _ in range(3):
        clock.advance(CHAT_DEAF_S / 2)
        other.nobody_listens("one")
    assert (await other.take(YARD)).before == "one"


async def test_long_silence_between_two_looks_is_no_deafness(
    two: tuple[Leases, Leases], clock: FakeClock
) -> None:
    one, other = two
    await one.take(YARD)
    with pytest.raises(ElsewhereError):
        await other.take(YARD)
    for _ in range(3):
        other.nobody_listens("one")
        clock.advance(CHAT_DEAF_S + 0.1)
    with pytest.raises(ElsewhereError):
        await other.take(YARD)


async def test_what_is_given_back_is_taken_at_once(two: tuple[Leases, Leases], clock: FakeClock) -> None:
    one, other = two
    await one.take(YARD)
    with pytest.raises(ElsewhereError):
        await other.take(YARD)
    await one.release([YARD, "01never"])
    other.listed("one", ())
    taken = await other.take(YARD)
    assert (taken.fence, taken.before) == (2, ""), "nothing was left undone"
    one.stop()
    with pytest.raises(Overloaded):
        await one.take("01inn")


async def test_while_the_store_is_away_a_lease_lasts_as_long_as_it_was_given(
    two: tuple[Leases, Leases], rows: Rows, clock: FakeClock
) -> None:
    one, _ = two
    await one.take(YARD)
    rows.away = True
    clock.advance(CHAT_LEASE_S / 2)
    with pytest.raises(Overloaded):
        await one.renew()
    assert one.holds(YARD)
    clock.advance(CHAT_LEASE_S / 2)
    assert not one.holds(YARD)
    rows.away = False
    assert (await one.take(YARD)).fence == 1, "nobody took it meanwhile: it goes on"


async def test_a_room_that_is_taken_while_others_are_renewed_is_not_lost(
    two: tuple[Leases, Leases], rows: Rows
) -> None:
    one, _ = two
    await one.take(YARD)
    renew = rows.renew

    async def slow(node: str, until: int) -> dict[str, int]:
        found = await renew(node, until)
        await one.take("01inn")
        return found

    rows.renew = slow  # type: ignore[method-assign]
    assert await one.renew() == [] and set(one.led) == {YARD, "01inn"}
