"""An answer to an offer (RFC 8829 section 5.3), for sessions whose sections share one transport."""

import msgspec

from madang.base.errors import PeerError
from madang.protocols.sdp.words import Description, Direction, Extension, Format, Section, Transport

KINDS = ("audio", "video")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered to one section that is accepted."""

    formats: tuple[Format, ...]
    """Of the offer, best first; their feedback is what of it is kept."""
    direction: Direction
    extensions: tuple[str, ...] = ()
    """Header extensions, by URI, that are taken where they are offered."""
    sources: tuple[int, ...] = ()
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()
    msid: str = ""
    cname: str = ""
    rids: tuple[str, ...] = ()


def check_offer(offer: Description, direction: Direction) -> None:
    """Refuse what no answer can mend. `direction` is what the offerer must be willing to do.

    PeerError `malformed_sdp` for what contradicts itself, `unacceptable` for what is not spoken here."""
    live = [section for section in offer.sections if not section.rejected and section.kind in KINDS]
    if not live:
        raise PeerError("unacceptable", "no audio or video offered", "The offer has no audio and no video.")
    if len(live) > 1:
        unbundled = [section.mid for section in live if section.mid not in offer.bundle or not section.mid]
        if unbundled:
            raise PeerError("unacceptable", "no BUNDLE", "The offer must bundle its sections (RFC 9143).")
    for section in live:
        if not section.rtcp_mux and not section.rtcp_mux_only:
            raise PeerError("unacceptable", "no rtcp-mux", "The offer must multiplex RTCP (rtcp-mux).")
        if "SAVP" not in section.protocol:
            raise PeerError("unacceptable", "no SRTP", "The offer must encrypt its media (SAVPF).")
    transport = offer.transport
    if not transport.ufrag or not transport.pwd:
        raise PeerError("malformed_sdp", "no ICE credentials", "The offer has no ice-ufrag and ice-pwd.")
    if not transport.fingerprints:
        raise PeerError("malformed_sdp", "no fingerprint", "The offer has no DTLS fingerprint.")
    if not any(section.direction in (direction, Direction.SEND_RECEIVE) for section in live):
        told = f"The offer must be {direction}."
        raise PeerError("unacceptable", f"no section is {direction}", told)


def answer(
    offer: Description, choices: dict[int, Choice], transport: Transport, session_id: str
) -> Description:
    """The answer: sections of the offer by index that are in `choices`, all others rejected.

    `transport` is ours; `setup` in it is what is answered (passive, or active to one who is passive)."""
    sections = tuple(
        _accept(section, choices[index], transport) if index in choices else _reject(section)
        for index, section in enumerate(offer.sections)
    )
    bundle = tuple(section.mid for section in sections if not section.rejected and section.mid)
    return Description(
        session_id=session_id,
        version="1",
        sections=sections,
        bundle=bundle if offer.bundle else (),
        lite=transport.lite,
        extmap_allow_mixed=offer.extmap_allow_mixed,
    )


def _accept(section: Section, choice: Choice, transport: Transport) -> Section:
    wanted = {each.uri: each for each in section.extensions if each.uri in choice.extensions}
    return Section(
        kind=section.kind,
        port=9,
        protocol=section.protocol,
        mid=section.mid,
        direction=choice.direction,
        formats=choice.formats,
        extensions=tuple(Extension(each.id, each.uri) for each in wanted.values()),
        transport=transport,
        rtcp_mux=True,
        rtcp_rsize=section.rtcp_rsize,
        msid=choice.msid,
        sources=choice.sources,
        groups=choice.groups,
        cname=choice.cname,
        rids=choice.rids,
        simulcast=choice.rids,
    )


def _reject(section: Section) -> Section:
    return Section(
        kind=section.kind,
        port=0,
        protocol=section.protocol,
        mid=section.mid,
        direction=Direction.INACTIVE,
        formats=section.formats[:1],
        others=section.others,
    )


def with_repair(section: Section, one: Format, feedback: tuple[str, ...]) -> tuple[Format, ...]:
    """`one` with what of its feedback is in `feedback`, and the RTX format that repairs it."""
    kept = msgspec.structs.replace(one, feedback=tuple(each for each in one.feedback if each in feedback))
    repair = section.repair_of(one.payload_type)
    return (kept, msgspec.structs.replace(repair, feedback=())) if repair is not None else (kept,)
