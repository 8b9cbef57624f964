"""The tables of the crowd: follows, chat, outbox, webhooks. Moments in `chat_` tables are milliseconds."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from madang.store.schema import metadata

_CASCADE = "CASCADE"


def _channel(*, primary: bool = False, nullable: bool = False) -> Column[str]:
    key = ForeignKey("channels.id", ondelete=_CASCADE)
    return Column("channel", Text, key, primary_key=primary, nullable=nullable)


follows = Table(
    "follows",
    metadata,
    Column("id", Text, primary_key=True),
    _channel(),
    Column("account", Text, ForeignKey("accounts.id", ondelete=_CASCADE), nullable=False),
    Column("since", Float(53), nullable=False),
    UniqueConstraint("channel", "account"),
    Index("follows_by_account", "account", "id"),
)
chat_rooms = Table(
    "chat_rooms",
    metadata,
    _channel(primary=True),
    Column("settings", Text, nullable=False),
    Column("pins", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("held_until", BigInteger, nullable=False),
)
chat_messages = Table(
    "chat_messages",
    metadata,
    _channel(primary=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("edited_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("deleted_by", Text, nullable=False),
    Index("chat_messages_by_time", "channel", "at"),
    Index("chat_messages_by_user", "channel", "user_id", "seq"),
    Index("chat_messages_of_user", "user_id"),
)
chat_cuts = Table(
    "chat_cuts",
    metadata,
    _channel(primary=True),
    Column("user_id", Text, primary_key=True),
    Column("through", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
)
chat_bans = Table(
    "chat_bans",
    metadata,
    _channel(primary=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("until", BigInteger),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
chat_held = Table(
    "chat_held",
    metadata,
    Column("id", Text, primary_key=True),
    _channel(),
    Column("at", BigInteger, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("by", Text, nullable=False),
    Index("chat_held_by_state", "channel", "state", "id"),
)
chat_audit = Table(
    "chat_audit",
    metadata,
    Column("id", Text, primary_key=True),
    _channel(),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("target_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("duration_s", Integer),
    Column("message", Text, nullable=False),
    Index("chat_audit_by_channel", "channel", "id"),
    Index("chat_audit_by_target", "channel", "target", "id"),
)
outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("data", Text, nullable=False),
    Index("outbox_by_room", "room", "seq"),
)
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    _channel(nullable=True),
    Column("url", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("created_by", Text),
)
webhook_cursors = Table(
    "webhook_cursors",
    metadata,
    Column("webhook", Text, ForeignKey("webhooks.id", ondelete=_CASCADE), primary_key=True),
    Column("room", Text, primary_key=True),
    Column("outbox_seq", BigInteger, nullable=False),
    Column("log_seq", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Float(53), nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("last_at", Float(53)),
    Column("last_status", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
)
realtime_bans = Table(
    "realtime_bans",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("until", Float(53), nullable=False),
    Column("issued_before", Float(53), nullable=False),
)
