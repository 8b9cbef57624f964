"""STUN messages: the vectors of RFC 5769, parse and build, and what is refused."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.stun import message

REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")


def test_the_request_of_rfc_5769() -> None:
    parsed = message.parse(REQUEST)
    assert parsed.kind == message.REQUEST
    assert parsed.transaction == TRANSACTION
    assert parsed.attributes[message.USERNAME] == b"evtj:h6vY"
    assert parsed.attributes[message.ICE_CONTROLLED] == bytes.fromhex("932ff9b151263b36")
    assert message.is_genuine(REQUEST, parsed, PASSWORD)
    assert not message.is_genuine(REQUEST, parsed, PASSWORD + b"x")


def test_the_response_of_rfc_5769() -> None:
    parsed = message.parse(RESPONSE)
    assert parsed.kind == message.SUCCESS
    assert message.is_genuine(RESPONSE, parsed, PASSWORD)
    address, port = message.parse_xor_address(parsed.attributes[message.XOR_MAPPED_ADDRESS], TRANSACTION)
    assert (str(address), port) == ("192.0.2.1", 32853)
    assert message.xor_address(address, port, TRANSACTION) == bytes.fromhex("0001a147e112a643")


@given(st.ip_addresses(), st.integers(0, 0xFFFF), st.binary(min_size=12, max_size=12))
def test_addresses_come_back(address: object, port: int, transaction: bytes) -> None:
    where = ip_address(str(address))
    assert message.parse_xor_address(message.xor_address(where, port, transaction), transaction) == (
        where,
        port,
    )


ATTRIBUTES = st.dictionaries(
    st.integers(0, 0xFFFF).filter(lambda n: n not in (message.FINGERPRINT, message.MESSAGE_INTEGRITY)),
    st.binary(max_size=40),
    max_size=10,
)


@given(ATTRIBUTES, st.binary(min_size=12, max_size=12), st.none() | st.binary(min_size=1, max_size=30))
def test_what_is_built_is_parsed(
    attributes: dict[int, bytes], transaction: bytes, password: bytes | None
) -> None:
    built = message.build(message.REQUEST, transaction, attributes.items(), password)
    assert message.is_stun(built)
    parsed = message.parse(built)
    assert parsed.transaction == transaction
    kept = {n: v for n, v in parsed.attributes.items() if n != message.MESSAGE_INTEGRITY}
    assert kept == attributes
    assert (parsed.integrity_at > 0) is (password is not None)
    if password is not None:
        assert message.is_genuine(built, parsed, password)


def test_every_cut_and_every_changed_byte_is_refused() -> None:
    for length in range(len(REQUEST)):
        with pytest.raises(PeerError):
            message.parse(REQUEST[:length])
    for at in set(range(len(REQUEST))) - {len(REQUEST) - 8, len(REQUEST) - 7}:  # FINGERPRINT's type: optional
        broken = bytearray(REQUEST)
        broken[at] ^= 0x10
        try:
            parsed = message.parse(bytes(broken))
        except PeerError:
            continue
        assert not message.is_genuine(bytes(broken), parsed, PASSWORD), at


def test_attributes_behind_the_integrity_do_not_count() -> None:
    built = message.build(message.REQUEST, TRANSACTION, ((message.USERNAME, b"a:b"),), b"password")
    late = bytes.fromhex("00250000")
    body = built[20:-8] + late
    forged = built[:2] + len(body).to_bytes(2, "big") + built[4:20] + body
    parsed = message.parse(forged)
    assert message.USE_CANDIDATE not in parsed.attributes
    assert message.is_genuine(forged, parsed, b"password")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("an attribute beyond the end", "0006ffff61"),
        ("an integrity of 4 bytes", "0008000401020304"),
        ("a fingerprint that is not the end", "80280004010203040006000161000000"),
        ("a fingerprint of 8 bytes", "802800080102030405060708"),
        ("forty attributes", "80220000" * 40),
    ],
)
def test_malformed_bodies_are_refused(name: str, body: str) -> None:
    """A48."""
    raw = bytes.fromhex(body)
    raw += bytes(-len(raw) & 3)
    head = bytes.fromhex("0001") + len(raw).to_bytes(2, "big") + bytes.fromhex("2112a442") + TRANSACTION
    with pytest.raises(PeerError):
        message.parse(head + raw)


@pytest.mark.parametrize("value", ["", "0001", "0003a147e112a643", "0002a147e112a643", "0001a147e112a64300"])
def test_addresses_of_no_family_are_refused(value: str) -> None:
    with pytest.raises(PeerError):
        message.parse_xor_address(bytes.fromhex(value), TRANSACTION)


def test_other_protocols_are_not_stun() -> None:
    for data in (b"", b"\x16\xfe\xfd" + bytes(40), b"\x80\x60" + bytes(40), REQUEST[:-1], REQUEST + b"\0"):
        assert not message.is_stun(data)
