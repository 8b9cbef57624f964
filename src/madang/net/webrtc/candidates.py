"""What peers are told about where we are (RFC 8839 section 5.1): host candidates, UDP first, TCP behind."""

import fcntl
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

CANDIDATES: Final = 8
"""Addresses that are told; a machine with container networks has many that nobody can reach."""
_SIOCGIFADDR: Final = 0x8915
_HOST_PREFERENCE: Final = 126
_BRIDGES: Final = ("docker", "br-", "veth", "virbr", "cni", "flannel", "cali")

Address = IPv4Address | IPv6Address


def local_addresses() -> list[Address]:
    """This machine's addresses, the one that leads outside first; loopback and link-local ones left out."""
    found: list[Address] = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                found.append(ip_address(probe.getsockname()[0]))
        except OSError:
            continue
    for _, name in socket.if_nameindex():
        if not name.startswith(_BRIDGES):
            found += _addresses_of(name)
    return [
        address
        for address in dict.fromkeys(found)
        if not (address.is_loopback or address.is_link_local or address.is_unspecified)
    ][:CANDIDATES]


def _addresses_of(interface: str) -> list[Address]:
    found: list[Address] = []
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
            found.append(IPv4Address(answer[20:24]))
    except OSError:
        pass  # an interface without IPv4
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:
        return found
    found += [
        IPv6Address(bytes.fromhex(words[0])) for line in lines if (words := line.split())[-1] == interface
    ]
    return found


def candidate_lines(addresses: Iterable[Address], udp_port: int, tcp_port: int) -> tuple[str, ...]:
    """Values of `a=candidate:` lines; a port of 0 is left out."""
    lines: list[str] = []
    known = list(addresses)[:CANDIDATES]
    for place, address in enumerate(known):
        if udp_port:
            priority = _HOST_PREFERENCE << 24 | (0xFFFF - place) << 8 | 255
            lines.append(f"{place + 1} 1 udp {priority} {address} {udp_port} typ host")
    for place, address in enumerate(known):
        if tcp_port:
            # RFC 6544 section 4.2: passive TCP candidates, direction preference 2, behind all of UDP.
            priority = 90 << 24 | (2 << 13 | (0x1FFF - place)) << 8 | 255
            lines.append(
                f"{place + 1 + CANDIDATES} 1 tcp {priority} {address} {tcp_port} typ host tcptype passive"
            )
    return tuple(lines)
