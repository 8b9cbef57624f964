"""File descriptors: each viewer is one, and most systems give a process 1,024 unless it asks (F21)."""

import resource

from madang.base.limits import CONNECTIONS_TOTAL, FD_RESERVE

WANTED = CONNECTIONS_TOTAL + FD_RESERVE
"""Room for every connection that the server admits, and for its own files."""


def limits() -> tuple[int, int]:
    """(soft, hard): what holds now, and what this process may give itself."""
    unlimited = resource.RLIM_INFINITY
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (2**31 if soft == unlimited else soft), (2**31 if hard == unlimited else hard)


def raise_limit() -> int:
    """Take as many as are wanted and allowed; how many there are now."""
    soft, hard = limits()
    if soft >= WANTED or hard <= soft:
        return soft
    _, real_hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = min(WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, real_hard))
    return granted
