"""Rules of rooms: kept, compiled, tried out."""

import msgspec
import pytest
from tests.unit.chat.superchat.house import MemoryLog, WrittenDoor

from madang.base.errors import PeerError
from madang.chat.filter import Action
from madang.chat.roomfilters import Expression, RoomFilters, RoomRules, Words


@pytest.fixture
def door() -> WrittenDoor:
    return WrittenDoor(MemoryLog())


OWN = RoomRules(built_in={}, lists=(Words(name="spoilers", words=("결말",), action=Action.REFUSE),))


async def test_a_room_without_rules_has_the_servers(door: WrittenDoor) -> None:
    filters = RoomFilters(door.log)
    await filters.load()
    assert filters.judge("room", "시발").action is Action.MASK
    assert filters.rules_of("room").built_in["slurs"] is Action.REFUSE


async def test_rules_are_kept_and_are_of_one_room(door: WrittenDoor) -> None:
    filters = RoomFilters(door.log)
    await filters.set_rules("room", OWN, door.commit)
    again = RoomFilters(door.log)
    await again.load()
    for one in (filters, again):
        assert one.judge("room", "결말이 뭐냐면").action is Action.REFUSE
        assert one.judge("room", "시발").passes
        assert one.judge("another", "결말이 뭐냐면").passes


async def test_a_pattern_that_cannot_be_is_refused_and_nothing_changes(door: WrittenDoor) -> None:
    filters = RoomFilters(door.log)
    bad = RoomRules(patterns=(Expression(name="bad", expression=r"(a)\1"),))
    with pytest.raises(PeerError):
        await filters.set_rules("room", bad, door.commit)
    assert not door.log.tables["chat_extras"]
    with pytest.raises(PeerError):
        filters.try_out(bad, "x")
    assert filters.try_out(OWN, "결말").action is Action.REFUSE


@pytest.mark.parametrize(
    "rules",
    [
        {"lists": [{"name": "", "words": []}]},
        {"lists": [{"name": "x", "words": ["a"]}]},
        {"allow": ["x" * 101]},
        {"built_in": {"ko": "explode"}},
        {"nothing": 1},
        {"patterns": [{"name": "x", "expression": "x" * 201}]},
    ],
)
def test_rules_have_bounds(rules: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(rules, RoomRules)
