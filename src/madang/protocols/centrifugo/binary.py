"""The Protobuf of the protocol: commands in, replies and pushes out, each behind its length.

Field numbers are those of the public schema, `centrifugal/protocol/definitions/client.proto`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.wire import Codec, Field, Kind, read_varint, tagged, varint

PING: Final = b"\x00"

_POSITION: Final = {1: Field("offset", Kind.NUMBER), 2: Field("epoch", Kind.TEXT)}
_CHANNEL: Final = {1: Field("channel", Kind.TEXT)}
_INFO: Final = {
    1: Field("user", Kind.TEXT),
    2: Field("client", Kind.TEXT),
    3: Field("conn_info", Kind.BYTES),
    4: Field("chan_info", Kind.BYTES),
}
_SUBSCRIBE: Final = {
    1: Field("channel", Kind.TEXT),
    2: Field("token", Kind.TEXT),
    3: Field("recover", Kind.FLAG),
    6: Field("epoch", Kind.TEXT),
    7: Field("offset", Kind.NUMBER),
    8: Field("data", Kind.BYTES),
    9: Field("positioned", Kind.FLAG),
    10: Field("recoverable", Kind.FLAG),
    11: Field("join_leave", Kind.FLAG),
    12: Field("delta", Kind.TEXT),
    13: Field("tf", Kind.MESSAGE, m.FilterNode),
    14: Field("flag", Kind.NUMBER),
    15: Field("type", Kind.SIGNED),
    16: Field("phase", Kind.SIGNED),
    17: Field("cursor", Kind.TEXT),
    18: Field("limit", Kind.SIGNED),
    19: Field("asc", Kind.FLAG),
}
_CONNECT: Final = {
    1: Field("token", Kind.TEXT),
    2: Field("data", Kind.BYTES),
    3: Field("subs", Kind.MESSAGES, m.SubscribeRequest),
    4: Field("name", Kind.TEXT),
    5: Field("version", Kind.TEXT),
    6: Field("headers", Kind.TEXTS),
    7: Field("flag", Kind.NUMBER),
}
_COMMAND: Final = {
    1: Field("id", Kind.NUMBER),
    4: Field("connect", Kind.MESSAGE, m.ConnectRequest),
    5: Field("subscribe", Kind.MESSAGE, m.SubscribeRequest),
    6: Field("unsubscribe", Kind.MESSAGE, m.ChannelRequest),
    7: Field("publish", Kind.MESSAGE, m.PublishRequest),
    8: Field("presence", Kind.MESSAGE, m.ChannelRequest),
    9: Field("presence_stats", Kind.MESSAGE, m.ChannelRequest),
    10: Field("history", Kind.MESSAGE, m.HistoryRequest),
    11: Field("ping", Kind.MESSAGE, m.Empty),
    12: Field("send", Kind.MESSAGE, m.SendRequest),
    13: Field("rpc", Kind.MESSAGE, m.RpcRequest),
    14: Field("refresh", Kind.MESSAGE, m.RefreshRequest),
    15: Field("sub_refresh", Kind.MESSAGE, m.SubRefreshRequest),
}
_FILTER: Final = {
    1: Field("op", Kind.TEXT),
    2: Field("key", Kind.TEXT),
    3: Field("cmp", Kind.TEXT),
    4: Field("val", Kind.TEXT),
    5: Field("vals", Kind.TEXT_LIST),
    6: Field("nodes", Kind.MESSAGE_LIST, m.FilterNode),
}
_SUBSCRIBE_RESULT: Final = {
    1: Field("expires", Kind.FLAG),
    2: Field("ttl", Kind.NUMBER),
    3: Field("recoverable", Kind.FLAG),
    6: Field("epoch", Kind.TEXT),
    7: Field("publications", Kind.PIECES),
    8: Field("recovered", Kind.FLAG),
    9: Field("offset", Kind.NUMBER),
    10: Field("positioned", Kind.FLAG),
    11: Field("data", Kind.BYTES),
    12: Field("was_recovering", Kind.FLAG),
    13: Field("delta", Kind.FLAG),
    15: Field("type", Kind.SIGNED),
    16: Field("phase", Kind.SIGNED),
    17: Field("cursor", Kind.TEXT),
    18: Field("state", Kind.PIECES),
    19: Field("publish_debounce", Kind.NUMBER),
}
_CONNECT_RESULT: Final = {
    1: Field("client", Kind.TEXT),
    2: Field("version", Kind.TEXT),
    3: Field("expires", Kind.FLAG),
    4: Field("ttl", Kind.NUMBER),
    5: Field("data", Kind.BYTES),
    6: Field("subs", Kind.MESSAGES, m.SubscribeResult),
    7: Field("ping", Kind.NUMBER),
    8: Field("pong", Kind.FLAG),
    9: Field("session", Kind.TEXT),
    10: Field("node", Kind.TEXT),
    11: Field("time", Kind.NUMBER),
}
_CONNECT_PUSH: Final = {
    1: Field("client", Kind.TEXT),
    2: Field("version", Kind.TEXT),
    3: Field("data", Kind.BYTES),
    4: Field("subs", Kind.MESSAGES, m.SubscribeResult),
    5: Field("expires", Kind.FLAG),
    6: Field("ttl", Kind.NUMBER),
    7: Field("ping", Kind.NUMBER),
    8: Field("pong", Kind.FLAG),
    9: Field("session", Kind.TEXT),
    10: Field("node", Kind.TEXT),
    11: Field("time", Kind.NUMBER),
}
_REPLY: Final = {
    1: Field("id", Kind.NUMBER),
    2: Field("error", Kind.MESSAGE, m.Error),
    5: Field("connect", Kind.MESSAGE, m.ConnectResult),
    6: Field("subscribe", Kind.MESSAGE, m.SubscribeResult),
    7: Field("unsubscribe", Kind.MESSAGE, m.Empty),
    8: Field("publish", Kind.MESSAGE, m.Empty),
    9: Field("presence", Kind.MESSAGE, m.PresenceResult),
    10: Field("presence_stats", Kind.MESSAGE, m.PresenceStatsResult),
    11: Field("history", Kind.MESSAGE, m.HistoryResult),
    13: Field("rpc", Kind.MESSAGE, m.RpcResult),
    14: Field("refresh", Kind.MESSAGE, m.RefreshResult),
    15: Field("sub_refresh", Kind.MESSAGE, m.SubRefreshResult),
}
_PUSH: Final = {
    2: Field("channel", Kind.TEXT),
    5: Field("join", Kind.MESSAGE, m.JoinLeave),
    6: Field("leave", Kind.MESSAGE, m.JoinLeave),
    7: Field("unsubscribe", Kind.MESSAGE, m.Unsubscribe),
    8: Field("message", Kind.MESSAGE, m.MessagePush),
    9: Field("subscribe", Kind.MESSAGE, m.Subscribe),
    10: Field("connect", Kind.MESSAGE, m.ConnectPush),
    11: Field("disconnect", Kind.MESSAGE, m.DisconnectPush),
    12: Field("refresh", Kind.MESSAGE, m.RefreshPush),
}
_TTL: Final = {1: Field("expires", Kind.FLAG), 2: Field("ttl", Kind.NUMBER)}
_CODEC: Final = Codec(
    {
        m.Command: _COMMAND,
        m.ConnectRequest: _CONNECT,
        m.SubscribeRequest: _SUBSCRIBE,
        m.ChannelRequest: _CHANNEL,
        m.PublishRequest: {
            **_CHANNEL,
            2: Field("data", Kind.BYTES),
            3: Field("type", Kind.SIGNED),
            4: Field("key", Kind.TEXT),
            5: Field("removed", Kind.FLAG),
        },
        m.StreamPosition: _POSITION,
        m.HistoryRequest: {
            **_CHANNEL,
            7: Field("limit", Kind.SIGNED),
            8: Field("since", Kind.MESSAGE, m.StreamPosition),
            9: Field("reverse", Kind.FLAG),
        },
        m.Empty: {},
        m.SendRequest: {1: Field("data", Kind.BYTES)},
        m.RpcRequest: {1: Field("data", Kind.BYTES), 2: Field("method", Kind.TEXT)},
        m.RefreshRequest: {1: Field("token", Kind.TEXT)},
        m.SubRefreshRequest: {
            **_CHANNEL,
            2: Field("token", Kind.TEXT),
            3: Field("type", Kind.SIGNED),
            4: Field("track", Kind.MESSAGE_LIST, m.TrackBatch),
            5: Field("untrack", Kind.TEXT_LIST),
        },
        m.TrackBatch: {
            1: Field("signature", Kind.TEXT),
            2: Field("items", Kind.MESSAGE_LIST, m.KeyedItem),
        },
        m.KeyedItem: {1: Field("key", Kind.TEXT), 2: Field("version", Kind.NUMBER)},
        m.FilterNode: _FILTER,
        m.Reply: _REPLY,
        m.Error: {
            1: Field("code", Kind.NUMBER),
            2: Field("message", Kind.TEXT),
            3: Field("temporary", Kind.FLAG),
        },
        m.ConnectResult: _CONNECT_RESULT,
        m.ConnectPush: _CONNECT_PUSH,
        m.SubscribeResult: _SUBSCRIBE_RESULT,
        m.ClientInfo: _INFO,
        m.PresenceResult: {1: Field("presence", Kind.MESSAGES, m.ClientInfo)},
        m.PresenceStatsResult: {1: Field("num_clients", Kind.NUMBER), 2: Field("num_users", Kind.NUMBER)},
        m.HistoryResult: {
            1: Field("publications", Kind.PIECES),
            2: Field("epoch", Kind.TEXT),
            3: Field("offset", Kind.NUMBER),
        },
        m.RpcResult: {1: Field("data", Kind.BYTES)},
        m.RefreshResult: {
            1: Field("client", Kind.TEXT),
            2: Field("version", Kind.TEXT),
            3: Field("expires", Kind.FLAG),
            4: Field("ttl", Kind.NUMBER),
        },
        m.SubRefreshResult: {**_TTL, 3: Field("items", Kind.PIECES)},
        m.Push: _PUSH,
        m.JoinLeave: {1: Field("info", Kind.MESSAGE, m.ClientInfo)},
        m.Unsubscribe: {2: Field("code", Kind.NUMBER), 3: Field("reason", Kind.TEXT)},
        m.Subscribe: {
            1: Field("recoverable", Kind.FLAG),
            4: Field("epoch", Kind.TEXT),
            5: Field("offset", Kind.NUMBER),
            6: Field("positioned", Kind.FLAG),
            7: Field("data", Kind.BYTES),
        },
        m.MessagePush: {1: Field("data", Kind.BYTES)},
        m.DisconnectPush: {
            1: Field("code", Kind.NUMBER),
            2: Field("reason", Kind.TEXT),
            3: Field("reconnect", Kind.FLAG),
        },
        m.RefreshPush: _TTL,
        m.EmulationRequest: {1: Field("node", Kind.TEXT), 2: Field("session", Kind.TEXT)},
    }
)


def split(message: bytes) -> Iterator[bytes]:
    """The messages of a stream of varint length and bytes. Raises PeerError "3501"."""
    at, end = 0, len(message)
    if not end:
        raise PeerError("3501", "empty message")
    while at < end:
        size, at = read_varint(message, at, end)
        if size > end - at:
            raise PeerError("3501", "message ends inside a command")
        yield message[at : at + size]
        at += size


def parse_commands(message: bytes) -> Iterator[m.Command]:
    """The commands of one message. Raises PeerError "3501"."""
    for body in split(message):
        yield _CODEC.decode(m.Command, body)


def parse_emulation(body: bytes) -> tuple[str, str, bytes]:
    """Node, session and data of an emulation request. Raises PeerError "400"."""
    try:
        request = _CODEC.decode(m.EmulationRequest, body)
        return request.node, request.session, _emulated(body)
    except PeerError as error:
        raise PeerError("400", error.reason) from None


def _emulated(body: bytes) -> bytes:
    """Field 3, whose bytes are no text."""
    at, end, found = 0, len(body), b""
    while at < end:
        tag, at = read_varint(body, at, end)
        size, at = read_varint(body, at, end)
        if tag & 7 == 2:
            if tag >> 3 == 3:
                found = body[at : at + size]
            at += size
    return found


def encode_command(command: m.Command) -> bytes:
    """A command behind its length, as clients send it."""
    return delimited(_CODEC.encode(command))


def encode_reply(reply: m.Reply) -> bytes:
    """A reply without its length."""
    return _CODEC.encode(reply)


def encode_push(push: m.Push) -> bytes:
    """A reply that is a push, without its length."""
    return tagged(4, _CODEC.encode(push))


def encode_bare_push(push: m.Push) -> bytes:
    """A push as a unidirectional client gets it, without a length."""
    if push.connect is not None:
        connect = m.ConnectPush(**msgspec.structs.asdict(push.connect))
        push = msgspec.structs.replace(push, connect=connect)
    return _CODEC.encode(push)


def parse_connect(body: bytes) -> m.ConnectRequest:
    """A unidirectional client's request. Raises PeerError "3501"."""
    return _CODEC.decode(m.ConnectRequest, body)


def encode_info(user: str, client: str, conn_info: bytes, chan_info: bytes) -> bytes:
    return _CODEC.encode(m.ClientInfo(user, client, m.raw(conn_info), m.raw(chan_info)))


def encode_publication(
    data: bytes, info: bytes, offset: int, tags: Mapping[str, str], *, delta: bool = False, epoch: str = ""
) -> bytes:
    """A Publication; `delta` marks data that are one."""
    parts = [tagged(4, data)] if data else []
    if info:
        parts.append(tagged(5, info))
    if offset:
        parts += b"\x30", varint(offset)
    for key, value in tags.items():
        parts.append(tagged(7, tagged(1, key.encode()) + tagged(2, value.encode())))
    if delta:
        parts.append(b"\x40\x01")
    if epoch:
        parts.append(tagged(14, epoch.encode()))
    return b"".join(parts)


def keyed(publication: bytes, key: str, *, removed: bool = False, version: int = 0) -> bytes:
    """A Publication of a key: of a map, or of a shared poll, which has versions."""
    parts = [publication, tagged(11, key.encode())]
    if removed:
        parts.append(b"\x60\x01")
    if version:
        parts += b"\x80\x01", varint(version)
    return b"".join(parts)


def encode_publication_push(channel: str, publication: bytes) -> bytes:
    return tagged(4, encode_bare_publication_push(channel, publication))


def encode_bare_publication_push(channel: str, publication: bytes) -> bytes:
    return tagged(2, channel.encode()) + tagged(4, publication)


def list_publications(publications: Iterable[bytes], field: int) -> Raw:
    """Publications of a reply: `publications` is 7 in SubscribeResult, 1 in HistoryResult; `state` is 18 in
    SubscribeResult, `items` 3 in SubRefreshResult."""
    return Raw(b"".join(tagged(field, publication) for publication in publications))


def delimited(message: bytes) -> bytes:
    """A message behind its length."""
    return varint(len(message)) + message
