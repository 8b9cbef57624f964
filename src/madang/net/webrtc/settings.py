"""What an operator may set about WebRTC; `app` fills it from the settings file."""

from dataclasses import dataclass

from madang.base import limits


@dataclass(frozen=True, slots=True)
class WebRtcSettings:
    """Where peers reach us, and how many."""

    addresses: tuple[str, ...] = ()
    """Public addresses or names behind a NAT, told to peers instead of the machine's own."""
    sessions: int = limits.WEBRTC_SESSIONS
    pending_per_ip: int = limits.PENDING_SESSIONS_PER_IP
    pending_total: int = limits.PENDING_SESSIONS_TOTAL
    segment_offload: bool = True
    """UDP_SEGMENT where the kernel has it."""
    compiled: bool = True
    """The fan-out's loop in C where the build could make it."""
