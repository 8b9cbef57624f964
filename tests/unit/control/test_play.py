"""Who may watch: visibility, sessions, play tokens; and how fast a right ends (A27, A33)."""

import base64
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
import pytest
from tests.harness.household import PASSWORD, Household, household

from madang.base.errors import Refused
from madang.base.roles import ChannelRole, Visibility
from madang.base.secret import Secret
from madang.control.records import Channel
from madang.control.rights import Actor
from madang.hub.gate import PlayGrant, PlayRequest


async def play(house: Household, name: str, token: str = "", session: str = "") -> PlayGrant:
    request = PlayRequest(
        door="hls", name=name, peer="192.0.2.1", token=Secret(token), session=Secret(session)
    )
    return await house.control.play_gate.admit(request)


@dataclass
class Shown:
    private: Channel
    owner: Actor
    session: str


@pytest.fixture
async def shown(house: Household) -> Shown:
    owner = await house.account("owner")
    channel = await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    await house.channel("open", owner)
    await house.channel("linked", owner, visibility=Visibility.UNLISTED)
    entry = await house.control.accounts.login("owner", PASSWORD, "192.0.2.1", "")
    return Shown(channel, owner, entry.cookie.reveal())


async def test_public_and_unlisted_are_everybodys(house: Household, shown: Shown) -> None:
    for name in ("open", "linked"):
        grant = house.control.play_gate.peek(name)
        assert grant is not None and not grant.private and grant.name == name
        assert await play(house, name) == grant
        assert house.control.play_gate.holds(grant)


async def test_private_and_missing_are_one_answer(house: Household, shown: Shown) -> None:
    refusals = []
    for name in ("closed", "nowhere"):
        assert house.control.play_gate.peek(name) is None
        with pytest.raises(Refused) as caught:
            await play(house, name)
        refusals.append((caught.value.code, caught.value.told))
    assert refusals[0] == refusals[1] == ("not_found", "There is no such channel.")


async def test_a_session_with_a_role_opens_a_private_channel(house: Household, shown: Shown) -> None:
    grant = await play(house, "closed", session=shown.session)
    assert grant.private and house.control.play_gate.holds(grant)
    await house.account("stranger")
    other = await house.control.accounts.login("stranger", PASSWORD, "192.0.2.1", "")
    with pytest.raises(Refused):
        await play(house, "closed", session=other.cookie.reveal())


async def test_a_former_name_leads_to_the_present_one(house: Household, shown: Shown) -> None:
    channel = house.control.house.channel("open")
    async with house.store.write() as work:
        await work.channels.put(msgspec.structs.replace(channel, slug="renamed"))
    await house.control.follow()
    grant = house.control.play_gate.peek("open")
    assert grant is not None and grant.name == "renamed"


async def test_a_play_token_opens_its_channel_alone(house: Household, shown: Shown) -> None:
    token, expires_at = house.control.play.mint(shown.private, 600, "viewer 7")
    grant = await play(house, "closed", token)
    assert grant.private and grant.expires_at == expires_at and house.control.play_gate.holds(grant)
    other = await house.channel("other", shown.owner, visibility=Visibility.PRIVATE)
    with pytest.raises(Refused):
        await play(house, other.slug, token)
    house.clock.advance(601)
    assert not house.control.play_gate.holds(grant)
    with pytest.raises(Refused):
        await play(house, "closed", token)


def _encode(head: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(head).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _signed_by(algorithm: str, claims: dict[str, Any], key: bytes) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the key is short for this algorithm, which is the point
        return jwt.encode(claims, key, algorithm)


def _forgeries(key: bytes, channel: str, now: float) -> dict[str, str]:
    good = {"aud": "madang-play", "ch": channel, "sub": "x", "iat": now, "exp": now + 600}

    def signed(head: dict[str, Any] | None = None, by: bytes = key, **claims: Any) -> str:
        whole = {name: value for name, value in {**good, **claims}.items() if value is not ...}
        return jwt.encode(whole, by, "HS256", headers=head)

    return {
        "none": _encode({"alg": "none", "typ": "JWT"}, good),
        "None with a signature": _encode({"alg": "None"}, good, b"x"),
        "HS512": _signed_by("HS512", good, key),
        "HS384": _signed_by("HS384", good, key),
        "RS256 head": _encode({"alg": "RS256"}, good, b"x" * 256),
        "another key": signed(by=b"k" * 32),
        "an empty key": _encode({"alg": "HS256"}, good, b""),
        "no audience": signed(aud=...),
        "other audience": signed(aud="other"),
        "no channel": signed(ch=...),
        "number as channel": signed(ch=7),
        "list of channels": signed(ch=[channel]),
        "null channel": signed(ch=None),
        "no expiry": signed(exp=...),
        "expired": signed(exp=now - 1),
        "expiry as text": signed(exp="never"),
        "expiry as truth": signed(exp=True),
        "no issue time": signed(iat=...),
        "issued tomorrow": signed(iat=now + 86400),
        "issue time as text": signed(iat="now"),
        "nested JWE": "a.b.c.d.e",
        "two dots": "..",
        "one part": "abc",
        "empty parts": "a..c",
        "not base64": "!!!.???.***",
        "huge": "a" * 1_000_000,
        "huge but signed": signed(pad="x" * 10_000),
        "array as claims": _encode({"alg": "HS256"}, [], b"x"),  # type: ignore[arg-type]
        "cut": signed()[:-2],
        "lengthened": signed() + "A",
        "another head": _encode({"alg": "HS256", "kid": "../../etc/passwd"}, good, b"x"),
        "crit": signed(head={"crit": ["exp"], "alg": "HS256"}) + "x",
        "stream key": "0" * 32,
        "unicode": "토큰.토큰.토큰",
        "zero": "\x00" * 10,
    }


FORGERIES = sorted(_forgeries(b"k" * 32, "c", 0.0))


@pytest.mark.parametrize("kind", FORGERIES)
async def test_forged_tokens_open_nothing(house: Household, shown: Shown, kind: str) -> None:
    key = house.control._clerk.vault.key("play token")
    token = _forgeries(key, shown.private.id, house.clock.wall())[kind]
    with pytest.raises(Refused) as caught:
        await play(house, "closed", token)
    assert caught.value.code == "not_found"


async def test_a_kid_changes_nothing(house: Household, shown: Shown) -> None:
    key, now = house.control._clerk.vault.key("play token"), house.clock.wall()
    claims = {"aud": "madang-play", "ch": shown.private.id, "iat": now, "exp": now + 60}
    token = jwt.encode(claims, key, "HS256", headers={"kid": "http://127.0.0.1/keys"})
    assert await play(house, "closed", token)


Deed = Callable[[Household, Shown, Household], Any]


async def _sign_out(house: Household, shown: Shown, by: Household) -> None:
    actor = await by.control.accounts.authenticate(Secret(shown.session), "")
    assert actor is not None
    await by.control.accounts.revoke_session(actor, actor.session)


async def _disable(house: Household, shown: Shown, by: Household) -> None:
    account = by.control.directory.need_account(shown.owner.account)
    async with by.store.write() as work:
        await work.accounts.put(msgspec.structs.replace(account, disabled=True))
    await by.control.follow()


async def _hand_over(house: Household, shown: Shown, by: Household) -> None:
    heir = await by.account("heir")
    channel = by.now(shown.private)
    await by.control.channels.set_member(shown.owner, channel, heir.account, ChannelRole.OWNER)
    await by.control.channels.remove_member(heir, by.now(shown.private), shown.owner.account)


async def _delete(house: Household, shown: Shown, by: Household) -> None:
    await by.control.channels.delete(shown.owner, by.now(shown.private), "closed")


@pytest.mark.parametrize("deed", [_sign_out, _disable, _hand_over, _delete])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_revocation_bites_at_the_next_look(
    house: Household, shown: Shown, deed: Deed, elsewhere: bool
) -> None:
    grant = await play(house, "closed", session=shown.session)
    assert house.control.play_gate.holds(grant)
    if elsewhere:
        async with household(house.folder, house.clock) as other:
            await deed(house, shown, other)
        assert house.control.play_gate.holds(grant)
        await house.control.follow()
    else:
        await deed(house, shown, house)
    assert not house.control.play_gate.holds(grant)
    with pytest.raises(Refused):
        await play(house, "closed", session=shown.session)


async def test_going_private_ends_the_grants_of_everybody(house: Household, shown: Shown) -> None:
    grant = house.control.play_gate.peek("open")
    assert grant is not None
    channel = house.control.house.channel("open")
    async with house.store.write() as work:
        await work.channels.put(msgspec.structs.replace(channel, visibility=Visibility.PRIVATE))
    await house.control.follow()
    assert not house.control.play_gate.holds(grant)
    assert house.control.play_gate.peek("open") is None


async def test_play_tokens_can_be_revoked(house: Household, shown: Shown) -> None:
    token, _ = house.control.play.mint(shown.private, 600, "")
    grant = await play(house, "closed", token)
    house.clock.advance(1)
    await house.control.channels.revoke_play_tokens(shown.owner, house.now(shown.private))
    assert not house.control.play_gate.holds(grant)
    with pytest.raises(Refused):
        await play(house, "closed", token)
    house.clock.advance(1)
    token, _ = house.control.play.mint(house.now(shown.private), 600, "")
    assert await play(house, "closed", token)
