"""Where we say that we are: an independent reader finds the same addresses, in the same order."""

import errno
import socket
from ipaddress import ip_address

import aioice
import pytest

from madang.net.webrtc.candidates import CANDIDATES, candidate_lines, local_addresses

FIRST, SECOND = ip_address("192.0.2.1"), ip_address("2001:db8::1")


def test_udp_stands_before_tcp_and_addresses_in_their_order() -> None:
    told = [aioice.Candidate.from_sdp(line) for line in candidate_lines([FIRST, SECOND], 8189, 8190)]
    assert [(one.transport, one.host, one.port, one.tcptype) for one in told] == [
        ("udp", "192.0.2.1", 8189, None),
        ("udp", "2001:db8::1", 8189, None),
        ("tcp", "192.0.2.1", 8190, "passive"),
        ("tcp", "2001:db8::1", 8190, "passive"),
    ]
    weights = [one.priority for one in told]
    assert weights == sorted(weights, reverse=True)
    assert len({one.foundation for one in told}) == 4


def test_a_closed_door_is_not_told() -> None:
    assert candidate_lines([FIRST], 0, 0) == ()
    assert all(" tcp " in line for line in candidate_lines([FIRST], 0, 8190))


def test_a_machine_with_many_networks_tells_some() -> None:
    many = [ip_address(f"198.51.100.{number}") for number in range(40)]
    assert len(candidate_lines(many, 8189, 0)) == CANDIDATES


def test_a_sandbox_without_netlink_leaves_the_address_that_leads_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_all = local_addresses()

    def refused() -> list[tuple[int, str]]:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "if_nameindex", refused)
    assert set(local_addresses()) <= set(with_all)
