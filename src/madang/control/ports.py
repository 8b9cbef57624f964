"""What the control plane asks of a database: rows by noun, and a transaction around them."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from madang.base.events import Outbox
from madang.control.records import (
    Account,
    Avatar,
    Broadcast,
    Channel,
    Follow,
    Happening,
    Kept,
    Link,
    Member,
    Page,
    Place,
    Record,
    Session,
    Slug,
    StreamKey,
    Token,
    Told,
    Webhook,
    WebhookCursor,
)

R = TypeVar("R", bound=Record)
Value = str | int | float | bool | None
Wanted = Value | list[str]


class Rows(Protocol[R]):
    """The rows of one noun. A record that breaks a unique name raises Conflict `taken`."""

    async def get(self, *key: str) -> R | None:
        """By primary key."""
        ...

    async def find(self, **equals: Wanted) -> list[R]:
        """Every row whose columns equal these, or are in these lists; all rows without any."""
        ...

    async def page(self, cursor: str | None, limit: int, *, newest: bool = True, **equals: Value) -> Page[R]:
        """Rows by id, which is by time; `cursor` is the id of the last row of the page before."""
        ...

    async def add(self, record: R) -> None: ...

    async def put(self, record: R) -> None:
        """Write a changed record back, by its primary key: one that was read in this very transaction."""
        ...

    async def alter(self, *key: str, **values: Value) -> R | None:
        """Set these columns alone, so that what others changed stays; the row, or None when it is gone."""
        ...

    async def note(self, *key: str, **values: Value) -> None:
        """Set columns that change no right, such as when something was last seen; not counted as a change."""
        ...

    async def count(self, **equals: Value) -> int:
        """How many rows equal these."""
        ...

    async def delete(self, **equals: Value) -> int:
        """Delete what equals these; how many rows went."""
        ...


class Work(Protocol):
    """One transaction."""

    @property
    def accounts(self) -> Rows[Account]: ...

    @property
    def avatars(self) -> Rows[Avatar]: ...

    @property
    def sessions(self) -> Rows[Session]: ...

    @property
    def links(self) -> Rows[Link]: ...

    @property
    def channels(self) -> Rows[Channel]: ...

    @property
    def slugs(self) -> Rows[Slug]: ...

    @property
    def members(self) -> Rows[Member]: ...

    @property
    def follows(self) -> Rows[Follow]: ...

    @property
    def webhooks(self) -> Rows[Webhook]: ...

    @property
    def webhook_cursors(self) -> Rows[WebhookCursor]: ...

    @property
    def outbox(self) -> Outbox:
        """What leaves the house is kept in this transaction, and delivered after it."""
        ...

    @property
    def keys(self) -> Rows[StreamKey]: ...

    @property
    def tokens(self) -> Rows[Token]: ...

    @property
    def broadcasts(self) -> Rows[Broadcast]: ...

    @property
    def happenings(self) -> Rows[Happening]: ...

    @property
    def kept(self) -> Rows[Kept]: ...

    async def forget(self, now: float, events_before: float) -> None:
        """Delete what is over: expired sessions, links, kept answers, old happenings."""
        ...


class EventLog(Protocol):
    """What happened in a room, for those who are told outside: the outbox, and the chat's log."""

    async def since(self, room: str, place: Place, limit: int, *, messages: bool) -> list[Told]:
        """The next events behind a place, in the order of time."""
        ...

    async def end(self, room: str) -> Place: ...

    async def before(self, room: str, at: float) -> Place:
        """The place before everything that happened at `at` (seconds) or later."""
        ...


class Store(Protocol):
    """A database that several processes may share."""

    @property
    def events(self) -> EventLog: ...

    def read(self) -> AbstractAsyncContextManager[Work]:
        """A transaction that only looks."""
        ...

    def write(self) -> AbstractAsyncContextManager[Work]:
        """A transaction that commits when the block ends well, and rolls back when it raises."""
        ...

    async def changes(self) -> tuple[int, int]:
        """Two numbers that grow by whichever process's writes: to accounts, channels, members and keys; and
        when a session or an API token was changed or deleted."""
        ...
