"""Words into an SDP text (RFC 8866), in the order in which browsers write theirs."""

from collections.abc import Iterator

from madang.protocols.sdp.words import Description, Format, Section, Transport


def build(description: Description) -> bytes:
    """The text of an offer or answer, lines ended by CRLF."""
    lines = [
        "v=0",
        f"o=- {description.session_id} {description.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
    ]
    if description.bundle:
        lines.append(f"a=group:BUNDLE {' '.join(description.bundle)}")
    if description.extmap_allow_mixed:
        lines.append("a=extmap-allow-mixed")
    lines.append("a=msid-semantic: WMS *")
    if description.lite:
        lines.append("a=ice-lite")
    for section in description.sections:
        lines += _section(section)
    return ("\r\n".join(lines) + "\r\n").encode()


def _section(section: Section) -> Iterator[str]:
    listed = [str(each.payload_type) for each in section.formats] or list(section.others) or ["0"]
    yield f"m={section.kind} {section.port} {section.protocol} {' '.join(listed)}"
    yield "c=IN IP4 0.0.0.0"
    if section.protocol.endswith("SAVPF"):
        yield "a=rtcp:9 IN IP4 0.0.0.0"
    yield from transport_lines(section.transport, with_lite=False)
    if section.mid:
        yield f"a=mid:{section.mid}"
    for extension in section.extensions:
        direction = f"/{extension.direction}" if extension.direction else ""
        yield f"a=extmap:{extension.id}{direction} {extension.uri}"
    if section.formats:
        yield f"a={section.direction}"
    if section.msid:
        yield f"a=msid:{section.msid}"
    for flag in ("rtcp_mux", "rtcp_mux_only", "rtcp_rsize", "bundle_only"):
        if getattr(section, flag):
            yield f"a={flag.replace('_', '-')}"
    for each in section.formats:
        yield from _format(each)
    yield from _streams(section)


def _format(one: Format) -> Iterator[str]:
    channels = f"/{one.channels}" if one.channels > 1 else ""
    yield f"a=rtpmap:{one.payload_type} {one.name}/{one.clock_rate}{channels}"
    for feedback in one.feedback:
        yield f"a=rtcp-fb:{one.payload_type} {feedback}"
    if one.parameters:
        pairs = (f"{name}={value}" if value else name for name, value in one.parameters.items())
        yield f"a=fmtp:{one.payload_type} {';'.join(pairs)}"


def _streams(section: Section) -> Iterator[str]:
    receives = section.direction == "recvonly"
    for rid in section.rids:
        yield f"a=rid:{rid} {'recv' if receives else 'send'}"
    if section.simulcast:
        yield f"a=simulcast:{'recv' if receives else 'send'} {';'.join(section.simulcast)}"
    for semantics, sources in section.groups:
        yield f"a=ssrc-group:{semantics} {' '.join(map(str, sources))}"
    for source in section.sources:
        yield f"a=ssrc:{source} cname:{section.cname or '-'}"
        if section.msid:
            yield f"a=ssrc:{source} msid:{section.msid}"


def transport_lines(transport: Transport, with_lite: bool = True) -> Iterator[str]:
    """The ICE and DTLS attributes."""
    if with_lite and transport.lite:
        yield "a=ice-lite"
    if transport.ufrag:
        yield f"a=ice-ufrag:{transport.ufrag}"
    if transport.pwd:
        yield f"a=ice-pwd:{transport.pwd}"
    if transport.options:
        yield f"a=ice-options:{' '.join(transport.options)}"
    for function, digest in transport.fingerprints:
        yield f"a=fingerprint:{function} {digest}"
    if transport.setup is not None:
        yield f"a=setup:{transport.setup}"
    for candidate in transport.candidates:
        yield f"a=candidate:{candidate}"
    if transport.end_of_candidates:
        yield "a=end-of-candidates"
