"""Candidates and the fragments in which they trickle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.sdp.candidate import Candidate, build_candidate, parse_candidate, priority
from madang.protocols.sdp.fragment import Fragment, build_fragment, parse_fragment
from madang.protocols.sdp.words import Transport


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "candidate:1 1 UDP 2130706431 192.0.2.1 8189 typ host",
            Candidate(priority=2130706431, address="192.0.2.1", port=8189),
        ),
        (
            "1 1 tcp 1 2001:db8::1 9 typ host tcptype active generation 0",
            Candidate(protocol="tcp", priority=1, address="2001:db8::1", port=9, tcp_type="active"),
        ),
        (
            "a 1 udp 5 d3c2.local 33733 typ host generation 0 network-cost 999",
            Candidate(foundation="a", priority=5, address="d3c2.local", port=33733),
        ),
        (
            "7 1 udp 5 203.0.113.9 1 typ relay raddr 192.0.2.1 rport 9",
            Candidate(foundation="7", priority=5, address="203.0.113.9", port=1, kind="relay"),
        ),
    ],
)
def test_candidates_of_real_peers(text: str, expected: Candidate) -> None:
    assert parse_candidate(text) == expected
    assert expected.is_address is not expected.address.endswith(".local")


@given(
    st.builds(
        Candidate,
        foundation=st.sampled_from("12a"),
        component=st.just(1),
        protocol=st.sampled_from(["udp", "tcp"]),
        priority=st.integers(0, 2**32 - 1),
        address=st.ip_addresses().map(str),
        port=st.integers(0, 65535),
        kind=st.sampled_from(["host", "srflx"]),
        tcp_type=st.sampled_from(["", "passive"]),
    )
)
def test_what_is_built_is_read(one: Candidate) -> None:
    assert parse_candidate(build_candidate(one)) == one


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "1 1 udp",
        "1 x udp 1 192.0.2.1 1 typ host",
        "1 1 udp 1 192.0.2.1 99999 typ host",
        "1 1 udp 1 192.0.2.1 1 kind host",
        "1 1 udp 99999999999 h 1 typ host",
    ],
)
def test_broken_candidates(bad: str) -> None:
    with pytest.raises(PeerError):
        parse_candidate(bad)


def test_priority_of_a_host() -> None:
    assert priority(65_535) == 2130706431  # what every browser writes for its first host candidate


def test_a_fragment_of_the_rfc() -> None:
    # RFC 9725 section 4.3.2
    data = (
        b"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\n"
        b"a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
        b"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r\n"
        b"a=end-of-candidates\r\n"
    )
    fragment = parse_fragment(data)
    assert (fragment.transport.ufrag, fragment.mids) == ("EsAw", ("0",))
    assert len(fragment.transport.candidates) == 1 and fragment.transport.end_of_candidates


def test_a_fragment_is_built_and_read() -> None:
    transport = Transport(
        ufrag="abcd",
        pwd="p" * 22,
        candidates=("1 1 udp 1 192.0.2.1 1 typ host",),
        end_of_candidates=True,
        lite=True,
    )
    fragment = Fragment(transport=transport, mids=("0",))
    assert parse_fragment(build_fragment(fragment)) == fragment


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff",
        b"nonsense",
        b"m=audio 9 X 0\r\n" * 20,
        b"a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n" * 50,
        b"a=ice-ufrag:!\r\n",
    ],
)
def test_broken_fragments(bad: bytes) -> None:
    with pytest.raises(PeerError):
        parse_fragment(bad)
