"""The JSON of the protocol: commands in, replies and pushes out, and the framing of each transport.

Publications are rendered by hand: data are JSON already and go in as they are.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.base.limits import JSON_DEPTH
from madang.protocols.centrifugo.messages import NO_LIST, Command, EmulationRequest, Push, Reply

PING: Final = b"{}"
_COMMAND: Final = msgspec.json.Decoder(Command)
_EMULATION: Final = msgspec.json.Decoder(EmulationRequest)
_ENCODER: Final = msgspec.json.Encoder()
_ANY: Final = msgspec.json.Decoder(Raw)
# A text that never ends reaches to the end, so that no byte is looked at twice (A46).
_TEXTS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")


def parse_commands(message: str | bytes) -> Iterator[Command]:
    """The commands of one message, which are lines. Raises PeerError "3501"."""
    lines = message.encode() if isinstance(message, str) else message
    if is_deep(lines):
        raise PeerError("3501", "JSON is nested too deeply")
    for line in lines.removesuffix(b"\n").split(b"\n"):
        try:
            yield _COMMAND.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise PeerError("3501", f"bad command: {error}") from None


def parse_emulation(body: bytes) -> tuple[str, str, bytes]:
    """Node, session and data of an emulation request. Raises PeerError "400"."""
    try:
        request = _EMULATION.decode(body)
        return request.node, request.session, request.data.encode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise PeerError("400", f"bad emulation request: {error}") from None


def is_json(data: bytes) -> bool:
    """Whether `data` are exactly one JSON value in UTF-8, not nested beyond the bound."""
    try:
        _ANY.decode(data)
        if not data.isascii():
            data.decode()  # what is taken over raw is not looked into
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return not is_deep(data)


def is_object(data: bytes) -> bool:
    """Whether `data` are a JSON object."""
    return data.lstrip()[:1] == b"{" and is_json(data)


def is_deep(data: bytes) -> bool:
    """Whether arrays and objects are nested beyond JSON_DEPTH; linear in the bytes."""
    if data.count(b"[") + data.count(b"{") <= JSON_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > JSON_DEPTH:
            return True
    return False


def one_line(data: bytes) -> bytes:
    """JSON without line breaks, which would end the line that it travels in."""
    return msgspec.json.format(data, indent=-1) if b"\n" in data or b"\r" in data else data


def encode_reply(reply: Reply) -> bytes:
    return _ENCODER.encode(reply)


def encode_push(push: Push) -> bytes:
    """A push as a bidirectional client gets it."""
    return b'{"push":' + _ENCODER.encode(push) + b"}"


def encode_bare_push(push: Push) -> bytes:
    """A push as a unidirectional client gets it."""
    return _ENCODER.encode(push)


def encode_info(user: str, client: str, conn_info: bytes, chan_info: bytes) -> bytes:
    """A ClientInfo; the two infos are JSON."""
    parts = [b'{"user":', _ENCODER.encode(user), b',"client":', _ENCODER.encode(client)]
    if conn_info:
        parts += b',"conn_info":', one_line(conn_info)
    if chan_info:
        parts += b',"chan_info":', one_line(chan_info)
    parts.append(b"}")
    return b"".join(parts)


def encode_publication(
    data: bytes, info: bytes, offset: int, tags: Mapping[str, str], *, delta: bool = False, epoch: str = ""
) -> bytes:
    """A Publication of data and info that are JSON already; `delta` marks data that are one."""
    parts = [b'{"data":', data]
    if info:
        parts += b',"info":', info
    if offset:
        parts.append(b',"offset":%d' % offset)
    if tags:
        parts += b',"tags":', _ENCODER.encode(tags)
    if epoch:
        parts += b',"epoch":', _ENCODER.encode(epoch)
    parts.append(b',"delta":true}' if delta else b"}")
    return b"".join(parts)


def keyed(publication: bytes, key: str, *, removed: bool = False, version: int = 0) -> bytes:
    """A Publication made one of a key: of a map, or of a shared poll, which has versions."""
    parts = [publication[:-1], b',"key":', _ENCODER.encode(key)]
    if removed:
        parts.append(b',"removed":true')
    if version:
        parts.append(b',"version":%d' % version)
    parts.append(b"}")
    return b"".join(parts)


def quote(data: bytes) -> bytes:
    """Text as a JSON string: what subscribers with deltas get as data, in full or as a delta."""
    return _ENCODER.encode(data.decode())


def encode_publication_push(channel: str, publication: bytes) -> bytes:
    return b'{"push":{"channel":%b,"pub":%b}}' % (_ENCODER.encode(channel), publication)


def encode_bare_publication_push(channel: str, publication: bytes) -> bytes:
    return b'{"channel":%b,"pub":%b}' % (_ENCODER.encode(channel), publication)


def list_publications(publications: Iterable[bytes]) -> Raw:
    """The field `publications` of a reply."""
    joined = b",".join(publications)
    return Raw(b"[%b]" % joined) if joined else NO_LIST


def line(message: bytes) -> bytes:
    """A message in an HTTP stream."""
    return message + b"\n"


def event(message: bytes) -> bytes:
    """A message as a server-sent event."""
    return b"data: %b\n\n" % message
