"""Channels, keys and live streams by HTTP."""

from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.household import PASSWORD, Household, household
from tests.harness.visitor import Site, site

from madang.base.roles import ChannelRole, Visibility
from madang.control.rights import Scope
from madang.hub.listener import StreamState


async def test_a_channel_from_birth_to_death(web: Site) -> None:
    _, browser = await web.account("kim")
    made = await browser.post("/channels", {"slug": "yard", "name": "소리마당", "title": "Dusk"})
    assert made.status_code == 201
    channel = made.json()
    assert channel["my_role"] == "owner" and channel["owner"]["name"] == "kim"
    assert channel["live"] == {"state": "offline", "broadcast_id": None, "began_at": None, "viewers": 0}
    assert channel["urls"]["hls"] == "http://madang.test/live/yard/index.m3u8"
    assert channel["urls"]["ws_flv"] == "ws://madang.test/live/yard.ws.flv"
    assert channel["publish"]["rtmp"] == "rtmp://madang.test/live"
    visitor = await web.visitor()
    seen = (await visitor.get("/channels/yard")).json()
    assert seen["publish"] is None and seen["my_role"] == "guest"
    changed = await browser.ask("PATCH", "/channels/yard", json={"slug": "garden", "title": "Dawn"})
    assert changed.json()["slug"] == "garden" and changed.json()["title"] == "Dawn"
    assert (await visitor.get("/channels/yard")).json()["slug"] == "garden"
    assert (await visitor.get(f"/channels/{channel['id']}")).json()["slug"] == "garden"
    unsure = await browser.ask("DELETE", "/channels/garden?confirm=yard")
    assert unsure.status_code == 422 and unsure.json()["type"] == "not_confirmed"
    assert (await browser.ask("DELETE", "/channels/garden?confirm=garden")).status_code == 204
    assert (await visitor.get("/channels/garden")).status_code == 404


async def test_a_channel_made_by_another_process_is_there_at_once(
    web: Site, house: Household, tmp_path: Path
) -> None:
    visitor = await web.visitor()
    assert (await visitor.get("/channels/garden")).status_code == 404
    async with household(tmp_path, FakeClock()) as other:
        await other.control.house.create_channel("garden")
    assert (await visitor.get("/channels/garden")).json()["slug"] == "garden"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"slug": "../x"}, "slug"),
        ({"slug": "A"}, "slug"),
        ({"slug": "api"}, "slug"),
        ({"slug": "yard"}, "slug"),
        ({"slug": "other", "name": "Yаrd"}, "name"),
        ({"slug": "other", "name": "\u200b"}, "name"),
        ({"slug": "other", "visibility": "secret"}, "visibility"),
        ({"slug": "other", "preset": "ultra"}, "preset"),
        ({"slug": "other", "title": "x" * 401}, "title"),
        ({"slug": "other", "unknown": 1}, "unknown"),
        ({}, "slug"),
    ],
)
async def test_what_a_channel_cannot_be(web: Site, house: Household, body: object, field: str) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    answer = await browser.post("/channels", body)
    assert answer.status_code in (409, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_private_channel_by_role_and_by_play_token(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    visitor = await web.visitor()
    assert (await visitor.get("/channels/closed")).status_code == 404
    assert "closed" not in (await visitor.get("/channels")).text
    minted = (await browser.post("/channels/closed/play-tokens", {"expires_in_s": 60})).json()
    token = minted["token"]
    assert minted["urls"]["hls"].endswith(f"/live/closed/index.m3u8?token={token}")
    assert (await visitor.get(f"/channels/closed?token={token}")).json()["my_role"] == "guest"
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await visitor.get("/channels/closed", headers=bearer)).status_code == 200
    assert (await visitor.get("/me", headers=bearer)).status_code == 401
    assert (
        await visitor.get("/channels/closed", headers={"Authorization": "Bearer a.b.c"})
    ).status_code == 404
    assert (await visitor.get(f"/channels/closed/keys?token={token}")).status_code == 404
    assert (await visitor.page(f"/@closed?token={token}")).status_code == 200
    assert (await browser.ask("DELETE", "/channels/closed/play-tokens")).status_code == 204
    assert (await visitor.get(f"/channels/closed?token={token}")).status_code == 404


async def test_keys_are_masked_revealed_after_a_recent_password_and_rotated(
    web: Site, house: Household
) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    made = (await browser.post("/channels/yard/keys", {"name": "OBS"})).json()
    listed = await browser.get("/channels/yard/keys")
    assert made["value"] not in listed.text and listed.json()["items"][0]["mask"] == f"{made['value'][:4]}…"
    path = f"/channels/yard/keys/{made['id']}"
    house.clock.advance(601)
    refused = await browser.post(f"{path}/reveal")
    assert refused.status_code == 403 and refused.json()["type"] == "password_required"
    await browser.post("/sessions/confirm", {"password": PASSWORD})
    assert (await browser.post(f"{path}/reveal")).json()["value"] == made["value"]
    rotated = (await browser.post(f"{path}/rotate", {"overlap_s": 60})).json()
    assert rotated["replaces"] == made["id"] and rotated["value"] != made["value"]
    assert (await browser.ask("PATCH", path, json={"name": "Old"})).json()["name"] == "Old"
    assert (await browser.ask("DELETE", path)).status_code == 204
    kinds = [event["kind"] for event in (await browser.get("/channels/yard/events")).json()["items"]]
    assert kinds[:5] == ["key.revoked", "key.renamed", "key.rotated", "key.revealed", "key.created"]
    program = await web.program(owner, Scope.KEYS_READ)
    assert (await program.get("/channels/yard/keys")).status_code == 200
    assert (await program.post(f"{path}/reveal")).json()["type"] == "scope"


async def test_a_live_stream_and_its_end(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner, title="Dusk")
    assert (await browser.get("/channels/yard/live")).status_code == 404
    key = (await browser.post("/channels/yard/keys", {"name": "OBS"})).json()
    publication, told = await house.publish(key["value"])
    house.audience.enter(publication.stream.channel, "s1", house.clock.monotonic(), "flv")  # type: ignore[arg-type]
    house.control.live.tick()
    live = (await browser.get("/channels/yard/live")).json()
    assert live["state"] == "live" and live["title"] == "Dusk" and live["viewers"] == 1
    assert live["viewers_by_door"] == {"flv": 1} and live["tracks"][0]["width"] == 1280
    assert live["layers"] == []
    assert live["publisher"] == {
        "door": "rtmp",
        "peer": "192.0.2.7",
        "user_agent": "OBS",
        "key_id": key["id"],
        "key_name": "OBS",
    }
    assert len(live["samples"]) == 1 and live["samples"][0]["viewers"] == 1
    public = (await (await web.visitor()).get("/channels/yard")).json()["live"]
    assert public["state"] == "live" and public["viewers"] == 1
    assert [item["slug"] for item in (await browser.get("/streams")).json()["items"]] == ["yard"]
    assert (await browser.get("/channels/yard/keys")).json()["items"][0]["live"] is True
    assert (await browser.post("/channels/yard/end")).status_code == 204
    assert told == [("ended", "The broadcast was ended in the studio.")]
    assert publication.stream.state is StreamState.ENDED
    assert (await browser.post("/channels/yard/end")).status_code == 404
    await house.control.book.flush()
    past = (await browser.get("/channels/yard/broadcasts")).json()["items"]
    assert past[0]["id"] == live["broadcast_id"] and past[0]["peak_viewers"] == 1 and past[0]["ended_at"]
    kinds = [event["kind"] for event in (await browser.get("/channels/yard/events")).json()["items"]]
    assert kinds[:3] == ["stream.ended_by", "stream.ended", "stream.began"]


async def test_a_kick_tells_the_reason(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    key = (await browser.post("/channels/yard/keys", {})).json()
    _, told = await house.publish(key["value"])
    assert (await browser.post("/channels/yard/kick", {"reason": "too loud"})).status_code == 204
    assert told[0][1] == "You were sent away: too loud."


async def test_members_by_http(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    friend, hers = await web.account("lee")
    await house.channel("yard", owner)
    added = await browser.post("/channels/yard/members", {"name": "Lee", "role": "broadcaster"})
    assert added.status_code == 201 and added.json()["account"]["id"] == friend.account
    assert (await hers.get("/channels/yard/keys")).status_code == 200
    listed = (await browser.get("/channels/yard/members")).json()["items"]
    assert [item["role"] for item in listed] == ["owner", "broadcaster"]
    head = (await browser.get("/channels/yard/members?limit=1")).json()
    tail = (await browser.get(f"/channels/yard/members?limit=1&cursor={head['next']}")).json()
    assert head["items"] + tail["items"] == listed and tail["next"] is None
    demoted = {"role": "viewer"}
    await browser.ask("PUT", f"/channels/yard/members/{friend.account}", json=demoted)
    assert (await hers.get("/channels/yard/keys")).status_code == 403
    gone = await browser.ask("DELETE", f"/channels/yard/members/{friend.account}")
    assert gone.status_code == 204
    role = house.control.directory.role(friend.account, house.control.house.channel("yard").id)
    assert role is ChannelRole.GUEST


async def test_public_urls_come_from_the_settings(house: Household) -> None:
    chosen = {"public_url": "https://live.example/", "rtmp_public_url": "rtmp://in.example:1940"}
    async with household(house.folder, house.clock, **chosen) as public, site(public) as web:
        owner = await public.account("kim")
        await public.channel("yard", owner)
        program = await web.program(owner, Scope.CHANNELS_READ)
        channel = (await program.get("/channels/yard", headers={"Host": "evil.example"})).json()
        assert channel["urls"]["watch"] == "https://live.example/@yard"
        assert channel["urls"]["ws_flv"] == "wss://live.example/live/yard.ws.flv"
        assert channel["publish"]["rtmp"] == "rtmp://in.example:1940/live"


@pytest.mark.parametrize("host", ["evil.example/@x", 'a"b', "a b", "x<y>", "user@host", "h:99999999", ""])
async def test_a_forged_host_is_not_shown(web: Site, house: Household, host: str) -> None:
    await house.channel("yard")
    visitor = await web.visitor()
    answer = await visitor.get("/channels/yard", headers={"Host": host})
    if answer.status_code == 200:
        assert answer.json()["urls"]["watch"] in ("http://localhost/@yard", "http://madang.test/@yard")


async def test_pages_of_a_list_follow_each_other(web: Site, house: Household) -> None:
    _, browser = await web.account("kim")
    for number in range(5):
        await browser.post("/channels", {"slug": f"c{number}"})
    seen, cursor = [], ""
    while True:
        page = (await browser.get(f"/channels?show=mine&limit=2{cursor}")).json()
        seen += [channel["slug"] for channel in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == [f"c{number}" for number in range(5)]
    for bad in ("limit=0", "limit=201", "limit=x", "cursor=%00", "cursor=" + "a" * 65, "cursor=!!"):
        assert (await browser.get(f"/channels?{bad}")).status_code == 422


async def test_a_qr_code_of_the_watch_page(web: Site, house: Household) -> None:
    await house.channel("yard")
    answer = await (await web.visitor()).get("/channels/yard/qr.svg")
    assert answer.headers["content-type"] == "image/svg+xml" and answer.text.startswith("<?xml")
