"""Fuzz targets of the server API's requests: whatever comes, PeerError or nothing."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.test_centrifugo import mutated

from madang.base.errors import PeerError
from madang.protocols.centrifugo.messages import NONE
from madang.protocols.centrifugo.wire import tagged
from madang.realtime import api_binary, api_requests

PUBLISH = (
    b'{"channel":"c","data":{"a":[1,"\\"]"]},"b64data":null,"tags":{"k":"v"},"version":3,"delta":true,'
    b'"idempotency_key":"k"}'
)
LINES = b'{"method":"publish","params":{"channel":"c","data":1}}\n{"method":"info"}\n{"id":3,"method":""}'
BATCH = (
    b'{"commands":[{"publish":{"channel":"c","data":1},"id":1},{"history":{"channel":"c"}},{}],"parallel":1}'
)
TAGS = tagged(5, tagged(1, b"k") + tagged(2, b"v"))
ONE = tagged(1, b"c") + tagged(2, b'{"a":[1]}') + TAGS + b"\x40\x03"
PROTOBUF = tagged(1, tagged(4, ONE)) + b"\x10\x01"


@given(st.sampled_from(sorted(api_binary.NAMES.values())), st.binary(max_size=300) | mutated(PUBLISH))
def test_methods(method: str, body: bytes) -> None:
    with suppress(PeerError):
        api_requests.check(body)
        api_requests.parse(method, body)


@given(st.binary(max_size=300) | mutated(LINES))
def test_the_legacy_endpoint(body: bytes) -> None:
    with suppress(PeerError):
        api_requests.check(body)
        api_requests.parse_lines(body)


@given(st.binary(max_size=300) | mutated(BATCH) | mutated(BATCH.replace(b":1}", b":false}")))
def test_batches(body: bytes) -> None:
    with suppress(PeerError):
        api_requests.check(body)
        api_requests.parse_batch(body)


@given(st.text(max_size=50) | mutated(b"eyJhIjoxfQ==").map(lambda told: told.decode("latin-1")))
def test_base_64(encoded: str) -> None:
    with suppress(PeerError):
        api_requests.either(NONE, encoded)


@given(
    st.sampled_from(sorted(api_binary.NAMES.values())),
    st.binary(max_size=300) | mutated(PROTOBUF) | mutated(ONE),
)
def test_protobuf(method: str, body: bytes) -> None:
    with suppress(PeerError):
        api_binary.parse(method, body)
    with suppress(PeerError):
        api_binary.parse_batch(body)
