"""The broker in memory: history, positions, idempotency, versions, presence, redaction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import FakeClock

from madang.base.limits import REALTIME_IDEMPOTENCY_KEYS
from madang.realtime.broker import HistoryQuery, Outgoing
from madang.realtime.memory import MemoryBroker
from madang.realtime.publication import ClientInfo, Position, Publication, PublishOptions, Retention

KEPT = Retention(5, 60.0)
OPTIONS = PublishOptions(retention=KEPT)


class Heard:
    """What a node was told."""

    def __init__(self) -> None:
        self.publications: list[tuple[str, Publication, Position]] = []
        self.other: list[tuple[object, ...]] = []

    def on_publication(self, channel: str, publication: Publication, top: Position) -> None:
        self.publications.append((channel, publication, top))

    def on_join(self, channel: str, info: ClientInfo) -> None:
        self.other.append(("join", channel, info.client))

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        self.other.append(("leave", channel, info.client))

    def on_redact(self, channel: str, offset: int, data: bytes) -> None:
        self.other.append(("redact", channel, offset, data))

    def on_node_message(self, sender: str, message: bytes) -> None: ...

    def on_gap(self, channels: object) -> None: ...


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def broker(clock: FakeClock, heard: Heard) -> MemoryBroker:
    broker = MemoryBroker(clock, lambda count: bytes(range(count)))
    await broker.start("node", heard)
    return broker


async def offsets(broker: MemoryBroker, **query: object) -> list[int]:
    stretch = await broker.history("c", HistoryQuery(**query), KEPT)  # type: ignore[arg-type]
    return [publication.offset for publication in stretch.publications]


async def test_offsets_count_from_one_and_the_size_bounds_what_is_kept(
    broker: MemoryBroker, heard: Heard
) -> None:
    results = [await broker.publish("c", b"%d" % n, OPTIONS) for n in range(7)]
    assert [r.offset for r in results] == [1, 2, 3, 4, 5, 6, 7]
    assert {r.epoch for r in results} == {"abcdefgh"}
    assert await offsets(broker) == [3, 4, 5, 6, 7]
    assert [p.offset for _, p, top in heard.publications if top.offset == p.offset] == list(range(1, 8))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"limit": 0}, []),
        ({"limit": 2}, [3, 4]),
        ({"since": Position(4, "")}, [5, 6, 7]),
        ({"since": Position(1, "")}, [3, 4, 5, 6, 7]),
        ({"since": Position(7, "")}, []),
        ({"since": Position(99, "")}, []),
        ({"since": Position(4, ""), "limit": 1}, [5]),
        ({"reverse": True}, [7, 6, 5, 4, 3]),
        ({"reverse": True, "limit": 2}, [7, 6]),
        ({"reverse": True, "since": Position(5, "")}, [4, 3]),
        ({"reverse": True, "since": Position(5, ""), "limit": 1}, [4]),
        ({"reverse": True, "since": Position(2, "")}, []),
        ({"reverse": True, "since": Position(99, ""), "limit": 1}, [7]),
    ],
)
async def test_a_part_of_history(broker: MemoryBroker, query: dict[str, object], found: list[int]) -> None:
    for _ in range(7):
        await broker.publish("c", b"1", OPTIONS)
    assert await offsets(broker, **query) == found


async def test_publications_expire_and_the_position_stays(broker: MemoryBroker, clock: FakeClock) -> None:
    await broker.publish("c", b"1", OPTIONS)
    clock.advance(61)
    assert await offsets(broker) == []
    broker.sweep()
    assert (await broker.history("c", HistoryQuery(), KEPT)).top == Position(1, "abcdefgh")
    clock.advance(31 * 86400)
    broker.sweep()
    assert (await broker.history("c", HistoryQuery(), KEPT)).top.offset == 0


async def test_a_namespace_may_remember_positions_for_less_long(
    broker: MemoryBroker, clock: FakeClock
) -> None:
    kept = Retention(5, 60.0, 120.0)
    await broker.publish("c", b"1", PublishOptions(retention=kept))
    clock.advance(119)
    broker.sweep()
    assert (await broker.history("c", HistoryQuery(), kept)).top.offset == 1
    clock.advance(121)
    broker.sweep()
    assert (await broker.history("c", HistoryQuery(), kept)).top.offset == 0


async def test_without_history_nothing_is_kept(broker: MemoryBroker, heard: Heard) -> None:
    assert (await broker.publish("c", b"1", PublishOptions())).offset == 0
    skipped = PublishOptions(retention=KEPT, skip_history=True)
    assert (await broker.publish("c", b"2", skipped)).offset == 0
    assert await offsets(broker) == []
    assert [p.data for _, p, _ in heard.publications] == [b"1", b"2"]


async def test_the_same_key_publishes_once_for_five_minutes(
    broker: MemoryBroker, heard: Heard, clock: FakeClock
) -> None:
    once = PublishOptions(retention=KEPT, idempotency_key="k")
    first = await broker.publish("c", b"1", once)
    again = await broker.publish("c", b"1", once)
    assert (again.offset, again.epoch, again.suppressed) == (first.offset, first.epoch, True)
    assert not (await broker.publish("d", b"1", once)).suppressed
    clock.advance(301)
    broker.sweep()
    assert (await broker.publish("c", b"1", once)).offset == 2
    assert len(heard.publications) == 3


async def test_keys_are_bounded(broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.realtime.memory.REALTIME_IDEMPOTENCY_KEYS", 2)
    assert REALTIME_IDEMPOTENCY_KEYS > 2
    for key in "abc":
        await broker.publish("c", b"1", PublishOptions(idempotency_key=key))
    assert not (await broker.publish("c", b"1", PublishOptions(idempotency_key="a"))).suppressed


async def test_an_old_version_is_suppressed(broker: MemoryBroker) -> None:
    def versioned(version: int, epoch: str = "") -> PublishOptions:
        return PublishOptions(retention=KEPT, version=version, version_epoch=epoch)

    told = [(5, ""), (5, ""), (4, ""), (6, ""), (1, "new")]
    results = [await broker.publish("c", b"1", versioned(*each)) for each in told]
    assert [result.suppressed for result in results] == [False, True, True, False, False]
    assert results[-1].offset == 3


async def test_redaction_keeps_offsets(broker: MemoryBroker, heard: Heard) -> None:
    for n in range(7):
        await broker.publish("c", b"%d" % n, OPTIONS)
    assert await broker.redact("c", 5, b"gone")
    assert not await broker.redact("c", 2, b"gone") and not await broker.redact("c", 8, b"gone")
    assert not await broker.redact("d", 1, b"gone")
    stretch = await broker.history("c", HistoryQuery(), KEPT)
    assert [(p.offset, p.data) for p in stretch.publications][2] == (5, b"gone")
    assert heard.other == [("redact", "c", 5, b"gone")]


async def test_removing_history_keeps_the_position(broker: MemoryBroker) -> None:
    await broker.publish("c", b"1", OPTIONS)
    await broker.remove_history("c")
    await broker.remove_history("d")
    assert await offsets(broker) == []
    assert (await broker.publish("c", b"1", OPTIONS)).offset == 2


async def test_presence(broker: MemoryBroker, clock: FakeClock) -> None:
    for client, user in (("a", "u"), ("b", "u"), ("c", "")):
        await broker.add_presence("c", ClientInfo(user, client))
    assert await broker.presence_stats("c") == (3, 2)
    assert await broker.remove_presence("c", "b", "u")
    assert not await broker.remove_presence("c", "b", "u")
    clock.advance(40)
    await broker.add_presence("c", ClientInfo("u", "a"))
    clock.advance(30)
    broker.sweep()
    assert list(await broker.presence("c")) == ["a"]
    assert await broker.remove_presence("c", "a", "u")
    assert await broker.presence_stats("c") == (0, 0)


async def test_many_at_once_and_joins(broker: MemoryBroker, heard: Heard) -> None:
    results = await broker.publish_many([Outgoing("c", b"1", OPTIONS), Outgoing("d", b"2", OPTIONS)])
    assert [getattr(result, "offset", None) for result in results] == [1, 1]
    await broker.publish_join("c", ClientInfo("u", "a"))
    await broker.publish_leave("c", ClientInfo("u", "a"))
    assert heard.other == [("join", "c", "a"), ("leave", "c", "a")]
    assert await broker.tell(b"x") and not await broker.tell(b"x", "other")
    await broker.close()
    await broker.publish("c", b"1", OPTIONS)
    assert len(heard.publications) == 2


@given(st.integers(1, 8), st.integers(0, 12), st.integers(-1, 9), st.booleans(), st.integers(0, 14))
async def test_a_part_is_what_filtering_finds(
    size: int, count: int, limit: int, back: bool, since: int
) -> None:
    broker = MemoryBroker(FakeClock(), bytes)
    options = PublishOptions(retention=Retention(size, 60))
    for _ in range(count):
        await broker.publish("c", b"1", options)
    query = HistoryQuery(limit=limit, since=Position(since, ""), reverse=back)
    kept = list(range(max(count - size, 0) + 1, count + 1))
    wanted = [o for o in reversed(kept) if o < since] if back else [o for o in kept if o > since]
    stretch = await broker.history("c", query, options.retention)
    assert [p.offset for p in stretch.publications] == (wanted if limit < 0 else wanted[:limit])
