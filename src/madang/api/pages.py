"""What is not API: the pages, their files, oEmbed, and redirects to a channel's present name."""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from madang.api.asgi import Receive, Reply, Scope, Send, base, cookie, peer
from madang.api.assets import Assets
from madang.api.shell import HEIGHT, WIDTH, channel_tags, render, site_tags
from madang.base.roles import Visibility
from madang.base.secret import Secret
from madang.base.session import SESSION_COOKIE
from madang.control import Control
from madang.control.records import Channel
from madang.control.urls import Urls

if TYPE_CHECKING:
    from madang.api.state import PageState

_HTML = "text/html; charset=utf-8"
_CHANNEL_PAGE = re.compile(r"/(@|embed/)([a-z0-9][a-z0-9_-]{0,63})/?", re.ASCII)
_CHAT_PAGE = re.compile(r"/(embed/|popout/)([a-z0-9][a-z0-9_-]{0,63})/chat", re.ASCII)
_PAGES = re.compile(
    r"/(|studio|admin|settings|login|signup|docs|invite/[^/]+|login/[^/]+|pay/[^/]+|pay/rehearsal/[^/]+|overlay/[^/]+|(studio|admin|settings)/.*)"
)
_OEMBED_URL = re.compile(r"/(?:@|embed/)([a-z0-9][a-z0-9_-]{0,63})/?", re.ASCII)


class Pages:
    """An ASGI application of its own, without a framework. What a page says depends on who asks and on who is
    live, so none is kept by a cache."""

    def __init__(self, control: Control, assets: Assets) -> None:
        self._control = control
        self._assets = assets
        self.state: PageState | None = None
        """Writes the page's first answers into it, once the API is loaded; without it the page asks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._reply(scope)).send(scope, send)

    async def _reply(self, scope: Scope) -> Reply:
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            return Reply(405, b"Method not allowed", headers={"allow": "GET, HEAD, OPTIONS"})
        asset = self._assets.find(path)
        if asset is not None:
            return asset.reply(scope)
        if path == "/oembed":
            return self._oembed(scope)
        if path == "/docs":
            page = self._assets.find("/docs/docs.html")
            return page.reply(scope) if page else Reply(404)
        found = _CHANNEL_PAGE.fullmatch(path)
        if found is not None:
            return await self._channel(scope, found[1], found[2])
        found = _CHAT_PAGE.fullmatch(path)
        if found is not None:
            return await self._channel(scope, found[1], found[2], "/chat")
        return await self._plain(scope, path)

    async def _plain(self, scope: Scope, path: str) -> Reply:
        """A page without a channel; an unknown one is the same page with 404."""
        known = _PAGES.fullmatch(path) is not None
        tags = site_tags(self._control.settings.name, self._urls(scope)) if path == "/" else ""
        return await self._html(scope, 200 if known else 404, tags)

    async def _channel(self, scope: Scope, kind: str, name: str, part: str = "") -> Reply:
        """A channel's page or its embed; `part` is what stands in a window of its own."""
        channel = self._control.directory.channel_by_name(name)
        if channel is None or not await self._may_watch(scope, channel):
            return await self._html(scope, 404, "")
        if channel.slug != name:
            query = scope["query_string"].decode("latin-1")
            target = f"/{kind}{quote(channel.slug)}{part}{'?' + query if query else ''}"
            return Reply(308, b"", "", {"location": target, "cache-control": "no-cache"})
        private = channel.visibility is Visibility.PRIVATE
        tags = (
            "" if private or part else channel_tags(self._control.settings.name, channel, self._urls(scope))
        )
        return await self._html(scope, 200, tags, channel)

    async def _may_watch(self, scope: Scope, channel: Channel) -> bool:
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return await self._control.play.lets_in(
            channel.slug, peer(scope), Secret(token), Secret(cookie(scope, SESSION_COOKIE))
        )

    async def _html(self, scope: Scope, status: int, tags: str, shown: Channel | None = None) -> Reply:
        page = render(self._assets.shell(), tags + await self._state(scope, shown))
        return Reply(status, page, _HTML, {"cache-control": "no-store"})

    async def _state(self, scope: Scope, shown: Channel | None) -> str:
        if self.state is None:
            return ""
        path: str = scope["path"]
        actor, session = None, Secret(cookie(scope, SESSION_COOKIE))
        if session and not path.startswith("/embed/"):
            actor = await self._control.authenticate_session(session, peer(scope))
        return self.state.render(self._urls(scope), actor, shown, path)

    def _urls(self, scope: Scope) -> Urls:
        return self._control.urls(base(scope))

    # --- oEmbed

    def _oembed(self, scope: Scope) -> Reply:
        """oEmbed 1.0 for the addresses of watch pages and embeds; private channels are unknown."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if query.get("format", ["json"])[0] != "json":
            return Reply(501, b"json alone")
        channel = self._oembed_channel(query.get("url", [""])[0])
        if channel is None:
            return Reply(404, b'{"error":"not found"}', "application/json")
        urls = self._urls(scope)
        width, height = _fit(_number(query, "maxwidth"), _number(query, "maxheight"))
        body = _oembed_body(self._control.settings.name, channel, urls, (width, height))
        return Reply(200, msgspec.json.encode(body), "application/json", {"cache-control": "no-cache"})

    def _oembed_channel(self, url: str) -> Channel | None:
        try:
            found = _OEMBED_URL.fullmatch(urlsplit(url).path)
        except ValueError:
            return None
        grant = self._control.play.peek(found[1]) if found else None
        return self._control.directory.channel(grant.channel) if grant else None


def _number(query: dict[str, list[str]], name: str) -> int:
    text = query.get(name, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _fit(width: int, height: int) -> tuple[int, int]:
    """The largest 16:9 picture inside what is asked for."""
    wide = min(WIDTH, width or WIDTH)
    wide = min(wide, (height or HEIGHT) * WIDTH // HEIGHT)
    return wide, wide * HEIGHT // WIDTH


def _oembed_body(site: str, channel: Channel, urls: Urls, size: tuple[int, int]) -> dict[str, object]:
    from html import escape

    width, height = size
    title = channel.title or channel.name
    frame = (
        f'<iframe src="{escape(urls.embed(channel.slug))}" width="{width}" height="{height}" '
        f'title="{escape(title)}" frameborder="0" allow="autoplay; fullscreen; picture-in-picture" '
        "allowfullscreen></iframe>"
    )
    return {
        "version": "1.0",
        "type": "video",
        "title": title,
        "author_name": channel.name,
        "author_url": urls.watch(channel.slug),
        "provider_name": site,
        "provider_url": urls.page("/"),
        "html": frame,
        "width": width,
        "height": height,
        "thumbnail_url": urls.live(f"{channel.slug}/poster.jpg"),
        "thumbnail_width": WIDTH,
        "thumbnail_height": HEIGHT,
        "cache_age": 60,
    }
