"""Signing up by oneself, leaving, and taking along what was kept."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.conftest import FakeClock
from tests.harness.household import PASSWORD, Household, household

from madang.base.roles import ChannelRole, SiteRole
from madang.control.errors import Conflict, Forbidden, Invalid, TooMany
from madang.control.joining import SIGN_UPS_PER_MINUTE
from madang.control.rights import Actor


class Body(msgspec.Struct):
    name: str
    password: str = PASSWORD
    display_name: str | None = None


@pytest.fixture
async def open_house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Household]:
    async with household(tmp_path, clock, sign_up=True) as made:
        yield made


async def test_it_is_off_by_default(house: Household) -> None:
    with pytest.raises(Forbidden, match="sign_up_off"):
        await house.control.joining.sign_up(Body("mina"), "192.0.2.1", "")


async def test_a_newcomer_is_a_member_and_signed_in(open_house: Household) -> None:
    entry = await open_house.control.joining.sign_up(Body("mina", display_name="미나"), "192.0.2.1", "UA")
    assert entry.actor.role is SiteRole.MEMBER
    found = await open_house.control.authenticate_session(entry.cookie, "192.0.2.1")
    assert found is not None and found.name == "mina"
    login = await open_house.control.accounts.login("MINA", PASSWORD, "192.0.2.1", "UA")
    assert login.actor.account == entry.actor.account


@pytest.mark.parametrize("forged", ["Mina", "mіna", "mi na", "ｍｉｎａ"])
async def test_nobody_takes_a_look_alike(open_house: Household, forged: str) -> None:
    await open_house.account("mina")
    with pytest.raises(Conflict, match="taken"):
        await open_house.control.joining.sign_up(Body(forged), "192.0.2.1", "")
    with pytest.raises(Conflict, match="taken"):
        await open_house.control.joining.sign_up(Body("other", display_name=forged), "192.0.2.1", "")


async def test_short_passwords_and_empty_names(open_house: Household) -> None:
    with pytest.raises(Invalid, match="password_short"):
        await open_house.control.joining.sign_up(Body("mina", password="short"), "192.0.2.1", "")
    with pytest.raises(Invalid, match="name_empty"):
        await open_house.control.joining.sign_up(Body("\u200b"), "192.0.2.1", "")


async def test_one_address_makes_few_accounts_a_minute(open_house: Household) -> None:
    join = open_house.control.joining.sign_up
    for number in range(SIGN_UPS_PER_MINUTE):
        await join(Body(f"name{number}"), "192.0.2.1", "")
    with pytest.raises(TooMany) as refused:
        await join(Body("more"), "192.0.2.1", "")
    assert 0 < refused.value.retry_after_s <= 61
    await join(Body("elsewhere"), "192.0.2.2", "")
    open_house.clock.advance(61)
    await join(Body("later"), "192.0.2.1", "")


async def test_the_export_has_everything_but_secrets(house: Household, admin: Actor) -> None:
    yard, mina = await house.channel("yard", admin), await house.account("mina")
    await house.member(yard, mina, ChannelRole.VIP)
    await house.control.follows.follow(mina, yard)
    await house.control.tokens.create(mina, "bot", ["chat:read"], None)

    async def chat(account: str) -> object:
        return [f"messages of {account}"]

    house.control.joining.exporting["chat"] = chat
    found = await house.control.joining.export(mina)
    text = json.dumps(found)
    assert found["roles"][0]["role"] == "vip" and found["channels"] == [] and found["picture"] == ""
    owner = await house.control.joining.export(admin)
    assert [channel["slug"] for channel in owner["channels"]] == ["yard"]
    assert found["follows"][0]["channel"] == yard.id
    assert found["chat"] == [f"messages of {mina.account}"]
    assert "digest" not in text and "password" not in text.replace("password_at", "")


async def test_leaving_takes_everything_along(house: Household, admin: Actor) -> None:
    yard = await house.channel("yard", admin)
    await house.account("mina")
    mina = (await house.control.accounts.login("mina", PASSWORD, "192.0.2.1", "")).actor
    await house.member(yard, mina, ChannelRole.VIP)
    told: list[str] = []

    async def forget(account: str) -> None:
        told.append(account)

    house.control.joining.leaving.append(forget)
    with pytest.raises(Forbidden, match="wrong_password"):
        await house.control.joining.leave(mina, "wrong password")
    await house.control.joining.leave(mina, PASSWORD)
    assert told == [mina.account] * 2, "before, and of what was said meanwhile"
    assert house.control.directory.account(mina.account) is None
    assert house.control.directory.members(yard.id) == []


async def test_the_last_admin_and_owners_stay(house: Household, admin: Actor) -> None:
    owner = await house.account("owner")
    await house.channel("yard", owner)
    with pytest.raises(Conflict, match="owns_channels"):
        await house.control.joining.remove(owner, owner.account)
    with pytest.raises(Conflict, match="last_admin"):
        await house.control.joining.remove(admin, admin.account)


async def test_a_role_ends_by_itself(house: Household, admin: Actor) -> None:
    from madang.control.records import Member

    yard, mina = await house.channel("yard", admin), await house.account("mina")
    until = house.clock.wall() + 60
    row = Member(channel=yard.id, account=mina.account, role=ChannelRole.SUBSCRIBER, since=1.0, until=until)
    async with house.store.write() as work:
        await work.members.add(row)
    await house.control.follow()
    directory = house.control.directory
    assert directory.role(mina.account, yard.id) is ChannelRole.SUBSCRIBER
    house.clock.advance(60)
    assert directory.role(mina.account, yard.id) is ChannelRole.GUEST
    assert directory.members(yard.id) == []
