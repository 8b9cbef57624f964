"""What the WebRTC transport counted since the start; `app` prints it on the metrics page."""

from dataclasses import dataclass


@dataclass(slots=True)
class WebRtcCounters:
    """Plain numbers, only ever added to."""

    sessions: int = 0
    """Sessions that were given out, each to an offer."""
    connected: int = 0
    """Sessions whose handshake was done."""
    refused: int = 0
    """Sessions refused because too many are pending, or in all."""
    closed_timeout: int = 0
    """Sessions whose peer never connected."""
    closed_silent: int = 0
    """Sessions whose peer gave no more consent, or said nothing at all."""
    closed_failed: int = 0
    """Sessions whose handshake failed."""
    datagrams_in: int = 0
    """Datagrams that came, from anybody."""
    datagrams_unknown: int = 0
    """Datagrams from addresses that belong to no session, or of no known protocol."""
    datagrams_bad: int = 0
    """Datagrams that were malformed, forged or repeated."""
    checks: int = 0
    """Genuine connectivity checks."""
    checks_refused: int = 0
    """Connectivity checks that were forged, of unknown sessions, or too many."""
    moved: int = 0
    """Peers that came from another address."""
    packets_out: int = 0
    """RTP packets that were sent, repeats included."""
    bytes_out: int = 0
    """Bytes of RTP packets that were sent."""
    sends: int = 0
    """System calls that sent RTP packets."""
    blocked: int = 0
    """Times that the socket was full."""
    send_errors: int = 0
    """Sends that the system refused."""
    starts: int = 0
    """Viewers that began with a burst of what was sent since the last keyframe."""
    drops: int = 0
    """Times that a viewer lost its frames up to the next keyframe."""
    nacked: int = 0
    """Packets that viewers missed."""
    resent: int = 0
    """Packets that were sent again."""
    keyframes_wanted: int = 0
    """PLI and FIR of viewers that were passed on."""
    keyframes_asked: int = 0
    """PLI and FIR to publishers."""
    packets_in: int = 0
    """RTP packets of publishers."""
    packets_lost: int = 0
    """Publishers' packets that were given up."""
    packets_recovered: int = 0
    """Publishers' packets that were missing, and came late or again in time."""
