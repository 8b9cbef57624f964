"""Candidates and the fragments in which they trickle."""

import pytest

from madang.base.errors import PeerError
from madang.protocols.sdp.candidate import Candidate, build_candidate, tcp_priority, udp_priority
from madang.protocols.sdp.fragment import Fragment, build_fragment, parse_fragment
from madang.protocols.sdp.words import Transport


def test_a_host_is_told_as_browsers_tell_theirs() -> None:
    one = Candidate(
        foundation="1", protocol="udp", priority=udp_priority(65_535), address="192.0.2.1", port=8189
    )
    assert build_candidate(one) == "1 1 udp 2130706431 192.0.2.1 8189 typ host"


def test_a_host_that_is_connected_to() -> None:
    one = Candidate(
        foundation="9", protocol="tcp", priority=tcp_priority(8191), address="2001:db8::1", port=8189
    )
    assert build_candidate(one) == "9 1 tcp 1516240895 2001:db8::1 8189 typ host tcptype passive"
    assert tcp_priority(8191) < udp_priority(0)


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
