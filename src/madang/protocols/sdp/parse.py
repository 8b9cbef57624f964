"""An SDP text into words (RFC 8866). Unknown attributes are passed over; what breaks the grammar is refused.

Bounds answer A47: a text of any size costs no more than its bytes, and sections, formats and candidates
are counted while they are read.
"""

import re
from collections.abc import Iterator

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import SDP_BYTES, SDP_CANDIDATES, SDP_LINE_BYTES, SDP_SECTIONS
from madang.protocols.sdp.words import Description, Direction, Extension, Format, Section, Setup, Transport

FORMATS_MAX = 128
"""Payload types are 7 bits."""
EXTENSIONS_MAX = 64
SOURCES_MAX = 64
RIDS_MAX = 8
PARAMETERS_MAX = 32
FEEDBACK_MAX = 16

_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}", re.ASCII)
_ICE = re.compile(r"[A-Za-z0-9+/=_-]{4,256}", re.ASCII)  # RFC 8839, and what lax stacks add
_HEX = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){15,63}", re.ASCII)
_RID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DIRECTIONS = {each.value: each for each in Direction}

Line = tuple[str, str]


def parse(data: bytes) -> Description:
    """Read an offer or an answer. PeerError `malformed_sdp` for what is none."""
    blocks = _blocks(data)
    head = blocks[0]
    if not head or head[0] != ("v", "0"):
        raise _broken("it does not begin with v=0")
    if len(blocks) == 1:
        raise _broken("it has no media sections")
    session = _Session(head)
    sections = tuple(_section(block, session) for block in blocks[1:])
    if sum(len(section.transport.candidates) for section in sections) > SDP_CANDIDATES:
        raise _broken(f"it has more than {SDP_CANDIDATES} candidates")
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids):
        raise _broken("two sections have the same mid")
    return Description(
        session_id=session.id,
        version=session.version,
        sections=sections,
        bundle=tuple(mid for mid in session.bundle if mid in mids),
        lite=session.transport.lite,
        extmap_allow_mixed=session.mixed,
    )


def _broken(what: str) -> PeerError:
    return PeerError("malformed_sdp", f"SDP: {what}", f"The SDP cannot be read: {what}.")


def lines_of(data: bytes) -> Iterator[Line]:
    """Type letter and value of each line; CRLF or LF, empty lines passed over."""
    if len(data) > SDP_BYTES:
        raise _broken(f"it is longer than {SDP_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _broken("it is not UTF-8") from None
    if "\0" in text:
        raise _broken("it holds a NUL")
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line:
            continue
        if len(line) > SDP_LINE_BYTES:
            raise _broken(f"a line is longer than {SDP_LINE_BYTES} characters")
        if len(line) < 2 or line[1] != "=" or not ("a" <= line[0] <= "z"):
            raise _broken("a line is not of the form x=value")
        yield line[0], line[2:].strip()


def _blocks(data: bytes) -> list[list[Line]]:
    """The session's lines, and those of each section."""
    blocks: list[list[Line]] = [[]]
    for line in lines_of(data):
        if line[0] == "m":
            if len(blocks) > SDP_SECTIONS:
                raise _broken(f"it has more than {SDP_SECTIONS} media sections")
            blocks.append([])
        blocks[-1].append(line)
    return blocks


class _Session:
    """The lines before the first section."""

    def __init__(self, lines: list[Line]) -> None:
        self.id = self.version = "0"
        self.bundle: tuple[str, ...] = ()
        self.mixed = False
        self.direction: Direction | None = None
        self.transport = Transport()
        for letter, value in lines:
            if letter == "o":
                words = value.split(" ")
                if len(words) != 6:
                    raise _broken("its origin has not six fields")
                self.id, self.version = words[1][:64], words[2][:64]
            elif letter == "a":
                self._attribute(*attribute_of(value))

    def _attribute(self, name: str, value: str) -> None:
        if name == "group":
            words = value.split()
            if words and words[0] == "BUNDLE" and not self.bundle:
                self.bundle = tuple(words[1 : SDP_SECTIONS + 1])
        elif name == "extmap-allow-mixed":
            self.mixed = True
        elif name in _DIRECTIONS:
            self.direction = _DIRECTIONS[name]
        else:
            self.transport = with_attribute(self.transport, name, value)


def attribute_of(value: str) -> tuple[str, str]:
    """Name and value of an attribute line."""
    name, _, rest = value.partition(":")
    return name.strip().lower(), rest.strip()


def with_attribute(transport: Transport, name: str, value: str) -> Transport:
    """`transport` with one more attribute; itself when the attribute is not its."""
    change = msgspec.structs.replace
    if name in ("ice-ufrag", "ice-pwd"):
        if not _ICE.fullmatch(value):
            raise _broken(f"{name} is not 4 to 256 ice-chars")
        return change(transport, ufrag=value) if name == "ice-ufrag" else change(transport, pwd=value)
    if name == "fingerprint":
        function, _, digest = value.partition(" ")
        digest = digest.strip().upper()
        if not _HEX.fullmatch(digest) or len(transport.fingerprints) >= FEEDBACK_MAX:
            raise _broken("a fingerprint is not hexadecimal bytes with colons")
        return change(transport, fingerprints=(*transport.fingerprints, (function.lower(), digest)))
    if name == "setup":
        if value not in {each.value for each in Setup}:
            raise _broken("setup is none of active, passive, actpass")
        return change(transport, setup=Setup(value))
    if name == "candidate":
        if len(transport.candidates) >= SDP_CANDIDATES:
            raise _broken(f"it has more than {SDP_CANDIDATES} candidates")
        return change(transport, candidates=(*transport.candidates, value))
    if name == "end-of-candidates":
        return change(transport, end_of_candidates=True)
    if name == "ice-lite":
        return change(transport, lite=True)
    if name == "ice-options":
        return change(transport, options=tuple(value.replace(",", " ").split()[:FEEDBACK_MAX]))
    return transport


class _Reading:
    """A section while its attributes are read: their order is free."""

    def __init__(self, payload_types: list[int], session: _Session) -> None:
        self.payload_types = payload_types
        self.maps: dict[int, tuple[str, int, int]] = {}
        self.parameters: dict[int, dict[str, str]] = {}
        self.feedback: dict[int, list[str]] = {}
        self.extensions: dict[int, Extension] = {}
        self.sources: dict[int, None] = {}
        self.groups: list[tuple[str, tuple[int, ...]]] = []
        self.rids: list[str] = []
        self.flags: set[str] = set()
        self.direction = session.direction or Direction.SEND_RECEIVE
        self.transport = session.transport
        self.own = Transport()
        self.mid = self.msid = self.cname = ""
        self.simulcast: tuple[str, ...] = ()

    def read(self, name: str, value: str) -> None:
        reader = _READERS.get(name)
        if reader is not None:
            reader(self, value)
        elif name in _DIRECTIONS:
            self.direction = _DIRECTIONS[name]
        elif name in ("rtcp-mux", "rtcp-mux-only", "rtcp-rsize", "bundle-only"):
            self.flags.add(name)
        else:
            self.own = with_attribute(self.own, name, value)

    def _rtpmap(self, value: str) -> None:
        number, _, encoding = value.partition(" ")
        payload_type = self._payload_type(number)
        name, _, rest = encoding.strip().partition("/")
        rate, _, channels = rest.partition("/")
        if not _TOKEN.fullmatch(name):
            raise _broken("an encoding name is no token")
        if payload_type is not None:
            self.maps[payload_type] = (
                name,
                _number(rate, 1_000_000, "a clock rate"),
                _number(channels or "1", 255, "a channel count"),
            )

    def _fmtp(self, value: str) -> None:
        number, _, text = value.partition(" ")
        payload_type = self._payload_type(number)
        pairs = [pair.strip().partition("=") for pair in text.split(";") if pair.strip()]
        if len(pairs) > PARAMETERS_MAX:
            raise _broken("a format has too many parameters")
        if payload_type is not None:
            self.parameters.setdefault(payload_type, {}).update(
                {name.strip().lower(): worth.strip() for name, _, worth in pairs}
            )

    def _rtcp_fb(self, value: str) -> None:
        number, _, what = value.partition(" ")
        targets = self.payload_types if number == "*" else [self._payload_type(number)]
        for target in targets:
            if target is not None:
                known = self.feedback.setdefault(target, [])
                if len(known) < FEEDBACK_MAX:
                    known.append(" ".join(what.split()))

    def _extmap(self, value: str) -> None:
        words = value.split()
        if len(words) < 2 or len(self.extensions) >= EXTENSIONS_MAX:
            raise _broken("an extmap names no extension, or there are too many")
        number, _, direction = words[0].partition("/")
        id_ = _number(number, 4096 + 255, "an extension id")
        if 1 <= id_ <= 255:
            self.extensions[id_] = Extension(id_, words[1], direction)

    def _ssrc(self, value: str) -> None:
        number, _, attribute = value.partition(" ")
        source = _number(number, 2**32 - 1, "an SSRC")
        if source not in self.sources and len(self.sources) >= SOURCES_MAX:
            raise _broken("a section has too many SSRCs")
        self.sources[source] = None
        name, _, worth = attribute.strip().partition(":")
        if name == "cname" and not self.cname:
            self.cname = worth
        elif name == "msid" and not self.msid:
            self.msid = worth

    def _ssrc_group(self, value: str) -> None:
        semantics, *numbers = value.split()[: SOURCES_MAX + 1] or [""]
        if len(self.groups) >= SOURCES_MAX:
            raise _broken("a section has too many groups of SSRCs")
        self.groups.append((semantics, tuple(_number(each, 2**32 - 1, "an SSRC") for each in numbers)))

    def _rid(self, value: str) -> None:
        words = value.split()
        if len(words) < 2 or not _RID.fullmatch(words[0]) or len(self.rids) >= 2 * RIDS_MAX:
            raise _broken("a rid has no name or no direction")
        if words[1] in ("send", "recv"):
            self.rids.append(words[0])

    def _simulcast(self, value: str) -> None:
        """`send f;h;q recv ...` (RFC 8853): of alternatives the first, of paused ones the name."""
        words = value.split()
        for direction, listed in zip(words[::2], words[1::2], strict=False):
            if direction in ("send", "recv") and not self.simulcast:
                streams = [each.split(",")[0].lstrip("~") for each in listed.split(";")]
                if len(streams) > RIDS_MAX or not all(_RID.fullmatch(each) for each in streams):
                    raise _broken("simulcast names no streams, or too many")
                self.simulcast = tuple(streams)

    def _mid(self, value: str) -> None:
        if not _TOKEN.fullmatch(value):
            raise _broken("a mid is no token")
        self.mid = value

    def _msid(self, value: str) -> None:
        self.msid = value[:200]

    def _payload_type(self, text: str) -> int | None:
        """The number, None when the m= line does not list it."""
        number = _number(text, 127, "a payload type")
        return number if number in self.payload_types else None

    def formats(self) -> tuple[Format, ...]:
        made = []
        for number in self.payload_types:
            name, rate, channels = self.maps.get(number) or _STATIC.get(number) or ("", 0, 1)
            if name:
                parameters, feedback = self.parameters.get(number, {}), self.feedback.get(number, ())
                made.append(Format(number, name, rate, channels, parameters, tuple(feedback)))
        return tuple(made)

    def merged(self) -> Transport:
        """What the section says, and where it says nothing, what the session says."""
        own, session = self.own, self.transport
        return Transport(
            ufrag=own.ufrag or session.ufrag,
            pwd=own.pwd or session.pwd,
            fingerprints=own.fingerprints or session.fingerprints,
            setup=own.setup or session.setup,
            candidates=own.candidates or session.candidates,
            end_of_candidates=own.end_of_candidates or session.end_of_candidates,
            lite=own.lite or session.lite,
            options=own.options or session.options,
        )


# RFC 3551 table 4: payload types that need no rtpmap, as far as anybody offers them.
_STATIC = {0: ("PCMU", 8000, 1), 8: ("PCMA", 8000, 1), 9: ("G722", 8000, 1), 14: ("MPA", 90_000, 1)}
_READERS = {
    "rtpmap": _Reading._rtpmap,
    "fmtp": _Reading._fmtp,
    "rtcp-fb": _Reading._rtcp_fb,
    "extmap": _Reading._extmap,
    "ssrc": _Reading._ssrc,
    "ssrc-group": _Reading._ssrc_group,
    "rid": _Reading._rid,
    "simulcast": _Reading._simulcast,
    "mid": _Reading._mid,
    "msid": _Reading._msid,
}


def _section(lines: list[Line], session: _Session) -> Section:
    words = lines[0][1].split()
    if len(words) < 3:
        raise _broken("an m= line has fewer than three fields")
    kind, port, protocol, *listed = words
    rtp = "RTP/" in protocol
    if len(listed) > FORMATS_MAX or not _TOKEN.fullmatch(kind):
        raise _broken("an m= line names too many formats")
    types = [_number(each, 127, "a payload type") for each in listed] if rtp else []
    reading = _Reading(list(dict.fromkeys(types)), session)
    for letter, value in lines[1:]:
        if letter == "a":
            reading.read(*attribute_of(value))
    return Section(
        kind=kind,
        port=_number(port.partition("/")[0], 65_535, "a port"),
        protocol=protocol,
        mid=reading.mid,
        direction=reading.direction,
        formats=reading.formats(),
        extensions=tuple(reading.extensions.values()),
        transport=reading.merged(),
        rtcp_mux="rtcp-mux" in reading.flags,
        rtcp_mux_only="rtcp-mux-only" in reading.flags,
        rtcp_rsize="rtcp-rsize" in reading.flags,
        bundle_only="bundle-only" in reading.flags,
        msid=reading.msid,
        sources=tuple(reading.sources),
        groups=tuple(reading.groups),
        cname=reading.cname,
        rids=tuple(reading.rids),
        simulcast=reading.simulcast,
        others=() if rtp else tuple(listed),
    )


def _number(text: str, most: int, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) > most:
        raise _broken(f"{what} is no number up to {most}")
    return int(text)
