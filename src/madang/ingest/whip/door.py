"""The WHIP door: gate, registry, offer, session, answer."""

import msgspec

from madang.base.clock import Clock
from madang.base.errors import PeerError, Refused
from madang.base.ids import is_slug
from madang.base.secret import Secret
from madang.hub.gate import PublishGate, PublishRequest
from madang.hub.registry import Registry
from madang.ingest.whip.counters import WhipCounters
from madang.ingest.whip.session import WhipPublisher
from madang.media.timebase import VIDEO_TIMESCALE
from madang.media.track import Codec, Kind
from madang.net.webrtc.negotiation import number_of, remote_of, transport_of
from madang.net.webrtc.port import WebRtcPort
from madang.net.webrtc.signalling import Asked, Opened
from madang.net.webrtc.sources import Expected, Line
from madang.protocols.sdp.answer import Choice, answer, check_offer, with_repair
from madang.protocols.sdp.build import build
from madang.protocols.sdp.choose import codec_of, to_publish
from madang.protocols.sdp.words import (
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    Description,
    Direction,
    Format,
    Section,
)

PREFERRED = {
    "video": (Codec.H264, Codec.AV1, Codec.VP9, Codec.H265, Codec.VP8),
    "audio": (Codec.OPUS,),
}
"""H.264 first: it comes out by every way without being made anew."""
FEEDBACK = {
    "video": ("nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"),
    "audio": ("nack", "transport-cc"),
}
START_KBITS = "1200"
EXTENSIONS = (MID, RID, REPAIRED_RID, TRANSPORT_CC)


class WhipIngest:
    """Answers offers to publish; `sweep` each second."""

    def __init__(self, gate: PublishGate, registry: Registry, port: WebRtcPort, clock: Clock) -> None:
        self.counters = WhipCounters()
        self._gate = gate
        self._registry = registry
        self._port = port
        self._clock = clock
        self._publishers: set[WhipPublisher] = set()

    def __len__(self) -> int:
        return len(self._publishers)

    async def open(self, asked: Asked) -> Opened:
        """A session for one who may publish. Raises PeerError with the words of a refusal."""
        try:
            return await self._open(asked)
        except PeerError:
            self.counters.refused += 1
            raise

    async def _open(self, asked: Asked) -> Opened:
        offer = asked.offer
        check_offer(offer, Direction.SEND)
        choices = choose(offer)
        lease = await self._gate.admit(_describe(asked))
        publisher = WhipPublisher(lease, self._clock, self.counters, self._publishers.discard)
        publisher.attach(await self._registry.publish(lease, publisher.revoked))
        try:
            session = self._port.session(remote_of(offer), publisher, asked.peer)
            publisher.begin(session, codecs_of(choices), _rids(offer, choices))
            session.expect(expected(offer, choices))
        except BaseException:
            publisher.closed("failed")
            raise
        self._publishers.add(publisher)
        self.counters.admitted += 1
        made = answer(offer, choices, transport_of(session, offer), number_of(session))
        return Opened(publisher, build(made), lease.name)

    def sweep(self) -> None:
        """Once a second."""
        for publisher in tuple(self._publishers):
            publisher.look()


def _describe(asked: Asked) -> PublishRequest:
    """The key as a bearer beside the channel's name; or the key in the name's place, as in RTMP."""
    key, name = asked.credential, asked.name
    if not key:
        key, name = Secret(name), ""
    elif not is_slug(name):
        raise Refused("no_such_key", "no such channel", "The channel's name or the stream key is wrong.")
    return PublishRequest(door="whip", name=name, key=key, peer=asked.peer, user_agent=asked.user_agent)


def choose(offer: Description) -> dict[int, Choice]:
    """One picture and one sound of the offer, each in the format that is liked best. PeerError
    `unacceptable` where there is none."""
    choices: dict[int, Choice] = {}
    taken: set[str] = set()
    for index, section in enumerate(offer.sections):
        willing = section.direction in (Direction.SEND, Direction.SEND_RECEIVE)
        if section.kind not in PREFERRED or section.kind in taken or section.rejected or not willing:
            continue
        one = to_publish(section, PREFERRED[section.kind])
        if one is None:
            continue
        taken.add(section.kind)
        choices[index] = Choice(
            formats=_begun_well(with_repair(section, one, FEEDBACK[section.kind])),
            direction=Direction.RECEIVE,
            extensions=EXTENSIONS,
            rids=section.simulcast,
        )
    if not choices:
        told = "The offer has no codec that can be published: send H.264 and Opus."
        raise PeerError("unacceptable", "no common codec", told)
    return choices


def _begun_well(formats: tuple[Format, ...]) -> tuple[Format, ...]:
    """Browsers built on libwebrtc begin at 300 kbit/s and a small picture, unless they are told of more."""
    first = formats[0]
    if first.clock_rate != VIDEO_TIMESCALE:
        return formats
    parameters = first.parameters | {"x-google-start-bitrate": START_KBITS}
    return (msgspec.structs.replace(first, parameters=parameters), *formats[1:])


def codecs_of(choices: dict[int, Choice]) -> dict[int, Codec]:
    """What each payload type carries; RTX is unpacked below."""
    found = {}
    for choice in choices.values():
        for one in choice.formats:
            codec = codec_of(one)
            if codec is not None:
                found[one.payload_type] = codec
    return found


def _rids(offer: Description, choices: dict[int, Choice]) -> tuple[str, ...]:
    """The layers of the picture, best first: browsers list them either way, so names and places both tell."""
    layers = next((choice.rids for i, choice in choices.items() if offer.sections[i].kind == Kind.VIDEO), ())
    return tuple(reversed(layers)) if layers and layers[0].lower() in _LOWEST else layers


_LOWEST = frozenset({"l", "q", "low", "0", "r0", "s0"})
"""What the smallest layer is called, where a publisher lists it first."""


def expected(offer: Description, choices: dict[int, Choice]) -> Expected:
    """What the transport is to take from this peer."""
    sections = {index: offer.sections[index] for index in choices}
    first = next(iter(sections.values()))
    return Expected(
        lines=tuple(_line(section, choices[index]) for index, section in sections.items()),
        mid_id=first.extension(MID),
        rid_id=max(section.extension(RID) for section in sections.values()),
        repaired_rid_id=max(section.extension(REPAIRED_RID) for section in sections.values()),
        twcc_id=max(section.extension(TRANSPORT_CC) for section in sections.values()),
    )


def _line(section: Section, choice: Choice) -> Line:
    formats = choice.formats
    feedback = formats[0].feedback
    repairs = {pair[1]: pair[0] for kind, pair in section.groups if kind == "FID" and len(pair) == 2}
    return Line(
        mid=section.mid,
        clock_rates={one.payload_type: one.clock_rate for one in formats if one.apt < 0},
        rtx={one.payload_type: one.apt for one in formats if one.apt >= 0},
        ssrcs=tuple(source for source in section.sources if source not in repairs),
        rtx_ssrcs=repairs,
        nack="nack" in feedback,
        pli="nack pli" in feedback,
        fir="ccm fir" in feedback,
    )
