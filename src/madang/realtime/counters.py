"""What the crowd counted since the start; `app` prints it on the metrics page."""

from dataclasses import dataclass


@dataclass(slots=True)
class RealtimeCounters:
    """Plain numbers, only ever added to."""

    connections: int = 0
    """Connections that were accepted, each after its connect."""
    connections_refused: int = 0
    """Connections that were refused before a session began."""
    subscriptions: int = 0
    """Subscriptions that began."""
    commands: int = 0
    """Commands of clients."""
    replies_error: int = 0
    """Commands that were answered with an error."""
    publications: int = 0
    """Publications that came in from clients, rooms and the server API, on this node or another."""
    deliveries: int = 0
    """Publications times subscribers that they were handed to."""
    sweeps: int = 0
    """Writes of a channel's tick to all of its subscribers."""
    shed: int = 0
    """Plain publications that slow viewers did not get."""
    slow: int = 0
    """Connections that ended because too much waited for them."""
    filtered: int = 0
    """Publications that a tags filter left out, once for each filter."""
    recovered: int = 0
    """Recoveries without a gap."""
    not_recovered: int = 0
    """Recoveries that could not bring all that was missed."""
    gaps: int = 0
    """Channels whose subscribers were sent away because a publication was missing."""
    disconnects: int = 0
    """Connections that the server ended."""
    unsubscribes: int = 0
    """Subscriptions that the server ended."""
    rate_limited: int = 0
    """Commands beyond a rate."""
    broker_errors: int = 0
    """Times that the broker gave no good answer."""
    handler_errors: int = 0
    """Exceptions of handlers: our own faults."""
    api_commands: int = 0
    """Commands of the server API."""
    api_errors: int = 0
    """Commands of the server API that were answered with an error."""
    proxy_requests: int = 0
    """Questions to backends."""
    proxy_errors: int = 0
    """Questions to backends that brought no good answer."""
    poll_updates: int = 0
    """Values of shared polls that connections were told."""
    poll_errors: int = 0
    """Questions of shared polls that brought no good answer."""
    api_unauthorized: int = 0
    """Requests of the server API without a good key."""
