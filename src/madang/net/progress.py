"""How far a peer has come with what was written to it: by TCP's own count, without its help."""

import asyncio
import fcntl
import socket
import struct
import termios
from typing import Final

_INFO: Final = getattr(socket, "TCP_INFO", 0)
_ACKED_AT: Final = 120
"""Where `tcpi_bytes_acked` stands in Linux's `struct tcp_info`."""
_INFO_BYTES: Final = _ACKED_AT + 8


def acked_bytes(transport: asyncio.Transport) -> int | None:
    """Bytes that the peer's system has taken so far; None when it has taken all, or where nobody counts."""
    plain = transport.get_extra_info("socket")
    if plain is None or not _INFO:
        return None
    try:
        if not _unacked(plain.fileno()) and not transport.get_write_buffer_size():
            return None
        info = plain.getsockopt(socket.IPPROTO_TCP, _INFO, _INFO_BYTES)
    except (OSError, ValueError):  # it is closed, or no TCP
        return None
    return int.from_bytes(info[_ACKED_AT:], "little") if len(info) == _INFO_BYTES else None


def _unacked(descriptor: int) -> int:
    """SIOCOUTQ: in the kernel's queue, sent or not."""
    count: int = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0" * 4))[0]
    return count
