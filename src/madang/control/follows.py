"""Following a channel: who does, since when, and how many."""

import msgspec

from madang.base.ids import ChannelId, UserId
from madang.control.clerk import Clerk
from madang.control.errors import Conflict
from madang.control.records import Channel, Follow, Page
from madang.control.rights import Actor

_COUNTS = 10_000
"""Channels whose number of followers is remembered; the longest unasked are forgotten."""


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody stands to a channel."""

    followed_at: float | None
    followers: int


class Follows:
    """Counts are kept in memory while this process is asked for them, and read again every minute."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._counts: dict[ChannelId, tuple[int, float]] = {}

    async def follow(self, actor: Actor, channel: Channel) -> Following:
        """Follow; the first date stays when it is said again."""
        clerk = self._clerk
        row = Follow(id=clerk.new_id(), channel=channel.id, account=actor.account, since=clerk.clock.wall())
        try:
            async with clerk.store.write() as work:
                if await work.follows.find(channel=channel.id, account=actor.account):
                    raise Conflict("already", "You follow this channel.")
                await work.follows.add(row)
        except Conflict:
            return await self.standing(actor.account, channel.id)
        self._counts.pop(channel.id, None)
        return await self.standing(actor.account, channel.id)

    async def unfollow(self, actor: Actor, channel: Channel) -> Following:
        """Follow no more; saying it twice is no fault."""
        async with self._clerk.store.write() as work:
            await work.follows.delete(channel=channel.id, account=actor.account)
        self._counts.pop(channel.id, None)
        return await self.standing(actor.account, channel.id)

    async def standing(self, account: UserId | None, channel: ChannelId) -> Following:
        """Since when an account follows a channel, and how many do."""
        since = await self.followed_at(account, channel) if account is not None else None
        return Following(followed_at=since, followers=await self.count(channel))

    async def followed_at(self, account: str, channel: str) -> float | None:
        """Seconds since 1970-01-01 UTC; None for who does not follow."""
        async with self._clerk.store.read() as work:
            found = await work.follows.find(channel=channel, account=account)
        return found[0].since if found else None

    async def count(self, channel: ChannelId) -> int:
        """How many follow a channel."""
        now = self._clerk.clock.monotonic()
        known = self._counts.pop(channel, None)
        if known is None or now - known[1] > 60.0:
            async with self._clerk.store.read() as work:
                known = await work.follows.count(channel=channel), now
        self._counts[channel] = known
        while len(self._counts) > _COUNTS:
            del self._counts[next(iter(self._counts))]
        return known[0]

    async def followers(self, channel: Channel, cursor: str | None, limit: int) -> Page[Follow]:
        """Who follows a channel, the newest first."""
        async with self._clerk.store.read() as work:
            return await work.follows.page(cursor, limit, channel=channel.id)

    async def followed(self, actor: Actor, cursor: str | None, limit: int) -> Page[Follow]:
        """What somebody follows, the newest first."""
        async with self._clerk.store.read() as work:
            return await work.follows.page(cursor, limit, account=actor.account)
