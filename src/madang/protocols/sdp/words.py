"""What an offer or answer says, as far as it concerns a WHIP or WHEP session."""

from enum import StrEnum

import msgspec

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"


class Direction(StrEnum):
    """RFC 8866 section 6.7."""

    SEND_RECEIVE = "sendrecv"
    SEND = "sendonly"
    RECEIVE = "recvonly"
    INACTIVE = "inactive"


class Setup(StrEnum):
    """Who opens DTLS (RFC 4145, RFC 8842)."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"


class Format(msgspec.Struct, frozen=True):
    """One payload type: `a=rtpmap`, `a=fmtp`, `a=rtcp-fb`."""

    payload_type: int
    name: str
    """As it was written; compare in lower case (RFC 4855)."""
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = {}
    """Of fmtp, names in lower case; a parameter without `=` has the value ''."""
    feedback: tuple[str, ...] = ()
    """`nack`, `nack pli`, `ccm fir`, `goog-remb`, `transport-cc`."""

    @property
    def apt(self) -> int:
        """The payload type that this one repairs (RFC 4588), or -1."""
        text = self.parameters.get("apt", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else -1


class Extension(msgspec.Struct, frozen=True):
    """`a=extmap` (RFC 8285)."""

    id: int
    uri: str
    direction: str = ""


class Transport(msgspec.Struct, frozen=True, kw_only=True):
    """One side of ICE and DTLS: what BUNDLE makes the same for all sections."""

    ufrag: str = ""
    pwd: str = ""
    fingerprints: tuple[tuple[str, str], ...] = ()
    """Hash function in lower case and upper-case hex with colons."""
    setup: Setup | None = None
    candidates: tuple[str, ...] = ()
    """Values of `a=candidate`, read by `candidate.parse`."""
    end_of_candidates: bool = False
    lite: bool = False
    options: tuple[str, ...] = ()
    """`ice-options`: `trickle`, `ice2`, `renomination`."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One m= section."""

    kind: str
    """`audio`, `video`, `application`."""
    port: int = 9
    protocol: str = "UDP/TLS/RTP/SAVPF"
    mid: str = ""
    direction: Direction = Direction.SEND_RECEIVE
    formats: tuple[Format, ...] = ()
    extensions: tuple[Extension, ...] = ()
    transport: Transport = Transport()
    rtcp_mux: bool = False
    rtcp_mux_only: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False
    msid: str = ""
    """Media stream and track id behind `a=msid:`."""
    sources: tuple[int, ...] = ()
    """SSRCs in the order in which `a=ssrc` names them."""
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """`a=ssrc-group`: semantics (`FID`, `SIM`) and SSRCs."""
    cname: str = ""
    rids: tuple[str, ...] = ()
    """RTP stream ids that are offered to be sent (RFC 8851)."""
    simulcast: tuple[str, ...] = ()
    """RTP stream ids of `a=simulcast:send` (or `recv` in an answer), best first as the offerer likes them."""
    others: tuple[str, ...] = ()
    """Formats of a section that is not RTP, such as `webrtc-datachannel`."""

    @property
    def rejected(self) -> bool:
        """RFC 3264 section 6: port 0, unless it waits to be bundled (RFC 9143)."""
        return self.port == 0 and not self.bundle_only

    def format(self, payload_type: int) -> Format | None:
        """The format of a payload type."""
        return next((each for each in self.formats if each.payload_type == payload_type), None)

    def repair_of(self, payload_type: int) -> Format | None:
        """The RTX format that repairs a payload type (RFC 4588)."""
        rtx = (each for each in self.formats if each.name.lower() == "rtx")
        return next((each for each in rtx if each.apt == payload_type), None)

    def extension(self, uri: str) -> int:
        """The id of a header extension, 0 when it is not offered."""
        return next((each.id for each in self.extensions if each.uri == uri), 0)


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A whole offer or answer. `Section.transport` of a parsed one holds what the session level says too."""

    session_id: str = "0"
    version: str = "0"
    sections: tuple[Section, ...] = ()
    bundle: tuple[str, ...] = ()
    """Mids of the BUNDLE group, in order; empty without one."""
    lite: bool = False
    extmap_allow_mixed: bool = False

    @property
    def transport(self) -> Transport:
        """Of the bundle: what its first live section says."""
        live = [section for section in self.sections if not section.rejected]
        tagged = [section for section in live if self.bundle and section.mid == self.bundle[0]]
        return (tagged or live)[0].transport if live else Transport()

    @property
    def candidates(self) -> tuple[str, ...]:
        """Of all sections."""
        return tuple(each for section in self.sections for each in section.transport.candidates)
