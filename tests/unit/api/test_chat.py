"""Chat by REST: bots write, programs moderate, rights hold, deleted texts are gone."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.harness.chatroom import MemoryCrowd
from tests.harness.household import Household
from tests.harness.visitor import Site, build_pages

from madang.api import create_app
from madang.base.roles import ChannelRole, SiteRole
from madang.chat.chat import Chat
from madang.chat.ports import LetPass
from madang.chat.pump import Pump
from madang.chat.room import Yard
from madang.control.records import Broadcast
from madang.control.rights import Scope
from madang.store.chatlog import ChatLog


@pytest.fixture
async def web(house: Household) -> AsyncIterator[Site]:
    log, crowd = ChatLog(house.store), MemoryCrowd()
    hall: Any = crowd
    yard = Yard(hall, Pump(log), house.control.chatters, LetPass(), house.clock, os.urandom)
    chat = Chat(yard, b"secret" * 6)
    house.control.joining.leaving.append(chat.forget_account)
    running = asyncio.create_task(chat.pump.run())
    async with AsyncExitStack() as stack:
        site = Site(house, stack, build_pages(house.folder / "web"))
        site.app = create_app(house.control, house.folder / "web", chat=chat)
        await site.app.warm()
        yield site
    running.cancel()
    await asyncio.wait([running])
    await log.close()


async def test_a_bot_writes_and_everybody_reads(web: Site) -> None:
    admin, _ = await web.account("admin", SiteRole.ADMIN)
    await web.house.channel("yard", admin)
    bot = await web.program(admin, Scope.CHAT_WRITE)
    said = await bot.post("/channels/yard/chat/messages", {"text": "hello", "nonce": "n1"})
    assert said.status_code == 201 and said.json()["state"] == "sent"
    again = await bot.post("/channels/yard/chat/messages", {"text": "hello", "nonce": "n1"})
    assert again.json() == said.json()
    guest = await web.visitor()
    (message,) = (await guest.get("/channels/yard/chat/messages")).json()["items"]
    assert message["text"] == "hello" and message["user"]["badges"] == ["admin", "owner"]
    room = (await guest.get("/channels/yard/chat")).json()
    assert room["messages"] == [message] and room["settings"]["preset"] == "normal"
    told = await bot.post("/channels/yard/chat/messages", {"text": "/slow 30"})
    assert told.status_code == 201 and told.json()["word"] == "slow"


async def test_who_may_not(web: Site) -> None:
    admin, _ = await web.account("admin", SiteRole.ADMIN)
    await web.house.channel("yard", admin)
    _, mina = await web.account("mina")
    guest = await web.visitor()
    assert (await guest.post("/channels/yard/chat/messages", {"text": "x"})).status_code == 401
    for method, path, body in (
        ("POST", "clear", None),
        ("PATCH", "settings", {"slow_s": 3}),
        ("PUT", "bans/admin", {}),
        ("GET", "held", None),
        ("GET", "audit", None),
        ("GET", "chatters", None),
        ("GET", "users/admin", None),
        ("PUT", "roles/mina", {"role": "vip"}),
        ("GET", "export", None),
    ):
        assert (await guest.ask(method, f"/channels/yard/chat/{path}", json=body)).status_code == 401
        assert (await mina.ask(method, f"/channels/yard/chat/{path}", json=body)).status_code == 403


async def test_moderation_by_programs(web: Site) -> None:
    admin, _ = await web.account("admin", SiteRole.ADMIN)
    await web.house.channel("yard", admin)
    _, mina = await web.account("mina")
    program = await web.program(admin, Scope.CHAT_MODERATE, Scope.CHAT_READ)
    base = "/channels/yard/chat"
    sent = (await mina.post(f"{base}/messages", {"text": "rude words"})).json()
    assert (await program.ask("DELETE", f"{base}/messages/{sent['id']}")).status_code == 204
    (gone,) = (await mina.get(f"{base}/messages")).json()["items"]
    assert gone["deleted"] is True and "text" not in gone
    timed = await program.ask("PUT", f"{base}/bans/mina", json={"duration_s": 60, "reason": "rude"})
    assert timed.status_code == 204
    refused = await mina.post(f"{base}/messages", {"text": "again"})
    assert refused.status_code == 403 and refused.json()["type"] == "timed_out"
    assert refused.headers["retry-after"] == "60"
    (ban,) = (await program.get(f"{base}/bans")).json()["items"]
    assert ban["name"] == "mina" and ban["reason"] == "rude"
    assert (await program.ask("DELETE", f"{base}/bans/mina")).status_code == 204
    actions = [entry["action"] for entry in (await program.get(f"{base}/audit")).json()["items"]]
    assert actions == ["unban", "timeout", "delete"]
    card = (await program.get(f"{base}/users/mina")).json()
    assert card["messages"][0]["deleted"] is True and len(card["audit"]) == 3
    made = (await program.ask("PATCH", f"{base}/settings", json={"followers_min": 10})).json()
    assert made["followers_min"] == 10
    assert (await mina.post(f"{base}/messages", {"text": "hi"})).json()["type"] == "followers_only"
    await mina.ask("PUT", "/channels/yard/follow")
    web.house.clock.advance(601)
    assert (await mina.post(f"{base}/messages", {"text": "hi"})).status_code == 201
    off = (await program.ask("PATCH", f"{base}/settings", json={"followers_min": -1})).json()
    assert off["followers_min"] is None


async def test_roles_with_an_end(web: Site) -> None:
    admin, browser = await web.account("admin", SiteRole.ADMIN)
    yard = await web.house.channel("yard", admin)
    mina, _ = await web.account("mina")
    body = {"role": "subscriber", "until": "2030-01-01T00:00:00Z"}
    assert (await browser.ask("PUT", "/channels/yard/chat/roles/mina", json=body)).status_code == 204
    member = web.house.control.directory.member(yard.id, mina.account)
    assert member is not None and member.role is ChannelRole.SUBSCRIBER and member.until == 1893456000.0
    assert (await browser.ask("DELETE", "/channels/yard/chat/roles/mina")).status_code == 204
    assert web.house.control.directory.member(yard.id, mina.account) is None


async def test_replay_is_by_media_time_and_export_by_line(web: Site) -> None:
    admin, browser = await web.account("admin", SiteRole.ADMIN)
    yard = await web.house.channel("yard", admin)
    began = web.house.clock.wall()
    row = Broadcast(id="b1", broadcast="br1", channel=yard.id, title="", began_at=began)
    ended = {"ended_at": began + 100}
    import msgspec

    async with web.house.store.write() as work:
        await work.broadcasts.add(msgspec.structs.replace(row, **ended))
    for number in range(4):
        web.house.clock.advance(30)
        await browser.post("/channels/yard/chat/messages", {"text": f"at {30 * (number + 1)}"})
    base = "/channels/yard/chat"
    guest = await web.visitor()
    first = (await guest.get(f"{base}/replay?limit=2")).json()
    rest = (await guest.get(f"{base}/replay?limit=2&cursor={first['next']}")).json()
    times = [(item["offset_s"], item["text"]) for item in [*first["items"], *rest["items"]]]
    assert times == [(30.0, "at 30"), (60.0, "at 60"), (90.0, "at 90")] and rest["next"] is None
    part = (await guest.get(f"{base}/replay?broadcast=br1&from_s=50&to_s=70")).json()
    assert [item["text"] for item in part["items"]] == ["at 60"]
    assert (await guest.get(f"{base}/replay?broadcast=nothing")).status_code == 404
    lines = (await browser.get(f"{base}/export")).text.splitlines()
    assert len(lines) == 4


async def test_who_leaves_takes_their_name_along(web: Site) -> None:
    from tests.harness.household import PASSWORD

    admin, _ = await web.account("admin", SiteRole.ADMIN)
    await web.house.channel("yard", admin)
    _, mina = await web.account("mina")
    await mina.post("/channels/yard/chat/messages", {"text": "I was here"})
    assert (await mina.post("/me/deletion", {"password": PASSWORD})).status_code == 204
    guest = await web.visitor()
    for path in ("messages", ""):
        page = (await guest.get(f"/channels/yard/chat/{path}".rstrip("/"))).json()
        (message,) = page["items"] if path else page["messages"]
        assert message["text"] == "I was here" and "mina" not in str(message)
