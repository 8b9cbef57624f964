"""Between the log's rows and the room's words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from madang.chat.ports import Cell, Demand, Put, Set
from madang.chat.words import AuditEntry, Author, Message, Reply, Tombstone, encode

_read_author = msgspec.json.Decoder(Author).decode


class _Rest(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Of a message, what has no column of its own."""

    mentions: tuple[str, ...] = ()
    reply: Reply | None = None
    color: str = ""
    paid: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_read_rest = msgspec.json.Decoder(_Rest).decode


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is `ban` (a timeout is one that ends), `shadow` or `ip`; times in milliseconds."""

    channel: str
    kind: str
    subject: str
    """A user, or the digest of an address."""
    id: str
    name: str
    until: int | None
    reason: str
    by: str
    by_name: str
    at: int

    def lasts(self, now_ms: float) -> bool:
        return self.until is None or now_ms < self.until


def rest_of(message: Message) -> str:
    """The column `data`."""
    rest = _Rest(mentions=message.mentions, reply=message.reply, color=message.color, paid=message.paid)
    return encode(rest).decode()


def put_message(channel: str, message: Message, nonce: str) -> Put:
    return Put(
        "chat_messages",
        {
            "channel": channel,
            "seq": message.seq,
            "id": message.id,
            "at": message.at,
            "kind": message.kind,
            "user_id": message.user.id,
            "author": encode(message.user).decode(),
            "text": message.text,
            "data": rest_of(message),
            "nonce": nonce,
            "edited_at": None,
            "deleted_at": None,
            "deleted_by": "",
        },
    )


def message_of(row: Mapping[str, Any]) -> Message:
    """A row of `chat_messages` or of `chat_held`, where it has no place yet."""
    rest = _read_rest(row["data"])
    return Message(
        id=row["id"],
        seq=row.get("seq", 0),
        at=row["at"],
        kind=row.get("kind", "message"),
        user=_read_author(row["author"]),
        text=row["text"],
        mentions=rest.mentions,
        reply=rest.reply,
        color=rest.color,
        paid=rest.paid,
        edited_at=row.get("edited_at"),
    )


def shown(row: Mapping[str, Any], cuts: Mapping[str, int]) -> Message | Tombstone:
    """A row as everybody may see it."""
    hidden = row["deleted_at"] is not None
    if not hidden and row["kind"] != "paid":
        hidden = row["seq"] <= max(cuts.get("", 0), cuts.get(row["user_id"], 0))
    if hidden:
        return Tombstone(id=row["id"], seq=row["seq"], at=row["at"], kind=row["kind"])
    return message_of(row)


def put_held(channel: str, message: Message, nonce: str, reason: str, state: str) -> Put:
    return Put(
        "chat_held",
        {
            "id": message.id,
            "channel": channel,
            "at": message.at,
            "user_id": message.user.id,
            "author": encode(message.user).decode(),
            "text": message.text,
            "data": rest_of(message),
            "nonce": nonce,
            "reason": reason,
            "state": state,
            "by": "",
        },
    )


def set_text(channel: str, message: Message) -> Set:
    """A message with another text."""
    values: dict[str, Cell] = {
        "text": message.text,
        "edited_at": message.edited_at,
        "data": rest_of(message),
    }
    return Set("chat_messages", {"channel": channel, "id": message.id}, values)


def settle_held(message: str, state: str, by: str) -> tuple[Demand, Set]:
    """Of a message that still waits: nobody else has decided."""
    waits = Demand("chat_held", {"id": message, "state": "held"})
    return waits, Set("chat_held", {"id": message}, {"state": state, "by": by})


def put_ban(ban: Ban) -> Put:
    return Put("chat_bans", msgspec.structs.asdict(ban), ("channel", "kind", "subject"))


def put_cut(channel: str, user: str, through: int, at: int, by: str) -> Put:
    row: dict[str, Cell] = {"channel": channel, "user_id": user, "through": through, "at": at, "by": by}
    return Put("chat_cuts", row, ("channel", "user_id"))


def put_audit(channel: str, entry: AuditEntry) -> Put:
    return Put("chat_audit", {"channel": channel, **msgspec.structs.asdict(entry)})


def audit_of(row: Mapping[str, Any]) -> AuditEntry:
    return msgspec.convert({name: row[name] for name in AuditEntry.__struct_fields__}, AuditEntry)


def put_event(event: str, kind: str, channel: str, at_s: float, data: Mapping[str, Any]) -> Put:
    """Something for the outbox; the store gives it its number."""
    row: dict[str, Cell] = {
        "id": event,
        "kind": kind,
        "room": channel,
        "at": at_s,
        "data": encode(data).decode(),
    }
    return Put("outbox", row)
