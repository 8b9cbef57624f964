"""Protocol Buffers by table: numbers with signs, fields without defaults, messages without a table."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.centrifugo import binary
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.wire import Codec, Field, Kind, pieces, tagged


class Needy(msgspec.Struct, frozen=True, kw_only=True):
    """No field has a default."""

    name: str
    at: int
    small: int
    flag: bool
    names: tuple[str, ...]


CODEC = Codec(
    {
        Needy: {
            1: Field("name", Kind.TEXT),
            2: Field("at", Kind.LONG),
            3: Field("small", Kind.SIGNED),
            4: Field("flag", Kind.FLAG),
            5: Field("names", Kind.TEXT_LIST),
        }
    }
)
NOTHING = Needy(name="", at=0, small=0, flag=False, names=())


@given(st.text(), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1), st.booleans())
def test_what_is_written_is_read(name: str, at: int, small: int, flag: bool) -> None:
    said = Needy(name=name, at=at, small=small, flag=flag, names=(name, "b"))
    assert CODEC.decode(Needy, CODEC.encode(said)) == said


def test_what_is_not_written_is_nothing() -> None:
    assert CODEC.decode(Needy, b"") == NOTHING
    assert CODEC.decode(Needy, b"\x20\x01") == msgspec.structs.replace(NOTHING, flag=True)


def test_pieces_pass_over_what_has_no_length() -> None:
    body = tagged(1, b"a") + b"\x10\x05" + b"\x1d1234" + b"\x2112345678" + tagged(16, b"b") + tagged(1, b"")
    assert list(pieces(body)) == [(1, b"a"), (16, b"b"), (1, b"")]
    assert list(pieces(b"")) == []


@pytest.mark.parametrize("body", [b"\x0a", b"\x0a\x02a", b"\x0b", b"\x1d123", b"\x21123", b"\x08"])
def test_pieces_that_end_too_soon(body: bytes) -> None:
    with pytest.raises(PeerError):
        list(pieces(body))


def test_a_bare_connect_has_numbers_of_its_own() -> None:
    push = m.Push(connect=m.ConnectResult("c", "v", data=m.raw(b"1"), ping=25))
    assert binary.encode_bare_push(push) == tagged(10, b"\x0a\x01c\x12\x01v\x1a\x011\x38\x19")
    assert binary.encode_bare_push(m.Push()) == b""
    publication = binary.encode_publication(b"1", b"", 7, {})
    assert binary.encode_bare_publication_push("a", publication) == b"\x12\x01a\x22\x05\x22\x011\x30\x07"


def test_a_unidirectional_connect_request() -> None:
    found = binary.parse_connect(tagged(1, b"token") + tagged(4, b"name"))
    assert (found.token, found.name) == ("token", "name")
    with pytest.raises(PeerError):
        binary.parse_connect(b"\x0a\x09token")
