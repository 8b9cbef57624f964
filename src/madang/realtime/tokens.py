"""Connection and subscription tokens: JWTs of our own and of foreign issuers.

The algorithm must fit the kind of key that the operator gave (A27): a public key never checks an HMAC.
Our own tokens carry the key id `madang`; nobody else may speak for users whose id begins with `madang.`.
"""

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import re2
from msgspec import Raw

from madang.base.clock import Clock
from madang.base.errors import PeerError
from madang.base.later import later
from madang.base.limits import TOKEN_BYTES
from madang.base.secret import Secret
from madang.realtime.compact import DIGESTS, CompactError, check_hmac, read_header
from madang.realtime.gate import ServerSubscription
from madang.realtime.jwks import KeySets, speaks
from madang.realtime.settings import TokenSettings

if TYPE_CHECKING:
    import jwt
    from jwt import api_jws
else:
    jwt = later("jwt")
    api_jws = later("jwt.api_jws")

OWN_KEY_ID: Final = "madang"
OWN_ISSUER: Final = "madang"
OWN_USERS: Final = "madang."
_RSA: Final = ("RS256", "RS384", "RS512")
_ECDSA: Final = ("ES256", "ES384", "ES512")
_EDDSA: Final = ("EdDSA",)
_ALL: Final = frozenset((*DIGESTS, *_RSA, *_ECDSA, *_EDDSA))
_NOTHING: Final = Raw(b"")
_NO_SECRET: Final = Secret("")
_T = TypeVar("_T")


class TokenError(PeerError):
    """`code` is `expired` or `invalid`."""


class _Value(msgspec.Struct, frozen=True):
    value: bool = False


class Override(msgspec.Struct, frozen=True):
    presence: _Value | None = None
    join_leave: _Value | None = None
    force_push_join_leave: _Value | None = None
    force_recovery: _Value | None = None
    force_positioning: _Value | None = None


class SubscriptionClaims(msgspec.Struct, frozen=True):
    """What a token says about one channel."""

    info: Raw = _NOTHING
    b64info: str = ""
    data: Raw = _NOTHING
    b64data: str = ""
    override: Override | None = None


class _Dated(msgspec.Struct, frozen=True):
    sub: str | int = ""
    exp: float | None = None
    nbf: float | None = None
    iss: str = ""
    aud: str | list[str] = ""
    expire_at: float | None = None


class _Connection(_Dated, frozen=True):
    info: Raw = _NOTHING
    b64info: str = ""
    meta: Raw = _NOTHING
    channels: list[str] = []
    subs: dict[str, SubscriptionClaims] = {}
    channel: str = ""
    madang: Raw = _NOTHING
    jti: str = ""
    iat: float = 0.0


class _Subscription(_Dated, frozen=True):
    channel: str = ""
    client: str = ""
    info: Raw = _NOTHING
    b64info: str = ""
    data: Raw = _NOTHING
    b64data: str = ""
    override: Override | None = None


class ConnectionToken(msgspec.Struct, frozen=True, kw_only=True):
    """A good connection token."""

    user: str
    issuer: str
    info: bytes
    meta: bytes
    claim: bytes
    expires_at: float
    """0 for never."""
    subscriptions: Mapping[str, ServerSubscription]
    issued_at: float
    token_id: str = ""


class SubscriptionToken(msgspec.Struct, frozen=True, kw_only=True):
    """A good subscription token."""

    user: str
    channel: str
    client: str
    subscription: ServerSubscription


class Tokens:
    """Checks tokens. `own_secret` signs what this server gave out itself."""

    def __init__(
        self, settings: TokenSettings, clock: Clock, key_sets: KeySets, own_secret: Secret = _NO_SECRET
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._key_sets = key_sets
        self._own = own_secret
        self._issuers = re2.compile(settings.issuer_regex) if settings.issuer_regex else None
        self._audiences = re2.compile(settings.audience_regex) if settings.audience_regex else None

    @cached_property
    def _jws(self) -> "api_jws.PyJWS":
        return api_jws.PyJWS()

    async def connection(self, token: str) -> ConnectionToken:
        """Raises TokenError, and KeySetError when the issuer's keys cannot be had."""
        payload, own = await self._verify(token)
        claims = _decode(payload, _Connection)
        if claims.channel:
            raise TokenError("invalid", "a subscription token used as a connection token")
        user, expires_at = self._judge(payload, claims, own)
        subscriptions = {channel: ServerSubscription() for channel in claims.channels}
        subscriptions |= {channel: server_subscription(sub) for channel, sub in claims.subs.items()}
        return ConnectionToken(
            user=user,
            issuer=OWN_ISSUER if own else claims.iss,
            info=_either(claims.info, claims.b64info),
            meta=bytes(claims.meta),
            claim=bytes(claims.madang),
            expires_at=expires_at,
            subscriptions=subscriptions,
            issued_at=claims.iat,
            token_id=claims.jti,
        )

    async def subscription(self, token: str) -> SubscriptionToken:
        """Raises TokenError, and KeySetError when the issuer's keys cannot be had."""
        payload, own = await self._verify(token)
        claims = _decode(payload, _Subscription)
        if not claims.channel:
            raise TokenError("invalid", "a subscription token names no channel")
        user, expires_at = self._judge(payload, claims, own)
        told = SubscriptionClaims(claims.info, claims.b64info, claims.data, claims.b64data, claims.override)
        subscription = msgspec.structs.replace(server_subscription(told), expires_at=expires_at)
        return SubscriptionToken(
            user=user, channel=claims.channel, client=claims.client, subscription=subscription
        )

    async def _verify(self, token: str) -> tuple[bytes, bool]:
        """The payload of a token whose signature is good, and whether it is our own."""
        algorithm, key_id = _read_header(token)
        if key_id == OWN_KEY_ID and self._own:
            if algorithm != "HS256":
                raise TokenError("invalid", f"our own token is signed by {algorithm}")
            return self._check(token, self._own.reveal(), algorithm), True
        keys = [] if self._settings.jwks_url and key_id else self._static(algorithm)
        if not keys and self._settings.jwks_url and key_id:
            found = await self._key_sets.find(self._jwks_url(token), key_id)
            if found is None or not speaks(found, algorithm):
                raise TokenError("invalid", "no key of this id checks this algorithm")
            keys = [found.key]
        for key in keys[:-1]:
            try:
                return self._check(token, key, algorithm), False
            except TokenError:
                continue
        if not keys:
            raise TokenError("invalid", f"no key is set for {algorithm}")
        return self._check(token, keys[-1], algorithm), False

    def _check(self, token: str, key: object, algorithm: str) -> bytes:
        if algorithm in DIGESTS and isinstance(key, str | bytes):
            try:
                return check_hmac(token, key, algorithm)
            except CompactError as error:
                raise TokenError("invalid", error.reason) from None
        try:
            payload = self._jws.decode(token, key, algorithms=[algorithm])  # type: ignore[arg-type]
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenError("invalid", f"bad signature: {type(error).__name__}") from None
        if not isinstance(payload, bytes):
            raise TokenError("invalid", "token has no payload")
        return payload

    def _static(self, algorithm: str) -> list[object]:
        settings = self._settings
        if algorithm in DIGESTS:
            secrets: list[object] = [settings.hmac_secret.reveal()] if settings.hmac_secret else []
            until = settings.hmac_previous_until
            if settings.hmac_previous_secret and (not until or until > self._clock.wall()):
                secrets.append(settings.hmac_previous_secret.reveal())
            return secrets
        if algorithm in _EDDSA:
            pem = settings.eddsa_public_key
        else:
            pem = settings.rsa_public_key if algorithm in _RSA else settings.ecdsa_public_key
        return [pem] if pem else []

    def _jwks_url(self, token: str) -> str:
        """The URL for this token's issuer; what a template takes from the token is judged first."""
        url = self._settings.jwks_url
        if "{{" not in url:
            return url
        claims = _decode(self._unverified(token), _Dated)
        values: dict[str, str] = {}
        for pattern, texts in ((self._issuers, [claims.iss]), (self._audiences, _listed(claims.aud))):
            if pattern is not None:
                matched = next((found for text in texts if (found := pattern.fullmatch(text))), None)
                if matched is None:
                    raise TokenError("invalid", "issuer or audience is not one of ours")
                values |= {name: value for name, value in matched.groupdict().items() if value}
        for name, value in values.items():
            url = url.replace("{{" + name + "}}", value)
        if "{{" in url:
            raise TokenError("invalid", "the token does not fill the key set's URL")
        return url

    def _unverified(self, token: str) -> bytes:
        body = token.split(".")[1]
        try:
            return b64decode(body + "=" * (-len(body) % 4), altchars=b"-_")
        except (Error, ValueError):
            raise TokenError("invalid", "token is no base 64") from None

    def _judge(self, payload: bytes, claims: _Dated, own: bool) -> tuple[str, float]:
        """Who the token speaks for, and when that ends."""
        now, settings = self._clock.wall(), self._settings
        if claims.exp is not None and claims.exp <= now:
            raise TokenError("expired", "token is expired")
        if claims.nbf is not None and claims.nbf > now:
            raise TokenError("invalid", "token is not valid yet")
        user = str(claims.sub)
        if not own:
            self._check_origin(claims)
            if settings.user_id_claim != "sub":
                told = _decode(payload, dict[str, object]).get(settings.user_id_claim, "")
                user = str(told) if isinstance(told, str | int) else ""
            if settings.issuer_regex and user:
                user = f"{claims.iss}|{user}"  # several issuers may know the same name
            if user.startswith(OWN_USERS):
                raise TokenError("invalid", "a foreign token speaks for one of our users")
        if claims.expire_at is not None:
            if 0 < claims.expire_at <= now:
                raise TokenError("expired", "token is expired")
            return user, claims.expire_at
        return user, claims.exp or 0.0

    def _check_origin(self, claims: _Dated) -> None:
        settings = self._settings
        audiences = _listed(claims.aud)
        if settings.audience and settings.audience not in audiences:
            raise TokenError("invalid", "token is for another audience")
        if self._audiences is not None and not any(map(self._audiences.fullmatch, audiences)):
            raise TokenError("invalid", "token is for another audience")
        if settings.issuer and settings.issuer != claims.iss:
            raise TokenError("invalid", "token is of another issuer")
        if self._issuers is not None and not self._issuers.fullmatch(claims.iss):
            raise TokenError("invalid", "token is of another issuer")


def _read_header(token: str) -> tuple[str, str]:
    """Algorithm and key id of a token that may be one. Raises TokenError."""
    if len(token) > TOKEN_BYTES or token.count(".") != 2 or not token.isascii():
        raise TokenError("invalid", "token is no JWS, or too long")
    try:
        header = read_header(token)
    except CompactError as error:
        raise TokenError("invalid", error.reason) from None
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or algorithm not in _ALL:
        raise TokenError("invalid", f"token is signed by {str(algorithm)[:16]}")
    if not isinstance(key_id, str) or "crit" in header or header.get("b64", True) is not True:
        raise TokenError("invalid", "token has a header that is not understood")
    return algorithm, key_id


def server_subscription(claims: SubscriptionClaims) -> ServerSubscription:
    """What a token or the server API says about a subscription."""
    override = claims.override or Override()
    return ServerSubscription(
        info=_either(claims.info, claims.b64info),
        data=_either(claims.data, claims.b64data),
        presence=_value(override.presence),
        join_leave=_value(override.join_leave),
        force_push_join_leave=_value(override.force_push_join_leave),
        force_recovery=_value(override.force_recovery),
        force_positioning=_value(override.force_positioning),
    )


def _value(boxed: _Value | None) -> bool | None:
    return None if boxed is None else boxed.value


def _either(plain: Raw, encoded: str) -> bytes:
    if not encoded:
        return bytes(plain)
    try:
        return b64decode(encoded, validate=True)
    except (Error, ValueError):
        raise TokenError("invalid", "token holds bad base 64") from None


def _listed(audience: str | list[str]) -> list[str]:
    return [audience] if isinstance(audience, str) else audience


def _decode(payload: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TokenError("invalid", f"bad claims: {error}") from None
