"""A24: two tenants, and every route that names an object: what is the other's is not there."""

import pytest
from tests.harness.household import Household
from tests.harness.visitor import Site, Visitor

from madang.control.rights import Scope

# Method, path under a channel of one's own, body: the ids in them belong to the other tenant.
THROUGH_OWN_CHANNEL = [
    ("PATCH", "/channels/mine/keys/{key}", {"name": "stolen"}),
    ("POST", "/channels/mine/keys/{key}/reveal", None),
    ("POST", "/channels/mine/keys/{key}/rotate", {"overlap_s": 0}),
    ("DELETE", "/channels/mine/keys/{key}", None),
    ("DELETE", "/channels/mine/members/{friend}", None),
    ("PATCH", "/channels/mine/webhooks/{webhook}", {"enabled": False}),
    ("DELETE", "/channels/mine/webhooks/{webhook}", None),
    ("POST", "/channels/mine/webhooks/{webhook}/test", None),
    ("POST", "/channels/mine/webhooks/{webhook}/replay", {"since": "2026-01-01T00:00:00Z"}),
]
OTHERS_OWN = [
    ("DELETE", "/sessions/{session}", None),
    ("DELETE", "/tokens/{token}", None),
]
THROUGH_THEIR_CHANNEL = [
    ("PATCH", "/channels/{channel}", {"title": "stolen"}),
    ("DELETE", "/channels/{channel}?confirm=theirs", None),
    ("GET", "/channels/{channel}/keys", None),
    ("POST", "/channels/{channel}/keys", {"name": "mine"}),
    ("POST", "/channels/{channel}/keys/{key}/reveal", None),
    ("DELETE", "/channels/{channel}/keys/{key}", None),
    ("GET", "/channels/{channel}/members", None),
    ("POST", "/channels/{channel}/members", {"name": "mallory", "role": "owner"}),
    ("PUT", "/channels/{channel}/members/{friend}", {"role": "viewer"}),
    ("GET", "/channels/{channel}/live", None),
    ("POST", "/channels/{channel}/end", None),
    ("POST", "/channels/{channel}/kick", {}),
    ("GET", "/channels/{channel}/events", None),
    ("POST", "/channels/{channel}/play-tokens", {}),
    ("DELETE", "/channels/{channel}/play-tokens", None),
]


class Tenants:
    """Theirs, and Mallory who looks for it."""

    def __init__(self, mallory: Visitor, program: Visitor, ids: dict[str, str], key: str) -> None:
        self.mallory = mallory
        self.program = program
        self.ids = ids
        self.key = key


@pytest.fixture
async def tenants(web: Site, house: Household) -> Tenants:
    victim, browser = await web.account("victim")
    friend = await house.account("friend")
    mallory, hers = await web.account("mallory")
    theirs = await house.channel("theirs", victim)
    await house.channel("mine", mallory)
    key = await house.control.keys.create(victim, theirs, "OBS")
    await browser.post("/channels/theirs/members", {"name": "friend", "role": "manager"})
    token = await house.control.tokens.create(victim, "t", ["channels:read"], None)
    sessions = (await browser.get("/sessions")).json()["items"]
    hook = await browser.post("/channels/theirs/webhooks", {"url": "https://x.example/", "kinds": ["*"]})
    ids = {
        "key": key.key.id,
        "webhook": hook.json()["id"],
        "friend": friend.account,
        "session": sessions[0]["id"],
        "token": token.token.id,
        "channel": "theirs",
    }
    return Tenants(hers, await web.program(mallory, *Scope), ids, key.value)


@pytest.mark.parametrize(("method", "path", "body"), THROUGH_OWN_CHANNEL + OTHERS_OWN)
async def test_foreign_ids_are_not_found(tenants: Tenants, method: str, path: str, body: object) -> None:
    answer = await tenants.mallory.ask(method, path.format(**tenants.ids), json=body)
    assert answer.status_code == 404, answer.text
    assert tenants.key not in answer.text


@pytest.mark.parametrize(("method", "path", "body"), THROUGH_THEIR_CHANNEL)
@pytest.mark.parametrize("by", ["slug", "id"])
async def test_a_foreign_channel_is_refused(
    tenants: Tenants, house: Household, method: str, path: str, body: object, by: str
) -> None:
    channel = house.control.house.channel("theirs")
    ids = {**tenants.ids, "channel": "theirs" if by == "slug" else channel.id}
    for asker in (tenants.mallory, tenants.program):
        answer = await asker.ask(method, path.format(**ids), json=body)
        assert answer.status_code == 403, answer.text
        assert tenants.key not in answer.text
    assert house.control.house.channel("theirs") == channel


async def test_lists_hold_only_ones_own(tenants: Tenants, house: Household) -> None:
    mine = (await tenants.mallory.get("/channels?show=mine")).json()["items"]
    assert [channel["slug"] for channel in mine] == ["mine"]
    assert (await tenants.mallory.get("/tokens")).json()["items"] != []
    for path in ("/sessions", "/tokens", "/streams"):
        assert tenants.ids["session"] not in (text := (await tenants.mallory.get(path)).text)
        assert tenants.ids["token"] not in text
