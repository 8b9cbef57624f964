"""What an operator may set about sockets; `app` fills it from the settings file."""

from dataclasses import dataclass, field

from madang.base import limits


@dataclass(frozen=True, slots=True)
class NetSettings:
    """Bounds default to `base/limits.py`."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For, -Proto and -Host are believed."""
    connections_total: int = limits.CONNECTIONS_TOTAL
    connections_per_ip: int = limits.CONNECTIONS_PER_IP
    reuse_port: bool = False
    """Share the port with other processes of this server."""
    backlog: int = 4096
    outbound_allow: tuple[str, ...] = field(default=())
    """Networks that outbound requests may reach although they are not public (a webhook on the LAN)."""
