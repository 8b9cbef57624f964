"""The server API in Protobuf, as its gRPC door speaks it: requests in, results out.

Field numbers are those of the public schema, `internal/apiproto/api.proto`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_API_COMMANDS, REALTIME_API_KEY_BYTES
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.messages import StreamPosition, raw
from madang.protocols.centrifugo.wire import Codec, Field, Kind, pieces, tagged
from madang.realtime import api_requests as asked
from madang.realtime.api_methods import Form
from madang.realtime.api_requests import Asked
from madang.realtime.ports import BAD_REQUEST, METHOD_NOT_FOUND, ReplyError
from madang.realtime.publication import Publication

SERVICE: Final = "centrifugal.centrifugo.api.CentrifugoApi"
NAMES: Final[Mapping[str, str]] = {
    "Publish": "publish",
    "Broadcast": "broadcast",
    "Subscribe": "subscribe",
    "Unsubscribe": "unsubscribe",
    "Disconnect": "disconnect",
    "Presence": "presence",
    "PresenceStats": "presence_stats",
    "History": "history",
    "HistoryRemove": "history_remove",
    "Info": "info",
    "RPC": "rpc",
    "Refresh": "refresh",
    "Channels": "channels",
    "Connections": "connections",
    "BlockUser": "block_user",
    "UnblockUser": "unblock_user",
    "RevokeToken": "revoke_token",
    "InvalidateUserTokens": "invalidate_user_tokens",
}
"""The service's methods and ours."""
_IN_BATCH: Final[Mapping[int, str]] = {
    4: "publish",
    5: "broadcast",
    6: "subscribe",
    7: "unsubscribe",
    8: "disconnect",
    9: "presence",
    10: "presence_stats",
    11: "history",
    12: "history_remove",
    13: "info",
    14: "rpc",
    15: "refresh",
    16: "channels",
    17: "connections",
    21: "block_user",
    22: "unblock_user",
    23: "revoke_token",
    24: "invalidate_user_tokens",
}
"""Fields of a Command and of a Reply."""
_REPLY_FIELD: Final = {method: number for number, method in _IN_BATCH.items()}
_SHORT: Final = ("idempotency_key", "version_epoch", "uid")


class _Position(msgspec.Struct, frozen=True):
    offset: int = 0
    epoch: str = ""


class _Node(msgspec.Struct, frozen=True):
    uid: str = ""
    name: str = ""
    version: str = ""
    num_clients: int = 0
    num_users: int = 0
    num_channels: int = 0
    num_subs: int = 0


class _Count(msgspec.Struct, frozen=True):
    num_clients: int = 0


class _Channels(msgspec.Struct, frozen=True):
    channels: dict[str, _Count]


class _State(msgspec.Struct, frozen=True):
    channels: dict[str, m.Empty]
    meta: Raw = m.NONE


class _Connection(msgspec.Struct, frozen=True, kw_only=True):
    app_name: str = ""
    app_version: str = ""
    transport: str = ""
    protocol: str = ""
    user: str = ""
    state: _State | None = None


class _Connections(msgspec.Struct, frozen=True):
    connections: dict[str, _Connection]


class _Publication(msgspec.Struct, frozen=True):
    data: Raw
    info: m.ClientInfo | None
    offset: int
    tags: dict[str, str]


class _Error(msgspec.Struct, frozen=True):
    code: int
    message: str


def _text(name: str) -> Field:
    return Field(name, Kind.TEXT)


_CHANNEL: Final = {1: _text("channel")}
_PUBLICATION: Final = {
    2: Field("data", Kind.BYTES),
    3: _text("b64data"),
    4: Field("skip_history", Kind.FLAG),
    5: Field("tags", Kind.TEXTS),
    6: _text("idempotency_key"),
    7: Field("delta", Kind.FLAG),
    8: Field("version", Kind.NUMBER),
    9: _text("version_epoch"),
}
_OVERRIDES: Final = ("presence", "join_leave", "force_recovery", "force_positioning", "force_push_join_leave")
_TABLES: Final[Mapping[type[msgspec.Struct], Mapping[int, Field]]] = {
    asked.Publish: {**_CHANNEL, **_PUBLICATION},
    asked.Broadcast: {1: Field("channels", Kind.TEXT_LIST), **_PUBLICATION},
    asked.Subscribe: {
        **_CHANNEL,
        2: _text("user"),
        3: Field("expire_at", Kind.LONG),
        4: Field("info", Kind.BYTES),
        5: _text("b64info"),
        6: _text("client"),
        7: Field("data", Kind.BYTES),
        8: _text("b64data"),
        9: Field("recover_since", Kind.MESSAGE, StreamPosition),
        10: Field("override", Kind.MESSAGE, asked.Override),
        11: _text("session"),
    },
    StreamPosition: {1: Field("offset", Kind.NUMBER), 2: _text("epoch")},
    asked.Override: {
        number: Field(name, Kind.MESSAGE, asked.Boxed) for number, name in enumerate(_OVERRIDES, 1)
    },
    asked.Boxed: {1: Field("value", Kind.FLAG)},
    asked.Unsubscribe: {**_CHANNEL, 2: _text("user"), 3: _text("client"), 4: _text("session")},
    asked.Disconnect: {
        1: _text("user"),
        2: Field("disconnect", Kind.MESSAGE, asked.Reason),
        3: _text("client"),
        4: Field("whitelist", Kind.TEXT_LIST),
        5: _text("session"),
    },
    asked.Reason: {1: Field("code", Kind.NUMBER), 2: _text("reason")},
    asked.Channel: _CHANNEL,
    asked.History: {
        **_CHANNEL,
        2: Field("limit", Kind.SIGNED),
        3: Field("since", Kind.MESSAGE, StreamPosition),
        4: Field("reverse", Kind.FLAG),
    },
    asked.Refresh: {
        1: _text("user"),
        2: _text("client"),
        3: Field("expired", Kind.FLAG),
        4: Field("expire_at", Kind.LONG),
        5: Field("info", Kind.BYTES),
        6: _text("session"),
    },
    asked.Channels: {1: _text("pattern")},
    asked.Nothing: {},
    asked.Rpc: {1: _text("method"), 2: Field("params", Kind.BYTES)},
    asked.Connections: {1: _text("user"), 2: _text("expression")},
    asked.Block: {1: Field("expire_at", Kind.LONG), 2: _text("user")},
    asked.Unblock: {1: _text("user")},
    asked.Revoke: {1: Field("expire_at", Kind.LONG), 2: _text("uid")},
    asked.Invalidate: {
        1: Field("expire_at", Kind.LONG),
        2: _text("user"),
        3: Field("issued_before", Kind.LONG),
        4: _text("channel"),
    },
    _Error: {1: Field("code", Kind.NUMBER), 2: _text("message")},
    _Position: {1: Field("offset", Kind.NUMBER), 2: _text("epoch")},
    m.Empty: {},
    m.ClientInfo: {
        1: _text("user"),
        2: _text("client"),
        3: Field("conn_info", Kind.BYTES),
        4: Field("chan_info", Kind.BYTES),
    },
    m.PresenceResult: {1: Field("presence", Kind.MESSAGES, m.ClientInfo)},
    m.PresenceStatsResult: {1: Field("num_clients", Kind.NUMBER), 2: Field("num_users", Kind.NUMBER)},
    _Publication: {
        2: Field("data", Kind.BYTES),
        3: Field("info", Kind.MESSAGE, m.ClientInfo),
        4: Field("offset", Kind.NUMBER),
        5: Field("tags", Kind.TEXTS),
    },
    m.HistoryResult: {
        1: Field("publications", Kind.PIECES),
        2: _text("epoch"),
        3: Field("offset", Kind.NUMBER),
    },
    m.RpcResult: {1: Field("data", Kind.BYTES)},
    _Node: {
        1: _text("uid"),
        2: _text("name"),
        3: _text("version"),
        4: Field("num_clients", Kind.NUMBER),
        5: Field("num_users", Kind.NUMBER),
        6: Field("num_channels", Kind.NUMBER),
        10: Field("num_subs", Kind.NUMBER),
    },
    _Count: {1: Field("num_clients", Kind.NUMBER)},
    _Channels: {1: Field("channels", Kind.MESSAGES, _Count)},
    _State: {1: Field("channels", Kind.MESSAGES, m.Empty), 4: Field("meta", Kind.BYTES)},
    _Connection: {
        1: _text("app_name"),
        2: _text("app_version"),
        3: _text("transport"),
        4: _text("protocol"),
        8: _text("user"),
        9: Field("state", Kind.MESSAGE, _State),
    },
    _Connections: {1: Field("connections", Kind.MESSAGES, _Connection)},
}
_CODEC: Final = Codec(_TABLES)


class BinaryForm(Form):
    """Data in results as they are."""

    def data(self, data: bytes) -> Raw:
        return raw(data)

    def publications(self, publications: Sequence[Publication]) -> Raw:
        return Raw(b"".join(tagged(1, _publication(each)) for each in publications))


def _publication(publication: Publication) -> bytes:
    info = publication.info
    told = (
        m.ClientInfo(info.user, info.client, raw(info.conn_info), raw(info.chan_info))
        if info is not None
        else None
    )
    return _CODEC.encode(
        _Publication(raw(publication.data), told, publication.offset, dict(publication.tags))
    )


# --- requests --------------------------------------------------------------------------------------------


def parse(method: str, body: bytes) -> Asked:
    """A request of one of our methods. Raises PeerError "3501"."""
    request = _CODEC.decode(asked.KINDS[method], body)
    too_long = any(len(getattr(request, name, "")) > REALTIME_API_KEY_BYTES for name in _SHORT)
    if too_long or getattr(request, "uid", "-") == "":
        return Asked(method, BAD_REQUEST)
    return Asked(method, request)


def parse_batch(body: bytes) -> tuple[list[Asked], bool]:
    """Commands, and whether they may go side by side. Raises PeerError "3501"."""
    commands = [_command(one) for number, one in pieces(body) if number == 1]
    if len(commands) > REALTIME_API_COMMANDS:
        raise PeerError("3501", "too many commands")
    return commands, _CODEC_OF_BATCH.decode(_Batch, body).parallel


def _command(body: bytes) -> Asked:
    for number, request in pieces(body):
        if number in _IN_BATCH:
            return parse(_IN_BATCH[number], request)
    return Asked("", METHOD_NOT_FOUND)


class _Batch(msgspec.Struct, frozen=True):
    parallel: bool = False


_CODEC_OF_BATCH: Final = Codec({_Batch: {2: Field("parallel", Kind.FLAG)}})


# --- results ---------------------------------------------------------------------------------------------


def encode(method: str, outcome: object) -> bytes:
    """A response: its error is field 1, its result field 2."""
    if isinstance(outcome, ReplyError):
        return tagged(1, _error(outcome))
    return tagged(2, _result(method, outcome))


def encode_batch(commands: Sequence[Asked], outcomes: Sequence[object]) -> bytes:
    """The response of a batch."""
    replies = []
    for command, outcome in zip(commands, outcomes, strict=True):
        if isinstance(outcome, ReplyError):
            reply = tagged(2, _error(outcome))
        else:
            reply = tagged(_REPLY_FIELD[command.method], _result(command.method, outcome))
        replies.append(tagged(1, reply))
    return b"".join(replies)


def _error(error: ReplyError) -> bytes:
    return _CODEC.encode(_Error(error.number, error.message))


def _result(method: str, result: Any) -> bytes:
    write = _WRITERS.get(method)
    return _CODEC.encode(result) if write is None else write(result)


def _position(result: Any) -> bytes:
    return _CODEC.encode(_Position(**result)) if isinstance(result, dict) else b""


def _responses(result: Any) -> bytes:
    found = []
    for one in result["responses"]:
        error = one.get("error")
        body = tagged(2, _position(one.get("result")))
        found.append(tagged(1, body if error is None else tagged(1, _CODEC.encode(_Error(**error)))))
    return b"".join(found)


def _nodes(result: Any) -> bytes:
    return b"".join(tagged(1, _CODEC.encode(_Node(**node))) for node in result["nodes"])


def _channels(result: Any) -> bytes:
    return _CODEC.encode(_Channels({name: _Count(**one) for name, one in result["channels"].items()}))


def _connections(result: Any) -> bytes:
    found = {}
    for client, one in result["connections"].items():
        state = one["state"]
        told = _State({channel: m.Empty() for channel in state["channels"]}, state.get("meta", m.NONE))
        found[client] = _Connection(**{**one, "state": told})
    return _CODEC.encode(_Connections(found))


_WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "publish": _position,
    "broadcast": _responses,
    "info": _nodes,
    "channels": _channels,
    "connections": _connections,
}
