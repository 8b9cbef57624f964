"""Rows of each noun go in and come out as they were, on SQLite and on PostgreSQL."""

import msgspec
import pytest
from tests.unit.store.rows_of import account, channel, happening, key, session

from madang.base.ids import BroadcastId
from madang.base.roles import ChannelRole
from madang.control.abandoned import Abandoned
from madang.control.errors import Conflict
from madang.control.records import Avatar, Broadcast, Member, Slug
from madang.store.sql import SqlStore


async def test_records_come_back_equal(store: SqlStore) -> None:
    holder, yard = account(disabled=True, last_seen_at=2.25), channel(owner=None, title="가야금")
    async with store.write() as work:
        await work.accounts.add(holder)
        await work.channels.add(yard)
        await work.sessions.add(session(holder))
        await work.keys.add(key(yard))
        await work.happenings.add(happening("h1"))
        await work.avatars.add(Avatar(account=holder.id, version="v", content=b"\x00\x01\xff"))
        await work.members.add(Member(channel=yard.id, account=holder.id, role=ChannelRole.VIP, since=3.0))
    async with store.read() as work:
        assert await work.accounts.get(holder.id) == holder
        assert await work.channels.find() == [yard]
        assert await work.sessions.find(account=holder.id) == [session(holder)]
        assert await work.keys.get("k1") == key(yard)
        assert await work.happenings.get("h1") == happening("h1")
        assert (await work.avatars.find())[0].content == b"\x00\x01\xff"
        assert (await work.members.get(yard.id, holder.id)).role is ChannelRole.VIP  # type: ignore[union-attr]


async def test_missing_rows_are_none_or_nothing(store: SqlStore) -> None:
    async with store.read() as work:
        assert await work.accounts.get("nobody") is None
        assert await work.accounts.find(name="nobody") == []
    async with store.write() as work:
        assert await work.accounts.delete(id="nobody") == 0


async def test_put_changes_one_row(store: SqlStore) -> None:
    async with store.write() as work:
        await work.channels.add(channel("a"))
        await work.channels.add(channel("b"))
        await work.channels.put(msgspec.structs.replace(channel("a"), title="new"))
    async with store.read() as work:
        assert {(c.slug, c.title) for c in await work.channels.find()} == {("a", "new"), ("b", "")}


async def test_a_taken_name_is_a_conflict_and_the_transaction_leaves_nothing(store: SqlStore) -> None:
    async with store.write() as work:
        await work.channels.add(channel("a"))
    with pytest.raises(Conflict) as caught:
        async with store.write() as work:
            await work.slugs.add(Slug(slug="a", channel=channel("a").id))
            await work.channels.add(channel("a", id="other"))
    assert caught.value.code == "taken"
    async with store.read() as work:
        assert await work.slugs.find() == []


async def test_pages_follow_each_other_without_gap_or_repetition(store: SqlStore) -> None:
    async with store.write() as work:
        for number in range(7):
            await work.happenings.add(happening(f"h{number}"))
    async with store.read() as work:
        seen, cursor = [], None
        while True:
            page = await work.happenings.page(cursor, 3)
            seen += [item.id for item in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert seen == [f"h{n}" for n in reversed(range(7))]
        oldest = await work.happenings.page(None, 2, newest=False)
        assert [item.id for item in oldest.items] == ["h0", "h1"]
        exact = await work.happenings.page(None, 7)
        assert exact.next is None


async def test_find_takes_lists_and_none(store: SqlStore) -> None:
    async with store.write() as work:
        await work.channels.add(channel("a"))
        for name in ("x", "y", "z"):
            await work.happenings.add(happening(name, channel="c-a" if name == "x" else None))
    async with store.read() as work:
        assert {item.id for item in await work.happenings.find(id=["x", "z", "other"])} == {"x", "z"}
        assert {item.id for item in await work.happenings.find(channel=None)} == {"y", "z"}


async def test_only_what_changes_a_right_moves_the_counters(store: SqlStore) -> None:
    holder = account()
    assert await store.changes() == (0, 0)
    async with store.write() as work:
        await work.accounts.add(holder)
    assert await store.changes() == (1, 0)
    async with store.write() as work:
        await work.happenings.add(happening("h"))
        await work.sessions.add(session(holder))
        await work.accounts.note(holder.id, last_seen_at=5.0)
    assert await store.changes() == (1, 0)
    async with store.write() as work:
        await work.sessions.delete(id="s1")
        await work.tokens.delete(id="none")
    assert await store.changes() == (1, 1)
    async with store.read() as work:
        assert (await work.accounts.get(holder.id)).last_seen_at == 5.0  # type: ignore[union-attr]


async def test_deleting_an_account_takes_what_hangs_on_it(store: SqlStore) -> None:
    holder = account()
    async with store.write() as work:
        await work.accounts.add(holder)
        await work.sessions.add(session(holder))
        await work.accounts.delete(id=holder.id)
    async with store.read() as work:
        assert await work.sessions.find() == []


async def test_forget_deletes_what_is_over(store: SqlStore) -> None:
    holder = account()
    async with store.write() as work:
        await work.accounts.add(holder)
        await work.sessions.add(session(holder))
        await work.happenings.add(happening("old", at=1.0))
        await work.happenings.add(happening("new", at=90.0))
    async with store.write() as work:
        await work.forget(now=101.0, events_before=50.0)
    async with store.read() as work:
        assert await work.sessions.find() == []
        assert [item.id for item in await work.happenings.find()] == ["new"]


async def test_a_server_ends_its_own_broadcasts_and_no_others(store: SqlStore) -> None:
    async with store.write() as work:
        await work.channels.add(channel())
        for node in ("mine", "theirs", ""):
            row = Broadcast(
                id=f"b-{node}", broadcast=BroadcastId(f"b-{node}"), channel=channel().id, title="",
                began_at=1.0, node=node, alive_at=5.0,
            )  # fmt: skip
            await work.broadcasts.add(row)
    own, others = Abandoned(store, "mine"), Abandoned(store, "other")
    await own.end_own({"b-"})
    for _ in range(4):
        await others.look()
    assert await _ended(store) == {"b-mine": 5.0, "b-theirs": None, "b-": None}
    await others.look()
    assert await _ended(store) == {"b-mine": 5.0, "b-theirs": 5.0, "b-": None}


async def _ended(store: SqlStore) -> dict[str, float | None]:
    async with store.read() as work:
        return {row.id: row.ended_at for row in await work.broadcasts.find()}
