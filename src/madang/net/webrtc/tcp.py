"""ICE-TCP (RFC 6544): the same datagrams over a connection, each behind its length (RFC 4571)."""

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from madang.base.limits import (
    ACCEPT_TO_FIRST_BYTE_S,
    WEBRTC_CONNECT_S,
    WEBRTC_DATAGRAM_BYTES,
    WEBRTC_TCP_QUEUE_BYTES,
)
from madang.net.deadlines import NEVER, NOWHERE, Sweeper
from madang.net.listeners import Accepted
from madang.net.webrtc.paths import Path


class Owner(Protocol):
    """What a connection needs of the port."""

    sweeper: Sweeper
    connections: "set[TcpPath]"

    def knows(self, path: Path) -> bool: ...

    def lost(self, path: Path) -> None: ...

    def on_datagram(self, data: bytes, path: Path) -> None: ...


class TcpPath(asyncio.Protocol):
    """One connection, which is a path to a peer."""

    def __init__(self, owner: Owner, peer: Accepted) -> None:
        self._owner = owner
        self._peer = peer
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self.deadline, self.bucket = NEVER, NOWHERE

    @property
    def address(self) -> str:
        return self._peer.address

    @property
    def port(self) -> int:
        return self._peer.port

    # --- out ---------------------------------------------------------------------------------------------

    def send(self, datagram: bytes) -> None:
        self.send_all((datagram,), False)

    def send_all(self, datagrams: Sequence[bytes], segments: bool) -> bool:
        """All of them, in one write; none when too much is waiting already."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > WEBRTC_TCP_QUEUE_BYTES:
            return False
        transport.write(b"".join(len(data).to_bytes(2, "big") + data for data in datagrams))
        return True

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # --- in ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._owner.sweeper.expire(self, ACCEPT_TO_FIRST_BYTE_S)
        self._owner.connections.add(self)

    def data_received(self, data: bytes) -> None:
        held = self._held
        held += data
        at = 0
        while len(held) - at >= 2:
            size = int.from_bytes(held[at : at + 2], "big")
            if size > WEBRTC_DATAGRAM_BYTES:
                self._cut()
                return
            if len(held) - at - 2 < size:
                break
            datagram = bytes(held[at + 2 : at + 2 + size])
            at += 2 + size
            if size:
                self._owner.on_datagram(datagram, self)
                if self._transport is None or self._transport.is_closing():
                    return
        del held[:at]
        if self.deadline != NEVER:
            if self._owner.knows(self):
                self._owner.sweeper.forget(self)
            elif at:
                self._owner.sweeper.expire(self, WEBRTC_CONNECT_S)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._owner.sweeper.forget(self)
        self._owner.connections.discard(self)
        self._owner.lost(self)

    def on_deadline(self) -> None:
        """It said nothing that a peer of ours would say."""
        self._cut()

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()
