"""What a newcomer of a room is shown: the newest messages that may be seen, each encoded once."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from madang.base.limits import CHAT_RECOVERY, CHAT_ROOM_MESSAGES, CHAT_SNAPSHOT_MESSAGES
from madang.chat.words import Message, Pin, Tombstone, encode

PAID = "paid"


class Kept:
    """One message in memory."""

    __slots__ = ("edits", "encoded", "message", "offset")

    def __init__(self, message: Message, offset: int = 0) -> None:
        self.message = message
        self.encoded = encode(message)
        self.offset = offset
        """Its place in the broker's stream; 0 when it is not there."""
        self.edits: tuple[int, ...] = ()
        """Where the events lie that told of its other texts."""


class View:
    """Messages by id, the eldest first; and where those that were deleted lie in the broker's stream."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._joined: bytes | None = None
        self._top = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, message: str) -> bool:
        return message in self._kept

    def get(self, message: str) -> Message | None:
        kept = self._kept.get(message)
        return kept.message if kept else None

    def edited(self, message: str, offset: int) -> None:
        """An event with another text of a message lies there."""
        kept = self._kept.get(message)
        if kept is not None:
            kept.edits = (*kept.edits, offset)

    def edits(self, message: str) -> tuple[int, ...]:
        kept = self._kept.get(message)
        return tuple(o for o in kept.edits if o > self._top - CHAT_RECOVERY) if kept else ()

    def answers(self, message: str) -> list[Message]:
        """Messages that quote this one."""
        found = (kept.message for kept in self._kept.values())
        return [one for one in found if one.reply is not None and one.reply.id == message and one.reply.text]

    def last_of(self, user: str) -> str:
        """The id of a user's newest message; empty without one."""
        mine = [kept.message.id for kept in self._kept.values() if kept.message.user.id == user]
        return mine[-1] if mine else ""

    def offset(self, message: str) -> int:
        kept = self._kept.get(message)
        return kept.offset if kept and kept.offset > self._top - CHAT_RECOVERY else 0

    def fill(self, messages: Iterable[Message]) -> None:
        """Begin with what the log has, the eldest first; known places in the stream are kept."""
        before = self._kept
        self._kept = {m.id: Kept(m) for m in messages}
        for name, kept in self._kept.items():
            if name in before:
                kept.offset, kept.edits = before[name].offset, before[name].edits
        self._joined = None

    def add(self, message: Message) -> Kept:
        """A new message; the eldest goes."""
        kept = self._kept[message.id] = Kept(message)
        if len(self._kept) > CHAT_ROOM_MESSAGES:
            del self._kept[next(iter(self._kept))]
        self._joined = None
        return kept

    def place(self, message: str, offset: int) -> None:
        """A message lies there in the broker's stream."""
        self._top = max(self._top, offset)
        kept = self._kept.get(message)
        if kept is not None:
            kept.offset = offset

    def displace(self) -> None:
        """The broker's stream is a new one, in which nothing of this lies."""
        for kept in self._kept.values():
            kept.offset, kept.edits = 0, ()
        self._top = 0

    def replace(self, message: Message) -> None:
        kept = self._kept.get(message.id)
        if kept is not None:
            kept.message, kept.encoded = message, encode(message)
            self._joined = None

    def remove(self, message: str) -> None:
        if self._kept.pop(message, None) is not None:
            self._joined = None

    def hidden_by(self, through: int, user: str = "") -> list[Message]:
        """What a cut hides: all up to `through`, of one user or of everybody, but what was paid."""
        return [
            kept.message
            for kept in self._kept.values()
            if kept.message.seq <= through
            and kept.message.kind != PAID
            and (not user or kept.message.user.id == user)
        ]

    def newest(self) -> bytes:
        """The newest messages as a JSON array."""
        if self._joined is None:
            last = [kept.encoded for kept in self._kept.values()][-CHAT_SNAPSHOT_MESSAGES:]
            self._joined = b"[" + b",".join(last) + b"]"
        return self._joined


def unquoted(message: Message) -> Message:
    """A message that answered one which is gone: whom it answered stays, the quoted text goes."""
    if message.reply is None:
        return message
    return msgspec.structs.replace(message, reply=msgspec.structs.replace(message.reply, text=""))


def without(pins: tuple[Pin, ...], gone: Collection[str]) -> tuple[Pin, ...]:
    """Pins but of messages that are gone, and without quotes of these."""
    return tuple(
        msgspec.structs.replace(pin, message=unquoted(pin.message))
        if pin.message.reply is not None and pin.message.reply.id in gone
        else pin
        for pin in pins
        if pin.id not in gone
    )


def tombstone(message: Message) -> bytes:
    return encode(Tombstone(id=message.id, seq=message.seq, at=message.at, kind=message.kind))


def is_cut(message: Message, cuts: Mapping[str, int]) -> bool:
    """Whether a clear or a purge hides it; "" stands for the whole room."""
    if message.kind == PAID:
        return False
    return message.seq <= max(cuts.get("", 0), cuts.get(message.user.id, 0))
