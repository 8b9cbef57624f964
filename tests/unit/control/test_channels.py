"""Channels: one door, names that lead on, and roles."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from tests.harness.household import Household

from madang.base.roles import ChannelRole, Visibility
from madang.control.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from madang.control.house import NewChannel
from madang.control.rights import Actor, Right


@dataclass
class Change:
    slug: str | None = None
    name: str | None = None
    title: str | None = None
    category: str | None = None
    description: str | None = None
    visibility: Visibility | None = None
    preset: Any = None
    dvr_window_s: int | None = None
    reconnect_window_s: int | None = None


async def test_a_renamed_channel_keeps_its_former_name(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    renamed = await house.control.channels.change(admin, channel, Change(slug="garden"))
    assert renamed.id == channel.id
    directory = house.control.directory
    assert directory.channel_by_name("yard") == directory.channel_by_name("garden") == renamed
    with pytest.raises(Conflict):
        await house.channel("yard")
    back = await house.control.channels.change(admin, renamed, Change(slug="yard"))
    assert directory.channel_by_name("garden") == back


async def test_of_two_who_change_a_channel_at_once_neither_undoes_the_other(
    house: Household, admin: Actor
) -> None:
    """Both saw it as it was before."""
    seen = await house.channel("yard", admin)
    channels = house.control.channels
    await channels.change(admin, seen, Change(visibility=Visibility.PRIVATE))
    await channels.revoke_play_tokens(admin, seen)
    titled = await channels.change(admin, seen, Change(title="Tonight"))
    assert titled == house.now(seen)
    assert (titled.visibility, titled.title) == (Visibility.PRIVATE, "Tonight")
    assert titled.play_tokens_from == house.clock.wall()
    heir = await house.account("heir")
    await channels.set_member(admin, seen, heir.account, ChannelRole.OWNER)
    assert (house.now(seen).owner, house.now(seen).title) == (heir.account, "Tonight")


async def test_many_at_once_are_no_more_than_one_may_have(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madang.control.channels.CHANNELS_PER_ACCOUNT", 2)
    kim = await house.account("kim")
    async with house.store.turn:  # all have seen that there is room
        drafts = [NewChannel(slug=f"yard{number}") for number in range(4)]
        tasks = [asyncio.create_task(house.control.channels.create(kim, draft)) for draft in drafts]
        await asyncio.sleep(0)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in done) == 2
    assert len(house.control.directory.channels_of(kim.account)) == 2


async def test_a_channel_that_was_deleted_meanwhile_is_not_changed(house: Household, admin: Actor) -> None:
    seen = await house.channel("yard", admin)
    await house.control.channels.delete(admin, seen, "yard")
    with pytest.raises(NotFound):
        await house.control.channels.change(admin, seen, Change(title="Tonight"))


@pytest.mark.parametrize("slug", ["", "-a", "A", "a/b", "../x", "a.m3u8", "é", "a" * 65, "api", "new"])
async def test_addresses_that_cannot_be(house: Household, slug: str) -> None:
    with pytest.raises(Invalid):
        await house.control.channels.create(None, NewChannel(slug=slug, name="x"))


async def test_two_channels_never_look_alike(house: Household) -> None:
    await house.channel("one", name="Madang")
    with pytest.raises(Conflict) as caught:
        await house.channel("two", name="Mаdаng")
    assert caught.value.fields[0].field == "name"


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (ChannelRole.OWNER, {Right.WATCH, Right.STUDIO, Right.BROADCAST, Right.OWN}),
        (ChannelRole.BROADCASTER, {Right.WATCH, Right.STUDIO, Right.BROADCAST}),
        (ChannelRole.MANAGER, {Right.WATCH, Right.STUDIO}),
        (ChannelRole.VIP, {Right.WATCH}),
        (ChannelRole.SUBSCRIBER, {Right.WATCH}),
        (ChannelRole.VIEWER, {Right.WATCH}),
        (ChannelRole.GUEST, set()),
    ],
)
@pytest.mark.parametrize("visibility", list(Visibility))
async def test_what_each_role_may(
    house: Household, role: ChannelRole, rights: set[Right], visibility: Visibility
) -> None:
    owner, other = await house.account("owner"), await house.account("other")
    channel = await house.channel("yard", owner, visibility=visibility)
    if role is ChannelRole.OWNER:
        other = owner
    elif role is not ChannelRole.GUEST:
        await house.member(channel, other, role)
    for right in (Right.WATCH, Right.STUDIO, Right.BROADCAST, Right.OWN):
        wanted = right in rights or (right is Right.WATCH and visibility is not Visibility.PRIVATE)
        if wanted:
            assert house.control.channels.require(other, "yard", right)[1] is role
            continue
        hidden = visibility is Visibility.PRIVATE and not rights
        with pytest.raises(NotFound if hidden else Forbidden):
            house.control.channels.require(other, "yard", right)


async def test_a_guest_is_asked_to_sign_in_where_there_is_something_to_see(house: Household) -> None:
    await house.channel("open")
    await house.channel("closed", visibility=Visibility.PRIVATE)
    with pytest.raises(Unauthenticated):
        house.control.channels.require(None, "open", Right.STUDIO)
    with pytest.raises(NotFound):
        house.control.channels.require(None, "closed", Right.STUDIO)
    with pytest.raises(NotFound):
        house.control.channels.require(None, "nowhere", Right.WATCH)


async def test_managers_write_texts_and_owners_the_rest(house: Household) -> None:
    owner, manager = await house.account("owner"), await house.account("manager")
    channel = await house.channel("yard", owner)
    await house.member(channel, manager, ChannelRole.MANAGER)
    channel = await house.control.channels.change(manager, house.now(channel), Change(title="Dusk concert"))
    assert channel.title == "Dusk concert"
    for change in (
        Change(slug="x"),
        Change(name="x"),
        Change(visibility=Visibility.PRIVATE),
        Change(preset="low"),
        Change(dvr_window_s=1),
    ):
        with pytest.raises(Forbidden):
            await house.control.channels.change(manager, channel, change)
        await house.control.channels.change(owner, channel, change)
        channel = house.now(channel)


async def test_texts_are_cleaned_and_bounded(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    change = Change(title="a\u202eb\n" + "x" * 500, description="line\n\n\n\nline" + "y" * 9000)
    changed = await house.control.channels.change(admin, channel, change)
    assert len(changed.title) == 140 and "\u202e" not in changed.title and "\n" not in changed.title
    assert changed.description.startswith("line\n\nline") and len(changed.description) == 4000


async def test_deleting_asks_for_the_slug_and_takes_everything(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    key = await house.control.keys.create(admin, channel, "")
    publication, told = await house.publish(key.value)
    for wrong in ("", "Yard", "yard "):
        with pytest.raises(Invalid):
            await house.control.channels.delete(admin, house.now(channel), wrong)
    await house.control.channels.delete(admin, house.now(channel), "yard")
    assert house.control.directory.channel_by_name("yard") is None
    assert told[0][0] == "kicked" and not publication.current
    await house.control.book.flush()
    async with house.store.read() as work:
        assert await work.keys.find() == [] and await work.slugs.find() == []


async def test_handing_a_channel_over(house: Household) -> None:
    owner, heir = await house.account("owner"), await house.account("heir")
    channel = await house.channel("yard", owner)
    await house.member(channel, heir, ChannelRole.VIP)
    await house.control.channels.set_member(owner, house.now(channel), heir.account, ChannelRole.OWNER)
    found = await house.control.channels.members(house.now(channel), None, 50)
    roles = {m.account: m.role for m in found.items}
    assert roles == {heir.account: ChannelRole.OWNER, owner.account: ChannelRole.BROADCASTER}
    with pytest.raises(Conflict):
        await house.control.channels.remove_member(heir, house.now(channel), heir.account)
    with pytest.raises(Conflict):
        await house.control.channels.set_member(heir, house.now(channel), heir.account, ChannelRole.VIP)


async def test_members_by_name(house: Household) -> None:
    owner, friend = await house.account("owner"), await house.account("friend")
    channel = await house.channel("yard", owner)
    added = await house.control.channels.add_member(owner, channel, "FRIEND", ChannelRole.MANAGER)
    assert added.account == friend.account
    with pytest.raises(Invalid):
        await house.control.channels.add_member(owner, channel, "nobody", ChannelRole.MANAGER)
    with pytest.raises(Invalid):
        await house.control.channels.add_member(owner, channel, "friend", ChannelRole.GUEST)
    await house.control.channels.remove_member(owner, channel, friend.account)
    with pytest.raises(NotFound):
        await house.control.channels.remove_member(owner, channel, friend.account)


async def test_lists_show_live_ones_first_and_private_ones_to_their_own(house: Household) -> None:
    owner = await house.account("owner")
    for slug in ("a", "b", "c"):
        await house.channel(slug, owner)
    await house.channel("hidden", owner, visibility=Visibility.PRIVATE)
    await house.channel("linked", owner, visibility=Visibility.UNLISTED)
    key = await house.control.keys.create(owner, house.control.house.channel("c"), "")
    await house.publish(key.value)
    listed = house.control.channels.list

    def slugs(actor: Actor | None, show: str, live: bool | None = None) -> list[str]:
        return [channel.slug for channel in listed(actor, show, live, None, 50).items]

    assert slugs(None, "public") == ["c", "a", "b"]
    assert slugs(None, "public", True) == ["c"]
    assert slugs(None, "public", False) == ["a", "b"]
    assert set(slugs(owner, "mine")) == {"a", "b", "c", "hidden", "linked"}
    with pytest.raises(Unauthenticated):
        slugs(None, "mine")
    with pytest.raises(Forbidden):
        slugs(owner, "all")
    first = listed(None, "public", None, None, 2)
    second = listed(None, "public", None, first.next, 2)
    assert [c.slug for c in (*first.items, *second.items)] == ["c", "a", "b"] and second.next is None


async def test_a_member_owns_a_bounded_number(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.control.channels.CHANNELS_PER_ACCOUNT", 2)
    owner = await house.account("owner")
    for slug in ("a", "b"):
        await house.control.channels.create(owner, NewChannel(slug=slug))
    with pytest.raises(Conflict):
        await house.control.channels.create(owner, NewChannel(slug="c"))
