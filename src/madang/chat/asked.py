"""What callers may ask of a room, as it stands on the wire, and what nodes tell each other of it."""

from typing import Annotated, Final

import msgspec

from madang.base.roles import ChannelRole
from madang.chat import refusals
from madang.realtime.ports import Joined, SubscribeReply
from madang.realtime.publication import Position

_DATA_BYTES: Final = 16 * 1024
Text = Annotated[str, msgspec.Meta(max_length=256)]
Count = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Entering(msgspec.Struct, frozen=True):
    """What a subscribe may carry."""

    nick: Text = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of all methods; each uses its own."""

    channel: Text
    text: str | None = None
    nonce: str = ""
    reply_to: Text = ""
    action: bool = False
    id: Text = ""
    ids: Annotated[list[Text], msgspec.Meta(max_length=100)] = []
    user: Text = ""
    reason: str = ""
    duration_s: int | None = None
    ip: bool = False
    color: str | int = "primary"
    preset: Text = ""
    role: ChannelRole | None = None
    until: float | None = None
    nick: str = ""
    before: int | None = None
    cursor: str | None = None
    limit: Count = 50
    page: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Relayed(msgspec.Struct, frozen=True, array_like=True):
    """A snapshot on its way to another node, as JSON: a room without messages, and these."""

    state: bytes
    messages: bytes


class Named(msgspec.Struct):
    name: str = ""


carry = msgspec.msgpack.Encoder().encode
_read_relayed = msgspec.msgpack.Decoder(Relayed).decode
read_named = msgspec.json.Decoder(Named).decode
_entering = msgspec.json.Decoder(Entering).decode
_asked = msgspec.json.Decoder(Asked).decode


def relayed(answer: bytes, since: Position) -> SubscribeReply:
    """A reply with a snapshot that another node made after the channel had come to `since`."""
    kept = _read_relayed(answer)

    def snapshot(joined: Joined) -> bytes:
        return kept.state if joined.recovered else kept.state[:-1] + b',"messages":' + kept.messages + b"}"

    return SubscribeReply(snapshot=snapshot, since=since)


def read_entering(data: bytes) -> Entering:
    if not data or len(data) > _DATA_BYTES:
        return Entering()
    try:
        return _entering(data)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return Entering()


def read_asked(data: bytes) -> Asked:
    if len(data) > _DATA_BYTES:
        raise refusals.invalid("data")
    try:
        return _asked(data)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise refusals.invalid("data") from error
