"""RTMP messages: type ids (RTMP 1.0, 5.4 and 7.1), and the bodies of protocol control messages."""

from typing import Final

import msgspec

SET_CHUNK_SIZE: Final = 1
ABORT: Final = 2
ACKNOWLEDGEMENT: Final = 3
USER_CONTROL: Final = 4
WINDOW_ACKNOWLEDGEMENT_SIZE: Final = 5
SET_PEER_BANDWIDTH: Final = 6
AUDIO: Final = 8
VIDEO: Final = 9
DATA_AMF3: Final = 15
SHARED_OBJECT_AMF3: Final = 16
COMMAND_AMF3: Final = 17
DATA: Final = 18
SHARED_OBJECT: Final = 19
COMMAND: Final = 20
AGGREGATE: Final = 22

# User control events (7.1.7).
STREAM_BEGIN: Final = 0
STREAM_EOF: Final = 1
STREAM_DRY: Final = 2
SET_BUFFER_LENGTH: Final = 3
STREAM_IS_RECORDED: Final = 4
PING_REQUEST: Final = 6
PING_RESPONSE: Final = 7

LIMIT_DYNAMIC: Final = 2


class Message(msgspec.Struct, frozen=True, gc=False):
    """One whole message. `timestamp_ms` has 32 bits and wraps; audio and video bodies are FLV tag bodies."""

    type: int
    timestamp_ms: int
    stream_id: int
    body: bytes


def set_chunk_size(size: int) -> Message:
    return Message(SET_CHUNK_SIZE, 0, 0, size.to_bytes(4, "big"))


def acknowledgement(received_bytes: int) -> Message:
    """The total of bytes received so far; wraps at 32 bits."""
    return Message(ACKNOWLEDGEMENT, 0, 0, (received_bytes & 0xFFFFFFFF).to_bytes(4, "big"))


def window_acknowledgement_size(size: int) -> Message:
    return Message(WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, size.to_bytes(4, "big"))


def set_peer_bandwidth(size: int, limit: int = LIMIT_DYNAMIC) -> Message:
    return Message(SET_PEER_BANDWIDTH, 0, 0, size.to_bytes(4, "big") + bytes((limit,)))


def user_control(event: int, argument: int) -> Message:
    """`argument` is a stream id for stream events and a time in ms for pings."""
    return Message(USER_CONTROL, 0, 0, event.to_bytes(2, "big") + (argument & 0xFFFFFFFF).to_bytes(4, "big"))
