"""The event feed: who hears what, and until when (A33)."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from tests.harness.household import PASSWORD, Household

from madang.base.errors import Overloaded
from madang.base.roles import ChannelRole, Visibility
from madang.base.secret import Secret
from madang.control.errors import NotFound
from madang.control.rights import Actor
from madang.hub.gate import PlayGrant, PlayRequest
from madang.store.rows import TableRows


class Page:
    """An open page that remembers what it heard."""

    def __init__(
        self,
        house: Household,
        actor: Actor | None = None,
        channel: str | None = None,
        grant: PlayGrant | None = None,
    ) -> None:
        self.heard: list[dict[str, Any]] = []
        self.closed = 0
        self.detach = house.control.feed.attach(self.send, actor, channel, self.close, grant)

    def send(self, message: bytes) -> None:
        self.heard.append(json.loads(message))

    def close(self) -> None:
        self.closed += 1

    def kinds(self) -> list[str]:
        return [
            f"{message['type']}:{message.get('event', message.get('kind', ''))}".rstrip(":")
            for message in self.heard
            if message["type"] != "beat"
        ]


async def _live(house: Household, owner: Actor, slug: str, **more: Any) -> Any:
    channel = await house.channel(slug, owner, **more)
    key = await house.control.keys.create(owner, channel, "")
    return (await house.publish(key.value))[0]


async def test_hello_is_a_snapshot(house: Household, admin: Actor) -> None:
    await _live(house, admin, "yard")
    await house.channel("quiet", admin)
    home, watch = Page(house), Page(house, None, "quiet")
    (line,) = home.heard[0]["channels"]
    assert (line["slug"], line["state"], line["viewers"]) == ("yard", "live", 0)
    assert line["began_at"].endswith("Z") and line["broadcast_id"]
    assert watch.heard[0]["channels"][0]["state"] == "offline"
    assert watch.heard[0]["channels"][0]["title"] == "" and "title" not in line


async def test_who_hears_what_of_a_public_channel(house: Household, admin: Actor) -> None:
    owner, viewer, manager = [await house.account(n) for n in ("owner", "viewer", "manager")]
    channel = await house.channel("yard", owner)
    await house.member(channel, viewer, ChannelRole.VIEWER)
    await house.member(channel, manager, ChannelRole.MANAGER)
    await house.channel("other", owner)
    key = await house.control.keys.create(owner, house.now(channel), "")
    pages = {
        "home": Page(house),
        "guest": Page(house, None, "yard"),
        "viewer": Page(house, viewer, "yard"),
        "manager": Page(house, manager, "yard"),
        "elsewhere": Page(house, owner, "other"),
    }
    publication, _ = await house.publish(key.value)
    house.clock.advance(1)
    house.control.live.tick()
    publication.lost("cable")
    heard = {name: page.kinds() for name, page in pages.items()}
    public = ["hello", "stream:began", "stream:lost"]
    assert heard["home"] == heard["guest"] == heard["viewer"] == public
    assert heard["elsewhere"] == ["hello"]
    assert heard["manager"] == [
        "hello",
        "stream:began",
        "event:stream.began",
        "studio",
        "stream:lost",
        "event:stream.lost",
    ]
    secrets = json.dumps(pages["guest"].heard) + json.dumps(pages["home"].heard)
    assert "192.0.2.7" not in secrets and "peer" not in secrets


async def test_unlisted_and_private_channels_stay_out_of_the_home_page(house: Household) -> None:
    owner, stranger = await house.account("owner"), await house.account("stranger")
    home, strangers, own = Page(house), Page(house, stranger), Page(house, owner)
    await _live(house, owner, "linked", visibility=Visibility.UNLISTED)
    await _live(house, owner, "closed", visibility=Visibility.PRIVATE)
    assert home.kinds() == strangers.kinds() == ["hello"]
    assert own.kinds().count("stream:began") == 2
    assert Page(house).heard[0]["channels"] == []
    assert len(Page(house, owner).heard[0]["channels"]) == 2


async def test_a_private_channel_is_not_there_for_strangers(house: Household) -> None:
    owner, stranger = await house.account("owner"), await house.account("stranger")
    await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    for actor in (None, stranger):
        with pytest.raises(NotFound):
            Page(house, actor, "closed")
    with pytest.raises(NotFound):
        Page(house, None, "nowhere")
    assert len(house.control.feed) == 0
    assert Page(house, owner, "closed").kinds() == ["hello"]


async def test_whoever_loses_the_right_is_let_go(house: Household) -> None:
    owner, friend = await house.account("owner"), await house.account("friend")
    channel = await house.channel("yard", owner)
    await house.member(channel, friend, ChannelRole.VIEWER)
    guest, page = Page(house, None, "yard"), Page(house, friend, "yard")
    private = msgspec.structs.replace(house.now(channel), visibility=Visibility.PRIVATE)
    async with house.store.write() as work:
        await work.channels.put(private)
    await house.control.follow()
    assert (guest.closed, page.closed) == (1, 0)
    await house.control.channels.remove_member(owner, house.now(channel), friend.account)
    assert page.closed == 1 and len(house.control.feed) == 0


async def test_signing_out_ends_the_studio_part(house: Household) -> None:
    owner = await house.account("owner")
    await house.channel("yard", owner)
    entry = await house.control.accounts.login("owner", PASSWORD, "192.0.2.1", "")
    actor = await house.control.accounts.authenticate(entry.cookie, "192.0.2.1")
    page = Page(house, actor, "yard")
    await house.control.accounts.revoke_session(entry.actor, entry.actor.session)
    key = await house.control.keys.create(owner, house.control.house.channel("yard"), "")
    await house.publish(key.value)
    assert page.kinds() == ["hello", "stream:began"] and page.closed == 0


async def test_a_play_token_follows_until_it_ends(house: Household) -> None:
    owner = await house.account("owner")
    channel = await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    token, _ = house.control.play.mint(channel, 60, "")
    grant = await house.control.play.admit(
        PlayRequest(door="api", name="closed", peer="192.0.2.1", token=Secret(token))
    )
    page = Page(house, None, "closed", grant)
    house.control.feed.tick()
    assert page.kinds() == ["hello"] and page.closed == 0
    house.clock.advance(61)
    house.control.feed.tick()
    assert page.closed == 1
    with pytest.raises(NotFound):
        Page(house, None, "closed")


async def test_every_page_hears_a_beat_within_twenty_seconds(house: Household) -> None:
    pages = [Page(house) for _ in range(45)]
    for _ in range(20):
        house.control.feed.tick()
    assert all(sum(m["type"] == "beat" for m in page.heard) == 1 for page in pages)


async def test_a_crowd_is_told_in_passes_and_in_order(house: Household, admin: Actor) -> None:
    await house.channel("yard", admin)
    pages = [Page(house, None, "yard") for _ in range(1700)]
    channel = house.control.house.channel("yard")
    for title in ("one", "two"):
        house.control.feed.channel("updated", msgspec.structs.replace(channel, title=title))
    assert len(pages[-1].heard) == 1
    for _ in range(8):
        await asyncio.sleep(0)
    assert all([m["title"] for m in page.heard[1:]] == ["one", "two"] for page in pages)


async def test_a_channel_is_told_deleted_once_it_is(
    house: Household, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await house.channel("yard", admin)
    page = Page(house, None, "yard")

    async def away(rows: TableRows[Any], **equals: Any) -> int:
        raise Overloaded("database is away")

    with monkeypatch.context() as patch, pytest.raises(Overloaded):
        patch.setattr(TableRows, "delete", away)
        await house.control.channels.delete(admin, channel, "yard")
    assert page.kinds() == ["hello"] and not page.closed
    await house.control.channels.delete(admin, channel, "yard")
    assert page.kinds() == ["hello", "channel:deleted"] and page.closed


async def test_what_is_told_next_overtakes_nothing_when_pages_leave(house: Household, admin: Actor) -> None:
    """Who waited for the second pass would be in the first one of the next message, with one page less."""
    await house.channel("yard", admin)
    pages = [Page(house, None, "yard") for _ in range(501)]
    feed, channel = house.control.feed, house.control.house.channel("yard")
    feed.stream("lost", channel.id)
    pages[0].detach()
    feed.stream("resumed", channel.id)
    for _ in range(8):
        await asyncio.sleep(0)
    assert all(page.kinds()[1:] == ["stream:lost", "stream:resumed"] for page in pages[1:])


async def test_detaching_twice_counts_once(house: Household) -> None:
    page = Page(house)
    page.detach()
    page.detach()
    assert len(house.control.feed) == 0


async def test_the_feed_is_bounded(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.control.feed.FEED_VIEWERS", 2)
    Page(house), Page(house)
    with pytest.raises(Overloaded):
        Page(house)


async def test_a_tried_key_reaches_the_admins_page(house: Household, admin: Actor) -> None:
    page, guest = Page(house, admin), Page(house)
    with pytest.raises(Exception, match="no such key"):
        await house.publish("zzzz9999", "203.0.113.7")
    event = page.heard[-1]
    assert (event["kind"], event["peer"], event["data"]["mask"]) == (
        "key.attempt_failed",
        "203.0.113.7",
        "zzzz…",
    )
    assert guest.kinds() == ["hello"]
