"""The certificate: one TLS context for HTTPS and RTMPS, replaced on SIGHUP, never by a bad one (F28)."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from madang.base.clock import Clock

ALARM_DAYS: Final = 14
_DAY_S: Final = 86_400.0
_log = structlog.get_logger()


class TlsError(Exception):
    """The certificate cannot be used; the text is one sentence for the operator."""


class Loaded(NamedTuple):
    """A certificate in use."""

    context: ssl.SSLContext
    expires_at: float
    """Seconds since 1970-01-01 UTC."""
    names: tuple[str, ...]


def read(certificate: Path, key: Path) -> Loaded:
    """Make a server's context of two PEM files: TLS 1.2 or later. Raises TlsError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password of our own OpenSSL would ask the terminal for one.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise TlsError(_why(certificate, key, error)) from None
    except OSError as error:
        raise TlsError(
            f"{error.filename or _unreadable(certificate, key)} cannot be read: {error.strerror}"
        ) from None
    expires_at, names = describe(certificate)
    return Loaded(context, expires_at, names)


def describe(certificate: Path) -> tuple[float, tuple[str, ...]]:
    """When the first certificate of a PEM file expires, and for which names it is."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return found.not_valid_after_utc.timestamp(), tuple(str(name.value) for name in names)
    except x509.ExtensionNotFound:
        return found.not_valid_after_utc.timestamp(), ()
    except OSError as error:
        raise TlsError(f"{certificate} cannot be read: {error.strerror}") from None
    except ValueError:
        raise TlsError(f"{certificate} holds no certificate in PEM form") from None


class Certificate:
    """The certificate in force. `replaced` is called with each new context: doors use it from then on."""

    def __init__(
        self, paths: tuple[Path, Path], clock: Clock, replaced: Callable[[ssl.SSLContext], None]
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._replaced = replaced
        self.loaded = read(*paths)

    @property
    def context(self) -> ssl.SSLContext:
        return self.loaded.context

    def left_s(self) -> float:
        """Seconds until the certificate expires; negative afterwards, when it is still served."""
        return self.loaded.expires_at - self._clock.wall()

    def reload(self, paths: tuple[Path, Path] | None = None) -> bool:
        """Read the files again. What cannot be used, or has expired, leaves the old certificate in force."""
        try:
            loaded = read(*(paths or self._paths))
            if loaded.expires_at < self._clock.wall():
                raise TlsError(f"{self._paths[0]} expired on {_day(loaded.expires_at)}")
        except TlsError as error:
            _log.error("certificate.kept", reason=str(error), expires=_day(self.loaded.expires_at))
            return False
        self._paths = paths or self._paths
        self.loaded = loaded
        self._replaced(loaded.context)
        _log.info("certificate.loaded", expires=_day(loaded.expires_at), names=loaded.names)
        return True

    def alarm(self) -> str:
        """A sentence from 14 days before the end on; empty before."""
        days = self.left_s() / _DAY_S
        day = _day(self.loaded.expires_at)
        if days < 0:
            return f"The TLS certificate expired on {day}: renew it, then send SIGHUP."
        if days < ALARM_DAYS:
            return f"The TLS certificate expires in {int(days)} days, on {day}: renew it, then send SIGHUP."
        return ""


def _why(certificate: Path, key: Path, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{key} is not the key of {certificate}"
    describe(certificate)
    text = key.read_bytes()
    if b"ENCRYPTED" in text:
        return f"{key} has a passphrase; the server needs a key without one"
    return f"{key} holds no private key in PEM form that fits {certificate}"


def _unreadable(certificate: Path, key: Path) -> Path:
    """Which of two files it is: `load_cert_chain` does not say."""
    try:
        certificate.read_bytes()
    except OSError:
        return certificate
    return key


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
