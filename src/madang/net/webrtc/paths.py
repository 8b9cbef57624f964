"""Ways to a peer: an address of one of our UDP sockets, or a connection (ICE-TCP)."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import Final, Protocol

from madang.net.addresses import peer_address
from madang.net.webrtc.log import RUN_PACKETS

SOL_UDP: Final = socket.IPPROTO_UDP
UDP_SEGMENT: Final = 103
_UINT16 = Struct("H")

Hot = tuple[Callable[..., int], int, Callable[..., int], Callable[..., int], tuple[str, int]]
"""What the fan-out needs of a viewer: encrypt, salt, sendmsg, sendto, address."""


class Path(Protocol):
    """Where a datagram came from, and answers go. Equal paths are one path."""

    @property
    def address(self) -> str: ...

    @property
    def port(self) -> int: ...

    def send(self, datagram: bytes) -> None:
        """One datagram; lost when there is no room."""
        ...

    def send_all(self, datagrams: Sequence[bytes], segments: bool) -> bool:
        """Packets of one frame; False when there was no room for all of them."""
        ...


class UdpPath:
    """A peer's address as one of our sockets sees it."""

    __slots__ = ("name", "socket")

    def __init__(self, sock: socket.socket, name: tuple[str, int]) -> None:
        self.socket = sock
        self.name = name

    @property
    def address(self) -> str:
        return peer_address(self.name[0])

    @property
    def port(self) -> int:
        return self.name[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UdpPath) and other.name == self.name and other.socket is self.socket

    def __hash__(self) -> int:
        return hash(self.name)

    def send(self, datagram: bytes) -> None:
        try:
            self.socket.sendto(datagram, self.name)
        except OSError:
            pass  # a datagram may be lost: who needs it asks again

    def send_all(self, datagrams: Sequence[bytes], segments: bool) -> bool:
        """With one system call for those of equal length, a shorter one behind them included."""
        begin, count = 0, len(datagrams)
        try:
            while begin < count:
                size, stop = len(datagrams[begin]), begin + 1
                while segments and stop < count and stop - begin < RUN_PACKETS:
                    length = len(datagrams[stop])
                    if length > size:
                        break
                    stop += 1
                    if length < size:
                        break
                if stop - begin == 1:
                    self.socket.sendto(datagrams[begin], self.name)
                else:
                    ancillary = [(SOL_UDP, UDP_SEGMENT, _UINT16.pack(size))]
                    self.socket.sendmsg(datagrams[begin:stop], ancillary, 0, self.name)
                begin = stop
        except OSError:
            return False
        return True


def plain(path: Path) -> IPv4Address | IPv6Address:
    """The peer's address, for its connectivity check's answer."""
    return ip_address(path.address.partition("%")[0])
