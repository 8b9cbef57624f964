"""How bytes look to one kind of client: JSON or Protobuf, with its pushes wrapped or bare, framed for its
transport.

A publication is rendered once per wire and the same bytes go to everybody who speaks it.
"""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Raw

from madang.protocols.centrifugo import binary, text
from madang.protocols.centrifugo import messages as m
from madang.protocols.websocket import frame
from madang.realtime.publication import ClientInfo, Publication

Framing = Callable[[bytes], bytes]


def _text_frame(message: bytes) -> bytes:
    return frame.build_frame(frame.TEXT, message)


def _binary_frame(message: bytes) -> bytes:
    return frame.build_frame(frame.BINARY, binary.delimited(message))


def _chunk(data: bytes) -> bytes:
    """An HTTP/1.1 chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _line_chunk(message: bytes) -> bytes:
    return _chunk(text.line(message))


def _binary_chunk(message: bytes) -> bytes:
    return _chunk(binary.delimited(message))


def _event_chunk(message: bytes) -> bytes:
    return _chunk(text.event(message))


class Wire:
    """One encoding in one framing. Made once per server; compared by identity."""

    __slots__ = ("answers", "bare", "binary", "end", "frame", "name", "ping", "transport")

    def __init__(
        self, transport: str, framing: Framing, *, is_binary: bool = False, bare: bool = False
    ) -> None:
        self.transport = transport
        self.name = f"{transport}/{'protobuf' if is_binary else 'json'}"
        self.frame = framing
        self.binary = is_binary
        self.bare = bare
        """Unidirectional: pushes travel without their envelope."""
        self.ping = framing(b"" if is_binary else text.PING)
        in_frames = transport.endswith("websocket")
        self.end = b"" if in_frames or transport == "uni_grpc" else b"0\r\n\r\n"
        """What ends the stream, where there is no close frame."""
        self.answers = in_frames or not bare
        """Whether pings are answered."""

    @property
    def encoding(self) -> str:
        return "protobuf" if self.binary else "json"

    def reply(self, reply: m.Reply) -> bytes:
        return self.frame(binary.encode_reply(reply) if self.binary else text.encode_reply(reply))

    def push(self, push: m.Push) -> bytes:
        if self.binary:
            return self.frame((binary.encode_bare_push if self.bare else binary.encode_push)(push))
        return self.frame(text.encode_bare_push(push) if self.bare else text.encode_push(push))

    def publication(self, channel: str, publication: Publication, delta: bytes | None = None) -> bytes:
        """A publication's push, framed; with `delta` b"" for subscribers with deltas in full, else as that
        delta."""
        encoded = self.encode(publication, delta)
        if self.binary and self.bare:
            return self.frame(binary.encode_bare_publication_push(channel, encoded))
        if self.binary:
            return self.frame(binary.encode_publication_push(channel, encoded))
        if self.bare:
            return self.frame(text.encode_bare_publication_push(channel, encoded))
        return self.frame(text.encode_publication_push(channel, encoded))

    def encode(self, publication: Publication, delta: bytes | None = None) -> bytes:
        """A publication without envelope and frame."""
        encoded = self._encode(publication, delta)
        key, removed, version = publication.key, publication.removed, publication.version
        if not key:
            return encoded
        keyed = binary.keyed if self.binary else text.keyed
        return keyed(encoded, key, removed=removed, version=version)

    def _encode(self, publication: Publication, delta: bytes | None) -> bytes:
        data, offset, tags, epoch = publication.data, publication.offset, publication.tags, publication.epoch
        info = self.info(publication.info)
        if self.binary:
            return binary.encode_publication(
                delta or data, info, offset, tags, delta=bool(delta), epoch=epoch
            )
        if not data and publication.key:
            return text.encode_publication(b"null", info, offset, tags, epoch=epoch)
        if delta is None:
            return text.encode_publication(text.one_line(data), info, offset, tags, epoch=epoch)
        # Subscribers with deltas get data as a text in any case.
        quoted = text.quote(delta or data)
        return text.encode_publication(quoted, info, offset, tags, delta=bool(delta), epoch=epoch)

    def info(self, info: ClientInfo | None) -> bytes:
        if info is None:
            return b""
        encode = binary.encode_info if self.binary else text.encode_info
        return encode(info.user, info.client, info.conn_info, info.chan_info)

    def subscribed(self, publications: Iterable[bytes]) -> Raw:
        """The field `publications` of a subscribe result."""
        return self._present(publications, 7)

    def state(self, publications: Iterable[bytes]) -> Raw:
        """The field `state` of a subscribe result: entries of a map."""
        return self._present(publications, 18)

    def items(self, publications: Iterable[bytes]) -> Raw:
        """The field `items` of a sub_refresh result: what is known of tracked keys."""
        return self._present(publications, 3)

    def _present(self, publications: Iterable[bytes], field: int) -> Raw:
        """A field of publications that is left out where there are none."""
        if self.binary:
            return binary.list_publications(publications, field)
        listed = text.list_publications(publications)
        return m.NONE if listed is m.NO_LIST else listed

    def listed(self, publications: Iterable[bytes]) -> Raw:
        """The field `publications` of a history result."""
        if self.binary:
            return binary.list_publications(publications, 1)
        return text.list_publications(publications)

    def data(self, data: bytes) -> Raw:
        """A field of data that goes into a reply."""
        return m.raw(data if self.binary else text.one_line(data))


SOCKET_TEXT: Final = Wire("websocket", _text_frame)
SOCKET_BINARY: Final = Wire("websocket", _binary_frame, is_binary=True)
STREAM_TEXT: Final = Wire("http_stream", _line_chunk)
STREAM_BINARY: Final = Wire("http_stream", _binary_chunk, is_binary=True)
EVENTS: Final = Wire("sse", _event_chunk)
UNI_SOCKET: Final = Wire("uni_websocket", _text_frame, bare=True)
UNI_STREAM: Final = Wire("uni_http_stream", _line_chunk, bare=True)
UNI_EVENTS: Final = Wire("uni_sse", _event_chunk, bare=True)
UNI_GRPC: Final = Wire("uni_grpc", binary.delimited, is_binary=True, bare=True)
"""Messages of a gRPC stream, which gets them one by one."""

_PINGED: dict[tuple[str, bool], Wire] = {}


def with_ping(wire: Wire, ping: bytes) -> Wire:
    """The same wire with the transport's own pings."""
    key = wire.name, wire.bare
    found = _PINGED.get(key)
    if found is None:
        found = _PINGED[key] = Wire(wire.transport, wire.frame, is_binary=wire.binary, bare=wire.bare)
        # `frame` frames a whole message already.
        found.ping = ping
    return found


# The first bytes of an event stream, so that the browser sees it open.
EVENTS_HELLO: Final = _chunk(b"\r\n")
