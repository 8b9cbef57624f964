"""One-time links: once, in time, and only what they are for."""

from dataclasses import dataclass

import pytest
from tests.harness.household import PASSWORD, Household

from madang.base.roles import ChannelRole, SiteRole
from madang.control.errors import Conflict, Invalid, NotFound, Unauthenticated
from madang.control.rights import Actor


@dataclass
class Use:
    name: str | None = None
    display_name: str | None = None
    password: str = "a new password"


@dataclass
class Invite:
    role: SiteRole = SiteRole.MEMBER
    channel: str | None = None
    channel_role: ChannelRole | None = None
    note: str = ""
    expires_in_s: int = 3600


async def test_the_first_link_makes_the_admin_and_hands_over_the_channel(house: Household) -> None:
    first = await house.control.house.ensure_first_run()
    link = await house.control.links.inspect(first.link)
    assert (link.kind, link.role) == ("first", SiteRole.ADMIN)
    entry = await house.control.links.use(first.link, Use(name="Kim"), "192.0.2.1", "test")
    assert entry.actor.role is SiteRole.ADMIN
    assert await house.control.accounts.authenticate(entry.cookie, "")
    channel = house.control.house.channel(first.channel)
    assert channel.owner == entry.actor.account
    after = await house.control.house.ensure_first_run()
    assert (after.link, after.channel, after.key) == ("", first.channel, first.key)


async def test_a_link_is_good_once(house: Household) -> None:
    token = (await house.control.house.ensure_first_run()).link
    await house.control.links.inspect(token)
    await house.control.links.use(token, Use(name="Kim"), "", "")
    for again in (
        house.control.links.inspect(token),
        house.control.links.use(token, Use(name="Lee"), "", ""),
    ):
        with pytest.raises(NotFound):
            await again
    assert len(house.control.directory.accounts()) == 1


async def test_a_refused_use_leaves_the_link_good(house: Household) -> None:
    token = (await house.control.house.ensure_first_run()).link
    for bad in (Use(name=None), Use(name="\u200b"), Use(name="Kim", password="short")):
        with pytest.raises(Invalid):
            await house.control.links.use(token, bad, "", "")
    await house.control.links.use(token, Use(name="Kim"), "", "")


async def test_a_link_ends_after_fifteen_minutes(house: Household) -> None:
    token = (await house.control.house.ensure_first_run()).link
    house.clock.advance(15 * 60 + 1)
    with pytest.raises(NotFound):
        await house.control.links.use(token, Use(name="Kim"), "", "")


async def test_a_link_that_nobody_used_in_time_is_made_again(house: Household) -> None:
    first = await house.control.house.ensure_first_run()
    house.clock.advance(15 * 60 + 1)
    again = await house.control.house.recovery_link("whoever")
    with pytest.raises(NotFound):
        await house.control.links.inspect(first.link)
    entry = await house.control.links.use(again.token, Use(name="Kim"), "", "")
    assert entry.actor.role is SiteRole.ADMIN
    assert [channel.owner for channel in house.control.directory.channels()] == [entry.actor.account]
    with pytest.raises(NotFound):
        await house.control.house.recovery_link("whoever")


async def test_each_start_voids_the_link_before(house: Household) -> None:
    first = await house.control.house.ensure_first_run()
    second = await house.control.house.ensure_first_run()
    assert first.link != second.link and first.key == second.key
    with pytest.raises(NotFound):
        await house.control.links.inspect(first.link)


async def test_a_recovery_link_changes_the_password_and_ends_the_sessions(house: Household) -> None:
    await house.account("kim")
    entry = await house.control.accounts.login("kim", PASSWORD, "192.0.2.1", "")
    issued = await house.control.house.recovery_link("KIM")
    await house.control.links.use(issued.token, Use(), "", "")
    assert await house.control.accounts.authenticate(entry.cookie, "") is None
    with pytest.raises(Unauthenticated):
        await house.control.accounts.login("kim", PASSWORD, "192.0.2.1", "")
    await house.control.accounts.login("kim", "a new password", "192.0.2.1", "")


async def test_a_new_recovery_link_voids_the_one_before(house: Household) -> None:
    await house.account("kim", SiteRole.ADMIN)
    first = await house.control.house.recovery_link("kim")
    await house.control.house.recovery_link("kim")
    with pytest.raises(NotFound):
        await house.control.links.inspect(first.token)
    with pytest.raises(NotFound):
        await house.control.house.recovery_link("nobody")


async def test_an_invitation_leads_into_a_channel_with_a_role(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    invite = Invite(channel="yard", channel_role=ChannelRole.BROADCASTER)
    issued = await house.control.links.invite(admin, invite)
    entry = await house.control.links.use(issued.token, Use(name="Guest"), "", "")
    assert entry.actor.role is SiteRole.MEMBER
    assert house.control.directory.role(entry.actor.account, channel.id) is ChannelRole.BROADCASTER


async def test_invitations_are_bounded_listed_and_withdrawn(house: Household, admin: Actor) -> None:
    await house.channel("yard", admin)
    with pytest.raises(Invalid):
        await house.control.links.invite(admin, Invite(channel="nowhere"))
    with pytest.raises(Invalid):
        await house.control.links.invite(admin, Invite(channel="yard", channel_role=ChannelRole.OWNER))
    issued = await house.control.links.invite(admin, Invite(note="for Lee"))
    assert [link.note for link in (await house.control.links.list(None, 10)).items] == ["for Lee"]
    await house.control.links.withdraw(admin, issued.link.id)
    with pytest.raises(NotFound):
        await house.control.links.inspect(issued.token)
    with pytest.raises(NotFound):
        await house.control.links.withdraw(admin, issued.link.id)


async def test_a_guest_cannot_take_a_look_alike_name(house: Household, admin: Actor) -> None:
    issued = await house.control.links.invite(admin, Invite())
    with pytest.raises(Conflict):
        await house.control.links.use(issued.token, Use(name="Аdmin"), "", "")


async def test_tokens_are_kept_nowhere(house: Household) -> None:
    token = (await house.control.house.ensure_first_run()).link
    for path in house.folder.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes()
