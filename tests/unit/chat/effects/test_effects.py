"""Effects: which emoji does what, how often, and when it is drawn."""

import msgspec
import pytest
from tests.conftest import FakeClock
from tests.unit.chat.superchat.house import MemoryLog, WrittenDoor, counter, guest

from madang.base.roles import ChannelRole
from madang.chat.effects.effects import Effects
from madang.chat.effects.kinds import EffectMap
from madang.realtime.ports import ReplyError

ROOM = "room"


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def door(log: MemoryLog) -> WrittenDoor:
    return WrittenDoor(log)


@pytest.fixture
def effects(log: MemoryLog, door: WrittenDoor, clock: FakeClock) -> Effects:
    return Effects(log, door, clock, counter())


async def refused(awaitable: object) -> str:
    with pytest.raises(ReplyError) as refusal:
        await awaitable  # type: ignore[misc]
    return refusal.value.message


async def test_an_emoji_is_an_effect_at_what_the_sender_saw(
    effects: Effects, door: WrittenDoor, clock: FakeClock
) -> None:
    now = int(clock.wall() * 1000)
    await effects.send(guest("u.1"), ROOM, "🎉", now - 4_000)
    kind, told = door.told[0]
    assert kind == "fx" and told["t"] == "effect" and told["kind"] == "confetti"
    assert (told["at"], told["wall"], told["emoji"]) == (now, now - 4_000, "🎉")


@pytest.mark.parametrize("offset", [-10_001, 1, 99_999_999])
async def test_a_clock_that_cannot_be_is_now(
    effects: Effects, door: WrittenDoor, clock: FakeClock, offset: int
) -> None:
    now = int(clock.wall() * 1000)
    await effects.send(guest("u.1"), ROOM, "🎉", now + offset)
    assert door.told[0][1]["wall"] == now


async def test_combos_count_what_follows_within_seconds(
    effects: Effects, door: WrittenDoor, clock: FakeClock
) -> None:
    for user in ("u.1", "u.2", "u.3"):
        await effects.send(guest(user), ROOM, "👏")
        clock.advance(1)
    clock.advance(5)
    await effects.send(guest("u.1"), ROOM, "👏")
    assert [told["combo"] for _, told in door.told] == [1, 2, 3, 1]


async def test_rates_of_one_person_and_of_a_room(effects: Effects, clock: FakeClock) -> None:
    for _ in range(5):
        await effects.send(guest("u.1"), ROOM, "🎉")
    assert await refused(effects.send(guest("u.1"), ROOM, "🎉")) == "rate:10"
    for number in range(35):
        await effects.send(guest(f"v.{number}"), ROOM, "🎉")
    assert await refused(effects.send(guest("w.1"), ROOM, "🎉")) == "rate:10"
    await effects.send(guest("w.1"), "another", "🎉")
    clock.advance(10.1)
    await effects.send(guest("u.1"), ROOM, "🎉")


async def test_what_money_does_is_no_viewers(effects: Effects, door: WrittenDoor) -> None:
    await effects.set_map(ROOM, EffectMap(emoji={"💸": "money"}))
    assert await refused(effects.send(guest("u.1"), ROOM, "💸")) == "invalid:emoji"
    assert await refused(effects.send(guest("u.1"), ROOM, "🎉")) == "invalid:emoji"
    await effects.send(guest("u.2", role=ChannelRole.MANAGER), ROOM, "💸")
    assert door.told[0][1]["kind"] == "money"


async def test_a_map_is_kept(effects: Effects, log: MemoryLog, door: WrittenDoor, clock: FakeClock) -> None:
    await effects.set_map(ROOM, EffectMap(emoji={"🍕": "rain"}))
    again = Effects(log, door, clock, counter())
    assert (await again.map_of(ROOM)).emoji == {"🍕": "rain"}
    assert (await again.map_of("another")).emoji["❤️"] == "hearts"


async def test_switched_off_or_muted(effects: Effects, door: WrittenDoor) -> None:
    assert await refused(effects.send(guest("u.1", "poll"), ROOM, "🎉")) == "forbidden"
    door.room = msgspec.structs.replace(door.room, effects=False)
    assert await refused(effects.send(guest("u.1"), ROOM, "🎉")) == "off"


async def test_managers_set_off_what_they_like(effects: Effects, door: WrittenDoor) -> None:
    manager = guest("u.9", role=ChannelRole.MANAGER)
    await effects.trigger(manager, ROOM, "sticker", "party", test=True)
    assert (door.told[0][1]["sticker"], door.told[0][1]["test"]) == ("party", True)
    assert await refused(effects.trigger(manager, ROOM, "explosion")) == "invalid:kind"
    assert await refused(effects.trigger(guest("u.1"), ROOM, "rain")) == "forbidden"


async def test_an_emoji_in_a_message_is_one_effect_within_the_same_rates(
    effects: Effects, door: WrittenDoor, clock: FakeClock
) -> None:
    await effects.send(guest("u.1"), ROOM, "🎉")
    made = await effects.said(ROOM, guest("u.1").author, "오늘 ❤❤❤ 최고 🎉🎉")
    assert made is not None and (made.kind, made.emoji, made.user) == ("hearts", "❤️", "u.1")
    assert len(door.told) == 2
    assert await effects.said(ROOM, guest("u.1").author, "no emoji of ours 🍕") is None
    for _ in range(10):
        await effects.said(ROOM, guest("u.1").author, "🔥")
    assert len(door.told) == 5, "beyond its rate the message is shown and its effect left out"
    clock.advance(10.1)
    door.room = msgspec.structs.replace(door.room, effects=False)
    assert await effects.said(ROOM, guest("u.1").author, "🔥") is None


async def test_what_money_does_is_looked_for_in_managers_messages_alone(effects: Effects) -> None:
    await effects.set_map(ROOM, EffectMap(emoji={"💸": "money", "🍕": "rain"}))
    made = await effects.said(ROOM, guest("u.1").author, "💸 🍕")
    assert made is not None and made.kind == "rain"
    made = await effects.said(ROOM, guest("u.2", role=ChannelRole.MANAGER).author, "💸 🍕")
    assert made is not None and made.kind == "money"


@pytest.mark.parametrize("emoji", ["a", "ㅋㅋ", "1", " ", "<b>", "🎉a"])
async def test_a_map_takes_emoji_alone(effects: Effects, emoji: str) -> None:
    assert await refused(effects.set_map(ROOM, EffectMap(emoji={emoji: "rain"}))) == "invalid:emoji"
