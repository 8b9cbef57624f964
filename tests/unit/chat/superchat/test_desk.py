"""Orders, money and the ledger: every way from created to its end, twice, and from two sides at once."""

import asyncio
import os
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import FakeClock
from tests.unit.chat.superchat.house import Judge, MemoryLog, WrittenDoor, counter, guest

from madang.chat.ports import Bill, Payment, Query, Window
from madang.chat.superchat.books import Goal, sums
from madang.chat.superchat.desk import SuperChat
from madang.chat.superchat.ordering import Wish
from madang.chat.superchat.orders import FOLLOWS, Order
from madang.chat.superchat.settings import PaidSettings
from madang.payments.rehearsal import Rehearsal
from madang.realtime.ports import INTERNAL, ReplyError

ROOM = "room"
PAGE = "https://madang.example/pay/1"


class House:
    """Everything that a test touches."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.log = MemoryLog()
        self.door = WrittenDoor(self.log)
        self.desk = SuperChat(self.log, self.door, Judge(), clock, counter())
        self.rehearsal = Rehearsal(os.urandom)
        self.desk.provide([self.rehearsal])

    async def ordered(
        self, text: str = "안녕", amount: int = 5_000, nonce: str = "n", user: str = "u.1"
    ) -> Order:
        wish = Wish(channel=ROOM, amount=amount, currency="KRW", provider="rehearsal", nonce=nonce, text=text)
        return await self.desk.order(guest(user), wish)

    async def paid(
        self, text: str = "안녕", amount: int = 5_000, nonce: str = "n", user: str = "u.1"
    ) -> Order:
        order = await self.ordered(text, amount, nonce, user)
        window = await self.desk.begin(order, PAGE)
        self.rehearsal.choose(window.payment, "paid")
        return await self.desk.confirm(await self.desk.find(order.id), PAGE, {})

    async def ledger(self) -> list[tuple[str, int]]:
        return [(entry.kind, entry.amount) for entry in await self.desk.books.entries(ROOM)]


@pytest.fixture
def house(clock: FakeClock) -> House:
    return House(clock)


async def refused(awaitable: object) -> str:
    with pytest.raises(ReplyError) as refusal:
        await awaitable  # type: ignore[misc]
    return refusal.value.message


async def test_the_whole_way(house: House) -> None:
    order = await house.paid()
    assert order.state == "shown"
    note = house.door.posted[0]
    assert (note.id, note.text, note.author.name) == (order.message, "안녕", "1")
    paid = msgspec.json.decode(note.paid)
    assert (paid["amount"], paid["currency"], paid["tier"], paid["pin_s"]) == (5_000, "KRW", 3, 120)
    assert await house.ledger() == [("payment", 5_000)]
    assert house.door.parts["paid"][0]["id"] == order.message
    assert [row["kind"] for row in house.log.tables["outbox"]] == ["paid.shown"]


async def test_the_same_nonce_is_the_same_order(house: House) -> None:
    assert (await house.ordered()).id == (await house.ordered()).id
    assert len(house.log.tables["paid_orders"]) == 1


async def test_return_and_webhook_at_once_count_once(house: House) -> None:
    order = await house.ordered()
    window = await house.desk.begin(order, PAGE)
    house.rehearsal.choose(window.payment, "paid")
    order = await house.desk.find(order.id)
    both = await asyncio.gather(house.desk.confirm(order, PAGE, {}), house.desk.refresh(order))
    assert [one.state for one in both] == ["shown", "shown"]
    assert await house.ledger() == [("payment", 5_000)]
    assert len(house.door.posted) == 1


@pytest.mark.parametrize(
    ("amount", "currency", "order"), [(4_999, "KRW", ""), (5_000, "USD", ""), (5_000, "KRW", "another")]
)
async def test_a_payment_of_something_else_shows_nothing(
    house: House, amount: int, currency: str, order: str
) -> None:
    made = await house.ordered()
    payment = Payment(payment="p", order=order or made.id, amount=amount, currency=currency, state="paid")
    settled = await house.desk.settle(made, payment)
    assert (settled.state, settled.reason) == ("failed", "mismatch")
    assert not house.door.posted and not await house.ledger()


async def test_what_the_filter_stops_waits_for_a_manager(house: House) -> None:
    order = await house.paid("섹스하자")
    assert (order.state, order.reason) == ("held", "filter")
    assert not house.door.posted and await house.ledger() == [("payment", 5_000)]
    assert house.door.moderators[-1]["t"] == "paid_held"
    shown = await house.desk.approve(order, "u.9")
    assert shown.state == "shown" and house.door.posted[0].text == "섹스하자"
    assert await house.ledger() == [("payment", 5_000)]
    assert await refused(house.desk.approve(shown, "u.9")) == "conflict:shown"
    assert house.door.logged == [("u.9", "approved", "섹스하자")]


async def test_who_denies_what_waits_stands_in_the_log(house: House) -> None:
    order = await house.paid("섹스하자")
    gone = await house.desk.remove(order, "u.9", "")
    assert gone.state == "removed" and not house.door.posted
    assert house.door.logged == [("u.9", "denied", "섹스하자")]
    await house.desk.refund(gone, "u.9", "")
    assert len(house.door.logged) == 1


async def test_what_the_filter_refuses_is_refused_before_money(house: House) -> None:
    assert await refused(house.ordered("n1gger")) == "filtered"


async def test_what_the_filter_masks_is_masked(house: House) -> None:
    await house.paid("아 시발 재밌다")
    assert house.door.posted[0].text == "아 ** 재밌다"


async def test_everything_waits_where_the_operator_says_so(house: House) -> None:
    house.desk.settings = PaidSettings(hold=True)
    assert (await house.paid()).state == "held"


async def test_a_refund_takes_the_message_down_and_keeps_the_ledger(house: House) -> None:
    order = await house.paid()
    back = await house.desk.refund(order, "u.9", "by mistake")
    assert back.state == "refunded" and house.door.taken == [order.message]
    assert await house.ledger() == [("payment", 5_000), ("refund", -5_000)]
    assert house.door.parts["paid"] == []
    assert await refused(house.desk.refund(back, "u.9", "")) == "conflict:refunded"
    assert sums(await house.desk.books.entries(ROOM)) == {"KRW": 0}


async def test_what_is_taken_down_keeps_its_money_until_it_is_paid_back(house: House) -> None:
    order = await house.desk.remove(await house.paid(), "u.9", "rude")
    assert order.state == "removed" and await house.ledger() == [("payment", 5_000)]
    assert (await house.desk.refund(order, "u.9", "")).state == "refunded"


async def test_a_failed_payment_may_be_tried_again(house: House) -> None:
    order = await house.ordered()
    window = await house.desk.begin(order, PAGE)
    house.rehearsal.choose(window.payment, "failed")
    failed = await house.desk.confirm(await house.desk.find(order.id), PAGE, {})
    assert (failed.state, failed.reason) == ("failed", "rehearsed: failed")
    again = await house.desk.begin(failed, PAGE)
    house.rehearsal.choose(again.payment, "paid")
    assert (await house.desk.confirm(await house.desk.find(order.id), PAGE, {})).state == "shown"


async def test_money_that_came_while_the_server_was_away_is_found(house: House) -> None:
    order = await house.ordered()
    window = await house.desk.begin(order, PAGE)
    house.rehearsal.choose(window.payment, "paid")
    assert await house.desk.reconcile() == 1
    assert (await house.desk.find(order.id)).state == "shown"


async def test_orders_that_nobody_pays_expire_and_late_money_still_counts(house: House) -> None:
    order = await house.ordered()
    window = await house.desk.begin(order, PAGE)
    house.clock.advance(1_900)
    assert await house.desk.reconcile() == 1
    order = await house.desk.find(order.id)
    assert order.state == "expired"
    house.rehearsal.choose(window.payment, "paid")
    assert (await house.desk.refresh(order)).state == "shown"


async def test_a_dispute_takes_it_off_and_a_won_one_brings_the_money_back(house: House) -> None:
    order = await house.paid()
    await house.desk._dispute(order, won=False)
    disputed = await house.desk.find(order.id)
    assert disputed.state == "disputed" and house.door.taken == [order.message]
    await house.desk._dispute(disputed, won=True)
    assert await house.ledger() == [("payment", 5_000), ("dispute", -5_000), ("dispute_won", 5_000)]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"amount": 999}, "invalid:amount"),
        ({"amount": 500_100}, "invalid:amount"),
        ({"amount": 5_050}, "invalid:amount"),
        ({"amount": -5_000}, "invalid:amount"),
        ({"currency": "EUR"}, "invalid:provider"),
        ({"provider": "stripe"}, "invalid:provider"),
        ({"nonce": ""}, "invalid:nonce"),
        ({"nonce": "n" * 65}, "invalid:nonce"),
        ({"text": "x" * 151}, "too_long:150"),
        ({"amount": 1_000}, "too_long:0"),
    ],
)
async def test_wishes_that_cannot_be(house: House, change: dict[str, object], word: str) -> None:
    wish = Wish(channel=ROOM, amount=5_000, currency="KRW", provider="rehearsal", nonce="n", text="hi")
    assert await refused(house.desk.order(guest("u.1"), msgspec.structs.replace(wish, **change))) == word


async def test_nobody_gives_more_than_a_days_limit(house: House) -> None:
    await house.paid(amount=300_000, nonce="1")
    assert await refused(house.ordered(amount=300_000, nonce="2")) == "invalid:daily_limit"
    house.clock.advance(86_401)
    await house.ordered(amount=300_000, nonce="3")


async def test_a_days_limit_is_ones_own_in_a_busy_channel(house: House) -> None:
    await house.paid(amount=300_000, nonce="1")
    (mine,) = house.log.tables["paid_orders"]
    for number in range(501):
        later = {"id": f"z{number:025}", "user_id": "u.2", "nonce": str(number), "payment": None}
        house.log.tables["paid_orders"].append(mine | later)
    assert await refused(house.ordered(amount=300_000, nonce="2")) == "invalid:daily_limit"


async def test_a_shown_message_that_is_deleted_takes_its_order_along(house: House) -> None:
    order = await house.paid()
    assert await house.desk.remove_message(ROOM, order.message, "madang.u.host", "rude")
    removed = await house.desk.find(order.id)
    assert (removed.state, removed.reason, removed.pinned_until) == ("removed", "rude", None)
    assert house.door.taken == [order.message] and await house.ledger() == [("payment", 5_000)]
    assert not await house.desk.remove_message(ROOM, order.message, "madang.u.host", "again")
    assert not await house.desk.remove_message("elsewhere", order.message, "madang.u.host", "")


async def test_a_room_may_switch_it_off(house: House) -> None:
    house.door.room = msgspec.structs.replace(house.door.room, paid=False)
    assert await refused(house.ordered()) == "off"


async def test_the_goal_counts_what_stayed(house: House) -> None:
    await house.paid(nonce="before")
    house.clock.advance(10)
    goal = Goal(title="새 마이크", amount=100_000, currency="KRW", since=int(house.clock.wall() * 1000))
    await house.desk.boards.set_goal(ROOM, goal)
    assert house.door.parts["goal"]["reached"] == 0
    order = await house.paid(amount=20_000, nonce="after")
    assert house.door.parts["goal"]["reached"] == 20_000
    await house.desk.refund(order, "u.9", "")
    assert house.door.parts["goal"]["reached"] == 0
    await house.desk.boards.set_goal(ROOM, None)
    assert house.door.parts["goal"] is None


async def test_the_ranking_tells_nothing_of_the_anonymous(house: House) -> None:
    await house.paid(nonce="1", user="u.1")
    await house.paid(nonce="2", user="u.2", amount=10_000)
    wish = Wish(channel=ROOM, amount=50_000, currency="KRW", provider="rehearsal", nonce="3", anonymous=True)
    order = await house.desk.order(guest("u.3"), wish)
    window = await house.desk.begin(order, PAGE)
    house.rehearsal.choose(window.payment, "paid")
    await house.desk.confirm(await house.desk.find(order.id), PAGE, {})
    assert house.door.posted[-1].author.name == ""
    assert [(rank.name, rank.amount) for rank in await house.desk.boards.ranking(ROOM, 7)] == [
        ("2", 10_000),
        ("1", 5_000),
    ]


@given(
    st.lists(
        st.sampled_from(["confirm", "refresh", "approve", "remove", "refund", "dispute", "won"]), max_size=12
    )
)
def test_whatever_happens_the_ledger_and_the_states_agree(deeds: list[str]) -> None:
    async def play() -> None:
        house = House(FakeClock())
        order = await house.ordered()
        window = await house.desk.begin(order, PAGE)
        house.rehearsal.choose(window.payment, "paid")
        seen = [order.state]
        for deed in deeds:
            order = await house.desk.find(order.id)
            try:
                if deed == "confirm":
                    await house.desk.confirm(order, PAGE, {})
                elif deed == "refresh":
                    await house.desk.refresh(order)
                elif deed in ("dispute", "won"):
                    await house.desk._dispute(order, won=deed == "won")
                elif deed == "approve":
                    await house.desk.approve(order, "m")
                else:
                    await getattr(house.desk, deed)(order, "m", "")
            except ReplyError:
                pass
            now = (await house.desk.find(order.id)).state
            assert now == seen[-1] or now in FOLLOWS[seen[-1]]
            seen.append(now)
        total = sums(await house.desk.books.entries(ROOM)).get("KRW", 0)
        state = seen[-1]
        kept = state in ("paid", "held", "shown", "removed")
        assert total == (5_000 if kept else 0)

    asyncio.run(play())


def test_bills_name_their_order() -> None:
    assert Bill(order="o", amount=1, currency="KRW", title="t", page="p").payment == ""


async def test_what_could_not_be_taken_down_is_not_taken_back_either(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await house.paid()

    async def nowhere(*asked: object) -> None:
        raise INTERNAL

    with monkeypatch.context() as patch, pytest.raises(ReplyError):
        patch.setattr(house.door, "take_down", nowhere)
        await house.desk.remove(order, "u.9", "")
    assert (await house.desk.find(order.id)).state == "shown"
    await house.desk.remove(order, "u.9", "")
    assert house.door.taken == [order.message]


async def test_money_that_goes_back_while_its_message_is_approved_is_in_the_books(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, refund = await house.paid("섹스하자"), house.rehearsal.refund

    async def while_it_is_approved(bill: Bill, reason: str) -> Payment:
        await house.desk.approve(order, "u.8")
        return await refund(bill, reason)

    monkeypatch.setattr(house.rehearsal, "refund", while_it_is_approved)
    assert (await house.desk.refund(order, "u.9", "")).state == "refunded"
    assert await house.ledger() == [("payment", 5_000), ("refund", -5_000)]
    assert house.door.taken == [house.door.posted[0].id]


async def test_a_dispute_and_late_money_count_whoever_changed_the_order_first(house: House) -> None:
    order = await house.paid()
    await house.desk.remove(order, "u.9", "")
    await house.desk._dispute(order, won=False)
    assert (await house.desk.find(order.id)).state == "disputed"
    late = await house.ordered(nonce="late")
    await house.desk._fail(late, "", "expired")
    payment = Payment(payment="p", order=late.id, amount=late.amount, currency="KRW", state="paid")
    assert (await house.desk.settle(late, payment)).state == "shown"


async def test_a_second_window_does_not_take_the_place_of_what_was_paid(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, begin = await house.ordered(), house.rehearsal.begin
    window = await house.desk.begin(order, PAGE)

    async def while_it_is_paid(bill: Bill) -> Window:
        house.rehearsal.choose(window.payment, "paid")
        await house.desk.confirm(await house.desk.find(order.id), PAGE, {})
        return await begin(bill)

    monkeypatch.setattr(house.rehearsal, "begin", while_it_is_paid)
    assert await refused(house.desk.begin(order, PAGE)) == "conflict:shown"
    assert (await house.desk.find(order.id)).payment == window.payment


async def test_a_goal_never_falls_behind_what_was_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.desk.boards.set_goal(ROOM, Goal(title="g", amount=100_000, currency="KRW", since=0))
    find, slow = house.log.find, asyncio.Event()

    async def find_late(query: Query) -> list[dict[str, Any]]:
        """The first one has its rows, and waits for its turn."""
        found = await find(query)
        if query.table == "paid_ledger":
            monkeypatch.setattr(house.log, "find", find)
            await slow.wait()
        return found

    monkeypatch.setattr(house.log, "find", find_late)
    first = asyncio.ensure_future(house.desk.boards.tell_goal(ROOM))
    await asyncio.sleep(0)
    paying = asyncio.ensure_future(house.paid())
    for _ in range(50):
        await asyncio.sleep(0)
    slow.set()
    await asyncio.gather(first, paying)
    assert house.door.parts["goal"]["reached"] == 5_000
