"""A publisher over RTMP: decide, then answer, then attach; and its end, by goodbye, loss or revocation."""

from collections.abc import Callable

import structlog

from madang.base.clock import Clock
from madang.base.errors import PeerError, Refused
from madang.hub.gate import Lease, PublishGate, PublishRequest
from madang.hub.registry import Publication, Registry
from madang.ingest.rtmp.counters import IngestCounters
from madang.ingest.rtmp.credentials import read_credentials
from madang.ingest.rtmp.intake import Intake
from madang.ingest.rtmp.pace import Pace
from madang.net.rtmp.connection import RtmpConnection
from madang.protocols.rtmp.address import locate
from madang.protocols.rtmp.message import Message
from madang.protocols.rtmp.server import Publish

log = structlog.get_logger(__name__)

# RTMP status codes of refusals and revocations; what is not here is NetStream.Publish.Rejected.
_STATUS = {
    "no_such_key": "NetStream.Publish.Unauthorized",
    "revoked": "NetStream.Publish.Unauthorized",
    "disabled": "NetStream.Publish.Unauthorized",
    "busy": "NetStream.Publish.BadName",
    "taken_over": "NetStream.Publish.BadName",
    "overloaded": "NetStream.Publish.Failed",
}


class RtmpIngest:
    """The handler of publish requests, made once by `app/wiring`."""

    def __init__(self, gate: PublishGate, registry: Registry, clock: Clock) -> None:
        self.counters = IngestCounters()
        self._gate = gate
        self._registry = registry
        self._clock = clock

    async def publish(self, connection: RtmpConnection, request: Publish) -> None:
        """Ask the gate, then the registry, then answer. Media cannot reach the hub before or without it."""
        try:
            lease = await self._gate.admit(_describe(connection, request))
            session = Session(connection, lease, self._clock, self.counters)
            publication = await self._registry.publish(lease, session.revoked)
        except PeerError as error:
            self.counters.refused += 1
            log.info("publish_refused", peer=connection.peer.address, code=error.code, reason=error.reason)
            connection.refuse(status_code(error), error.told)
            return
        self.counters.admitted += 1
        session.attach(publication)
        connection.accept_publish(session)


def _describe(connection: RtmpConnection, request: Publish) -> PublishRequest:
    name, key = read_credentials(locate(request.connect, request.name))
    if not key:
        raise Refused(
            "no_such_key", "no stream key", "A stream key is missing: put it behind the server's URL."
        )
    return PublishRequest(
        door="rtmps" if connection.peer.secure else "rtmp",
        name=name,
        key=key,
        peer=connection.peer.address,
        user_agent=request.connect.flash_ver[:200],
    )


def status_code(error: PeerError) -> str:
    """The RTMP status code of a refusal."""
    return _STATUS.get(error.code, "NetStream.Publish.Rejected")


class Session:
    """One admitted publisher, from the answer to its end."""

    def __init__(
        self, connection: RtmpConnection, lease: Lease, clock: Clock, counters: IngestCounters
    ) -> None:
        self._connection = connection
        self._lease = lease
        self._monotonic = clock.monotonic
        self._counters = counters
        self._pace = Pace(clock.monotonic())
        self._publication: Publication | None = None
        self._intake: Intake | None = None

    def attach(self, publication: Publication) -> None:
        """The registry gave us the stream."""
        self._publication = publication
        self._intake = Intake(publication, self._counters, publication.stream.health.unsupported)
        self._log("publish_began", encoder=self._connection.connect.flash_ver[:100])

    @property
    def media(self) -> Callable[[Message], None]:
        """Takes the messages of the publisher."""
        assert self._intake is not None
        return self._intake.media

    @property
    def watched(self) -> bool:
        """Whether anybody follows the stream: packaging, a viewer, a recording."""
        return self._publication is None or self._publication.stream.followed

    def look(self) -> None:
        """Hold the publisher to its pace, once a second."""
        intake, before = self._intake, self._pace.warned
        if intake is None:
            return
        try:
            self._pace.look(
                self._monotonic(), self._connection.received_bytes, intake.now_ms, intake.pictures
            )
        except PeerError:
            self._counters.too_fast += 1
            raise
        if self._pace.warned and not before:
            self._log("publish_too_fast")

    def closed(self, by: str) -> None:
        """The publisher said goodbye, or is gone without."""
        if self._publication is None:
            return
        self._log("publish_closed", by=by or "connection lost")
        if by:
            self._publication.end(by)
        else:
            self._publication.lost("connection lost")
        self._detach()

    def revoked(self, code: str, sentence: str) -> None:
        """The hub or an operator sends the publisher away: it reads why, then FIN."""
        self._log("publish_revoked", code=code)
        self._detach()
        self._connection.refuse(_STATUS.get(code, "NetStream.Publish.Rejected"), sentence)

    def _detach(self) -> None:
        """Let go of the stream; what the peer still sends has no way to it."""
        if self._intake is not None:
            self._intake.close()
        self._publication = self._intake = None

    def _log(self, event: str, **facts: str) -> None:
        log.info(event, channel=self._lease.channel, peer=self._connection.peer.address, **facts)
