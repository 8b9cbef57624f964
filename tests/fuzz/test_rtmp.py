"""Fuzz targets of the RTMP wire: whatever comes, PeerError or nothing, and memory by the bytes that came."""

import random

from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.base.limits import RTMP_CHUNK_STREAMS
from madang.containers.flv import amf
from madang.containers.flv.metadata import metadata_body
from madang.ingest.rtmp.counters import IngestCounters
from madang.ingest.rtmp.intake import Intake
from madang.media.frame import Frame
from madang.media.track import Track
from madang.protocols.rtmp.address import locate
from madang.protocols.rtmp.chunk import ChunkReader, ChunkWriter, build_chunks
from madang.protocols.rtmp.client import Aim, ClientConnection, Target
from madang.protocols.rtmp.command import command, parse_connect
from madang.protocols.rtmp.handshake import ENTROPY_BYTES, ClientHandshake, ServerHandshake
from madang.protocols.rtmp.message import AGGREGATE, AUDIO, COMMAND, DATA, VIDEO, Message, set_chunk_size
from madang.protocols.rtmp.server import Phase, ServerConnection

ENTROPY = random.Random(7).randbytes(ENTROPY_BYTES)
AVCC = bytes.fromhex("0142c00dffe100166742c00dda0507ec0440000003004000000f03c50aa801000468ce0fc8")
BODIES = [
    b"\x17\x00\x00\x00\x00" + AVCC,
    b"\x17\x01\x00\x00\x00\x00\x00\x00\x05\x65\x88\x84\x3a\x26",
    b"\x27\x01\xff\xff\xff\x00\x00\x00\x05\x41\x9a\x20\x26\x80",
    b"\xa1hvc1\x00\x00\x10\x00\x00\x00\x02\x26\x01",
    b"\x96\x10av01\x00\x00\x00\x03abc\x01\x00\x00\x02de",
    b"\xa7\x02\x00\x00\x07\x01av01\x12\x00\x32\x01a",
]
SOUNDS = [
    b"\xaf\x00\x12\x10",
    b"\xaf\x01aac",
    b"\x91Opuspacket",
    b"\x95\x10Opus\x00\x00\x00\x02ab",
    b"\x2f\xff\xfb\x10\xc4",
]


def mutated(data: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Valid bytes with a few of them changed, cut out or repeated."""

    def change(whole: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
        for at, size, put in edits:
            at %= len(whole) + 1
            whole = whole[:at] + put + whole[at + size :]
        return whole

    edits = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 4), st.binary(max_size=4)), max_size=5)
    return st.builds(change, data, edits)


def conversation(chunk_size: int, messages: list[Message]) -> bytes:
    """What a publisher sends from C0 on, when the server agrees to everything."""
    client = ClientConnection(ENTROPY, Target("rtmp://h/live", "live", "key", Aim.PUBLISH))
    server = ServerConnection(ENTROPY)
    said = b""
    while True:
        up = client.take()
        said += up
        server.receive(up)
        if server.phase is Phase.ASKED:
            server.accept_publish()
        down = server.take()
        if not up and not down:
            break
        client.receive(down)
    client.set_chunk_size(chunk_size)
    return said + client.take() + b"".join(client.send(m.type, m.timestamp_ms, m.body) for m in messages)


media = st.builds(
    Message,
    st.sampled_from([AUDIO, VIDEO, DATA, AGGREGATE, COMMAND]),
    st.integers(0, 2**32 - 1),
    st.just(1),
    st.sampled_from([*BODIES, *SOUNDS, metadata_body(()), amf.encode("deleteStream", 0, None, 1)])
    | st.binary(max_size=300),
)
conversations = st.builds(conversation, st.sampled_from([1, 128, 65_536]), st.lists(media, max_size=4))


class Output:
    def tracks(self, tracks: tuple[Track, ...]) -> None:
        assert tracks

    def frame(self, frame: Frame) -> None:
        assert frame.payload


@given(mutated(conversations), st.integers(1, 4000))
def test_a_whole_connection(data: bytes, step: int) -> None:
    server = ServerConnection(ENTROPY)
    intake = Intake(Output(), IngestCounters(), lambda name: None)
    try:
        for i in range(0, len(data), step):
            for event in server.receive(data[i : i + step]):
                if isinstance(event, Message):
                    intake.media(event)
            if server.phase is Phase.ASKED:
                server.accept_publish()
    except PeerError as error:
        assert error.code and error.reason and error.told
    assert len(server.take()) < 3 * 1537 + 40 * len(data)


@given(mutated(st.builds(lambda: ClientHandshake(ENTROPY, 0).begin() + bytes(1536))), st.integers(1, 2000))
def test_handshake(data: bytes, step: int) -> None:
    handshake = ServerHandshake(ENTROPY)
    try:
        replies = [handshake.receive(data[i : i + step]) for i in range(0, len(data), step)]
        assert sum(map(len, replies)) in (0, 1 + 2 * 1536)
    except PeerError:
        pass


def chunks(messages: list[Message], chunk_size: int) -> bytes:
    writer = ChunkWriter()
    data = writer.write(2, set_chunk_size(chunk_size))
    writer.chunk_size = chunk_size
    return data + b"".join(writer.write(3 + i % 5, message) for i, message in enumerate(messages))


@given(
    mutated(st.builds(chunks, st.lists(media, max_size=6), st.sampled_from([1, 7, 128, 4096]))),
    st.integers(1, 999),
)
def test_chunk_reader_gives_the_same_for_every_cut(data: bytes, step: int) -> None:
    whole, cut = ChunkReader(), ChunkReader()
    found: list[Message] | None
    try:
        found = whole.receive(data)
    except PeerError:
        found = None
    pieces: list[Message] = []
    try:
        for i in range(0, len(data), step):
            pieces += cut.receive(data[i : i + step])
    except PeerError:
        assert found is None
    else:
        assert pieces == found
    assert cut.partial_bytes <= len(data)
    assert len(cut._streams) <= RTMP_CHUNK_STREAMS


@given(mutated(st.sampled_from([command(0, "connect", 1, {"app": "live", "fourCcList": ["*"]}).body])))
def test_commands(data: bytes) -> None:
    try:
        values = amf.decode_command(data, True)
    except PeerError:
        return
    connect = parse_connect(values[2] if len(values) > 2 else None)
    locate(connect, connect.tc_url)


@given(
    mutated(st.just(build_chunks(3, command(0, "_result", 1, {"a": 1}, {"code": "x"})))), st.integers(1, 99)
)
def test_client(data: bytes, step: int) -> None:
    client = ClientConnection(ENTROPY, Target("rtmp://h/live", "live", "key", Aim.PLAY))
    data = b"\x03" + bytes(2 * 1536) + data
    try:
        for i in range(0, len(data), step):
            client.receive(data[i : i + step])
    except PeerError:
        pass
