"""Key sets of foreign issuers, fetched behind the SSRF guard and believed for an hour."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from madang.base.clock import Clock
from madang.base.later import later
from madang.base.limits import JWKS_AGAIN_S, JWKS_ANSWER_S, JWKS_BYTES, JWKS_KEYS, JWKS_S, TOKEN_BYTES
from madang.net.outbound import Call, Outbound, OutboundError
from madang.realtime.driving import settle

if TYPE_CHECKING:
    import jwt
else:
    jwt = later("jwt")

_SETS = 100
"""Issuers of a templated URL that are kept."""
_FAMILIES = {"RSA": "RS", "EC": "ES", "OKP": "EdDSA"}


class KeySetError(Exception):
    """The key set cannot be had now: the client comes again."""


class _KeySet(msgspec.Struct):
    keys: "Mapping[str, jwt.PyJWK]" = {}
    fetched: float = float("-inf")
    tried: float = float("-inf")
    failed: bool = False
    """The last fetch did: what is not known may be there all the same."""
    coming: "asyncio.Future[None] | None" = None
    """Done when the fetch that goes on is over, for those who wait for it."""


class KeySets:
    """By URL. A key id that is not there makes the set be fetched again, at most every ten seconds; who comes
    meanwhile waits for the same fetch."""

    def __init__(self, outbound: Outbound, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock
        self._sets: dict[str, _KeySet] = {}

    def peek(self, url: str, key_id: str) -> "jwt.PyJWK | None":
        """A key that is known and still believed."""
        found = self._sets.get(url)
        if found is None or found.fetched + JWKS_S <= self._clock.monotonic():
            return None
        return found.keys.get(key_id)

    async def find(self, url: str, key_id: str) -> "jwt.PyJWK | None":
        """A key; None when the issuer has none of this id. Raises KeySetError."""
        if (key := self.peek(url, key_id)) is not None:
            return key
        await settle()
        known = self._sets.get(url)
        if known is None:
            if len(self._sets) >= _SETS:
                self._sets.pop(next(iter(self._sets)))
            known = self._sets[url] = _KeySet()
        if known.coming is not None:
            await asyncio.shield(known.coming)
        elif known.tried + JWKS_AGAIN_S <= self._clock.monotonic():
            await self._fetch(url, known)
        if known.failed:
            raise KeySetError(url)
        return known.keys.get(key_id)

    async def _fetch(self, url: str, known: _KeySet) -> None:
        """Whatever comes of it, who waits is woken."""
        known.tried, known.failed = self._clock.monotonic(), True
        known.coming = coming = asyncio.get_running_loop().create_future()
        try:
            reply = await self._outbound.fetch(Call(url, limit_bytes=JWKS_BYTES, deadline_s=JWKS_ANSWER_S))
            if reply.status != 200:
                raise KeySetError(f"{url} answers {reply.status}")
            known.keys, known.fetched = parse_key_set(reply.body), self._clock.monotonic()
            known.failed = False
        except OutboundError as error:
            raise KeySetError(f"{url}: {error.reason}") from None
        finally:
            known.coming = None
            coming.set_result(None)


def parse_key_set(body: bytes) -> "dict[str, jwt.PyJWK]":
    """The public signature keys of a JWKS (RFC 7517) by their id. Raises KeySetError."""
    try:
        listed = msgspec.json.decode(body, type=dict[str, object]).get("keys")
    except msgspec.MsgspecError:
        raise KeySetError("the key set is no JSON object") from None
    if not isinstance(listed, list):
        raise KeySetError("the key set has no keys")
    found = {}
    for each in listed[:JWKS_KEYS]:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or each.get("kty") not in _FAMILIES:
            continue  # symmetric keys of a public place are nobody's secret
        key_id = each.get("kid")
        if isinstance(key_id, str) and len(key_id) < TOKEN_BYTES:
            try:
                found[key_id] = jwt.PyJWK.from_dict(each)
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
    return found


def speaks(key: "jwt.PyJWK", algorithm: str) -> bool:
    """Whether a key of a set may check this algorithm: its family is told by its type, never by the token."""
    family = _FAMILIES.get(str(key.key_type), "?")
    return algorithm.startswith(family) and key.key_type != "oct"
