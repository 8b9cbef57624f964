"""Numbers of the protocol: errors in replies, reasons to disconnect, reasons to end a subscription."""

from typing import Final, NamedTuple


class Code(NamedTuple):
    """A number and its words."""

    number: int
    words: str


CONNECTION_CLOSED: Final = Code(3000, "connection closed")
SHUTDOWN: Final = Code(3001, "shutdown")
SERVER_ERROR: Final = Code(3004, "internal server error")
CONNECTION_EXPIRED: Final = Code(3005, "connection expired")
SUBSCRIPTION_EXPIRED: Final = Code(3006, "subscription expired")
SLOW: Final = Code(3008, "slow")
WRITE_ERROR: Final = Code(3009, "write error")
INSUFFICIENT_STATE: Final = Code(3010, "insufficient state")
FORCE_RECONNECT: Final = Code(3011, "force reconnect")
NO_PONG: Final = Code(3012, "no pong")
TOO_MANY_REQUESTS: Final = Code(3013, "too many requests")
STATE_INVALIDATED: Final = Code(3014, "state invalidated")
"""The client forgets its tokens and what it knows of its channels, and comes back."""
INVALID_TOKEN: Final = Code(3500, "invalid token")
BAD_REQUEST: Final = Code(3501, "bad request")
STALE: Final = Code(3502, "stale")
FORCE_DISCONNECT: Final = Code(3503, "force disconnect")
CONNECTION_LIMIT: Final = Code(3504, "connection limit")
CHANNEL_LIMIT: Final = Code(3505, "channel limit")
INAPPROPRIATE_PROTOCOL: Final = Code(3506, "inappropriate protocol")
PERMISSION_DENIED: Final = Code(3507, "permission denied")
NOT_AVAILABLE: Final = Code(3508, "not available")
TOO_MANY_ERRORS: Final = Code(3509, "too many errors")

SERVER_UNSUBSCRIBE: Final = Code(2000, "server unsubscribe")
UNSUBSCRIBE_INSUFFICIENT: Final = Code(2500, "insufficient state")
UNSUBSCRIBE_EXPIRED: Final = Code(2501, "subscription expired")
UNSUBSCRIBE_INVALIDATED: Final = Code(2502, "state invalidated")
"""The client forgets what it knows of the channel, and its token, and subscribes again."""


def reconnects(number: int) -> bool:
    """Whether a client comes back by itself after this disconnect."""
    return not (3500 <= number <= 3999 or 4500 <= number <= 4999)
