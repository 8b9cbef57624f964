"""What the server sees to at its start, and what the command line asks."""

import os

import pytest
from tests.harness.household import Household

from madang.base.errors import Refused
from madang.base.roles import SiteRole
from madang.base.secret import Secret
from madang.control import Control, Settings
from madang.control.errors import Conflict, NotFound, Unauthenticated
from madang.control.rights import Actor, Right
from madang.control.vault import SecretError
from madang.hub.gate import PublishRequest


async def _admit(house: Household, value: str) -> str:
    request = PublishRequest(door="rtmp", name="", key=Secret(value), peer="192.0.2.1")
    return (await house.control.publish_gate.admit(request)).name


async def test_the_first_start_and_those_after_it(house: Household) -> None:
    first = await house.control.house.ensure_first_run()
    assert first.channel == "main" and await _admit(house, first.key) == "main"
    again = await house.control.house.ensure_first_run()
    assert (again.channel, again.key) == (first.channel, first.key) and again.link != first.link
    assert len(list(house.control.directory.channels())) == 1


async def test_the_demo_has_a_channel_of_its_own(house: Household) -> None:
    demo = await house.control.house.ensure_demo()
    first = await house.control.house.ensure_first_run()
    assert await _admit(house, demo.value) == "demo" and first.channel == "main"
    assert (await house.control.house.ensure_demo()).value == demo.value


async def test_a_password_file_makes_one_admin_once(house: Household) -> None:
    await house.control.house.ensure_first_run()
    await house.control.house.ensure_demo()
    assert await house.control.house.ensure_admin("a long password")
    assert not await house.control.house.ensure_admin("another password")
    entry = await house.control.accounts.login("admin", "a long password", "192.0.2.1", "")
    assert entry.actor.role is SiteRole.ADMIN
    assert house.control.house.channel("main").owner == entry.actor.account
    with pytest.raises(Unauthenticated):
        await house.control.accounts.login("admin", "another password", "192.0.2.1", "")
    first = await house.control.house.ensure_first_run()
    assert (first.link, first.channel) == ("", "main")
    house.control.channels.require(entry.actor, "demo", Right.OWN)


async def test_a_password_file_at_the_very_first_start_brings_a_channel_too(house: Household) -> None:
    assert await house.control.house.ensure_admin("a long password")
    first = await house.control.house.ensure_first_run()
    assert (first.link, first.channel) == ("", "main") and await _admit(house, first.key) == "main"


async def test_an_admin_exists_already(house: Household, admin: Actor) -> None:
    assert not await house.control.house.ensure_admin("a long password")
    first = await house.control.house.ensure_first_run()
    assert (first.link, first.channel, first.key) == ("", "", "")


async def test_channels_and_keys_by_name(house: Household, admin: Actor) -> None:
    made = await house.control.house.create_channel("yard", "소리마당")
    assert (made.owner, made.name) == (admin.account, "소리마당")
    key = await house.control.house.create_key("yard", "OBS")
    assert await _admit(house, key.value) == "yard"
    await house.control.house.revoke_key("yard", key.value[:4])
    with pytest.raises(Refused):
        await _admit(house, key.value)
    with pytest.raises(NotFound):
        await house.control.house.revoke_key("yard", "zzzz")
    with pytest.raises(NotFound):
        await house.control.house.create_key("nowhere")
    with pytest.raises(Conflict):
        await house.control.house.create_channel("yard")
    await house.control.house.delete_channel("yard")
    with pytest.raises(NotFound):
        house.control.house.channel("yard")


async def test_an_invitation_from_the_command_line(house: Household) -> None:
    issued = await house.control.house.invitation_link(SiteRole.ADMIN, 3600)
    link = await house.control.links.inspect(issued.token)
    assert (link.kind, link.role) == ("invitation", SiteRole.ADMIN)


async def test_another_secret_is_told_and_a_new_key_begins_anew(house: Household) -> None:
    """The secret file was lost: nothing breaks, nothing is silently void."""
    first = await house.control.house.ensure_first_run()
    demo = await house.control.house.ensure_demo()
    house.control.house.check_secret()
    (house.folder / "secret").unlink()
    other = Control(house.store, house.folder, house.clock, os.urandom, Settings())
    await other.start()
    with pytest.raises(SecretError, match="bring it back"):
        other.house.check_secret()
    old = other.directory.keys_of(other.house.channel("main").id)[0]
    with pytest.raises(Conflict, match="rotate it"):
        await other.keys.reveal(None, other.house.channel("main"), old.id)  # type: ignore[arg-type]
    house.clock.advance(1)
    made = await other.house.create_key("main")
    other.house.check_secret()
    assert (await other.house.ensure_first_run()).key == made.value != first.key
    assert (await other.house.ensure_demo()).value != demo.value
