"""Webhooks by REST: managed by broadcasters, the secret told once."""

from tests.harness.visitor import Site

from madang.base.roles import ChannelRole, SiteRole
from madang.control.rights import Scope
from madang.net.outbound import Call, Reply

URL = "https://hooks.example.org/x"


async def test_made_listed_tested_changed_replayed_deleted(web: Site) -> None:
    admin, _ = await web.account("admin", SiteRole.ADMIN)
    await web.house.channel("yard", admin)
    calls: list[Call] = []

    async def fetch(call: Call) -> Reply:
        calls.append(call)
        return Reply(204, {}, b"", call.url)

    web.house.control.webhooks.fetch = fetch
    program = await web.program(admin, Scope.WEBHOOKS_WRITE, Scope.WEBHOOKS_READ)
    base = "/channels/yard/webhooks"
    made = await program.post(base, {"url": URL, "kinds": ["stream.*"]})
    assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
    (hook,) = (await program.get(base)).json()["items"]
    assert hook["enabled"] is True and "secret" not in hook and "sealed" not in hook
    one = f"{base}/{hook['id']}"
    assert (await program.post(f"{one}/test")).json() == {"status": 204, "error": ""}
    assert calls[0].url == URL
    off = await program.ask("PATCH", one, json={"enabled": False})
    assert off.json()["enabled"] is False
    assert (await program.post(f"{one}/replay", {"since": "2026-01-01T00:00:00Z"})).status_code == 204
    assert (await program.ask("DELETE", one)).status_code == 204
    assert (await program.get(base)).json()["items"] == []


async def test_managers_may_not(web: Site) -> None:
    admin, _ = await web.account("admin", SiteRole.ADMIN)
    yard = await web.house.channel("yard", admin)
    mina, browser = await web.account("mina")
    await web.house.member(yard, mina, ChannelRole.MANAGER)
    assert (await browser.get("/channels/yard/webhooks")).status_code == 403
    bad = await (await web.browser("admin")).post(
        "/channels/yard/webhooks", {"url": "ftp://x.example", "kinds": ["*"]}
    )
    assert bad.status_code == 422 and bad.json()["type"] == "bad_url"
