"""What peers are told about where we are (RFC 8839 section 5.1): host candidates, UDP first, TCP behind."""

import fcntl
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

from madang.protocols.sdp.candidate import Candidate, build_candidate, tcp_priority, udp_priority

CANDIDATES: Final = 8
"""Addresses that are told; a machine with container networks has many that nobody can reach."""
_SIOCGIFADDR: Final = 0x8915
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
    for name in _interfaces():
        if not name.startswith(_BRIDGES):
            found += _addresses_of(name)
    return [
        address
        for address in dict.fromkeys(found)
        if not (address.is_loopback or address.is_link_local or address.is_unspecified)
    ][:CANDIDATES]


def _interfaces() -> list[str]:
    """Names of the network interfaces; none where a sandbox keeps netlink from us (EAFNOSUPPORT)."""
    try:
        return [name for _, name in socket.if_nameindex()]
    except OSError:
        return []


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
    known = list(enumerate(addresses))[:CANDIDATES]
    udp = [
        _candidate(place, "udp", udp_priority(0xFFFF - place), address, udp_port) for place, address in known
    ]
    tcp = [
        _candidate(place, "tcp", tcp_priority(0x1FFF - place), address, tcp_port) for place, address in known
    ]
    return tuple(build_candidate(one) for one in (*udp, *tcp) if one.port)


def _candidate(place: int, protocol: str, priority: int, address: Address, port: int) -> Candidate:
    foundation = str(place + 1 if protocol == "udp" else place + 1 + CANDIDATES)
    return Candidate(
        foundation=foundation, protocol=protocol, priority=priority, address=str(address), port=port
    )
