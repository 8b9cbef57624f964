"""The tables of paid messages, polls, effects, overlays and rooms' filters. Moments are milliseconds."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from madang.store.schema import metadata


def _channel(*, primary: bool = False) -> Column[str]:
    key = ForeignKey("channels.id", ondelete="CASCADE")
    return Column("channel", Text, key, primary_key=primary, nullable=False)


paid_orders = Table(
    "paid_orders",
    metadata,
    Column("id", Text, primary_key=True),
    _channel(),
    Column("user_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("payment", Text),
    Column("state", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("anonymous", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("paid_at", BigInteger),
    Column("shown_at", BigInteger),
    Column("pinned_until", BigInteger),
    Column("message", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("refunded", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("provider", "payment"),
    UniqueConstraint("channel", "user_id", "nonce"),
    Index("paid_orders_by_state", "state", "id"),
    Index("paid_orders_by_channel", "channel", "id"),
)
# The ledger outlives its channel: what was paid was paid.
paid_ledger = Table(
    "paid_ledger",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("payment", Text, nullable=False),
    Column("by_user", Text, nullable=False),
    Index("paid_ledger_by_channel", "channel", "id"),
)
paid_goals = Table(
    "paid_goals",
    metadata,
    _channel(primary=True),
    Column("title", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)
polls = Table(
    "polls",
    metadata,
    Column("id", Text, primary_key=True),
    _channel(),
    Column("title", Text, nullable=False),
    Column("choices", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("by_user", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    Column("ended_at", BigInteger),
    Index("polls_by_channel", "channel", "id"),
)
poll_votes = Table(
    "poll_votes",
    metadata,
    Column("id", Text, nullable=False, unique=True),
    Column("poll", Text, ForeignKey("polls.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("choice", Integer, nullable=False),
)
chat_extras = Table(
    "chat_extras",
    metadata,
    _channel(primary=True),
    Column("kind", Text, primary_key=True),
    Column("data", Text, nullable=False),
)
"""One row of JSON per kind: `filter`, `effects`, `overlay`."""
