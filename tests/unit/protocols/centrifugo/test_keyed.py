"""Maps and shared polls on both wires, against the field numbers of the public schema."""

import json

from centrifuge.protocol import client_pb2 as official
from hypothesis import given
from hypothesis import strategies as st

from madang.protocols.centrifugo import binary, text
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.wire import tagged, varint

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def only(message: bytes) -> m.Command:
    (command,) = binary.parse_commands(message)
    return command


def test_a_subscribe_to_a_map_letter_by_letter() -> None:
    body = (
        tagged(1, b"c") + b"\x78\x01" + b"\x80\x01\x02" + b"\x8a\x01\x01k" + b"\x90\x01\x0a" + b"\x98\x01\x01"
    )
    command = only(binary.delimited(b"\x08\x01" + tagged(5, body)))
    asked = m.SubscribeRequest("c", type=m.MAP, phase=m.STATE_PHASE, cursor="k", limit=10, asc=True)
    assert command.subscribe == asked
    assert only(binary.encode_command(command)) == command
    (told,) = text.parse_commands(
        b'{"id":1,"subscribe":{"channel":"c","type":1,"phase":2,"cursor":"k","limit":10,"asc":true}}'
    )
    assert told.subscribe == asked


def test_a_publish_of_a_key() -> None:
    body = tagged(1, b"c") + tagged(2, b"{}") + b"\x18\x01" + tagged(4, b"k") + b"\x28\x01"
    asked = m.PublishRequest("c", m.raw(b"{}"), m.MAP_KEY, "k", True)
    assert only(binary.delimited(b"\x08\x01" + tagged(7, body))).publish == asked
    (told,) = text.parse_commands(
        b'{"id":1,"publish":{"channel":"c","type":1,"key":"k","removed":true,"data":{}}}'
    )
    assert told.publish == asked


def test_tracked_keys() -> None:
    item = tagged(1, b"a") + b"\x10" + varint(2**40)
    batch = tagged(1, b"sign") + tagged(2, item) + tagged(2, tagged(1, b"b"))
    body = tagged(1, b"c") + b"\x18\x01" + tagged(4, batch) + tagged(5, b"x") + tagged(5, b"y")
    asked = m.SubRefreshRequest(
        "c",
        type=m.TRACK,
        track=(m.TrackBatch("sign", (m.KeyedItem("a", 2**40), m.KeyedItem("b"))),),
        untrack=("x", "y"),
    )
    assert only(binary.delimited(b"\x08\x01" + tagged(15, body))).sub_refresh == asked
    (told,) = text.parse_commands(
        b'{"id":1,"sub_refresh":{"channel":"c","type":1,"untrack":["x","y"],"track":'
        b'[{"signature":"sign","items":[{"key":"a","version":1099511627776},{"key":"b"}]}]}}'
    )
    assert told.sub_refresh == asked


@given(KEYS, st.booleans(), st.integers(0, 2**63), st.binary(max_size=20))
def test_a_publication_of_a_key(key: str, removed: bool, version: int, data: bytes) -> None:
    plain = binary.encode_publication(data, b"", 7, {"t": "v"}, epoch="e")
    ours = binary.keyed(plain, key, removed=removed, version=version)
    fields = dict(binary_fields(ours))
    assert fields[11] == key.encode() and fields.get(12, 0) == removed and fields.get(16, 0) == version
    assert official.Publication.FromString(ours).data == data
    told = json.loads(
        text.keyed(text.encode_publication(b'{"a":1}', b"", 7, {}), key, removed=removed, version=version)
    )
    assert told.pop("removed", False) is removed and told.pop("version", 0) == version
    assert told == {"data": {"a": 1}, "offset": 7, "key": key}


def binary_fields(message: bytes) -> list[tuple[int, object]]:
    """All fields of a message, whatever they are."""
    from madang.protocols.centrifugo.wire import read_varint

    found: list[tuple[int, object]] = []
    at = 0
    while at < len(message):
        tag, at = read_varint(message, at, len(message))
        number, at = read_varint(message, at, len(message))
        if tag & 7 == 2:
            found.append((tag >> 3, message[at : at + number]))
            at += number
        else:
            found.append((tag >> 3, number))
    return found


def test_a_page_of_a_map() -> None:
    entry = binary.keyed(binary.encode_publication(b"d", b"", 3, {}), "k")
    result = m.SubscribeResult(
        epoch="e",
        offset=9,
        type=m.MAP,
        phase=m.STATE_PHASE,
        cursor="k",
        state=binary.list_publications([entry], 18),
        publish_debounce=100,
    )
    body = binary.encode_reply(m.Reply(1, subscribe=result))
    fields = dict(binary_fields(dict(binary_fields(body))[6]))  # type: ignore[arg-type]
    assert fields[18] == entry and fields[17] == b"k" and fields[19] == 100
    assert (fields[15], fields[16]) == (m.MAP, m.STATE_PHASE)
    listed = text.list_publications([text.keyed(text.encode_publication(b"1", b"", 3, {}), "k")])
    told = json.loads(
        text.encode_reply(m.Reply(1, subscribe=m.SubscribeResult(state=listed, phase=2, cursor="k")))
    )
    assert told["subscribe"] == {
        "state": [{"data": 1, "offset": 3, "key": "k"}],
        "phase": 2,
        "cursor": "k",
    }


def test_what_is_known_of_tracked_keys() -> None:
    item = binary.keyed(binary.encode_publication(b"d", b"", 0, {}), "k", version=5)
    reply = m.Reply(1, sub_refresh=m.SubRefreshResult(True, 5, binary.list_publications([item], 3)))
    fields = dict(binary_fields(dict(binary_fields(binary.encode_reply(reply)))[15]))  # type: ignore[arg-type]
    assert fields == {1: 1, 2: 5, 3: item}
