"""Host candidates as SDP writes them (RFC 8839 section 5.1, RFC 6544 section 4.5).

A peer's own candidates are never read: it is found by the checks that it sends (A47).
"""

from typing import Final

import msgspec

_HOST_PREFERENCE: Final = 126
"""RFC 8445 section 5.1.2.2."""
_TCP_HOST_PREFERENCE: Final = 90
_PASSIVE_PREFERENCE: Final = 2
"""RFC 6544 section 4.2: behind all of UDP."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One address at which a side may be reached, for RTP and RTCP together."""

    foundation: str
    protocol: str
    """`udp`, or `tcp`: then the other side connects."""
    priority: int
    address: str
    port: int


def udp_priority(local_preference: int) -> int:
    """Of a host candidate (RFC 8445 section 5.1.2.1); `local_preference` is 0..65,535."""
    return _HOST_PREFERENCE << 24 | local_preference << 8 | 255


def tcp_priority(local_preference: int) -> int:
    """Of a passive host candidate (RFC 6544 section 4.2); `local_preference` is 0..8,191."""
    return _TCP_HOST_PREFERENCE << 24 | (_PASSIVE_PREFERENCE << 13 | local_preference) << 8 | 255


def build_candidate(one: Candidate) -> str:
    """What stands behind `a=candidate:`."""
    tail = " tcptype passive" if one.protocol == "tcp" else ""
    return f"{one.foundation} 1 {one.protocol} {one.priority} {one.address} {one.port} typ host{tail}"
