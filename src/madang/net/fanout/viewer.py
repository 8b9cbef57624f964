"""A viewer of shared bytes: a slotted protocol that remembers a position and owns no bytes."""

import asyncio
from typing import Final, Protocol

NEVER: Final = float("-inf")


class Host(Protocol):
    """The fan-out that serves a viewer."""

    def leave(self, viewer: "Viewer") -> None: ...

    def step_out(self, viewer: "Viewer") -> None: ...

    def catch_up(self, viewer: "Viewer") -> None: ...


class Group:
    """Viewers that are served together. Those in step have all been given the log up to `position`."""

    __slots__ = ("apart", "in_step", "position")

    def __init__(self) -> None:
        self.position = 0
        self.in_step: dict[Viewer, asyncio.Transport] = {}
        self.apart: dict[Viewer, asyncio.Transport] = {}

    def __len__(self) -> int:
        return len(self.in_step) + len(self.apart)


class Viewer(asyncio.Protocol):
    """The protocol of a connection that plays. It is in step with its group, or apart from it: joining,
    paused by its transport, or catching up. Subclasses may say goodbye and are told when the peer is gone."""

    __slots__ = ("fanout", "group", "headers", "paused", "position", "slow_at", "transport")

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.fanout: Host | None = None
        self.group: Group | None = None
        self.position = 0
        """Place in the log; of meaning only while apart."""
        self.headers: bytes | None = None
        """Decoder headers to send before anything else; None while waiting for a keyframe."""
        self.paused = False
        self.slow_at = NEVER
        """When it last fell behind."""

    def finish(self) -> None:
        """The stream has ended and this viewer has all of it: close."""
        if self.transport is not None:
            self.transport.close()

    def left(self) -> None:
        """The connection is gone."""

    def shutdown(self) -> None:
        """The server drains: close once what is queued has been sent."""
        if self.transport is not None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Viewers have nothing to say; what they send is read and forgotten."""

    def pause_writing(self) -> None:
        self.paused = True
        if self.fanout is not None:
            self.fanout.step_out(self)

    def resume_writing(self) -> None:
        self.paused = False
        if self.fanout is not None:
            self.fanout.catch_up(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.fanout is not None:
            self.fanout.leave(self)
        self.transport = None
        self.left()
