"""Whose address counts: the peer's own, or what a listed proxy says about its client (A31)."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address without zone, brackets and port, an IPv4-mapped one as IPv4; None when it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def peer_address(text: str) -> str:
    """A socket's peer address in one spelling, so that `::ffff:1.2.3.4` and `1.2.3.4` are one peer."""
    address = plain_address(text)
    return text if address is None else str(address)


class TrustedProxies:
    """The proxies whose forwarded headers are believed: addresses or networks, from the settings."""

    __slots__ = ("_known", "_networks")

    def __init__(self, proxies: tuple[str, ...] = ()) -> None:
        self.replace(proxies)

    def replace(self, proxies: tuple[str, ...]) -> None:
        """Believe these from now on: the settings were read again."""
        self._networks: tuple[Network, ...] = tuple(ip_network(proxy, strict=False) for proxy in proxies)
        self._known: dict[str, bool] = {}

    def lists(self, address: str) -> bool:
        """Whether `address` is a listed proxy."""
        if not self._networks:
            return False
        known = self._known.get(address)
        if known is None:
            if len(self._known) > 4096:
                self._known.clear()
            known = self._known[address] = self._look(address)
        return known

    def exempt(self, address: str) -> bool:
        """Whether limits per address do not apply: loopback and listed proxies."""
        return is_loopback(address) or self.lists(address)

    def client(self, peer: str, forwarded_for: bytes) -> str:
        """The client's address: the rightmost of X-Forwarded-For that is not itself a listed proxy."""
        client = peer
        if not self.lists(peer):
            return client
        for hop in reversed(forwarded_for.decode("latin-1").split(",")):
            address = plain_address(hop)
            if address is None:
                break
            client = str(address)
            if not self.lists(client):
                break
        return client

    def _look(self, address: str) -> bool:
        plain = plain_address(address)
        return plain is not None and any(plain in network for network in self._networks)


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    plain = plain_address(address)
    return plain is not None and plain.is_loopback
