"""Fuzz targets of Centrifugo's protocol: whatever comes, PeerError or nothing."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.centrifugo import binary, fossil, tags, text
from madang.protocols.centrifugo import messages as m

COMMANDS = [
    m.Command(1, connect=m.ConnectRequest("token", m.raw(b"{}"), {"c": m.SubscribeRequest(recover=True)})),
    m.Command(2, subscribe=m.SubscribeRequest("c", tf=m.FilterNode(key="k", cmp="in", vals=("a", "b")))),
    m.Command(3, history=m.HistoryRequest("c", -1, m.StreamPosition(5, "e"), True)),
    m.Command(4, rpc=m.RpcRequest(m.raw(b'{"a":[1,2]}'), "method")),
    m.Command(
        5, subscribe=m.SubscribeRequest("c", type=m.MAP, phase=m.STATE_PHASE, cursor="k", limit=-1, asc=True)
    ),
    m.Command(6, publish=m.PublishRequest("c", m.raw(b"{}"), m.MAP_KEY, "k", True)),
    m.Command(
        7, sub_refresh=m.SubRefreshRequest("c", type=1, track=(m.TrackBatch("s", (m.KeyedItem("k", 9),)),))
    ),
    m.Command(),
]
BINARY = b"".join(binary.encode_command(command) for command in COMMANDS)
TEXT = (
    b'{"id":1,"connect":{"token":"t","subs":{"c":{"recover":true,"epoch":"e"}}}}\n'
    b'{"id":2,"subscribe":{"channel":"c","tf":{"op":"not","nodes":[{"key":"k","cmp":"ex"}]}}}\n'
    b'{"id":3,"rpc":{"method":"m","data":{"a":[1,"\\"]"]}}}\n{}'
)


def mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    """These bytes with a few of them changed, cut out or repeated."""

    def change(edits: list[tuple[int, int, bytes]]) -> bytes:
        changed = whole
        for at, size, put in edits:
            at %= len(changed) + 1
            changed = changed[:at] + put + changed[at + size :]
        return changed

    return st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 4), st.binary(max_size=4)), max_size=5
    ).map(change)


@given(st.binary(max_size=400) | mutated(BINARY))
def test_protobuf(data: bytes) -> None:
    with suppress(PeerError):
        list(binary.parse_commands(data))
    with suppress(PeerError):
        binary.parse_emulation(data)


@given(st.binary(max_size=400) | mutated(TEXT))
def test_json(data: bytes) -> None:
    with suppress(PeerError):
        list(text.parse_commands(data))
    with suppress(PeerError):
        text.parse_emulation(data)
    if text.is_json(data):
        assert text.is_json(text.one_line(data))
    text.is_object(data)


@given(mutated(fossil.create(b"the quick brown fox jumps over it", b"the quick brown dog jumps over it")))
def test_deltas(delta: bytes) -> None:
    with suppress(PeerError):
        assert len(fossil.apply(b"the quick brown fox jumps over it", delta)) < 1 << 24


@given(st.text(max_size=200) | mutated(b'{"op":"or","nodes":[{"key":"a","cmp":"lt","val":"1e5"}]}').map(repr))
def test_filters(told: str) -> None:
    with suppress(PeerError):
        tags.matches(tags.parse(told), {"a": "2", "b": "x"})
