"""The log of the studio and the audit of the site: what happened, the newest first."""

from madang.control.clerk import Clerk
from madang.control.records import Channel, Happening, Page
from madang.control.rights import Actor

_STRAY = "key.attempt_failed"


class Events:
    """Reads happenings; they are written beside their deeds."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    async def of_channel(
        self, actor: Actor, channel: Channel, cursor: str | None, limit: int
    ) -> Page[Happening]:
        """What happened in a channel; admins also see keys tried that belong to no channel."""
        async with self._clerk.store.read() as work:
            own = await work.happenings.page(cursor, limit, channel=channel.id)
            if not actor.is_admin:
                return own
            stray = await work.happenings.page(cursor, limit, channel=None, kind=_STRAY)
        items = sorted([*own.items, *stray.items], key=lambda happening: happening.id, reverse=True)
        more = len(items) > limit or own.next is not None or stray.next is not None
        return Page(items=items[:limit], next=items[:limit][-1].id if more else None)

    async def everywhere(self, cursor: str | None, limit: int) -> Page[Happening]:
        """The audit."""
        async with self._clerk.store.read() as work:
            return await work.happenings.page(cursor, limit)
