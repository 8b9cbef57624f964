"""Stream keys: 160 bits, looked up by HMAC, sealed, revealed with an entry in the audit."""

import pytest
from tests.harness.household import Household

from madang.base.errors import Refused
from madang.base.secret import Secret
from madang.control.errors import Conflict, NotFound
from madang.control.rights import Actor
from madang.hub.gate import Lease, PublishRequest


async def _admit(house: Household, value: str) -> Lease:
    request = PublishRequest(door="rtmp", name="", key=Secret(value), peer="192.0.2.1")
    return await house.control.publish_gate.admit(request)


async def test_a_key_has_160_bits_and_is_kept_nowhere(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    made = await house.control.keys.create(admin, channel, "OBS at home")
    assert len(made.value) == 32 and made.key.mask == f"{made.value[:4]}…"
    await house.control.book.flush()
    for path in house.folder.rglob("*"):
        if path.is_file():
            assert made.value.encode() not in path.read_bytes(), path
    assert made.value not in repr(made.key)


async def test_revealing_tells_the_value_and_the_audit(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    made = await house.control.keys.create(admin, channel, "")
    again = await house.control.keys.reveal(admin, channel, made.key.id)
    assert again.value == made.value
    log = (await house.control.events.everywhere(None, 1)).items[0]
    assert (log.kind, log.actor, log.peer) == ("key.revealed", admin.account, admin.peer)
    assert made.value not in repr(log)


async def test_a_rotated_key_lives_on_for_the_overlap(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    old = await house.control.keys.create(admin, channel, "OBS")
    new = await house.control.keys.rotate(admin, channel, old.key.id, 600)
    assert new.key.replaces == old.key.id and new.key.name == "OBS"
    assert (await _admit(house, old.value)).key == old.key.id
    assert (await _admit(house, new.value)).key == new.key.id
    house.clock.advance(601)
    with pytest.raises(Refused):
        await _admit(house, old.value)
    assert await _admit(house, new.value)
    with pytest.raises(Conflict):
        await house.control.keys.rotate(admin, channel, old.key.id, 600)


async def test_a_revoked_key_ends_its_broadcast(house: Household, admin: Actor) -> None:
    channel = await house.channel("yard", admin)
    made = await house.control.keys.create(admin, channel, "")
    publication, told = await house.publish(made.value)
    await house.control.keys.revoke(admin, channel, made.key.id)
    assert not publication.current and told[0][0] == "kicked"
    with pytest.raises(Refused) as caught:
        await _admit(house, made.value)
    assert caught.value.code == "revoked"
    with pytest.raises(Conflict):
        await house.control.keys.reveal(admin, channel, made.key.id)


async def test_a_key_of_another_channel_is_not_found(house: Household, admin: Actor) -> None:
    yard, garden = await house.channel("yard", admin), await house.channel("garden", admin)
    made = await house.control.keys.create(admin, yard, "")
    for deed in (
        house.control.keys.reveal(admin, garden, made.key.id),
        house.control.keys.rename(admin, garden, made.key.id, "x"),
        house.control.keys.rotate(admin, garden, made.key.id, 0),
        house.control.keys.revoke(admin, garden, made.key.id),
    ):
        with pytest.raises(NotFound):
            await deed
    assert await _admit(house, made.value)


async def test_the_number_of_keys_is_bounded(
    house: Household, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madang.control.keys.KEYS_PER_CHANNEL", 2)
    channel = await house.channel("yard", admin)
    first = await house.control.keys.create(admin, channel, "")
    await house.control.keys.create(admin, channel, "")
    with pytest.raises(Conflict):
        await house.control.keys.create(admin, channel, "")
    await house.control.keys.revoke(admin, channel, first.key.id)
    await house.control.keys.create(admin, channel, "")
    page = await house.control.keys.list(channel, None, 10)
    assert len(page.items) == 3
