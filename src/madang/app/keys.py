"""Kinds of values that the settings know: listeners, secrets, paths, networks; and what a section is."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from madang.base.secret import Secret

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Endpoint(NamedTuple):
    """Where a door listens; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def endpoint(value: object) -> object:
    """`HOST:PORT`, `[IPv6]:PORT`, `:PORT` (all IPv4 addresses) or `PORT`."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = f":{value}"
    if not isinstance(value, str):
        return value
    host, _, port = value.strip().rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("a listener is HOST:PORT, for example 0.0.0.0:8080 or [::]:8080")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an IPv6 address stands in brackets, for example [::]:8080")
    return Endpoint(host or "0.0.0.0", int(port))


def listed(value: object) -> object:
    """A list, or one text with commas: environment variables have no lists."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, int) else value


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("an address or a network, for example 127.0.0.1 or 10.0.0.0/8") from None


def url(*schemes: str) -> BeforeValidator:
    """A base URL without a slash at its end, or nothing."""

    def check(value: object) -> object:
        if not isinstance(value, str) or not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"a URL like {schemes[-1]}://live.example.org")
        return value.rstrip("/")

    return BeforeValidator(check)


def _secret(value: object) -> object:
    return Secret(value) if isinstance(value, str) else value


def stored(*schemes: str) -> AfterValidator:
    """A secret URL of what there is a driver for, by its scheme without one (`sqlite`); or nothing."""

    def check(value: Secret) -> Secret:
        scheme, divided, _ = value.reveal().partition("://")
        if value and (not divided or scheme.partition("+")[0] not in schemes):
            raise ValueError(f"a URL that begins with {' or '.join(f'{known}://' for known in schemes)}")
        return value

    return AfterValidator(check)


def _path(value: object) -> object:
    return None if value == "" else value


def _some(value: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    if not value:
        raise ValueError("needs at least one")
    return value


def _door(value: object) -> object:
    return None if value == "" else endpoint(value)


Door = Annotated[Endpoint | None, BeforeValidator(_door)]
Listeners = Annotated[tuple[Annotated[Endpoint, BeforeValidator(endpoint)], ...], BeforeValidator(listed)]
Needed = Annotated[Listeners, AfterValidator(_some)]
"""Listeners of which there is at least one."""
Networks = Annotated[tuple[Annotated[Network, BeforeValidator(_network)], ...], BeforeValidator(listed)]
File = Annotated[Path | None, BeforeValidator(_path)]
Hidden = Annotated[Secret, BeforeValidator(_secret)]
RELOADS: dict[str, Any] = {"reloads": True}
"""Marks a key that SIGHUP applies without a restart."""


class Section(BaseModel):
    """A section is frozen and knows its keys; any other key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )
