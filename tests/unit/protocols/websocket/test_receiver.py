"""Frames fed whole, byte by byte and at random; every breach has its close code."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.websocket.frame import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    build_close,
    build_frame,
)
from madang.protocols.websocket.receiver import Closed, Event, Message, Ping, Pong, Receiver, reply

MASK = b"\x01\x20\xf3\x7a"


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    return build_frame(opcode, payload, fin=fin, mask=MASK)


def receive(pieces: Iterable[bytes], limit_bytes: int = 1 << 20) -> list[Event]:
    receiver = Receiver(limit_bytes)
    return [event for piece in pieces for event in receiver.feed(piece)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


CONVERSATION = b"".join(
    (
        masked(TEXT, "안녕하세요".encode()),
        masked(BINARY, b"", fin=True),
        masked(TEXT, "한".encode()[:2], fin=False),
        masked(PING, b"between"),
        masked(CONTINUATION, "한".encode()[2:], fin=False),
        masked(CONTINUATION),
        masked(BINARY, bytes(300)),
        masked(BINARY, bytes(70_000)),
        masked(PONG, b"x" * 125),
        masked(CLOSE, b"\x03\xe9bye"),
    )
)
EVENTS = [
    Message("안녕하세요"),
    Message(b""),
    Ping(b"between"),
    Message("한"),
    Message(bytes(300)),
    Message(bytes(70_000)),
    Pong(b"x" * 125),
    Closed(1001, "bye"),
]


def test_whole_and_byte_by_byte() -> None:
    assert receive([CONVERSATION]) == EVENTS
    assert receive(one_by_one(CONVERSATION)) == EVENTS


@given(st.lists(st.integers(1, 400), max_size=400))
def test_any_split(sizes: list[int]) -> None:
    pieces, position = [], 0
    for size in sizes:
        pieces.append(CONVERSATION[position : position + size])
        position += size
    assert receive([*pieces, CONVERSATION[position:]]) == EVENTS


@given(st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=200)), max_size=8), st.integers(1, 50))
def test_what_is_built_is_parsed(messages: list[str | bytes], size: int) -> None:
    stream = b""
    for message in messages:
        payload = message.encode() if isinstance(message, str) else message
        parts = [payload[i : i + size] for i in range(0, len(payload), size)] or [b""]
        for i, part in enumerate(parts):
            opcode = CONTINUATION if i else TEXT if isinstance(message, str) else BINARY
            stream += masked(opcode, part, fin=i == len(parts) - 1)
    assert receive([stream]) == [Message(message) for message in messages]


@given(st.binary(max_size=400))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    for pieces in ([data], one_by_one(data)):
        try:
            receive(pieces)
        except PeerError as error:
            assert error.code in ("1002", "1007", "1008", "1009")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (build_frame(TEXT, b"unmasked"), "1002"),
        (b"\xc1\x80", "1002"),  # compressed, though no extension was agreed upon
        (b"\x83\x80", "1002"),
        (b"\x8b\x80", "1002"),
        (b"\x09\x80", "1002"),  # a fragmented ping
        (b"\x89\xfe\x00\x7e", "1002"),  # a ping of 126 bytes
        (masked(CONTINUATION), "1002"),
        (masked(TEXT, fin=False) + masked(TEXT), "1002"),
        (b"\x82\xfe\x00\x01", "1002"),  # one byte, encoded in two
        (b"\x82\xff" + (65535).to_bytes(8, "big"), "1002"),
        (b"\x82\xff" + (1 << 63).to_bytes(8, "big"), "1002"),
        (b"\x82\xff" + ((1 << 63) - 1).to_bytes(8, "big"), "1009"),
        (masked(TEXT, b"\xff"), "1007"),
        (masked(TEXT, b"\xed\xa0\x80"), "1007"),  # a lone surrogate
        (masked(TEXT, "한".encode()[:2]), "1007"),
        (masked(CLOSE, b"\x03"), "1002"),
        (masked(CLOSE, b"\x03\xed"), "1002"),  # 1005 may not be sent
        (masked(CLOSE, b"\x03\xe8\xff"), "1007"),
        (masked(BINARY, bytes(1025)), "1009"),
        (masked(BINARY, bytes(1000), fin=False) + masked(CONTINUATION, bytes(25)), "1009"),
        (masked(BINARY, fin=False) + masked(CONTINUATION, fin=False) * 64, "1008"),
    ],
)
def test_breaches(data: bytes, code: str) -> None:
    """A43."""
    for pieces in ([data], one_by_one(data)):
        with pytest.raises(PeerError) as caught:
            receive(pieces, limit_bytes=1024)
        assert caught.value.code == code


def test_events_before_a_breach_are_told() -> None:
    events = Receiver().feed(masked(TEXT, b"first") + build_frame(TEXT, b"unmasked"))
    assert next(events) == Message("first")
    with pytest.raises(PeerError):
        next(events)


def test_a_declared_length_takes_no_memory() -> None:
    receiver = Receiver(1 << 40)
    assert not list(receiver.feed(b"\x82\xff" + (1 << 39).to_bytes(8, "big") + MASK))
    assert receiver._buffer is not None
    assert len(receiver._buffer) < 32


def test_idle_receiver_holds_nothing() -> None:
    receiver = Receiver()
    assert len(list(receiver.feed(masked(TEXT, b"a") * 3))) == 3
    assert receiver._buffer is None
    assert receiver._parts is None


def test_cost_is_linear_in_bytes() -> None:
    def cost(size: int) -> float:
        pieces = one_by_one(masked(BINARY, bytes(size)))
        began = time.process_time()
        receive(pieces, limit_bytes=1 << 20)
        return time.process_time() - began

    assert cost(80_000) < 8 * max(cost(20_000), 0.005)


def test_clients_side_wants_no_mask() -> None:
    receiver = Receiver(masked=False)
    assert list(receiver.feed(build_frame(TEXT, b"from a server"))) == [Message("from a server")]
    with pytest.raises(PeerError):
        list(receiver.feed(masked(TEXT)))


def test_replies() -> None:
    assert reply(Ping(b"abc")) == build_frame(PONG, b"abc")
    assert reply(Closed(1001, "x")) == build_close(1001)
    assert reply(Closed(1005, "")) == build_close(1000)
    assert reply(Pong(b"")) == reply(Message("")) == b""
