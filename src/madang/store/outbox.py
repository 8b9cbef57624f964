"""The one outbox: events kept in the transaction of their cause, numbered in the order of the commits."""

import msgspec
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from madang.base.events import Event
from madang.store import crowd_schema, schema


class SqlOutbox:
    """Implements `base.events.Outbox` inside one transaction.

    The counter's row stays locked until the commit, so a reader who saw number n has seen all below."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put(self, event: Event) -> None:
        """Keep an event; it is delivered once the transaction has committed."""
        changes = schema.changes.c
        raised = update(schema.changes).where(changes.id == schema.OUTBOX).values(count=changes.count + 1)
        number = (await self._connection.execute(raised.returning(changes.count))).scalar_one()
        await self._connection.execute(
            insert(crowd_schema.outbox).values(
                seq=number,
                id=event.id,
                kind=event.kind,
                room=event.room,
                at=event.at,
                data=msgspec.json.encode(event.data).decode(),
            )
        )
