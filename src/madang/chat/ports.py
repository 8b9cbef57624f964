"""What chat asks of others: who people are, where rows are kept, what the filter says, who takes money."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from madang.base.people import Person as Person
from madang.base.people import Place as Place
from madang.base.people import Standing as Standing
from madang.chat.filter.verdict import Verdict

Cell = str | int | float | bool | None


class Put(msgspec.Struct, frozen=True, tag=True):
    """A new row; with `key` it takes the place of the row that has the same key."""

    table: str
    row: Mapping[str, Cell]
    key: tuple[str, ...] = ()


class Set(msgspec.Struct, frozen=True, tag=True):
    """Other values in every row whose columns equal `where`."""

    table: str
    where: Mapping[str, Cell]
    values: Mapping[str, Cell]


class Drop(msgspec.Struct, frozen=True, tag=True):
    """Every row whose columns equal `where` goes."""

    table: str
    where: Mapping[str, Cell]


class Demand(msgspec.Struct, frozen=True, tag=True):
    """Nothing of this commit happens unless a row equals `where`."""

    table: str
    where: Mapping[str, Cell]


class Held(msgspec.Struct, frozen=True, tag=True):
    """Nothing of this commit happens unless the room's lease is this one; the first change of its commit."""

    channel: str
    node: str
    fence: int


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Which node runs a room, and until when (milliseconds since 1970). `fence` rises with each holder."""

    holder: str = ""
    fence: int = 0
    until: int = 0

    def claimed(self, node: str, now: int, until: int, deaf: str = "") -> "Lease | None":
        """The lease as it is when `node` has taken it, or None while it is another's. Who is `deaf` holds
        nothing."""
        if self.holder == node:
            return Lease(holder=node, fence=self.fence, until=max(until, self.until))
        if self.holder not in ("", deaf) and now < self.until:
            return None
        return Lease(holder=node, fence=self.fence + 1, until=until)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a node asks of a room's lease."""

    channel: str
    node: str
    now: int
    until: int
    deaf: str = ""
    """A holder that the broker says nobody listens for."""


Change = Put | Set | Drop | Demand | Held
Done = Callable[[BaseException | None], None]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table, in the order of one column."""

    table: str
    where: Mapping[str, Cell] = {}
    """A None is not compared: leave the column out to mean all."""
    among: tuple[str, tuple[str, ...]] | None = None
    """A column and the values of which it has one."""
    holds: tuple[str, str] | None = None
    """A column and a piece of its text: every row is read for this."""
    order: str = "id"
    newest: bool = True
    below: Cell = None
    """Only rows whose `order` column is below this."""
    above: Cell = None
    limit: int = 100


class Log(Protocol):
    """The durable log: one writer, many commits in one transaction, each of them whole or not at all."""

    def commit(self, changes: Sequence[Change], done: Done) -> None:
        """Commit within 20 ms; `done` hears, in the order of the calls, None once it is on the disk, or why
        not.

        Overloaded when the store is away or too much waits; Fenced when a demand was not met, Deposed when
        the room is another node's. A change of the table `outbox` gets its number here."""
        ...

    async def find(self, query: Query) -> list[dict[str, Any]]:
        """Raises Overloaded."""
        ...

    async def claim(self, claim: Claim) -> tuple[Lease, str]:
        """Take the lease of a room, or let one's own last longer: the lease as it is then, whose holder says
        whether that was so, and who held it before. Raises Overloaded."""
        ...

    async def renew(self, node: str, until: int) -> dict[str, int]:
        """All leases of a node last longer: their fencing numbers by channel. Raises Overloaded."""
        ...

    async def release(self, node: str, channels: Sequence[str]) -> None:
        """Whoever comes next may take these at once. Raises Overloaded."""
        ...


class Fenced(Exception):
    """A demand was not met."""


class DeposedError(Exception):
    """Another node holds this room now: nothing was written."""


class Identity(Protocol):
    """Who is this? Answers from memory, but for `followed_at` and `grant`."""

    def person(self, account: str) -> Person | None:
        """None for unknown and disabled accounts."""
        ...

    def person_named(self, name: str) -> Person | None:
        """By the name that they sign in with, or a look-alike of it."""
        ...

    def place(self, channel: str) -> Place | None:
        """By id."""
        ...

    def standing(self, account: str, channel: str) -> Standing:
        """`viewer` for an account without a role; admins are owners everywhere."""
        ...

    def is_taken(self, looks: str) -> bool:
        """Whether an account's or a channel's name looks so."""
        ...

    def holders(self, channel: str) -> Sequence[tuple[Person, Standing]]:
        """Everybody with a role, the owner first."""
        ...

    async def followed_at(self, account: str, channel: str) -> float | None:
        """Seconds since 1970-01-01 UTC."""
        ...

    async def grant(self, actor: str, channel: str, account: str, standing: Standing | None) -> None:
        """Give or take (None) a role below the broadcaster's; `actor` is the user who says so."""
        ...


class TextFilter(Protocol):
    """Judges texts of one channel: messages, edits, names, quoted replies, polls, paid texts."""

    def judge(self, channel: str, text: str) -> Verdict: ...


class LetPass:
    """The filter of a house without one."""

    def judge(self, channel: str, text: str) -> Verdict:
        return Verdict(text=text)


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid. The amount is ours; nothing that a browser says about it is ever believed."""

    order: str
    """6 to 64 letters, digits, `-` and `_`: the merchant's number of the order."""
    amount: int
    """In the currency's smallest unit: cents, won."""
    currency: str
    """ISO 4217."""
    title: str
    page: str
    """URL of the order's page, which the payer comes back to; it takes a query."""
    payment: str = ""
    """The provider's id, as soon as it is known."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Where the payer goes: to `url`, or to what `script` draws with `with_`."""

    url: str = ""
    script: str = ""
    """A provider's script, which the order's page alone may load."""
    settings: Mapping[str, str | int] = {}
    """For the script: public key, order, amount."""
    payment: str = ""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as its provider tells it, asked by us over a connection of ours."""

    payment: str
    order: str
    amount: int
    """What was paid in all, refunds not taken off."""
    currency: str
    state: str
    """`open`, `paid`, `failed`, `expired`, `refunded`, `disputed`."""
    refunded: int = 0
    reason: str = ""
    test: bool = False


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook is about, as far as it is to be believed: which payment or order to ask for."""

    payment: str = ""
    order: str = ""
    state: str = ""
    """Set where the webhook's signature proves it and asking would not tell: `disputed`, `undisputed`."""


class PaymentFault(Exception):
    """The provider said no, or nothing: `code` is one of refused, unreachable, unknown, signature, config."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@runtime_checkable
class Rehearses(Protocol):
    """A provider whose window is a page of ours."""

    def look(self, payment: str) -> Payment | None: ...

    def choose(self, payment: str, outcome: str) -> Payment:
        """How it goes, once."""
        ...


class PaymentProvider(Protocol):
    """Begins, confirms and refunds payments. Every call may raise PaymentFault; all are safe to repeat."""

    name: str
    currencies: tuple[str, ...]
    test: bool
    """Whether no real money moves."""
    origins: tuple[str, ...]
    """Where its script and its frames come from; the order's page alone may load them."""

    async def begin(self, bill: Bill) -> Window: ...

    async def confirm(self, bill: Bill, query: Mapping[str, str]) -> Payment:
        """The payer came back with this query; nothing in it is believed that the provider does not tell us
        itself."""
        ...

    async def fetch(self, bill: Bill) -> Payment | None:
        """The payment of an order as it is now; None when the provider knows none."""
        ...

    async def refund(self, bill: Bill, reason: str) -> Payment: ...

    def hear(self, headers: Mapping[str, str], body: bytes, now: float) -> Heard | None:
        """Read a webhook; None for what is of no interest. PaymentFault `signature` for a forged one."""
        ...
