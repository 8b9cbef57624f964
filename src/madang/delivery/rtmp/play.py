"""Answers players: `rtmp://host/live/{name}`, with `?token=` for a private channel."""

from madang.base.errors import Overloaded, PeerError
from madang.base.secret import Secret
from madang.delivery.rtmp.player import NOT_FOUND, RtmpPlayer
from madang.hub.attendance import Attendance
from madang.hub.gate import PlayGate, PlayGrant, PlayRequest
from madang.hub.registry import Registry
from madang.media.track import Codec, Kind, Track
from madang.net.rtmp.connection import RtmpConnection
from madang.packaging.flv.dubbing import AUDIBLE, VISIBLE
from madang.packaging.flv.rendering import Renderings
from madang.packaging.rtmp.chunks import STREAM_ID
from madang.protocols.rtmp.address import locate
from madang.protocols.rtmp.command import Connect
from madang.protocols.rtmp.server import Play


class RtmpPlay:
    """Implements `net.rtmp.handlers.PlayHandler`."""

    def __init__(
        self, gate: PlayGate, registry: Registry, attendance: Attendance, renderings: Renderings
    ) -> None:
        self._gate = gate
        self._registry = registry
        self._attendance = attendance
        self._renderings = renderings

    async def play(self, connection: RtmpConnection, request: Play) -> None:
        """Decide, answer, then serve from the shared chunks; a stream that is not live is not found."""
        if request.stream_id != STREAM_ID:
            connection.refuse("NetStream.Play.Failed", "Play on the first stream of the connection.")
            return
        try:
            grant = await self._admit(connection, request)
        except Overloaded as error:
            connection.refuse("NetStream.Play.Failed", error.told)
        except PeerError as error:
            connection.refuse(NOT_FOUND, error.told)
        else:
            self._begin(connection, grant, request.connect)

    async def _admit(self, connection: RtmpConnection, request: Play) -> PlayGrant:
        address = locate(request.connect, request.name)
        asked = PlayRequest(
            door="rtmp",
            name=address.name,
            peer=connection.peer.address,
            token=Secret(address.parameter("token")),
        )
        return self._gate.peek(address.name) or await self._gate.admit(asked)

    def _begin(self, connection: RtmpConnection, grant: PlayGrant, client: Connect) -> None:
        stream = self._registry.get(grant.channel)
        if stream is None or not stream.tracks:
            connection.refuse(NOT_FOUND, "This stream is not live.")
            return
        if (codec := unread_by(client, stream.tracks)) is not None:
            connection.refuse("NetStream.Play.Failed", f"Your player did not list this stream's {codec}.")
            return
        player = RtmpPlayer(connection, self._attendance, grant)
        if not connection.accept_play(player.stop) or connection.transport is None:
            player.left()
            return
        connection.transport.set_protocol(player)
        heard = AUDIBLE | {Codec.OPUS} if client.handles(Codec.OPUS) else AUDIBLE
        self._renderings.join(stream, player, connection.transport, audible=heard)


def unread_by(client: Connect, tracks: tuple[Track, ...]) -> Codec | None:
    """The picture's codec, for which it is no use to play, when the client listed what it reads (E-RTMP v2,
    fourCcList) without it. Who lists nothing may read everything: ffplay does. Sound and VP8 are made
    to fit."""
    picture = next((track for track in tracks if track.kind is Kind.VIDEO), None)
    if picture is None or not client.four_ccs or client.handles(picture.codec):
        return None
    if picture.codec not in VISIBLE:
        return None
    return picture.codec
