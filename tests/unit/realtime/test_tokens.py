"""Tokens: every kind of key, rotation, key sets, and forty ways to forge one (A27)."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from tests.conftest import FakeClock

from madang.base.limits import JWKS_AGAIN_S, JWKS_S
from madang.base.secret import Secret
from madang.net.outbound import Call, Outbound, OutboundError, Reply
from madang.realtime.jwks import KeySetError, KeySets, parse_key_set
from madang.realtime.settings import TokenSettings
from madang.realtime.tokens import OWN_KEY_ID, TokenError, Tokens

SECRET, OLD, OWN = "s" * 40, "o" * 40, "w" * 40
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
URL = "https://issuer.example/keys"


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


class Issuer:
    """Somebody's key set, and how often it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys = {
            "rsa": json.loads(RSAAlgorithm.to_jwk(RSA.public_key())),
            "ec": json.loads(ECAlgorithm.to_jwk(EC.public_key())),
            "ed": json.loads(OKPAlgorithm.to_jwk(ED.public_key())),
            "oct": {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 32).decode()},
        }
        self.away = False
        self.slow: asyncio.Event | None = None

    async def fetch(self, call: Call) -> Reply:
        self.asked.append(call.url)
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise OutboundError("unreachable", "away")
        keys = [{**key, "kid": name, "use": "sig"} for name, key in self.keys.items()]
        return Reply(200, {}, json.dumps({"keys": keys}).encode(), call.url)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


Make = Callable[..., Tokens]


@pytest.fixture
def make(clock: FakeClock, issuer: Issuer) -> Make:
    def build(**settings: Any) -> Tokens:
        sets = KeySets(cast(Outbound, issuer), clock)
        return Tokens(TokenSettings(**settings), clock, sets, Secret(OWN))

    return build


STATIC: dict[str, Any] = {
    "hmac_secret": Secret(SECRET),
    "rsa_public_key": pem(RSA),
    "ecdsa_public_key": pem(EC),
    "eddsa_public_key": pem(ED),
}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(SECRET, "HS256"), (SECRET * 2, "HS512"), (RSA, "RS256"), (RSA, "RS512"), (EC, "ES256"), (ED, "EdDSA")],
)
async def test_every_kind_of_key(make: Make, key: Any, algorithm: str) -> None:
    tokens = make(**(STATIC | ({"hmac_secret": Secret(key)} if isinstance(key, str) else {})))
    found = await tokens.connection(jwt.encode({"sub": "ann", "info": {"a": 1}}, key, algorithm))
    assert found.user == "ann" and found.info == b'{"a":1}' and found.expires_at == 0


async def test_the_secret_before_the_last_rotation_is_good_until_then(make: Make, clock: FakeClock) -> None:
    until = clock.wall() + 60
    tokens = make(hmac_secret=Secret(SECRET), hmac_previous_secret=Secret(OLD), hmac_previous_until=until)
    token = jwt.encode({"sub": "ann"}, OLD, "HS256")
    assert (await tokens.connection(token)).user == "ann"
    clock.advance(61)
    with pytest.raises(TokenError):
        await tokens.connection(token)
    assert (await tokens.connection(jwt.encode({"sub": "bob"}, SECRET, "HS256"))).user == "bob"


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(RSA, "rsa", "RS256"), (EC, "ec", "ES256"), (ED, "ed", "EdDSA")]
)
async def test_a_key_set_is_fetched_once(
    make: Make, issuer: Issuer, key: Any, kid: str, algorithm: str
) -> None:
    tokens = make(jwks_url=URL)
    token = jwt.encode({"sub": "ann"}, key, algorithm, headers={"kid": kid})
    for _ in range(3):
        assert (await tokens.connection(token)).user == "ann"
    assert issuer.asked == [URL]


async def test_keys_rotate_and_an_unknown_id_asks_seldom(
    make: Make, issuer: Issuer, clock: FakeClock
) -> None:
    tokens = make(jwks_url=URL)
    token = jwt.encode({"sub": "ann"}, RSA, "RS256", headers={"kid": "new"})
    for _ in range(5):
        with pytest.raises(TokenError):
            await tokens.connection(token)
    assert len(issuer.asked) == 1
    issuer.keys["new"] = issuer.keys["rsa"]
    clock.advance(JWKS_AGAIN_S + 1)
    assert (await tokens.connection(token)).user == "ann"
    issuer.away = True
    clock.advance(JWKS_S + 1)
    with pytest.raises(KeySetError):
        await tokens.connection(token)
    issuer.away = False
    clock.advance(JWKS_AGAIN_S + 1)
    assert (await tokens.connection(token)).user == "ann"


async def test_who_comes_while_a_key_set_is_fetched_waits_for_it(
    make: Make, issuer: Issuer, clock: FakeClock
) -> None:
    """A key that is new: nobody is told meanwhile that it is none, which no client comes back from."""
    tokens = make(jwks_url=URL)
    old = jwt.encode({"sub": "ann"}, RSA, "RS256", headers={"kid": "rsa"})
    assert (await tokens.connection(old)).user == "ann"
    clock.advance(JWKS_AGAIN_S + 1)
    issuer.keys["new"], issuer.slow = issuer.keys["rsa"], asyncio.Event()
    new = jwt.encode({"sub": "ann"}, RSA, "RS256", headers={"kid": "new"})
    coming = [asyncio.ensure_future(tokens.connection(new)) for _ in range(20)]
    while len(issuer.asked) < 2:
        await asyncio.sleep(0)
    assert (await tokens.connection(old)).user == "ann", "known keys wait for nothing"
    issuer.slow.set()
    assert {token.user for token in await asyncio.gather(*coming)} == {"ann"}
    assert len(issuer.asked) == 2


async def test_an_issuer_that_does_not_answer_is_no_reason_to_call_a_key_wrong(
    make: Make, issuer: Issuer, clock: FakeClock
) -> None:
    tokens = make(jwks_url=URL)
    old = jwt.encode({"sub": "ann"}, RSA, "RS256", headers={"kid": "rsa"})
    await tokens.connection(old)
    clock.advance(JWKS_AGAIN_S + 1)
    issuer.away = True
    new = jwt.encode({"sub": "ann"}, RSA, "RS256", headers={"kid": "new"})
    for _ in range(3):
        with pytest.raises(KeySetError):
            await tokens.connection(new)
    assert len(issuer.asked) == 2 and (await tokens.connection(old)).user == "ann"
    issuer.slow = asyncio.Event()
    clock.advance(JWKS_AGAIN_S + 1)
    first, second = (asyncio.ensure_future(tokens.connection(new)) for _ in range(2))
    while len(issuer.asked) < 3:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(KeySetError):
        await second


async def test_a_templated_key_set(make: Make, issuer: Issuer) -> None:
    tokens = make(
        jwks_url="https://{{tenant}}.example/keys", issuer_regex=r"https://(?P<tenant>[a-z]+)\.example"
    )
    good = jwt.encode({"sub": "a", "iss": "https://blue.example"}, RSA, "RS256", headers={"kid": "rsa"})
    found = await tokens.connection(good)
    assert (found.issuer, found.user) == ("https://blue.example", "https://blue.example|a")
    assert issuer.asked == ["https://blue.example/keys"]
    for iss in ("https://evil.org/#.example", "https://a.b.example", "", "https://blue.example/x"):
        with pytest.raises(TokenError):
            await tokens.connection(
                jwt.encode({"sub": "a", "iss": iss}, RSA, "RS256", headers={"kid": "rsa"})
            )
    assert len(issuer.asked) == 1


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signed_with_public_key() -> str:
    """The classic: HS256 with the RSA public key as the secret; PyJWT itself would refuse to make it."""
    import hashlib
    import hmac

    body = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part({'sub': 'eve'})}"
    mac = hmac.digest(pem(RSA).encode(), body.encode(), hashlib.sha256)
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


GOOD = jwt.encode({"sub": "ann"}, SECRET, "HS256")
HEAD, BODY, TAIL = GOOD.split(".")
FORGED = {
    "empty": "",
    "dots": "..",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.x",
    "five parts, a JWE": "a.b.c.d.e",
    "no signature": f"{HEAD}.{BODY}.",
    "other signature": f"{HEAD}.{BODY}.{TAIL[:-4]}AAAA",
    "other body": f"{HEAD}.{_part({'sub': 'eve'})}.{TAIL}",
    "alg none": f"{_part({'alg': 'none'})}.{BODY}.",
    "alg None": f"{_part({'alg': 'None'})}.{BODY}.{TAIL}",
    "alg missing": f"{_part({'typ': 'JWT'})}.{BODY}.{TAIL}",
    "alg a number": f"{_part({'alg': 5})}.{BODY}.{TAIL}",
    "alg a list": f"{_part({'alg': ['HS256']})}.{BODY}.{TAIL}",
    "alg PS256": jwt.encode({"sub": "eve"}, RSA, "PS256"),
    "alg lower": f"{_part({'alg': 'hs256'})}.{BODY}.{TAIL}",
    "public key as secret": _signed_with_public_key(),
    "other secret": jwt.encode({"sub": "eve"}, "e" * 40, "HS256"),
    "other RSA key": jwt.encode({"sub": "eve"}, rsa.generate_private_key(65537, 2048), "RS256"),
    "other Ed key": jwt.encode({"sub": "eve"}, ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    "EC key as RSA": f"{_part({'alg': 'RS256'})}.{BODY}.{TAIL}",
    "crit": jwt.encode({"sub": "eve"}, SECRET, "HS256", headers={"crit": ["x"], "x": 1}),
    "kid a number": f"{_part({'alg': 'HS256', 'kid': 5})}.{BODY}.{TAIL}",
    "our own key id": jwt.encode({"sub": "madang.u.1"}, SECRET, "HS256", headers={"kid": OWN_KEY_ID}),
    "our own user": jwt.encode({"sub": "madang.u.1"}, SECRET, "HS256"),
    "our own guest": jwt.encode({"sub": "madang.g.1"}, SECRET, "HS256"),
    "not yet": jwt.encode({"sub": "eve", "nbf": 4_000_000_000}, SECRET, "HS256"),
    "a channel": jwt.encode({"sub": "eve", "channel": "x"}, SECRET, "HS256"),
    "body a list": f"{HEAD}.{_part([1])}.{TAIL}",
    "claims of wrong types": jwt.encode({"sub": "eve", "exp": 4e9, "channels": "x"}, SECRET, "HS256"),
    "sub a list": jwt.encode({"sub": "eve", "subs": []}, SECRET, "HS256"),
    "bad base 64 info": jwt.encode({"sub": "eve", "b64info": "***"}, SECRET, "HS256"),
    "not ASCII": f"{HEAD}.{BODY}.é",
    "a megabyte": f"{HEAD}.{'A' * 1_000_000}.{TAIL}",
    "no JSON head": f"{base64.urlsafe_b64encode(b'x').decode()}.{BODY}.{TAIL}",
    "bad base 64": f"*.{BODY}.{TAIL}",
    "padded": f"{HEAD}=.{BODY}.{TAIL}",
    "line break": f"{HEAD}.{BODY}.{TAIL}\n.",
    "kid a path": jwt.encode({"sub": "eve"}, "\0" * 32, "HS256", headers={"kid": "../../dev/null"}),
    "kid SQL": jwt.encode({"sub": "eve"}, "x" * 32, "HS256", headers={"kid": "x' UNION SELECT 'x"}),
    "jku": jwt.encode({"sub": "eve"}, "e" * 40, "HS256", headers={"jku": "https://evil.example"}),
}


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize("name", FORGED)
async def test_forged(make: Make, issuer: Issuer, name: str) -> None:
    tokens = make(**STATIC)
    with pytest.raises(TokenError) as caught:
        await tokens.connection(FORGED[name])
    assert caught.value.code == "invalid" and issuer.asked == []


@pytest.mark.parametrize(
    ("headers", "key", "algorithm"),
    [
        ({"kid": "oct"}, "x" * 32, "HS256"),
        ({"kid": "rsa"}, SECRET, "HS256"),
        ({"kid": "ec"}, RSA, "RS256"),
        ({}, RSA, "RS256"),
    ],
)
async def test_forged_for_a_key_set(make: Make, headers: dict[str, str], key: Any, algorithm: str) -> None:
    with pytest.raises(TokenError):
        await make(jwks_url=URL).connection(jwt.encode({"sub": "eve"}, key, algorithm, headers=headers))


async def test_expired_is_told_apart(make: Make, clock: FakeClock) -> None:
    tokens = make(**STATIC)
    for claims in ({"exp": clock.wall() - 1}, {"expire_at": clock.wall() - 1}):
        with pytest.raises(TokenError) as caught:
            await tokens.connection(jwt.encode({"sub": "a", **claims}, SECRET, "HS256"))
        assert caught.value.code == "expired"
    both = jwt.encode({"sub": "a", "exp": clock.wall() + 5, "expire_at": 0}, SECRET, "HS256")
    assert (await tokens.connection(both)).expires_at == 0


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"aud": "us", "iss": "them"}, True),
        ({"aud": ["x", "us"], "iss": "them"}, True),
        ({"aud": "others", "iss": "them"}, False),
        ({"iss": "them"}, False),
        ({"aud": "us", "iss": "who"}, False),
        ({"aud": "us"}, False),
    ],
)
async def test_audience_and_issuer(make: Make, claims: dict[str, Any], good: bool) -> None:
    tokens = make(hmac_secret=Secret(SECRET), audience="us", issuer="them")
    token = jwt.encode({"sub": "ann", **claims}, SECRET, "HS256")
    if good:
        assert (await tokens.connection(token)).issuer == "them"
    else:
        with pytest.raises(TokenError):
            await tokens.connection(token)


async def test_another_claim_may_name_the_user(make: Make) -> None:
    tokens = make(hmac_secret=Secret(SECRET), user_id_claim="uid")
    assert (await tokens.connection(jwt.encode({"uid": 42}, SECRET, "HS256"))).user == "42"
    with pytest.raises(TokenError):
        await tokens.connection(jwt.encode({"uid": "madang.u.1"}, SECRET, "HS256"))


async def test_our_own_tokens(make: Make) -> None:
    token = jwt.encode({"sub": "madang.u.1", "madang": {"x": 1}}, OWN, "HS256", headers={"kid": OWN_KEY_ID})
    found = await make(audience="others", hmac_secret=Secret(SECRET)).connection(token)
    assert (found.user, found.issuer, found.claim) == ("madang.u.1", "madang", b'{"x":1}')


async def test_subscription_tokens(make: Make) -> None:
    tokens = make(**STATIC)
    claims = {"sub": "ann", "channel": "c", "client": "x", "b64info": "aGk=", "data": [1], "exp": 4e9}
    override = {"presence": {"value": True}, "join_leave": {"value": False}}
    found = await tokens.subscription(jwt.encode({**claims, "override": override}, SECRET, "HS256"))
    told = found.subscription
    assert (found.user, found.channel, found.client, told.info, told.data) == ("ann", "c", "x", b"hi", b"[1]")
    assert (told.presence, told.join_leave, told.force_recovery, told.expires_at) == (True, False, None, 4e9)
    with pytest.raises(TokenError):
        await tokens.subscription(GOOD)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys":5}', b"\xff"])
def test_what_is_no_key_set(body: bytes) -> None:
    with pytest.raises(KeySetError):
        parse_key_set(body)


def test_bad_keys_of_a_set_are_passed_over() -> None:
    keys = [
        5,
        {},
        {"kty": "RSA", "kid": "a"},
        {"kty": "RSA", "use": "enc", "kid": "b"},
        {"kty": "x", "kid": "c"},
    ]
    assert parse_key_set(json.dumps({"keys": keys}).encode()) == {}
