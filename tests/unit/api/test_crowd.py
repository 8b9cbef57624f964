"""Viewers by REST: sign-up as a setting, follow, leave."""

import msgspec
from tests.harness.household import PASSWORD, Household
from tests.harness.visitor import Site

from madang.base.roles import SiteRole
from madang.control.rights import Scope


def allow(house: Household) -> None:
    clerk = house.control.joining._clerk
    clerk.settings = msgspec.structs.replace(clerk.settings, sign_up=True)


async def test_signing_up_is_a_setting(web: Site) -> None:
    guest = await web.visitor()
    body = {"name": "mina", "password": PASSWORD}
    assert (await guest.post("/sign-up", body)).status_code == 403
    assert (await guest.get("/site")).json()["sign_up"] is False
    allow(web.house)
    assert (await guest.get("/site")).json()["sign_up"] is True
    made = await guest.post("/sign-up", body)
    assert made.status_code == 201 and made.json()["account"]["role"] == "member"
    assert (await guest.get("/me")).json()["account"]["name"] == "mina"


async def test_follow_and_unfollow(web: Site) -> None:
    admin, _ = await web.account("admin", SiteRole.ADMIN)
    await web.house.channel("yard", admin)
    _, mina = await web.account("mina")
    guest = await web.visitor()
    assert (await guest.get("/channels/yard/follow")).json() == {
        "following": False,
        "followed_at": None,
        "followers": 0,
    }
    assert (await guest.ask("PUT", "/channels/yard/follow")).status_code == 401
    told = (await mina.ask("PUT", "/channels/yard/follow")).json()
    assert told["following"] and told["followers"] == 1 and told["followed_at"].endswith("Z")
    (found,) = (await mina.get("/me/follows")).json()["items"]
    assert found["slug"] == "yard" and found["live"] is False
    assert (await mina.get("/channels/yard/followers")).status_code == 403
    gone = (await mina.ask("DELETE", "/channels/yard/follow")).json()
    assert not gone["following"]


async def test_followers_are_the_studios_to_see(web: Site) -> None:
    admin, browser = await web.account("admin", SiteRole.ADMIN)
    yard = await web.house.channel("yard", admin)
    mina, _ = await web.account("mina")
    await web.house.control.follows.follow(mina, yard)
    page = (await browser.get("/channels/yard/followers")).json()
    assert [row["account"]["name"] for row in page["items"]] == ["mina"]


async def test_leaving_needs_the_password_and_signs_out(web: Site) -> None:
    await web.account("admin", SiteRole.ADMIN)
    _, mina = await web.account("mina")
    assert (await mina.get("/me/export")).json()["account"]["name"] == "mina"
    assert (await mina.post("/me/deletion", {"password": "wrong"})).status_code == 403
    assert (await mina.post("/me/deletion", {"password": PASSWORD})).status_code == 204
    assert (await mina.get("/me")).status_code == 401


async def test_tokens_follow_with_their_scope_alone(web: Site) -> None:
    admin, _ = await web.account("admin", SiteRole.ADMIN)
    await web.house.channel("yard", admin)
    writer = await web.program(admin, Scope.CHAT_WRITE)
    assert (await writer.ask("PUT", "/channels/yard/follow")).status_code == 200
    reader = await web.program(admin, Scope.CHANNELS_READ)
    assert (await reader.ask("PUT", "/channels/yard/follow")).status_code == 403
    assert (await reader.get("/me/export")).status_code == 403
