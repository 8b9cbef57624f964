"""Messages framed as FLV tags."""

from madang.containers.flv.tag import TAG_HEADER_BYTES, build_tag_header
from madang.packaging.flv.messages import Message


def tag_pieces(message: Message) -> list[bytes | memoryview]:
    """The tag of a message in pieces, its payload not copied: header and prefix, payload, PreviousTagSize."""
    size = len(message.prefix) + len(message.payload)
    head = build_tag_header(message.type, message.timestamp_ms, size) + message.prefix
    return [head, message.payload, (size + TAG_HEADER_BYTES).to_bytes(4, "big")]
