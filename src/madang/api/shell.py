"""The page that starts the application, with what chat programs and search engines read in its head."""

from html import escape

from madang.control.records import Channel
from madang.control.urls import Urls

WIDTH, HEIGHT = 1280, 720
_MARK = "<!--head-->"
_UNBUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><!--head--><title>Madang</title></head>
<body><p>The pages are not built yet. Run <code>make setup</code>.</p></body></html>"""


def render(shell: str, tags: str) -> bytes:
    """The shell with `tags` in its head."""
    page = shell or _UNBUILT
    place = _MARK if _MARK in page else "</head>"
    return page.replace(place, tags + ("" if place == _MARK else place), 1).encode()


def site_tags(name: str, urls: Urls) -> str:
    """For the home page."""
    return _meta({"og:type": "website", "og:site_name": name, "og:title": name, "og:url": urls.page("/")})


def channel_tags(site: str, channel: Channel, urls: Urls) -> str:
    """For a channel that whoever has its address may watch: OpenGraph, Twitter's player card, oEmbed."""
    watch, embed = urls.watch(channel.slug), urls.embed(channel.slug)
    title = channel.title or channel.name
    tags = {
        "og:type": "video.other",
        "og:site_name": site,
        "og:title": title,
        "og:description": channel.description[:300] or channel.name,
        "og:url": watch,
        "og:image": urls.live(f"{channel.slug}/poster.jpg"),
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
        "og:video": embed,
        "og:video:type": "text/html",
        "og:video:width": str(WIDTH),
        "og:video:height": str(HEIGHT),
        "twitter:card": "player",
        "twitter:title": title,
        "twitter:player": embed,
        "twitter:player:width": str(WIDTH),
        "twitter:player:height": str(HEIGHT),
    }
    oembed = urls.page(f"/oembed?url={watch}")
    links = (
        f'<link rel="canonical" href="{escape(watch)}">'
        f'<link rel="alternate" type="application/json+oembed" href="{escape(oembed)}" '
        f'title="{escape(title)}">'
    )
    robots = '<meta name="robots" content="noindex">' if channel.visibility != "public" else ""
    return _meta(tags) + links + robots


def _meta(tags: dict[str, str]) -> str:
    def one(name: str, content: str) -> str:
        attribute = "name" if name.startswith("twitter:") else "property"
        return f'<meta {attribute}="{name}" content="{escape(content)}">'

    return "".join(one(name, content) for name, content in tags.items())
