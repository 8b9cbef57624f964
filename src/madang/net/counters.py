"""What the sockets counted since the start; `app` prints it on the metrics page."""

from dataclasses import dataclass


@dataclass(slots=True)
class NetCounters:
    """Plain numbers, only ever added to."""

    accepted: int = 0
    accept_pauses: int = 0
    """F22: how often accepting paused because descriptors ran out."""
    refused_total: int = 0
    """Connections closed at once because there are too many in all."""
    refused_per_ip: int = 0
    """Connections closed at once because one address has too many."""
    tls_failures: int = 0
    requests_hot: int = 0
    """Requests answered inside, before ASGI."""
    requests_asgi: int = 0
    requests_bad: int = 0
    """Requests refused with 400, 408, 413 or 431."""
    holds: int = 0
    holds_refused: int = 0
    holds_late: int = 0
    holds_gone: int = 0
    takeovers: int = 0
    timeouts: int = 0
    """Connections that a deadline closed."""
    stalled_writes: int = 0
    route_errors: int = 0
    """Exceptions of hot routes: our own faults."""
    websockets: int = 0
    websocket_timeouts: int = 0
    outbound_requests: int = 0
    outbound_refused: int = 0
