"""The rows of one noun: a table on one side, a record on the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from madang.control.errors import Conflict
from madang.control.ports import Value, Wanted
from madang.control.records import Page, Record

R = TypeVar("R", bound=Record)
_JSON_COLUMNS = frozenset({"scopes", "data", "kinds"})


class TableRows(Generic[R]):
    """Reads and writes records of one kind inside one transaction; `wrote` hears `add`, `put`, `delete`."""

    def __init__(
        self, connection: AsyncConnection, table: Table, kind: type[R], wrote: Callable[[str], None]
    ) -> None:
        self._connection = connection
        self._table = table
        self._kind = kind
        self._wrote = wrote
        self._names = [str(column.name) for column in table.columns]
        self._key = [str(column.name) for column in table.primary_key.columns]

    async def get(self, *key: str) -> R | None:
        found = await self.find(**dict(zip(self._key, key, strict=True)))
        return found[0] if found else None

    async def find(self, **equals: Wanted) -> list[R]:
        rows = await self._connection.execute(select(self._table).where(*self._equal(equals)))
        return [self._record(row) for row in rows]

    async def page(self, cursor: str | None, limit: int, *, newest: bool = True, **equals: Value) -> Page[R]:
        order = self._table.c[self._key[0]]
        query = select(self._table).where(*self._equal(equals))
        if cursor is not None:
            query = query.where(order < cursor if newest else order > cursor)
        query = query.order_by(order.desc() if newest else order).limit(limit + 1)
        rows = (await self._connection.execute(query)).all()
        items = [self._record(row) for row in rows[:limit]]
        more = str(getattr(items[-1], self._key[0])) if len(rows) > limit else None
        return Page(items=items, next=more)

    async def count(self, **equals: Value) -> int:
        found = select(func.count()).select_from(self._table).where(*self._equal(equals))
        return int((await self._connection.execute(found)).scalar_one())

    async def add(self, record: R) -> None:
        self._wrote("add")
        try:
            await self._connection.execute(insert(self._table).values(_columns(record)))
        except IntegrityError as error:
            raise Conflict("taken", "That name is taken.") from error

    async def put(self, record: R) -> None:
        self._wrote("put")
        values = _columns(record)
        same = {name: values.pop(name) for name in self._key}
        try:
            await self._connection.execute(
                update(self._table).where(*self._equal(same)).values(values or same)
            )
        except IntegrityError as error:
            raise Conflict("taken", "That name is taken.") from error

    async def alter(self, *key: str, **values: Value) -> R | None:
        self._wrote("put")
        try:
            await self.note(*key, **values)
        except IntegrityError as error:
            raise Conflict("taken", "That name is taken.") from error
        return await self.get(*key)

    async def note(self, *key: str, **values: Value) -> None:
        same = dict(zip(self._key, key, strict=True))
        await self._connection.execute(update(self._table).where(*self._equal(same)).values(values))

    async def delete(self, **equals: Value) -> int:
        done = await self._connection.execute(delete(self._table).where(*self._equal(equals)))
        if done.rowcount:
            self._wrote("delete")
        return done.rowcount

    def _equal(self, equals: Mapping[str, Any]) -> list[Any]:
        column = self._table.c
        return [
            column[name].in_(value) if isinstance(value, list) else column[name] == value
            for name, value in equals.items()
        ]

    def _record(self, row: Sequence[Any]) -> R:
        values = dict(zip(self._names, row, strict=True))
        for name in _JSON_COLUMNS & values.keys():
            values[name] = msgspec.json.decode(values[name])
        return msgspec.convert(values, self._kind, strict=False)


def _columns(record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(record, name) for name in record.__struct_fields__}
    for name in _JSON_COLUMNS & values.keys():
        values[name] = msgspec.json.encode(values[name]).decode()
    return values
