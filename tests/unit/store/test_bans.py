"""Bans outlast a restart, replace each other, and are forgotten when they are over."""

import math

from madang.realtime.ports import Ban
from madang.store.bans import SqlBans
from madang.store.sql import SqlStore


async def test_bans_are_kept_replaced_and_forgotten(store: SqlStore) -> None:
    bans = SqlBans(store)
    assert await bans.load(0) == []
    await bans.keep(Ban("user", "ann", 50.0), now=0)
    await bans.keep(Ban("user", "ann", math.inf, issued_before=7.5), now=0)
    await bans.keep(Ban("token", "ann", 100.0), now=0)
    token, user = await SqlBans(store).load(60)
    assert token == Ban("token", "ann", 100.0)
    assert (user.kind, user.subject, user.issued_before) == ("user", "ann", 7.5) and user.until > 1e11
    await bans.keep(Ban("user", "ann", 0.0), now=60)
    assert await bans.load(60) == [Ban("token", "ann", 100.0)]
    await bans.keep(Ban("user", "bob", 300.0), now=200)
    assert await bans.load(0) == [Ban("user", "bob", 300.0)]
