"""The client's end of a connection: connect, then publish or play one stream. Bytes in, events out.

    handshake ──► connect ──► createStream ──► publish | play ──► Status events, media

The order and the extra commands (releaseStream, FCPublish) are those of ffmpeg and OBS.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from madang.base.errors import PeerError
from madang.containers.flv import amf
from madang.protocols.rtmp import message as m
from madang.protocols.rtmp.chunk import ChunkReader, ChunkWriter
from madang.protocols.rtmp.command import command, text
from madang.protocols.rtmp.handshake import ClientHandshake
from madang.protocols.rtmp.message import Message

_CONTROL, _COMMAND = 2, 3
_CHUNK_STREAMS = {m.AUDIO: 4, m.VIDEO: 6}
_DATA: Final = 8
_CONNECT, _RELEASE, _FC_PUBLISH, _CREATE = 1, 2, 3, 4
"""Transaction ids."""


class Aim(Enum):
    """What the client wants to do with its stream."""

    PUBLISH = "publish"
    PLAY = "play"


class Target(msgspec.Struct, frozen=True):
    """Where to go: `tc_url` is `rtmp://host/app`, `name` what follows, its query included."""

    tc_url: str
    app: str
    name: str
    aim: Aim
    properties: Mapping[str, amf.Value] = {}
    """Further properties of connect, such as fourCcList and capsEx."""


class Status(msgspec.Struct, frozen=True):
    """An onStatus or a failed call: `level` is `status` or `error`, `code` like NetStream.Publish.Start."""

    level: str
    code: str
    description: str
    information: Mapping[str, amf.Value] = {}


Event: TypeAlias = Message | Status
"""Messages are of type AUDIO, VIDEO or DATA."""


class ClientConnection:
    """One connection. Raises PeerError from `receive` when the server breaks the protocol."""

    __slots__ = (
        "_handshake",
        "_out",
        "_reader",
        "_target",
        "_window",
        "_writer",
        "acknowledged_bytes",
        "connected",
        "received_bytes",
        "stream_id",
    )

    def __init__(self, entropy: bytes, target: Target, schema: int | None = None) -> None:
        """`entropy` is ENTROPY_BYTES random bytes; with `schema` 0 or 1 the handshake has digests."""
        self._target = target
        self._handshake: ClientHandshake | None = ClientHandshake(entropy, schema)
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self._out = [self._handshake.begin()]
        self._window = 0
        self.connected: Mapping[str, amf.Value] = {}
        """The information object of connect's result: what the server is capable of."""
        self.stream_id = 0
        self.received_bytes = 0
        self.acknowledged_bytes = 0
        """What the server said it received."""

    def take(self) -> bytes:
        """The bytes to send, once; the first are C0 and C1."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes) -> list[Event]:
        """What `data` brings, in order."""
        self.received_bytes += len(data)
        if self._handshake is not None:
            data = self._shake(self._handshake, data)
        events: list[Event] = []
        for message in self._reader.receive(data):
            if message.type in (m.AUDIO, m.VIDEO, m.DATA):
                events.append(message)
            elif message.type == m.COMMAND:
                events += self._answer(amf.decode(message.body))
            else:
                self._control(message)
        if self._window and self.received_bytes >= self._window:
            self._window += self._window
            self._send(_CONTROL, m.acknowledgement(self.received_bytes))
        return events

    def set_chunk_size(self, size: int) -> None:
        """Announce and use another size of our chunks; 128 until then."""
        self._send(_CONTROL, m.set_chunk_size(size))
        self._writer.chunk_size = size

    def send(self, type: int, timestamp_ms: int, body: bytes) -> bytes:
        """The chunks of a media or data message on our stream."""
        message = Message(type, timestamp_ms, self.stream_id, body)
        return self._writer.write(_CHUNK_STREAMS.get(type, _DATA), message)

    def say_goodbye(self) -> None:
        """FCUnpublish and deleteStream."""
        if self._target.aim is Aim.PUBLISH:
            self._call("FCUnpublish", 5, None, self._target.name)
        self._call("deleteStream", 6, None, self.stream_id)

    def ping(self, now_ms: int) -> None:
        """User control PingRequest."""
        self._send(_CONTROL, m.user_control(m.PING_REQUEST, now_ms))

    def _shake(self, handshake: ClientHandshake, data: bytes) -> bytes:
        reply = handshake.receive(data)
        if not handshake.done:
            return b""
        self._handshake = None
        self._out.append(reply)
        self._connect()
        return handshake.rest()

    def _connect(self) -> None:
        target = self._target
        properties: dict[str, amf.Value] = {
            "app": target.app,
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; Madang)",
            "tcUrl": target.tc_url,
        }
        self._call("connect", _CONNECT, properties | dict(target.properties))

    def _answer(self, values: list[amf.Value]) -> list[Status]:
        """`_result`, `_error` and onStatus; other calls of the server are ignored."""
        name = text(values[0]) if values else ""
        information = values[3] if len(values) > 3 and isinstance(values[3], Mapping) else {}
        if name in ("_error", "onStatus"):
            level, code, told = (text(information.get(key)) for key in ("level", "code", "description"))
            return [Status(level, code, told, information)]
        if name == "_result" and values[1:2] == [float(_CONNECT)]:
            self.connected = information
            self._create()
        elif name == "_result" and values[1:2] == [float(_CREATE)]:
            if len(values) < 4 or not isinstance(values[3], float):
                raise PeerError("malformed", "createStream gave no stream id")
            self.stream_id = int(values[3])
            self._begin()
        return []

    def _create(self) -> None:
        if self._target.aim is Aim.PUBLISH:
            self._call("releaseStream", _RELEASE, None, self._target.name)
            self._call("FCPublish", _FC_PUBLISH, None, self._target.name)
        self._call("createStream", _CREATE, None)

    def _begin(self) -> None:
        arguments: list[amf.Value] = [None, self._target.name]
        if self._target.aim is Aim.PUBLISH:
            self._call("publish", 5, *arguments, "live")
        else:
            self._call("play", 5, *arguments, -2000)

    def _control(self, message: Message) -> None:
        value = int.from_bytes(message.body[:4], "big")
        if message.type == m.WINDOW_ACKNOWLEDGEMENT_SIZE:
            self._window = value
        elif message.type == m.ACKNOWLEDGEMENT:
            self.acknowledged_bytes = value
        elif message.type == m.USER_CONTROL and message.body[:2] == b"\x00\x06":
            argument = int.from_bytes(message.body[2:6], "big")
            self._send(_CONTROL, m.user_control(m.PING_RESPONSE, argument))

    def _call(self, name: str, transaction: int, *arguments: amf.Value) -> None:
        stream_id = self.stream_id if name in ("publish", "play") else 0
        self._send(_COMMAND, command(stream_id, name, transaction, *arguments))

    def _send(self, chunk_stream_id: int, message: Message) -> None:
        self._out.append(self._writer.write(chunk_stream_id, message))
