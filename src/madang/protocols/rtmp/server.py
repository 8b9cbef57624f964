"""The server's end of a connection: bytes in, events out; intents in, bytes out.

    handshake ──► commands (connect first) ──► asked ──accept──► publishing | playing
                     ▲                            │refuse             │
                     └────────────────────────────┴── closed by the client

While `asked`, the caller decides; media that a hasty publisher sends before the answer is dropped, and so
is all media of a player. Every reply waits in `take()`; the caller writes it out after each `receive`.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import RTMP_CHUNK_BYTES_MAX
from madang.containers.flv import amf
from madang.containers.flv.tag import parse_aggregate
from madang.protocols.rtmp import message as m
from madang.protocols.rtmp.chunk import ChunkReader, ChunkWriter
from madang.protocols.rtmp.command import (
    Connect,
    command,
    connect_result,
    on_status,
    parse_connect,
    reconnect_request,
    text,
)
from madang.protocols.rtmp.handshake import ServerHandshake
from madang.protocols.rtmp.message import AUDIO, VIDEO, Message

WINDOW_BYTES: Final = 2_500_000
"""Our acknowledgement window and peer bandwidth: what nginx-rtmp and SRS announce."""
_WINDOW_MIN: Final = 4_096
"""A smaller window of the peer is taken as this: one acknowledgement per read is the most it gets."""

# Chunk streams, as everybody has them: 2 control, 3 connection commands, 5 stream commands.
_CONTROL, _COMMAND, _STREAM = 2, 3, 5


class _Request(msgspec.Struct, frozen=True):
    """What a client asks for. Its `repr` says nothing of the name, which may be a stream key."""

    stream_id: int
    name: str
    connect: Connect
    """What the client said of itself before."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(stream_id={self.stream_id})"


class Publish(_Request, frozen=True):
    """The client wants to publish `name` on `stream_id`."""


class Play(_Request, frozen=True):
    """The client wants to play `name` on `stream_id`."""


class Closed(msgspec.Struct, frozen=True):
    """The client ended what it published or played, by the command named `by`."""

    by: str


Event: TypeAlias = Message | Publish | Play | Closed
"""Messages are of type AUDIO, VIDEO or DATA, and come from an accepted publisher only."""


class Phase(Enum):
    """Where the connection stands; see the picture above."""

    HANDSHAKE = "handshake"
    COMMANDS = "commands"
    ASKED = "asked"
    PUBLISHING = "publishing"
    PLAYING = "playing"


class ServerConnection:
    """One connection. Raises PeerError from `receive` when the peer must be cut off."""

    __slots__ = (
        "_acknowledged",
        "_events",
        "_handshake",
        "out",
        "_publishes",
        "_reader",
        "_streams",
        "_window",
        "_writer",
        "connect",
        "phase",
        "received_bytes",
        "stream_id",
    )

    def __init__(self, entropy: bytes) -> None:
        """`entropy` is `handshake.ENTROPY_BYTES` random bytes."""
        self.phase = Phase.HANDSHAKE
        self.connect: Connect | None = None
        self.stream_id = 0
        """The message stream that is asked for, published or played."""
        self.received_bytes = 0
        self._handshake: ServerHandshake | None = ServerHandshake(entropy)
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self.out: list[bytes] = []
        """What waits to be taken; empty nearly always."""
        self._events: list[Event] = []
        self._streams = 0
        self._publishes = False
        self._window = WINDOW_BYTES
        self._acknowledged = 0

    def take(self) -> bytes:
        """The bytes to send, once."""
        if not self.out:
            return b""
        data = b"".join(self.out)
        self.out.clear()
        return data

    def receive(self, data: bytes) -> Sequence[Event]:
        """What `data` brings, in order."""
        self.received_bytes += len(data)
        if self._handshake is not None:
            data = self._shake(self._handshake, data)
        messages = self._reader.receive(data)
        events: Sequence[Event] = messages
        if self.phase is not Phase.PUBLISHING or not self._reader.plain:
            events = self._sift(messages)
        if self.received_bytes - self._acknowledged >= self._window:
            self._acknowledged = self.received_bytes
            self._send(_CONTROL, m.acknowledgement(self.received_bytes))
        return events

    # --- intents -----------------------------------------------------------------------------------------

    def accept_publish(self) -> None:
        """NetStream.Publish.Start: media counts from here on."""
        self._begin(Phase.PUBLISHING)
        self._status("status", "NetStream.Publish.Start", "Publishing.")

    def accept_play(self) -> None:
        """NetStream.Play.Reset and .Start; the caller then writes chunks of its own for `stream_id`."""
        self._begin(Phase.PLAYING)
        self._status("status", "NetStream.Play.Reset", "Resetting.")
        self._status("status", "NetStream.Play.Start", "Playing.")
        access = amf.encode("|RtmpSampleAccess", True, True)
        self._send(_STREAM, Message(m.DATA, 0, self.stream_id, access))
        self._settle()

    def refuse(self, code: str, description: str) -> None:
        """An error status that the client may show; the connection is then to be closed."""
        self._status("error", code, description)
        self.phase = Phase.COMMANDS

    def status(self, level: str, code: str, description: str) -> None:
        """Any other status of the stream: NetStream.Play.UnpublishNotify, NetStream.Publish.Rejected …"""
        self._status(level, code, description)

    def stream_eof(self) -> None:
        """User control StreamEOF: what is played has ended."""
        self._send(_CONTROL, m.user_control(m.STREAM_EOF, self.stream_id))

    def ping(self, now_ms: int) -> None:
        """User control PingRequest; the answer is a sign of life like any other bytes."""
        self._send(_CONTROL, m.user_control(m.PING_REQUEST, now_ms))

    def ask_to_reconnect(self, description: str) -> bool:
        """Send a reconnect request; False when the client did not say that it understands one."""
        if self.connect is None or not self.connect.understands_reconnect:
            return False
        self._send(_COMMAND, reconnect_request(description))
        return True

    # --- messages ----------------------------------------------------------------------------------------

    def _shake(self, handshake: ServerHandshake, data: bytes) -> bytes:
        reply = handshake.receive(data)
        if reply:
            self.out.append(reply)
        if not handshake.done:
            return b""
        self._handshake = None
        self.phase = Phase.COMMANDS
        return handshake.rest()

    def _sift(self, messages: list[Message]) -> list[Event]:
        """Obey what is no media, and drop media of those who may not send any."""
        events: list[Event] = []
        self._events = events
        for message in messages:
            if message.type != VIDEO and message.type != AUDIO:
                self._handle(message)
            elif self.phase is Phase.PUBLISHING:
                events.append(message)
        return events

    def _handle(self, message: Message) -> None:
        """Every message but audio and video; types that nobody uses any more are ignored."""
        handle = _MESSAGES.get(message.type)
        if handle is not None and (self.phase is Phase.PUBLISHING or message.type not in _MEDIA):
            handle(self, message)

    def _hear_command(self, message: Message) -> None:
        values = amf.decode_command(message.body, message.type == m.COMMAND_AMF3)
        self._command(message.stream_id, values)

    def _hear_data(self, message: Message) -> None:
        body = message.body
        if message.type == m.DATA_AMF3 and body[:1] == b"\x00":
            body = body[1:]
        self._events.append(Message(m.DATA, message.timestamp_ms, message.stream_id, body))

    def _hear_aggregate(self, message: Message) -> None:
        for tag in parse_aggregate(message.body, message.timestamp_ms):
            if tag.type in (AUDIO, VIDEO, m.DATA):
                self._events.append(Message(tag.type, tag.timestamp_ms, message.stream_id, tag.body))

    def _hear_window(self, message: Message) -> None:
        window = int.from_bytes(message.body[:4], "big")
        self._window = max(_WINDOW_MIN, min(window, WINDOW_BYTES)) if window else WINDOW_BYTES

    def _hear_control(self, message: Message) -> None:
        if message.body[:2] == m.PING_REQUEST.to_bytes(2, "big"):
            self._send(_CONTROL, m.user_control(m.PING_RESPONSE, int.from_bytes(message.body[2:6], "big")))

    def _command(self, stream_id: int, values: list[amf.Value]) -> None:
        name = text(values[0]) if values else ""
        transaction = values[1] if len(values) > 1 and isinstance(values[1], float) else 0.0
        call = Call(name, transaction, stream_id, values[2:])
        if name == "connect":
            self._connect(call)
            return
        if self.connect is None:
            raise PeerError("malformed", f"{name[:40]!r} before connect")
        handle = _COMMANDS.get(name)
        if handle is not None:
            handle(self, call)
        elif transaction and name not in ("_result", "_error", "_checkbw"):
            self._send(_COMMAND, command(0, "_result", transaction, None, None))

    def _connect(self, call: "Call") -> None:
        if self.connect is not None:
            raise PeerError("malformed", "connect twice")
        self.connect = parse_connect(call.arguments[0] if call.arguments else None)
        self._send(_CONTROL, m.window_acknowledgement_size(WINDOW_BYTES))
        self._send(_CONTROL, m.set_peer_bandwidth(WINDOW_BYTES))
        self._send(_CONTROL, m.set_chunk_size(RTMP_CHUNK_BYTES_MAX))
        self._writer.chunk_size = RTMP_CHUNK_BYTES_MAX
        self._send(_COMMAND, connect_result(call.transaction, self.connect.object_encoding))

    def _create_stream(self, call: "Call") -> None:
        self._streams += 1
        self._send(_COMMAND, command(0, "_result", call.transaction, None, self._streams))

    def _stream_length(self, call: "Call") -> None:
        """A live stream has no length; ffmpeg wants a number all the same."""
        self._send(_COMMAND, command(0, "_result", call.transaction, None, 0.0))

    def _release(self, call: "Call") -> None:
        """releaseStream and FCPublish: some encoders wait for the result (FMLE, GStreamer)."""
        self._send(_COMMAND, command(0, "_result", call.transaction, None, None))
        if call.name == "FCPublish":
            status: dict[str, amf.Value] = {"code": "NetStream.Publish.Start", "description": "Publishing."}
            self._send(_COMMAND, command(0, "onFCPublish", 0, None, status))

    def _publish(self, call: "Call") -> None:
        if self._ask(call):
            assert self.connect is not None
            self._publishes = True
            self._events.append(Publish(self.stream_id, call.text(1), self.connect))

    def _play(self, call: "Call") -> None:
        if self._ask(call):
            assert self.connect is not None
            self._publishes = False
            self._events.append(Play(self.stream_id, call.text(1), self.connect))

    def _ask(self, call: "Call") -> bool:
        """Whether the connection is free for publish or play: it carries one stream at a time."""
        if self.phase is Phase.COMMANDS:
            self.phase = Phase.ASKED
            self.stream_id = call.stream_id
            return True
        if call.stream_id != self.stream_id:
            code = "NetStream.Publish.BadName" if call.name == "publish" else "NetStream.Play.Failed"
            self._send(_STREAM, on_status(call.stream_id, "error", code, "One stream per connection."))
        return False

    def _close(self, call: "Call") -> None:
        """FCUnpublish, deleteStream and closeStream end what the connection carries, once."""
        if call.name == "deleteStream" and call.arguments[1:] not in ([], [float(self.stream_id)]):
            return  # another stream of the connection, which carries nothing
        carried, self.phase = self.phase, Phase.COMMANDS
        if carried is Phase.COMMANDS:
            return
        if self._publishes:
            self._status("status", "NetStream.Unpublish.Success", "The broadcast has ended.")
        self._events.append(Closed(call.name))

    def _begin(self, phase: Phase) -> None:
        self.phase = phase
        self._events = []  # the request is answered and need not stay
        self._send(_CONTROL, m.user_control(m.STREAM_BEGIN, self.stream_id))

    def _settle(self) -> None:
        """Forget what a player does not need: thousands of them wait with what stays here. Writing begins
        afresh with full headers."""
        self._writer = ChunkWriter(self._writer.chunk_size)
        if self.connect is not None:
            self.connect = Connect(object_encoding=self.connect.object_encoding, caps_ex=self.connect.caps_ex)

    def _status(self, level: str, code: str, description: str) -> None:
        self._send(_STREAM, on_status(self.stream_id, level, code, description))

    def _send(self, chunk_stream_id: int, message: Message) -> None:
        self.out.append(self._writer.write(chunk_stream_id, message))


class Call(msgspec.Struct, frozen=True):
    """One command; `arguments` begins with the command object, which is null but for connect."""

    name: str
    transaction: float
    stream_id: int
    arguments: list[amf.Value]

    def text(self, index: int) -> str:
        """The argument at `index` when it is a text, else empty."""
        return text(self.arguments[index]) if len(self.arguments) > index else ""


_COMMANDS: dict[str, Callable[[ServerConnection, Call], None]] = {
    "createStream": ServerConnection._create_stream,
    "getStreamLength": ServerConnection._stream_length,
    "releaseStream": ServerConnection._release,
    "FCPublish": ServerConnection._release,
    "publish": ServerConnection._publish,
    "play": ServerConnection._play,
    "FCUnpublish": ServerConnection._close,
    "deleteStream": ServerConnection._close,
    "closeStream": ServerConnection._close,
}

_MESSAGES: dict[int, Callable[[ServerConnection, Message], None]] = {
    m.COMMAND: ServerConnection._hear_command,
    m.COMMAND_AMF3: ServerConnection._hear_command,
    m.DATA: ServerConnection._hear_data,
    m.DATA_AMF3: ServerConnection._hear_data,
    m.AGGREGATE: ServerConnection._hear_aggregate,
    m.WINDOW_ACKNOWLEDGEMENT_SIZE: ServerConnection._hear_window,
    m.USER_CONTROL: ServerConnection._hear_control,
}
_MEDIA = (m.DATA, m.DATA_AMF3, m.AGGREGATE)
"""Heard of publishers alone."""
