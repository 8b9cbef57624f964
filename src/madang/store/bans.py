"""Who may not connect to the realtime channels, beyond a restart."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from madang.realtime.ports import Ban
from madang.store.away import away_is_overload
from madang.store.crowd_schema import realtime_bans
from madang.store.sql import SqlStore

_FOREVER = 253_402_300_799.0
"""The end of the year 9999: not every database and no JSON knows infinity."""


class SqlBans:
    """Implements `realtime.ports.Bans`."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def load(self, now: float) -> Sequence[Ban]:
        table = realtime_bans.c
        kept = select(realtime_bans).where(table.until > now).order_by(table.kind, table.subject)
        with away_is_overload():
            async with self._store.engine.connect() as connection:
                rows = (await connection.execute(kept)).mappings()
                return [Ban(row["kind"], row["subject"], row["until"], row["issued_before"]) for row in rows]

    async def keep(self, ban: Ban, now: float) -> None:
        table = realtime_bans.c
        same = (table.kind == ban.kind) & (table.subject == ban.subject)
        with away_is_overload():
            async with self._store.turn, self._store.engine.connect() as plain:
                connection = await plain.execution_options(madang_writes=True)
                async with connection.begin():
                    await connection.execute(delete(realtime_bans).where(same | (table.until <= now)))
                    if ban.until > now:
                        row = {
                            "kind": ban.kind,
                            "subject": ban.subject,
                            "until": min(ban.until, _FOREVER),
                            "issued_before": ban.issued_before,
                        }
                        await connection.execute(insert(realtime_bans).values(row))
