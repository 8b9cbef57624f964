"""What the sockets counted since the start; `app` prints it on the metrics page."""

from dataclasses import dataclass


@dataclass(slots=True)
class NetCounters:
    """Plain numbers, only ever added to."""

    accepted: int = 0
    """Connections of all doors that were taken in."""
    accept_pauses: int = 0
    """Times that accepting paused because descriptors ran out (F22)."""
    refused: int = 0
    """Connections closed at once because there are too many in all."""
    refused_per_ip: int = 0
    """Connections closed at once because one address has too many."""
    tls_failures: int = 0
    """TLS handshakes that failed."""
    requests_hot: int = 0
    """Requests answered inside, before ASGI."""
    requests_asgi: int = 0
    """Requests answered by the API and its pages."""
    requests_bad: int = 0
    """Requests refused with 400, 408, 413 or 431."""
    holds: int = 0
    """Requests that were held until there was an answer."""
    holds_refused: int = 0
    """Requests that were not held: their address holds too many."""
    holds_late: int = 0
    """Held requests that were answered late, by their deadline."""
    holds_gone: int = 0
    """Held requests whose client left first."""
    takeovers: int = 0
    """Connections that left HTTP: FLV and websockets."""
    timeouts: int = 0
    """Connections that a deadline closed."""
    stalled_writes: int = 0
    """Connections cut because their client took nothing for too long."""
    route_errors: int = 0
    """Exceptions of hot routes: our own faults."""
    websockets: int = 0
    """Websockets that were opened."""
    websocket_timeouts: int = 0
    """Websockets that no longer answered."""
    outbound_requests: int = 0
    """Requests of our own to other servers."""
    outbound_refused: int = 0
    """Requests of our own that were not sent, because their address is not public."""
