"""What nodes tell each other: commands that target users, emulated commands, and questions to all
(surveys)."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from madang.realtime.gate import ServerSubscription
from madang.realtime.poll_items import Value
from madang.realtime.ports import Refreshed, Target


class Told(msgspec.Struct, frozen=True, tag_field="t"):
    """One message between nodes."""


class DisconnectTold(Told, frozen=True, tag="disconnect"):
    target: Target
    code: int
    reason: str


class UnsubscribeTold(Told, frozen=True, tag="unsubscribe"):
    target: Target
    channel: str
    code: int
    reason: str


class SubscribeTold(Told, frozen=True, tag="subscribe"):
    target: Target
    channel: str
    subscription: ServerSubscription
    recover: Any = None
    """[offset, epoch] to recover from."""


class RefreshTold(Told, frozen=True, tag="refresh"):
    target: Target
    refreshed: Refreshed


class BlockTold(Told, frozen=True, tag="block"):
    """Of whom connections are refused until then; 0 unblocks."""

    user: str
    until: float
    issued_before: float = 0.0
    """Only tokens that were issued before."""


class RevokeTold(Told, frozen=True, tag="revoke"):
    """A token, by its `jti`, that nobody may connect with until then."""

    token_id: str
    until: float


class PollTold(Told, frozen=True, tag="poll"):
    """A value of a shared poll that was published; versions are the backend's, within this epoch."""

    channel: str
    value: Value
    epoch: str


class EmulationTold(Told, frozen=True, tag="emulation"):
    session: str
    data: bytes


class AskTold(Told, frozen=True, tag="ask"):
    """A question to all nodes: `info`, `channels` or `connections`."""

    number: int
    kind: str
    about: str = ""


class AnswerTold(Told, frozen=True, tag="answer"):
    number: int
    data: bytes
    """JSON."""


class CallTold(Told, frozen=True, tag="call"):
    """A question of a room above to the same room of this node."""

    number: int
    topic: str
    data: bytes


class Fault(msgspec.Struct, frozen=True):
    """A ReplyError or, where it `ends` the connection, a Disconnect that travels."""

    number: int
    message: str
    temporary: bool = False
    ends: bool = False


class ReturnTold(Told, frozen=True, tag="return"):
    """The answer to a call."""

    number: int
    data: bytes
    fault: Fault | None = None


class NewsTold(Told, frozen=True, tag="news"):
    """What a room above tells the same room of all nodes."""

    topic: str
    data: bytes


AnyTold = (
    DisconnectTold
    | UnsubscribeTold
    | SubscribeTold
    | RefreshTold
    | BlockTold
    | RevokeTold
    | PollTold
    | EmulationTold
    | AskTold
    | AnswerTold
    | CallTold
    | ReturnTold
    | NewsTold
)
_DECODER: Final[msgspec.msgpack.Decoder[AnyTold]] = msgspec.msgpack.Decoder(AnyTold)
_ENCODER: Final = msgspec.msgpack.Encoder()
Hear = Callable[[str, AnyTold], None]


def encode(told: AnyTold) -> bytes:
    return _ENCODER.encode(told)


def decode(message: bytes) -> AnyTold | None:
    """None for a message of another version of the server."""
    try:
        return _DECODER.decode(message)
    except msgspec.MsgspecError:
        return None
