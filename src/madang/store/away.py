"""A database that is away, told from one that is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from madang.base.errors import Overloaded


@contextmanager
def away_is_overload() -> Iterator[None]:
    """A database that is busy, gone, or not there yet: coming back later is worthwhile."""
    try:
        yield
    except Exception as error:
        if not _is_away(error):
            raise
        told = getattr(error, "orig", error)
        raise Overloaded(f"database: {told}", "The database is busy; try again.", 2) from error


def _is_away(error: Exception) -> bool:
    """Whether an error is about reaching the database; those of connecting come as the driver made them."""
    if isinstance(error, OperationalError | InterfaceError | DisconnectionError | PoolTimeout | OSError):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    return type(error).__module__.startswith("asyncpg.")
