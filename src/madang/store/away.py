"""A database that is away, told from one that is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from madang.base.errors import Overloaded

_AWAY_STATES = ("08", "53", "57P")
"""Of PostgreSQL's SQLSTATE: the connection, room and memory, a server that stops or is just starting."""


@contextmanager
def away_is_overload() -> Iterator[None]:
    """A database that is busy, gone, or not there yet: coming back later is worthwhile."""
    try:
        yield
    except Exception as error:
        if not _is_away(error):
            raise
        told = getattr(error, "orig", error)
        full = "disk is full" in str(told) or _state(error) == "53100"
        peer = "The disk of the database is full." if full else "The database is busy; try again."
        raise Overloaded(f"database: {told}", peer, 2) from error


def _is_away(error: Exception) -> bool:
    """Whether an error is about reaching the database; those of connecting come as the driver made them."""
    if isinstance(error, OperationalError | InterfaceError | DisconnectionError | PoolTimeout | OSError):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _state(error).startswith(_AWAY_STATES)
    return type(error).__module__.startswith("asyncpg.")


def _state(error: Exception) -> str:
    """SQLSTATE as the driver tells it; SQLite knows none."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
