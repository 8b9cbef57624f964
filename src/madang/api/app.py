"""The ASGI application: REST and its document, loaded when first needed, and the pages beside it."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from madang.api.asgi import App, Receive, Reply, Scope, Send
from madang.api.assets import WEB, Assets
from madang.api.headers import SecureHeaders
from madang.api.pages import Pages
from madang.chat.chat import Chat
from madang.chat.extras import Extras
from madang.control import Control

if TYPE_CHECKING:
    from madang.api.state import PageState


class Application:
    """One application for everything that is not answered before ASGI.

    The API's framework takes longer to load than the server may take to start; `warm` loads it beside
    the listening doors, and whoever asks before waits for it."""

    def __init__(
        self,
        control: Control,
        web: Path = WEB,
        chat: Chat | None = None,
        extras: Extras | None = None,
    ) -> None:
        self._control = control
        self._chat, self._extras = chat, extras
        self._api: App | None = None
        self._document = b""
        self._loading = asyncio.Lock()
        self._assets = Assets(web)
        self._pages = Pages(control, self._assets)
        self._secured = SecureHeaders(self._route, control, self._pay_origins)

    def _pay_origins(self) -> tuple[str, ...]:
        providers = self._extras.paid.providers.values() if self._extras else ()
        return tuple(origin for provider in providers for origin in provider.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._secured(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def warm(self) -> None:
        """Load the API and the pages' files, in a thread."""
        async with self._loading:
            if self._api is not None:
                return
            self._api, self._pages.state = await asyncio.to_thread(
                _load, self._control, self._chat, self._extras
            )
        await asyncio.to_thread(self._assets.press)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith("/api/"):
            await self.warm()
            assert self._api is not None
            await self._api(scope, receive, send)
        elif path == "/openapi.json":
            await (await self._openapi()).send(scope, send)
        else:
            await self._pages(scope, receive, send)

    async def _openapi(self) -> Reply:
        if not self._document:
            self._document = await asyncio.to_thread(_document)
        return Reply(200, self._document, "application/json", {"cache-control": "no-cache"})


def create_app(
    control: Control, web: Path = WEB, chat: Chat | None = None, extras: Extras | None = None
) -> Application:
    """The application over a control plane and a chat; `web` is the folder of the built pages."""
    return Application(control, web, chat, extras)


def _load(control: Control, chat: Chat | None, extras: Extras | None) -> tuple[App, "PageState"]:
    from madang.api.openapi import bare_app
    from madang.api.state import PageState

    app = bare_app()
    app.state.control = control
    app.state.chat = chat
    app.state.extras = extras
    return app, PageState(control)


def _document() -> bytes:
    from madang.api.openapi import bare_app, document

    return json.dumps(document(bare_app()), ensure_ascii=False).encode()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
