"""Chunk streams: every header type, interleaved, cut anywhere, hostile (A35 to A39)."""

import random
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.base.limits import RTMP_CHUNK_STREAMS, RTMP_CONNECTION_BYTES, RTMP_MESSAGE_BYTES
from madang.protocols.rtmp.chunk import ChunkReader, ChunkWriter, build_basic_header, build_chunks
from madang.protocols.rtmp.message import ABORT, AUDIO, SET_CHUNK_SIZE, VIDEO, Message, set_chunk_size

IDS = [2, 3, 6, 63, 64, 319, 320, 65_599]


class Encoder:
    """Writes every header type that says the truth: a second opinion for the reader."""

    def __init__(self, chunk_size: int, rng: random.Random, repeat_extended: bool = True) -> None:
        self.chunk_size, self.rng, self.repeat = chunk_size, rng, repeat_extended
        self.last: dict[int, tuple[Message, int | None]] = {}

    def chunks(self, chunk_stream_id: int, message: Message) -> list[bytes]:
        form, field = self._form(chunk_stream_id, message)
        head = build_basic_header(form, chunk_stream_id)
        if form < 3:
            head += min(field, 0xFFFFFF).to_bytes(3, "big")
        if form < 2:
            head += len(message.body).to_bytes(3, "big") + bytes((message.type,))
        if form < 1:
            head += message.stream_id.to_bytes(4, "little")
        tail = field.to_bytes(4, "big") if field >= 0xFFFFFF else b""
        between = build_basic_header(3, chunk_stream_id) + (tail if self.repeat else b"")
        size = self.chunk_size
        pieces = [message.body[i : i + size] for i in range(0, len(message.body), size)] or [b""]
        self.last[chunk_stream_id] = (message, None if form == 0 else field)
        return [head + tail + pieces[0], *(between + piece for piece in pieces[1:])]

    def _form(self, chunk_stream_id: int, message: Message) -> tuple[int, int]:
        """Any header type that says the truth about `message`, and its timestamp field."""
        if chunk_stream_id not in self.last:
            return 0, message.timestamp_ms
        before, delta_before = self.last[chunk_stream_id]
        delta = (message.timestamp_ms - before.timestamp_ms) & 0xFFFFFFFF
        allowed = [0]
        if before.stream_id == message.stream_id:
            allowed.append(1)
            if (before.type, len(before.body)) == (message.type, len(message.body)):
                allowed.append(2)
                if delta == delta_before:
                    allowed.append(3)
        form = self.rng.choice(allowed)
        return form, message.timestamp_ms if form == 0 else delta


def interleave(sequences: list[list[bytes]], rng: random.Random) -> tuple[bytes, list[int]]:
    """Chunks of several messages mixed, and the order in which the messages end."""
    left = [list(chunks) for chunks in sequences]
    out, finished = [], []
    while any(left):
        index = rng.choice([i for i, chunks in enumerate(left) if chunks])
        out.append(left[index].pop(0))
        if not left[index]:
            finished.append(index)
    return b"".join(out), finished


times = st.sampled_from([0, 5, 40, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF]) | st.integers(0, 2**32 - 1)
messages = st.builds(
    Message, st.sampled_from([AUDIO, VIDEO, 18, 20]), times, st.integers(0, 3), st.binary(max_size=400)
)


@given(
    st.lists(st.lists(messages, max_size=5), max_size=4),
    st.sampled_from([1, 2, 7, 128, 4096]),
    st.integers(1, 100),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_every_header_type_interleaved_and_cut_anywhere(
    rounds: list[list[Message]], chunk_size: int, step: int, rng: random.Random, repeat: bool
) -> None:
    encoder = Encoder(chunk_size, rng, repeat)
    data, expected = build_chunks(2, set_chunk_size(chunk_size)), []
    for batch in rounds:
        ids = rng.sample(IDS, len(batch))
        # Without the extended timestamp in type 3 chunks a body may look like one: keep those apart.
        batch = [
            m if repeat else Message(m.type, m.timestamp_ms, m.stream_id, b"\x55" * len(m.body))
            for m in batch
        ]
        sequences = [encoder.chunks(i, m) for i, m in zip(ids, batch, strict=True)]
        mixed, order = interleave(sequences, rng)
        data += mixed
        expected += [batch[i] for i in order]
    # Whether a short last chunk begins with an extended timestamp may show only with what follows it.
    data += build_chunks(2, Message(20, 0, 0, b"end"), chunk_size)
    expected.append(Message(20, 0, 0, b"end"))
    assert ChunkReader().receive(data) == expected
    reader = ChunkReader()
    assert [m for i in range(0, len(data), step) for m in reader.receive(data[i : i + step])] == expected
    assert reader.partial_bytes == 0


@given(st.lists(messages, max_size=6), st.sampled_from([1, 3, 128, 65_536]), st.sampled_from(IDS))
def test_reader_reads_what_the_writer_writes(
    items: list[Message], chunk_size: int, chunk_stream_id: int
) -> None:
    writer = ChunkWriter()
    data = writer.write(2, set_chunk_size(chunk_size))
    writer.chunk_size = chunk_size
    data += b"".join(writer.write(chunk_stream_id, m) for m in items)
    assert ChunkReader().receive(data) == items
    reader = ChunkReader()
    assert [m for byte in data for m in reader.receive(bytes((byte,)))] == items


def test_bytes_are_those_of_the_specification() -> None:
    # RTMP 1.0, 5.3.2.2: a video message of 307 bytes in chunks of 128.
    body = bytes(i % 251 for i in range(307))
    data = build_chunks(4, Message(VIDEO, 1000, 12_346, body), 128)
    assert data[:12] == b"\x04\x00\x03\xe8\x00\x01\x33\x09\x3a\x30\x00\x00"
    assert data[12:] == body[:128] + b"\xc4" + body[128:256] + b"\xc4" + body[256:]


@pytest.mark.parametrize(
    ("chunk_stream_id", "head"),
    [
        (2, b"\x42"),
        (63, b"\x7f"),
        (64, b"\x40\x00"),
        (319, b"\x40\xff"),
        (320, b"\x41\x00\x01"),
        (65_599, b"\x41\xff\xff"),
    ],
)
def test_basic_headers(chunk_stream_id: int, head: bytes) -> None:
    assert build_basic_header(1, chunk_stream_id) == head


def test_type_3_begins_a_message_with_the_last_delta() -> None:
    data = b"\x04" + b"\x00\x00\x64" + b"\x00\x00\x01\x08" + b"\x01\x00\x00\x00" + b"a"
    data += (
        b"\x44" + b"\x00\x00\x14" + b"\x00\x00\x01\x08" + b"b" + b"\xc4c" + b"\x84\x00\x00\x1ed" + b"\xc4e"
    )
    assert [(m.timestamp_ms, m.body) for m in ChunkReader().receive(data)] == [
        (100, b"a"),
        (120, b"b"),
        (140, b"c"),
        (170, b"d"),
        (200, b"e"),
    ]


def test_type_3_after_type_0_repeats_its_timestamp_as_delta() -> None:
    data = b"\x04" + b"\x00\x00\x17" + b"\x00\x00\x01\x08" + b"\x01\x00\x00\x00" + b"a" + b"\xc4b"
    assert [m.timestamp_ms for m in ChunkReader().receive(data)] == [23, 46]


def test_type_3_after_an_extended_type_0_stays_at_its_timestamp() -> None:
    head = b"\x04\xff\xff\xff" + b"\x00\x00\x01\x08" + b"\x01\x00\x00\x00"
    data = head + b"\x01\x00\x00\x00" + b"a" + b"\xc4" + b"\x01\x00\x00\x14" + b"b"
    assert [m.timestamp_ms for m in ChunkReader().receive(data)] == [0x1000000, 0x1000014]


def test_negative_deltas_come_as_their_complement() -> None:
    data = build_chunks(4, Message(AUDIO, 100, 1, b"a"))
    data += b"\x44\xff\xff\xff\x00\x00\x01\x08\xff\xff\xff\xf6b"
    assert [m.timestamp_ms for m in ChunkReader().receive(data)] == [100, 90]


@pytest.mark.parametrize("repeat", [True, False], ids=["ffmpeg", "librtmp"])
def test_extended_timestamp_in_continuing_chunks_or_not(repeat: bool) -> None:
    message = Message(VIDEO, 16_777_215, 1, b"\x55" * 1000)
    data = b"".join(Encoder(128, random.Random(1), repeat).chunks(6, message))
    assert ChunkReader().receive(data) == [message]


def test_chunk_size_changes_in_the_middle_of_another_message() -> None:
    long = Message(VIDEO, 0, 1, bytes(range(256)))
    first, second = build_chunks(6, long, 128)[:140], build_chunks(6, long, 128)[141:]
    assert ChunkReader().receive(first + build_chunks(2, set_chunk_size(4096)) + b"\xc6" + second) == [long]


def test_abort_drops_what_came_of_a_message() -> None:
    reader = ChunkReader()
    cut = build_chunks(6, Message(VIDEO, 40, 1, bytes(300)), 128)[:150]
    reader.receive(cut[:140])
    assert reader.partial_bytes == 128
    abort = build_chunks(2, Message(ABORT, 0, 0, b"\x00\x00\x00\x06"))
    assert reader.receive(abort + build_chunks(6, Message(VIDEO, 80, 1, b"next"))) == [
        Message(VIDEO, 80, 1, b"next")
    ]
    assert reader.partial_bytes == 0


def test_abort_of_an_unknown_stream_is_nothing() -> None:
    assert ChunkReader().receive(build_chunks(2, Message(ABORT, 0, 0, b"\x00\x00\x00\x09"))) == []


def test_empty_messages_are_messages() -> None:
    empty = Message(AUDIO, 7, 1, b"")
    assert ChunkReader().receive(build_chunks(4, empty) + build_chunks(4, empty)) == [empty, empty]


@pytest.mark.parametrize("size", [0, 65_537, 2**31 - 1, 2**31, 2**32 - 1])
def test_chunk_sizes_out_of_bounds_are_refused(size: int) -> None:
    """A35."""
    with pytest.raises(PeerError):
        ChunkReader().receive(build_chunks(2, set_chunk_size(size)))


@pytest.mark.parametrize("size", [1, 65_536])
def test_chunk_sizes_at_the_bounds_are_obeyed(size: int) -> None:
    reader = ChunkReader()
    reader.receive(build_chunks(2, set_chunk_size(size)))
    assert reader.chunk_size == size


@pytest.mark.parametrize(
    "data",
    [
        b"\xc4",
        b"\x84\x00\x00\x00",
        b"\x04\x00\x00\x00\xff\xff\xff\x09\x01\x00\x00\x00",
        build_chunks(6, Message(VIDEO, 0, 1, bytes(300)), 128)[:140]
        + build_chunks(6, Message(VIDEO, 0, 1, b"x")),
        build_chunks(6, Message(VIDEO, 0, 1, bytes(300)), 128)[:140] + b"\x46\x00\x00\x00\x00\x00\x01\x09x",
        build_chunks(2, Message(SET_CHUNK_SIZE, 0, 0, b"\x00\x10")),
    ],
    ids=["type 3 first", "type 2 first", "16 MiB", "type 0 inside", "type 1 inside", "short size"],
)
def test_broken_chunk_streams_are_refused(data: bytes) -> None:
    """A39."""
    with pytest.raises(PeerError):
        ChunkReader().receive(data)


def test_fresh_chunk_stream_may_begin_with_type_1() -> None:
    assert ChunkReader().receive(b"\x42\x00\x00\x05\x00\x00\x01\x04x") == [Message(4, 5, 0, b"x")]


def test_chunk_streams_are_counted() -> None:
    data = b"".join(build_chunks(64 + i, Message(AUDIO, 0, 1, b"a")) for i in range(RTMP_CHUNK_STREAMS + 1))
    with pytest.raises(PeerError):
        ChunkReader().receive(data)


def test_memory_follows_the_bytes_that_came_not_those_declared() -> None:
    """A35, A36."""
    reader = ChunkReader()
    tracemalloc.start()
    for i in range(RTMP_CHUNK_STREAMS):
        head = (
            build_basic_header(0, 3 + i)
            + bytes(3)
            + RTMP_MESSAGE_BYTES.to_bytes(3, "big")
            + b"\x09"
            + bytes(4)
        )
        reader.receive(head + bytes(128))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000


def test_unfinished_messages_are_bounded_together() -> None:
    """A36."""
    reader = ChunkReader()
    reader.receive(build_chunks(2, set_chunk_size(65_536)))
    head = bytes(3) + RTMP_MESSAGE_BYTES.to_bytes(3, "big") + b"\x09" + bytes(4)
    with pytest.raises(PeerError):
        for i in range(60):
            data = build_basic_header(0, 3 + i) + head + bytes(65_536)
            data += (build_basic_header(3, 3 + i) + bytes(65_536)) * 3
            reader.receive(data)
    assert reader.partial_bytes <= RTMP_CONNECTION_BYTES + 4 * 65_536


def _seconds(data: bytes, step: int) -> float:
    best = 9.0
    for _ in range(3):
        reader, begun = ChunkReader(), time.process_time()
        for i in range(0, len(data), step):
            reader.receive(data[i : i + step])
        best = min(best, time.process_time() - begun)
    return best


@pytest.mark.parametrize("step", [1, 100_000_000], ids=["bytewise", "at once"])
@pytest.mark.parametrize("other", [False, True], ids=["alone", "interleaved"])
def test_chunks_of_one_byte_cost_linear_time(step: int, other: bool) -> None:
    """A37."""

    def data(size: int) -> bytes:
        long = Encoder(1, random.Random(1)).chunks(6, Message(VIDEO, 0, 1, bytes(size)))
        if not other:
            return build_chunks(2, set_chunk_size(1)) + b"".join(long)
        short = Encoder(1, random.Random(1)).chunks(4, Message(AUDIO, 0, 1, bytes(size)))
        return build_chunks(2, set_chunk_size(1)) + b"".join(a + b for a, b in zip(long, short, strict=True))

    assert _seconds(data(80_000), step) / _seconds(data(20_000), step) < 8  # quadratic is 16


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes, step: int) -> None:
    reader = ChunkReader()
    try:
        for i in range(0, len(data), step):
            reader.receive(data[i : i + step])
    except PeerError:
        pass
    assert reader.partial_bytes <= len(data)
