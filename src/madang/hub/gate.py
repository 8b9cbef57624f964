"""Who may publish and who may play: two ports that `control` answers."""

from typing import Protocol

import msgspec

from madang.base.ids import ChannelId, KeyId
from madang.base.secret import Secret


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel's stream is to be treated; travels with the lease, read by packaging from the stream."""

    segment_s: float = 2.0
    part_s: float = 0.5
    """0.5 in the standard preset, 0.2 in the low one; never changes within a stream."""
    dvr_window_s: float = 1800.0
    reconnect_window_s: float = 20.0
    package_on_demand: bool = False
    """Packaging waits for the first viewer."""
    separate_audio: bool = False
    """Audio as a rendition of its own (channels with a ladder), instead of muxed into the only rung."""


class PublishRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a publisher showed: a key alone, or a channel name and a key beside it."""

    door: str
    """`rtmp`, `rtmps`, `whip`, `srt`, `rtsp`."""
    name: str
    """Channel name, or empty where the key stands in its place."""
    key: Secret
    peer: str
    """IP address of the client."""
    user_agent: str = ""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to publish one channel with one key."""

    channel: ChannelId
    name: str
    """The channel's slug when the lease was given."""
    key: KeyId
    profile: Profile
    peer: str = ""
    door: str = ""
    user_agent: str = ""


class PublishGate(Protocol):
    """May this credential publish this channel now?"""

    async def admit(self, request: PublishRequest) -> Lease:
        """Decide. Raises Refused: `no_such_key`, `revoked`, `kicked`, `disabled`; Overloaded."""
        ...


class PlayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a viewer showed."""

    door: str
    """`hls`, `dash`, `flv`, `wsflv`, `rtmp`, `poster`, `whep`, `api`, `embed`."""
    name: str
    peer: str
    token: Secret = Secret("")
    """A channel-bound JWT (query `token` or a bearer)."""
    session: Secret = Secret("")
    """The account's session cookie."""


class PlayGrant(msgspec.Struct, frozen=True, kw_only=True):
    """The right to watch one channel."""

    channel: ChannelId
    name: str
    """The canonical slug; differs from the asked name after a rename."""
    private: bool = False
    subject: str = ""
    """Whom a private grant was given to; opaque to everyone but the gate."""
    expires_at: float = 0.0
    """Seconds since 1970-01-01 UTC; 0 for never."""


class PlayGate(Protocol):
    """May this viewer play this channel now?"""

    def peek(self, name: str) -> PlayGrant | None:
        """The grant that everybody has: of a public or unlisted channel, else None. No I/O, O(1)."""
        ...

    async def admit(self, request: PlayRequest) -> PlayGrant:
        """Decide. Raises Refused: `not_found` alone, so that a private channel's existence is not told."""
        ...

    def holds(self, grant: PlayGrant) -> bool:
        """Whether a grant still holds. No I/O, O(1): held connections are asked about every second."""
        ...
