"""The opening handshake."""

import pytest

from madang.base.errors import PeerError
from madang.protocols.websocket import handshake

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def test_example_of_the_rfc() -> None:
    assert handshake.accept_token(KEY) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in handshake.build_response(KEY)


def test_subprotocol() -> None:
    assert (
        handshake.choose_subprotocol(b"soap, centrifuge-json", ("centrifuge-json", "x")) == "centrifuge-json"
    )
    assert handshake.choose_subprotocol(b"", ("x",)) == ""
    assert handshake.build_response(KEY, "x").endswith(b"sec-websocket-protocol: x\r\n\r\n")
    assert b"protocol:" not in handshake.build_response(KEY)


@pytest.mark.parametrize(
    ("version", "key", "code"),
    [
        (b"", KEY, "426"),
        (b"8", KEY, "426"),
        (b"13", b"", "400"),
        (b"13", b"c2hvcnQ=", "400"),
        (b"13", b"\xff", "400"),
    ],
)
def test_refusals(version: bytes, key: bytes, code: str) -> None:
    with pytest.raises(PeerError) as caught:
        handshake.check_request(version, key)
    assert caught.value.code == code


def test_good_request_passes() -> None:
    handshake.check_request(b"13", KEY)
    assert b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY in handshake.build_request("a", "/", KEY)
