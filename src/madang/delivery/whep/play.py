"""The WHEP door: gate, offer, session, answer; and those who watch."""

from collections.abc import Callable

import structlog

from madang.base.errors import PeerError
from madang.base.ids import SessionId
from madang.delivery.whep.choose import Going, choose
from madang.delivery.whep.pace import Pace
from madang.hub.attendance import Attendance
from madang.hub.gate import PlayGate, PlayGrant, PlayRequest
from madang.hub.layer import Layer
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.media.track import Codec, Kind, Track
from madang.net.webrtc.incoming import CNAME
from madang.net.webrtc.negotiation import Negotiated, number_of, remote_of, transport_of
from madang.net.webrtc.port import WebRtcPort
from madang.net.webrtc.sender import Sender, Sending
from madang.net.webrtc.signalling import Asked, Opened
from madang.net.webrtc.sizes import BEST, Size
from madang.net.webrtc.sources import Source
from madang.packaging.rtp.rendering import Renderings
from madang.protocols.rtp.packet import RtpPacket
from madang.protocols.sdp.answer import Choice, answer, check_offer
from madang.protocols.sdp.build import build
from madang.protocols.sdp.words import PLAYOUT_DELAY, Direction

log = structlog.get_logger(__name__)


class WhepViewer(Negotiated):
    """One WebRTC peer that watches a stream. It counts as a viewer from the moment that media flows."""

    def __init__(
        self,
        grant: PlayGrant,
        stream: Stream,
        attendance: Attendance,
        left: Callable[["WhepViewer"], None],
        resize: "Resize",
    ) -> None:
        self.grant = grant
        self.stream = stream
        self.ended = False
        self._attendance = attendance
        self._left = left
        self._resize = resize
        self._attending: SessionId | None = None
        self.picture: tuple[Sender, Codec] | None = None
        """What sends the picture, and in which codec."""
        self.mid = ""
        """Of the picture's media section."""
        self.layer: Layer | None = None
        """The smaller picture that it gets, if any."""
        self.pace: Pace | None = Pace()
        """None for who asked for one size."""

    # --- the HTTP resource -------------------------------------------------------------------------------

    def end(self) -> None:
        self.close("deleted")

    # --- net.webrtc.sizes.Chooser ------------------------------------------------------------------------

    def sizes(self) -> list[Size]:
        if self.picture is None:
            return []
        stream, found = self.stream, []
        for layer in sizes(stream, self.picture[1]):
            track = layer.track if layer is not None else picture_of(stream)
            if track is not None:
                found.append(Size(layer.name if layer is not None else BEST, track.width, track.height))
        return found

    def pick(self, size: str) -> bool:
        if self.picture is None:
            return False
        if not size:
            self.pace = self.pace or Pace()
            return True
        for layer in sizes(self.stream, self.picture[1]):
            if size == (layer.name if layer is not None else BEST):
                self.pace = None
                if layer is not self.layer:
                    self._resize(self, layer)
                return True
        return False

    # --- net.webrtc.Receiver -----------------------------------------------------------------------------

    def connected(self) -> None:
        self._attending = self._attendance.enter(self.grant, self, "whep")

    def closed(self, reason: str) -> None:
        if self.ended:
            return
        self.ended = True
        log.debug("whep_closed", channel=self.grant.name, reason=reason)
        if self._attending is not None:
            self._attendance.leave(self.grant, self._attending)
            self._attending = None
        self._left(self)

    def packet(self, source: Source, packet: RtpPacket, lost: int) -> None:
        """Viewers have nothing to send."""

    def keyframe_wanted(self, sender: Sender) -> None:
        if self.layer is not None and self.picture is not None and sender is self.picture[0]:
            self.layer.want_keyframe()
        else:
            self.stream.want_keyframe()

    # --- hub.attendance.Attendant ------------------------------------------------------------------------

    def revoke(self) -> None:
        """The right to watch is gone."""
        self.close("revoked")

    def close(self, reason: str) -> None:
        """Send the peer away."""
        if self.session is not None:
            self.session.close(reason)
        self.closed(reason)


Resize = Callable[[WhepViewer, Layer | None], None]
"""Go on with another size of the picture."""


def picture_of(stream: Stream) -> Track | None:
    """The stream's own picture."""
    return next((track for track in stream.tracks if track.kind is Kind.VIDEO), None)


def sizes(stream: Stream, codec: Codec) -> list[Layer | None]:
    """The sizes of a stream's picture in `codec`, the largest first: its own, as None, and the layers beside
    it."""
    own = any(track.codec is codec for track in stream.tracks)
    beside = [each for each in stream.layers.values() if each.track is not None and each.track.codec is codec]
    return [None, *beside] if own else [None]


class WhepPlay:
    """Answers offers to watch; `sweep` each second."""

    def __init__(
        self,
        gate: PlayGate,
        registry: Registry,
        attendance: Attendance,
        renderings: Renderings,
        port: WebRtcPort,
    ) -> None:
        self._gate = gate
        self._registry = registry
        self._attendance = attendance
        self._renderings = renderings
        self._port = port
        self._viewers: dict[Stream, set[WhepViewer]] = {}

    async def open(self, asked: Asked) -> Opened:
        """A session for one who may watch a live stream. Raises PeerError with the words of a refusal."""
        check_offer(asked.offer, Direction.RECEIVE)
        grant = self._gate.peek(asked.name) or await self._gate.admit(
            PlayRequest(
                door="whep",
                name=asked.name,
                peer=asked.peer,
                token=asked.credential,
                session=asked.session,
            )
        )
        stream = self._registry.get(grant.channel)
        if stream is None or not stream.tracks:
            raise PeerError("not_live", "the channel is not live", "The channel is not live.")
        going = choose(asked.offer, stream.tracks, stream.reordered)
        viewer = WhepViewer(grant, stream, self._attendance, self._forget, self._resize)
        session = viewer.session = self._port.session(remote_of(asked.offer), viewer, asked.peer)
        try:
            choices = {one.index: self._send(viewer, one, asked.layer) for one in going}
        except BaseException:
            session.close("failed")
            raise
        self._viewers.setdefault(stream, set()).add(viewer)
        made = answer(asked.offer, choices, transport_of(session, asked.offer), number_of(session))
        return Opened(viewer, build(made), grant.name, viewer if viewer.picture is not None else None)

    def _send(self, viewer: WhepViewer, one: Going, wanted: str) -> Choice:
        """Begin to send a track, as soon as the peer is connected; a picture of the wanted size."""
        session, stream = viewer.session, viewer.stream
        assert session is not None
        if one.codec.kind is Kind.VIDEO and wanted:
            smaller = (each for each in sizes(stream, one.codec) if each is not None)
            viewer.layer = next((each for each in smaller if each.name == wanted), None)
            viewer.pace = None
        layer = viewer.layer if one.codec.kind is Kind.VIDEO else None
        packets = self._renderings.log(stream, one.codec, layer)
        feedback = one.formats[0].feedback
        sending = Sending(
            payload_type=one.payload_type,
            rtx_payload_type=one.repair,
            nack="nack" in feedback,
            playout_delay_id=one.section.extension(PLAYOUT_DELAY) if one.codec.kind is Kind.VIDEO else 0,
        )
        sender = session.send(packets, sending)
        if one.codec.kind is Kind.VIDEO:
            viewer.picture, viewer.mid = (sender, one.codec), one.section.mid
        sources = (sender.ssrc, sender.rtx_ssrc) if one.repair else (sender.ssrc,)
        return Choice(
            formats=one.formats,
            direction=Direction.SEND,
            extensions=(PLAYOUT_DELAY,) if sending.playout_delay_id else (),
            sources=sources,
            groups=(("FID", sources),) if one.repair else (),
            msid=f"{CNAME} {one.section.kind}",
            cname=CNAME,
        )

    def _suit(self, viewer: WhepViewer) -> None:
        """The size of the picture that suits a viewer, and that there still is."""
        if viewer.picture is None:
            return
        sender, codec = viewer.picture
        rungs = sizes(viewer.stream, codec)
        if viewer.layer not in rungs:
            self._resize(viewer, None)
        elif viewer.pace is not None and len(rungs) > 1:
            place = rungs.index(viewer.layer)
            step = viewer.pace.look(sender.loss, largest=place == 0)
            if step and place + step < len(rungs):
                self._resize(viewer, rungs[place + step])

    def _resize(self, viewer: WhepViewer, layer: Layer | None) -> None:
        """Go on with another size, from its next keyframe on."""
        assert viewer.picture is not None
        sender, codec = viewer.picture
        viewer.layer = layer
        sender.switch(self._renderings.log(viewer.stream, codec, layer))
        viewer.keyframe_wanted(sender)

    def _forget(self, viewer: WhepViewer) -> None:
        viewers = self._viewers.get(viewer.stream)
        if viewers is not None:
            viewers.discard(viewer)
            if not viewers:
                del self._viewers[viewer.stream]

    def sweep(self) -> None:
        """Once a second: who watched a broadcast that has ended is told so; who loses much gets a smaller
        picture, where there is one."""
        for stream, viewers in self._viewers.items():
            for viewer in viewers:
                if stream.layers or viewer.layer is not None:
                    self._suit(viewer)
        for stream in [stream for stream in self._viewers if stream.state is StreamState.ENDED]:
            for viewer in tuple(self._viewers.get(stream, ())):
                viewer.close("ended")
