"""Overlays: secrets that open one channel, options that pages hear of, and alerts to try them with."""

import pytest
from tests.conftest import FakeClock
from tests.unit.chat.superchat.house import MemoryLog, WrittenDoor, counter

from madang.base.limits import OVERLAY_TESTS
from madang.chat.overlays import OverlayOptions, Overlays
from madang.realtime.ports import ReplyError

YARD, INN = "01yard", "01inn"
KEY = b"k" * 32


class House:
    """Overlays over rows in memory."""

    def __init__(self, clock: FakeClock, key: bytes = KEY) -> None:
        self.log = MemoryLog()
        self.door = WrittenDoor(self.log)
        self.clock = clock
        self.overlays = Overlays(self.log, self.door, clock, counter(), key)


@pytest.fixture
def house(clock: FakeClock) -> House:
    return House(clock)


async def test_a_secret_opens_its_channel_and_no_other(house: House) -> None:
    yard, inn = await house.overlays.secret(YARD), await house.overlays.secret(INN)
    assert yard != inn and yard == await house.overlays.secret(YARD)
    opened = await house.overlays.open(yard)
    assert opened is not None and opened[0] == YARD
    mac = inn.partition(".")[2]
    for forged in (f"{YARD}.{mac}", yard[:-1], f"{yard}x", YARD, f"{YARD}.", f".{mac}", "", "é.x", "x" * 101):
        assert await house.overlays.open(forged) is None, forged


async def test_another_servers_secret_opens_nothing(house: House, clock: FakeClock) -> None:
    strange = House(clock, b"other" * 8)
    assert await house.overlays.open(await strange.overlays.secret(YARD)) is None


async def test_turning_makes_the_old_address_show_nothing(house: House) -> None:
    options = OverlayOptions(shown_s=20, lines=3)
    await house.overlays.set_options(YARD, options)
    before = await house.overlays.secret(YARD)
    after = await house.overlays.turn(YARD)
    assert before != after and await house.overlays.open(before) is None
    opened = await house.overlays.open(after)
    assert opened is not None and opened[1].options == options, "options stay"


async def test_pages_that_are_open_hear_of_options(house: House) -> None:
    await house.overlays.set_options(YARD, OverlayOptions(speech=False, voice="ko"))
    kind, told = house.door.told[0]
    assert kind == "state" and told["t"] == "overlay_options"
    assert (told["options"]["speech"], told["options"]["voice"]) == (False, "ko")
    assert (await house.overlays.kept(YARD)).options.voice == "ko"
    assert (await house.overlays.kept(INN)).options == OverlayOptions()


async def test_a_try_is_made_up_and_says_so(house: House) -> None:
    await house.overlays.try_out(YARD, "alerts", 10_000, "KRW", "가" * 400)
    _, told = house.door.told[0]
    assert (told["t"], told["widget"], len(told["text"])) == ("overlay_test", "alerts", 350)
    assert told["paid"]["test"] is True and told["paid"]["effect"] == "confetti"


@pytest.mark.parametrize(
    ("widget", "amount", "currency", "word"),
    [
        ("alerts", 999, "KRW", "invalid:amount"),
        ("alerts", 10_000, "EUR", "invalid:amount"),
        ("camera", 10_000, "KRW", "invalid:widget"),
    ],
)
async def test_tries_that_cannot_be(house: House, widget: str, amount: int, currency: str, word: str) -> None:
    with pytest.raises(ReplyError) as refusal:
        await house.overlays.try_out(YARD, widget, amount, currency, "")
    assert refusal.value.message == word and house.door.told == []


async def test_so_many_tries_and_no_more(house: House) -> None:
    for _ in range(OVERLAY_TESTS):
        await house.overlays.try_out(YARD, "chat", 5_000, "KRW", "hi")
    with pytest.raises(ReplyError) as refusal:
        await house.overlays.try_out(YARD, "chat", 5_000, "KRW", "hi")
    assert refusal.value.message == "rate:10"
    await house.overlays.try_out(INN, "chat", 5_000, "KRW", "another channel's are its own")
    house.clock.advance(10.1)
    await house.overlays.try_out(YARD, "chat", 5_000, "KRW", "hi")
