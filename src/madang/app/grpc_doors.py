"""The gRPC doors that the settings ask for; their library, an extra, is loaded for them alone."""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from madang.app import tls
from madang.app.keys import Endpoint
from madang.app.sections import Settings
from madang.net.listeners import Binding, ListenError
from madang.realtime.doors import Doors
from madang.realtime.engine import Engine

if TYPE_CHECKING:
    from madang.realtime.grpc_doors import GrpcDoors, Pair, Shown

_log = structlog.get_logger()


async def open_grpc(settings: Settings, engine: Engine, doors: Doors) -> "GrpcDoors | None":
    """None where none is asked for. Raises ListenError and TlsError."""
    api, stream = settings.realtime.grpc, settings.realtime.uni_grpc
    places = [place for place in dict.fromkeys((api, stream)) if place is not None]
    if not places:
        return None
    try:
        from madang.realtime.grpc_doors import GrpcDoors
    except ModuleNotFoundError:
        raise ListenError(_binding(places[0]), "gRPC is an extra: pip install 'madang[grpc]'") from None
    found = GrpcDoors(engine, doors)
    for place in places:
        encrypted = settings.realtime.grpc_tls if place == api else settings.realtime.uni_grpc_tls
        shown = _shown(settings) if encrypted else None
        if shown is None and not _stays_here(place.host):
            _log.warning(
                "grpc_in_clear", place=str(place), told="keys and tokens travel in clear: set grpc_tls"
            )
        try:
            await found.open(str(place), with_api=place == api, with_stream=place == stream, shown=shown)
        except OSError as error:
            await found.close()
            raise ListenError(_binding(place), str(error)) from None
    return found


def _shown(settings: Settings) -> "Shown":
    """The certificate that a door shows. Raises TlsError."""
    from madang.realtime.grpc_doors import Shown

    realtime = settings.realtime
    certificate, key = realtime.grpc_certificate, realtime.grpc_key
    if certificate is None or key is None:
        certificate, key = settings.tls.certificate, settings.tls.key
    assert certificate is not None and key is not None  # the settings have been checked
    tls.read(certificate, key)
    authorities = realtime.grpc_client_ca
    try:
        return Shown(_reader(certificate, key), authorities.read_bytes() if authorities else b"")
    except OSError as error:
        raise tls.TlsError(f"{authorities} cannot be read: {error.strerror}") from None


def _reader(certificate: Path, key: Path) -> "Callable[[], Pair | None]":
    """Reads both files when they have changed; None when not, or when they cannot be used (F28)."""
    seen: list[object] = [None]

    def read() -> "Pair | None":
        try:
            marks = [(file.stat().st_mtime_ns, file.stat().st_ino) for file in (certificate, key)]
            if marks == seen[0]:
                return None
            tls.read(certificate, key)
            pair = certificate.read_bytes(), key.read_bytes()
        except (OSError, tls.TlsError) as error:
            _log.error("certificate.kept", reason=str(error))
            return None
        seen[0] = marks
        return pair

    return read


def _stays_here(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _binding(place: Endpoint) -> Binding:
    return Binding(place.host, place.port, "grpc and uni_grpc under [realtime]")
