"""Signatures with which a backend lets a user track keys of a shared poll, as Centrifugo's backends make
them: `iat:exp:hex`, where `hex` is HMAC-SHA256 of iat, exp, user, channel and a digest of the keys, parted by
NUL."""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from madang.base.limits import REALTIME_SIGNATURE_BYTES, REALTIME_SIGNATURE_GRACE_S
from madang.realtime.ports import PERMISSION_DENIED, TOKEN_EXPIRED
from madang.realtime.settings import SharedPollSettings

_NUL: Final = b"\0"
_DIGITS: Final = 15


def check(
    settings: SharedPollSettings, signature: str, keys: Sequence[str], whom: tuple[str, str], now: float
) -> float:
    """When the signature expires, in seconds since 1970-01-01 UTC; 0 for never. `whom` is user and channel;
    the keys count in their order. Raises ReplyError 103 for a bad one and 109 for one that has expired."""
    told = signature.split(":")
    if len(signature) > REALTIME_SIGNATURE_BYTES or not signature.isascii() or len(told) != 3:
        raise PERMISSION_DENIED
    issued, expires, digest = told
    if not all(part.isdigit() and len(part) <= _DIGITS for part in (issued, expires)):
        raise PERMISSION_DENIED
    digested = sha256(_NUL.join(key.encode("utf-8", "replace") for key in keys)).hexdigest()
    signed = _NUL.join(part.encode("utf-8", "replace") for part in (issued, expires, *whom, digested))
    secrets = [settings.hmac_secret.reveal()]
    until = settings.hmac_previous_until
    if not until or max(now, int(issued)) <= until:
        secrets.append(settings.hmac_previous_secret.reveal())
    if not any(secret and _matches(secret, signed, digest) for secret in secrets):
        raise PERMISSION_DENIED
    if int(expires) and int(expires) + REALTIME_SIGNATURE_GRACE_S < now:
        raise TOKEN_EXPIRED
    return float(expires)


def _matches(secret: str, signed: bytes, digest: str) -> bool:
    return hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256").hex(), digest)
