"""One RTMP connection as an asyncio protocol: feeds the wire, keeps deadlines, and closes politely."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import structlog

from madang.base.errors import PeerError
from madang.base.limits import (
    ACCEPT_TO_FIRST_BYTE_S,
    RTMP_COMMAND_S,
    RTMP_HANDSHAKE_S,
    RTMP_LINGER_S,
    RTMP_REPLY_BYTES,
    VIEWER_QUEUE_BYTES,
)
from madang.net.deadlines import NEVER, NOWHERE, Sweeper
from madang.net.halves import end_output
from madang.net.listeners import Accepted
from madang.net.rtmp.counters import RtmpCounters
from madang.net.rtmp.gathering import Gathering
from madang.net.rtmp.publisher import Publisher
from madang.protocols.rtmp.command import Connect
from madang.protocols.rtmp.message import Message
from madang.protocols.rtmp.server import Closed, Phase, Play, Publish, ServerConnection

log = structlog.get_logger(__name__)


class Home(Protocol):
    """What a connection asks of the server that accepted it."""

    sweeper: Sweeper
    counters: RtmpCounters

    def enter(self, connection: "RtmpConnection") -> bool:
        """Count a new connection; False when there is no room for it."""
        ...

    def admitted(self, connection: "RtmpConnection") -> None:
        """It publishes or plays, or is gone: no longer pending."""
        ...

    def publishes(self, connection: "RtmpConnection") -> None:
        """It may send media from now on, and is to be asked to `gather` at each tick."""
        ...

    def leave(self, connection: "RtmpConnection") -> None:
        """Its socket is gone."""
        ...

    def decide(self, connection: "RtmpConnection", request: Publish | Play) -> asyncio.Task[None]:
        """Let the handler answer in a task of its own."""
        ...


class _Nobody:
    """Stands where a publisher will be."""

    watched = True

    def media(self, message: Message) -> None:
        pass

    def look(self) -> None:
        pass

    def closed(self, by: str) -> None:
        pass


NOBODY = _Nobody()


class RtmpConnection(asyncio.Protocol):
    """A client on its way to publish or play.

    A publisher stays here: its messages go to the `Publisher` of `accept_publish`. For a player, after
    `accept_play`, whoever serves it writes chunks for `stream_id` straight to `transport` (chunks of up to
    65,536 bytes are announced), and may put a protocol of its own on the transport, provided that it passes
    `data_received` and `connection_lost` on to this one: pings and deleteStream are still answered here.
    """

    __slots__ = (
        "_closed",
        "_gathering",
        "_media",
        "_over",
        "_phase",
        "_publisher",
        "_server",
        "_task",
        "_wire",
        "bucket",
        "counted",
        "deadline",
        "peer",
        "transport",
    )

    def __init__(self, server: "Home", peer: Accepted, entropy: bytes) -> None:
        self.peer = peer
        """`peer.address`, and `peer.secure` for RTMPS."""
        self.transport: asyncio.Transport | None = None
        """None once the connection is lost."""
        self.deadline = NEVER
        self.bucket = NOWHERE
        self.counted = False
        """Whether the server counts it as pending."""
        self._server = server
        self._wire = ServerConnection(entropy)
        self._phase = Phase.HANDSHAKE
        self._publisher: Publisher = NOBODY
        self._media: Callable[[Message], None] = NOBODY.media
        self._closed: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._gathering: Gathering | None = None
        self._over = False
        """Nothing that the peer sends counts any more."""

    @property
    def connect(self) -> Connect:
        """What the client said of itself: encoder, FourCCs that it reads."""
        return self._wire.connect or Connect()

    @property
    def received_bytes(self) -> int:
        """All that the client has sent."""
        return self._wire.received_bytes

    @property
    def stream_id(self) -> int:
        """The message stream that was asked for, on which a player awaits media."""
        return self._wire.stream_id

    @property
    def open(self) -> bool:
        """Whether the peer is there and may still be answered."""
        return self.transport is not None and not self._over

    # --- for handlers ------------------------------------------------------------------------------------

    def accept_publish(self, publisher: Publisher) -> None:
        """Answer NetStream.Publish.Start; media goes to `publisher` from now on. Nothing when it is gone."""
        if self._answer():
            self._publisher, self._media = publisher, publisher.media
            self._server.counters.publishes += 1
            self._wire.accept_publish()
            self._server.publishes(self)
            self._admitted()
        else:
            publisher.closed("")

    def accept_play(self, closed: Callable[[], None]) -> bool:
        """Answer NetStream.Play.Start. `closed` is called once, when the client stops or its socket is lost;
        False when it is gone already, and then `closed` is not called."""
        if not self._answer():
            return False
        self._closed = closed
        self._server.counters.plays += 1
        self._wire.accept_play()
        self._admitted()
        return True

    def refuse(self, code: str, description: str) -> None:
        """An error status that the client may show, then FIN. Also ends what was accepted, without a call
        back: a kicked publisher, a revoked player."""
        if self.open:
            self._server.counters.refused += 1
            self._publisher, self._media, self._closed = NOBODY, NOBODY.media, None
            self._wire.refuse(code, description)
            self._finish()

    def status(self, level: str, code: str, description: str) -> None:
        """Another onStatus of the stream, such as NetStream.Play.UnpublishNotify."""
        if self.open:
            self._wire.status(level, code, description)
            self._flush()

    def end_play(self, description: str) -> None:
        """What was played has ended: StreamEOF, UnpublishNotify, FIN; `closed` is not called."""
        if self.open:
            self._closed = None
            self._wire.stream_eof()
            self._wire.status("status", "NetStream.Play.UnpublishNotify", description)
            self._finish()

    def ask_to_reconnect(self, description: str) -> bool:
        """Send a reconnect request (Enhanced RTMP); False when the client does not understand it."""
        asked = self.open and self._wire.ask_to_reconnect(description)
        self._flush()
        return asked

    def close(self) -> None:
        """FIN behind what is queued; a player is told first, so that nobody writes behind the FIN."""
        if self.open:
            closed, self._closed = self._closed, None
            if closed is not None:
                closed()
            self._finish()

    def gather(self, elapsed_s: float) -> None:
        """Let the rate of a publisher say how much is read at a time; the server calls this at each tick."""
        transport = self.transport
        if transport is None:
            return
        if self._gathering is not None:
            if not transport.is_closing():  # its descriptor may be another connection's already
                self._gathering.look(self._wire.received_bytes, elapsed_s, self._publisher.watched)
        elif not self.peer.secure:  # TLS has records of its own
            sock = transport.get_extra_info("socket")
            if sock is not None:
                self._gathering = Gathering(sock, self._wire.received_bytes)

    def look(self) -> None:
        """Let the publisher be held to its pace; the server calls this about once a second."""
        try:
            self._publisher.look()
        except PeerError as error:
            self._break(error)

    # --- asyncio.Protocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        if self._server.enter(self):
            self._server.sweeper.expire(self, ACCEPT_TO_FIRST_BYTE_S)
        else:
            self._over = True
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        if not self._wire.received_bytes:
            self._server.sweeper.expire(self, RTMP_HANDSHAKE_S)
        try:
            for event in self._wire.receive(data):
                if type(event) is Message:
                    self._media(event)
                else:
                    self._meet(event)
        except PeerError as error:
            self._break(error)
            return
        if self._wire.phase is not self._phase:
            self._move()
        if self._wire.out:
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = self._gathering = None
        self._over = True
        self._server.leave(self)
        self._tell_closed("")

    def on_deadline(self) -> None:
        """Handshake, commands or the reading of a refusal took too long."""
        if self.transport is None:
            return
        if not self._over:
            self._server.counters.timeouts += 1
            log.info("rtmp_timeout", peer=self.peer.address, phase=self._phase.value)
        self._over = True
        self.transport.abort()

    # --- inside ------------------------------------------------------------------------------------------

    def _meet(self, event: object) -> None:
        if isinstance(event, Publish | Play):
            self._task = self._server.decide(self, event)
        elif isinstance(event, Closed):
            self._tell_closed(event.by)

    def _tell_closed(self, by: str) -> None:
        """Whoever has the connection learns that it is over; who is deciding about it may stop."""
        publisher, self._publisher, self._media = self._publisher, NOBODY, NOBODY.media
        closed, self._closed = self._closed, None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        publisher.closed(by)
        if closed is not None:
            closed()

    def _move(self) -> None:
        """The client went on from the handshake, or ended what it did: time for the next request."""
        self._phase = self._wire.phase
        if self._phase is Phase.COMMANDS:
            self._server.sweeper.expire(self, RTMP_COMMAND_S)
        else:
            self.deadline = NEVER

    def _answer(self) -> bool:
        """Whether the client still waits for an answer; the task that gives it is not cancelled any more."""
        self._task = None
        return self.open and self._wire.phase is Phase.ASKED

    def _admitted(self) -> None:
        self._server.admitted(self)
        self._move()
        self._flush()

    def _flush(self) -> None:
        out = self._wire.take()
        if not out or self.transport is None:
            return
        self.transport.write(out)
        limit = VIEWER_QUEUE_BYTES if self._phase is Phase.PLAYING else RTMP_REPLY_BYTES
        if self.transport.get_write_buffer_size() > limit:
            self._server.counters.broken += 1
            log.info("rtmp_broken", peer=self.peer.address, reason="asks and does not read")
            self._over = True
            self.transport.abort()

    def _break(self, error: PeerError) -> None:
        """The peer broke the rules: told why when it is far enough to understand, then cut off."""
        self._server.counters.broken += 1
        log.info("rtmp_broken", peer=self.peer.address, phase=self._phase.value, reason=error.reason)
        if self._wire.phase not in (Phase.HANDSHAKE, Phase.COMMANDS):
            self._wire.refuse("NetStream.Failed", error.told)
        self._tell_closed("")
        self._finish()

    def _finish(self) -> None:
        """FIN behind what is queued. What the peer still sends is read and dropped, for a reset would take
        the refusal from under its eyes; after RTMP_LINGER_S it is cut off."""
        self._flush()
        self._over = True
        if self.transport is None:
            return
        self._server.sweeper.expire(self, RTMP_LINGER_S)
        end_output(self.transport)
