"""Visitors of the HTTP door: browsers with a cookie, programs with a token, and those with nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.harness.household import PASSWORD, Household

from madang.api import create_app
from madang.base.roles import SiteRole
from madang.control.rights import Actor, Scope

BASE = "http://madang.test"


class Visitor:
    """Sends requests; those that change something carry the header that our pages send."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request to `/api/v1` + path."""
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, json=json, **more)

    async def page(self, path: str, **more: Any) -> httpx.Response:
        """One request outside of the API."""
        return await self.client.request(more.pop("method", "GET"), path, **more)


class Site:
    """The application, and ways to visit it."""

    def __init__(self, house: Household, stack: AsyncExitStack, web: Path) -> None:
        self.house = house
        self.app = create_app(house.control, web)
        self._stack = stack

    async def visitor(self, peer: str = "192.0.2.50", **headers: str) -> Visitor:
        """Somebody without an account."""
        transport = httpx.ASGITransport(self.app, client=(peer, 40_000))
        client = httpx.AsyncClient(transport=transport, base_url=BASE)
        await self._stack.enter_async_context(client)
        return Visitor(client, {"X-Madang": "1", **headers})

    async def browser(self, name: str) -> Visitor:
        """Somebody who signed in with PASSWORD."""
        visitor = await self.visitor()
        answer = await visitor.post("/sessions", {"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return visitor

    async def account(self, name: str, role: SiteRole = SiteRole.MEMBER) -> tuple[Actor, Visitor]:
        """A new account and its browser."""
        actor = await self.house.account(name, role)
        return actor, await self.browser(name)

    async def program(self, actor: Actor, *scopes: Scope) -> Visitor:
        """A program with an API token of this account."""
        made = await self.house.control.tokens.create(actor, "test", [s.value for s in scopes], None)
        visitor = await self.visitor()
        visitor.headers = {"Authorization": f"Bearer {made.value}"}
        return visitor


SHELL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8" /><!--head--><title>Madang</title>
<script type="module" src="/assets/app-abc123.js"></script></head><body><div id="root"></div></body></html>
"""


def build_pages(folder: Path) -> Path:
    """A folder as the pages' build leaves it."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(SHELL)
    (folder / "assets" / "app-abc123.js").write_text("console.log('마당');" + " " * 2000)
    (folder / "mark.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    return folder


@asynccontextmanager
async def site(house: Household) -> AsyncIterator[Site]:
    """The application over a household."""
    async with AsyncExitStack() as stack:
        made = Site(house, stack, build_pages(house.folder / "web"))
        await made.app.warm()
        yield made
