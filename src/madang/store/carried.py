"""Publications, people and node messages as they travel between processes: MessagePack, by position."""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from madang.realtime.broker import BrokerError
from madang.realtime.publication import ClientInfo, Publication, PublishOptions, Weight


class _Carried(msgspec.Struct, array_like=True, omit_defaults=True):
    data: bytes
    user: str = ""
    client: str = ""
    conn_info: bytes = b""
    chan_info: bytes = b""
    tags: Mapping[str, str] = {}
    delta: bool = False
    weight: int = 0
    kept_for: tuple[str, ...] = ()
    key: str = ""
    removed: bool = False


class _Who(msgspec.Struct, array_like=True):
    user: str
    client: str
    conn_info: bytes
    chan_info: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_carried: Final = msgspec.msgpack.Decoder(_Carried)
_who: Final = msgspec.msgpack.Decoder(_Who)
T = TypeVar("T")


def _read(decoder: msgspec.msgpack.Decoder[T], packed: bytes) -> T:
    """Raises BrokerError for what we did not write."""
    try:
        return decoder.decode(packed)
    except msgspec.MsgspecError as error:
        raise BrokerError(f"a message under our prefix that is not ours: {error}") from error


def pack(data: bytes, options: PublishOptions, *, key: str = "", removed: bool = False) -> bytes:
    """A publication without its offset; of a map, with its key."""
    info = options.info or ClientInfo("", "")
    carried = _Carried(
        data,
        info.user,
        info.client,
        info.conn_info,
        info.chan_info,
        options.tags,
        options.delta,
        int(options.weight),
        tuple(options.kept_for),
        key,
        removed,
    )
    return _encode(carried)


def unpack(packed: bytes, offset: int) -> Publication:
    """Raises BrokerError where it is not one of `pack`'s."""
    carried = _read(_carried, packed)
    info = None
    if carried.user or carried.client:
        info = ClientInfo(carried.user, carried.client, carried.conn_info, carried.chan_info)
    return Publication(
        data=carried.data,
        offset=offset,
        info=info,
        tags=carried.tags,
        delta=carried.delta,
        weight=Weight(carried.weight),
        kept_for=frozenset(carried.kept_for),
        key=carried.key,
        removed=carried.removed,
    )


def redacted(packed: bytes, data: bytes) -> bytes:
    """The same publication with other data. Raises BrokerError as `unpack`."""
    carried = _read(_carried, packed)
    carried.data = data
    return _encode(carried)


def pack_who(info: ClientInfo) -> bytes:
    return _encode(_Who(info.user, info.client, info.conn_info, info.chan_info))


def unpack_who(packed: bytes) -> ClientInfo:
    """Raises BrokerError where it is not one of `pack_who`'s."""
    who = _read(_who, packed)
    return ClientInfo(who.user, who.client, who.conn_info, who.chan_info)
