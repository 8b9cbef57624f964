"""Closing one half of a connection: ours is over, the peer may still read what is queued."""

import asyncio


def end_output(transport: asyncio.Transport) -> bool:
    """FIN behind what is queued; where that cannot be said (TLS), the connection closes. Whether it goes on
    to be read. A peer that reset the connection a moment ago, unread so far, has none to be half closed."""
    if not transport.can_write_eof():
        transport.close()
        return False
    try:
        transport.write_eof()
    except OSError:
        transport.abort()
        return False
    return True
