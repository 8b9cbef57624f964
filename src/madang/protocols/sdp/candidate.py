"""ICE candidates as SDP writes them (RFC 8839 section 5.1, RFC 6544 section 4.5)."""

import ipaddress

import msgspec

from madang.base.errors import PeerError

HOST_PREFERENCE = 126
"""RFC 8445 section 5.1.2.2."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One address at which a side may be reached."""

    foundation: str = "1"
    component: int = 1
    protocol: str = "udp"
    """`udp` or `tcp`, in lower case."""
    priority: int = 0
    address: str
    """An IP address, or a name ending in `.local` that nobody but its own network resolves."""
    port: int
    kind: str = "host"
    """`host`, `srflx`, `prflx`, `relay`, or what an extension calls it."""
    tcp_type: str = ""
    """`active`, `passive`, `so`."""

    @property
    def is_address(self) -> bool:
        """Whether it names an IP address."""
        try:
            ipaddress.ip_address(self.address)
        except ValueError:
            return False
        return True


def priority(local_preference: int, component: int = 1) -> int:
    """Of a host candidate (RFC 8445 section 5.1.2.1); `local_preference` is 0..65535."""
    return HOST_PREFERENCE << 24 | local_preference << 8 | 256 - component


def parse_candidate(value: str) -> Candidate:
    """Read what stands behind `a=candidate:`. PeerError `malformed_sdp` for broken grammar; kinds and
    addresses that are unknown are for the caller to pass over."""
    words = value.removeprefix("candidate:").split()
    if len(words) < 8 or words[6].lower() != "typ" or len(words) > 64:
        raise PeerError("malformed_sdp", "an ICE candidate is incomplete")
    foundation, component, protocol, weight, address, port, _, kind = words[:8]
    extra = dict(zip(words[8::2], words[9::2], strict=False))
    for number, most in ((component, 256), (weight, 2**32 - 1), (port, 65_535)):
        if not (number.isascii() and number.isdigit() and len(number) <= 10) or int(number) > most:
            raise PeerError("malformed_sdp", "an ICE candidate has a field that is no number")
    return Candidate(
        foundation=foundation[:32],
        component=int(component),
        protocol=protocol.lower(),
        priority=int(weight),
        address=address,
        port=int(port),
        kind=kind.lower(),
        tcp_type=extra.get("tcptype", "").lower(),
    )


def build_candidate(one: Candidate) -> str:
    """What stands behind `a=candidate:`."""
    text = (
        f"{one.foundation} {one.component} {one.protocol} {one.priority} {one.address} {one.port} "
        f"typ {one.kind}"
    )
    return f"{text} tcptype {one.tcp_type}" if one.tcp_type else text
