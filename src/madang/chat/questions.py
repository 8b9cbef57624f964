"""What nodes ask each other about rooms, and what they say to all; msgpack on the way."""

from typing import Final

import msgspec

from madang.chat.ports import Change
from madang.chat.words import Author
from madang.realtime.gate import Caller


class Enter(msgspec.Struct, frozen=True, tag=True):
    """Somebody subscribes: to the room, or to its moderators' channel."""

    channel: str
    caller: Caller
    nick: str = ""
    desk: bool = False


class Do(msgspec.Struct, frozen=True, tag=True):
    """A method of a room, by somebody whom the asking node let in."""

    channel: str
    caller: Caller
    nick: str
    method: str
    data: bytes


class Post(msgspec.Struct, frozen=True, tag=True):
    """A message that somebody paid for takes its place, with the changes of its commit."""

    channel: str
    id: str
    author: Author
    text: str
    paid: bytes
    """JSON."""
    changes: tuple[Change, ...]


class TakeDown(msgspec.Struct, frozen=True, tag=True):
    channel: str
    message: str
    by: str
    changes: tuple[Change, ...] = ()


class Part(msgspec.Struct, frozen=True, tag=True):
    """A part of the snapshot is another."""

    channel: str
    name: str
    value: bytes


class Keep(msgspec.Struct, frozen=True, tag=True):
    """Rows that belong to the room change, and nobody is told."""

    channel: str
    changes: tuple[Change, ...]


class People(msgspec.Struct, frozen=True, tag=True):
    """Who of yours is in this room?"""

    channel: str


Question = Enter | Do | Post | TakeDown | Part | Keep | People


class Present(msgspec.Struct, frozen=True, array_like=True):
    """Of one node in one room."""

    people: int
    viewers: int


class Here(msgspec.Struct, frozen=True, tag=True):
    """I live; these rooms I run; so many people I have in these."""

    led: tuple[str, ...]
    present: dict[str, Present]


class Left(msgspec.Struct, frozen=True, tag=True):
    """They left the room."""

    channel: str
    people: tuple[tuple[str, str], ...]
    """User and client."""


class Changed(msgspec.Struct, frozen=True, tag=True):
    """Rules that nodes keep in memory are others now: `filter`, `effects` of a channel, or `names` of all."""

    kind: str
    channel: str = ""


News = Here | Left | Changed
encode: Final = msgspec.msgpack.Encoder().encode
read_question: Final = msgspec.msgpack.Decoder(Question).decode
read_news: Final = msgspec.msgpack.Decoder(News).decode
read_people: Final = msgspec.msgpack.Decoder(list[tuple[Caller, str]]).decode
