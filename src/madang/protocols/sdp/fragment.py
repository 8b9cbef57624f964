"""Trickle ICE over HTTP: `application/trickle-ice-sdpfrag` (RFC 8840 section 9, RFC 9725 section 4.3)."""

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import SDP_CANDIDATES, SDP_SECTIONS
from madang.protocols.sdp.build import transport_lines
from madang.protocols.sdp.parse import attribute_of, lines_of, with_attribute
from madang.protocols.sdp.words import Transport


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials of an ICE session and candidates for it."""

    transport: Transport
    mids: tuple[str, ...] = ()
    """Of the sections that it names, in order."""


def parse_fragment(data: bytes) -> Fragment:
    """Read a fragment: PeerError `malformed_sdp`. Candidates of all sections are one list: everything is
    bundled."""
    transport = Transport()
    mids: list[str] = []
    sections = 0
    for letter, value in lines_of(data):
        sections += letter == "m"
        if sections > SDP_SECTIONS:
            raise PeerError("malformed_sdp", "a fragment with too many sections")
        if letter != "a":
            continue
        name, text = attribute_of(value)
        if name == "mid":
            mids.append(text[:64])
        elif name == "candidate" and len(transport.candidates) >= SDP_CANDIDATES:
            raise PeerError("malformed_sdp", f"a fragment with more than {SDP_CANDIDATES} candidates")
        else:
            transport = with_attribute(transport, name, text)
    return Fragment(transport=transport, mids=tuple(mids))


def build_fragment(fragment: Fragment, kinds: tuple[str, ...] = ("audio",)) -> bytes:
    """The text of a fragment: one section of each kind under its mid."""
    transport = fragment.transport
    head = msgspec.structs.replace(transport, candidates=(), end_of_candidates=False)
    tail = Transport(candidates=transport.candidates, end_of_candidates=transport.end_of_candidates)
    lines = list(transport_lines(head))
    for kind, mid in zip(kinds, fragment.mids or ("0",), strict=False):
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{mid}", *transport_lines(tail)]
    return ("\r\n".join(lines) + "\r\n").encode()
