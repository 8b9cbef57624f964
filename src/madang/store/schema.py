"""The tables. Plain types alone, so that a backup of SQLite goes into PostgreSQL and back."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

HEAD = "0006"
"""The newest migration; a test holds it against the files."""

# Rows of `changes`: what is kept in memory everywhere, what lets somebody in, the last place in the outbox.
DIRECTORY, ENTRIES, OUTBOX = 1, 2, 3

metadata = MetaData()
_CASCADE = "CASCADE"


def _channel(*, primary: bool = False, nullable: bool = False) -> Column[str]:
    key = ForeignKey("channels.id", ondelete=_CASCADE)
    return Column("channel", Text, key, primary_key=primary, nullable=nullable)


def _account(name: str = "account", *, primary: bool = False) -> Column[str]:
    key = ForeignKey("accounts.id", ondelete=_CASCADE)
    return Column(name, Text, key, primary_key=primary, nullable=False)


accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("skeleton", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("display_skeleton", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("avatar", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("last_seen_at", Float(53)),
)
avatars = Table(
    "avatars",
    metadata,
    _account(primary=True),
    Column("version", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    _account(),
    Column("created_at", Float(53), nullable=False),
    Column("last_seen_at", Float(53), nullable=False),
    Column("password_at", Float(53), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    Column("peer", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Index("sessions_by_account", "account"),
)
channels = Table(
    "channels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("skeleton", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("owner", Text, ForeignKey("accounts.id")),
    Column("preset", Text, nullable=False),
    Column("dvr_window_s", Integer, nullable=False),
    Column("reconnect_window_s", Integer, nullable=False),
    Column("play_tokens_from", Float(53), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("last_live_at", Float(53)),
)
slugs = Table("slugs", metadata, Column("slug", Text, primary_key=True), _channel())
links = Table(
    "links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("account", Text, ForeignKey("accounts.id", ondelete=_CASCADE)),
    Column("role", Text, nullable=False),
    _channel(nullable=True),
    Column("channel_role", Text),
    Column("note", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("created_by", Text),
    Column("expires_at", Float(53), nullable=False),
    Column("used_at", Float(53)),
)
members = Table(
    "members",
    metadata,
    _channel(primary=True),
    _account(primary=True),
    Column("role", Text, nullable=False),
    Column("since", Float(53), nullable=False),
    Column("until", Float(53)),
)
keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    _channel(),
    Column("name", Text, nullable=False),
    Column("mask", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("created_by", Text),
    Column("last_used_at", Float(53)),
    Column("expires_at", Float(53)),
    Column("revoked_at", Float(53)),
    Column("replaces", Text),
    Index("keys_by_channel", "channel", "id"),
)
tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("name", Text, nullable=False),
    Column("mask", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("expires_at", Float(53)),
    Column("last_used_at", Float(53)),
)
broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("broadcast", Text, nullable=False, unique=True),
    _channel(),
    Column("title", Text, nullable=False),
    Column("began_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    Column("end_reason", Text, nullable=False),
    Column("peak_viewers", Integer, nullable=False),
    Column("node", Text, nullable=False, server_default=""),
    Column("alive_at", Float(53), nullable=False, server_default="0"),
    Index("broadcasts_by_channel", "channel", "id"),
)
happenings = Table(
    "happenings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text),
    Column("actor", Text),
    Column("peer", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("happenings_by_channel", "channel", "id"),
)
kept = Table(
    "kept",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Float(53), nullable=False),
)
changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
