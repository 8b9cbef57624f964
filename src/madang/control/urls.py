"""Every address that is shown: from `public_url` and `rtmp_public_url`, else from the host that was asked."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_HOST = re.compile(r"\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Urls:
    """`base` like `https://live.example`, `rtmp` like `rtmp://live.example/live`; no slash behind."""

    base: str
    rtmp: str
    rtmps: str | None = None

    def page(self, path: str) -> str:
        return self.base + path

    def watch(self, slug: str) -> str:
        return f"{self.base}/@{slug}"

    def embed(self, slug: str) -> str:
        return f"{self.base}/embed/{slug}"

    def live(self, tail: str, token: str = "") -> str:
        """A media address under `/live/`, with a play token where there is one."""
        return f"{self.base}/live/{tail}{'?token=' + quote(token) if token else ''}"

    def login_link(self, token: str) -> str:
        return f"{self.base}/invite/{token}"

    def invitation(self, token: str) -> str:
        return f"{self.base}/invite/{token}"

    def avatar(self, account: str, version: str) -> str:
        return f"/api/v1/avatars/{account}/{version}.webp"


def host_of(base: str) -> str:
    """The host of `http://host:port`, brackets kept; `localhost` where it is not one (A30: forged Host)."""
    try:
        netloc = urlsplit(base).netloc
    except ValueError:
        return "localhost"
    found = _HOST.match(netloc)
    return found.group() if found else "localhost"


def base_of(scheme: str, netloc: str) -> str:
    """`scheme://netloc` where `netloc` is a host with or without a port, else localhost."""
    found = _HOST.match(netloc)
    tail = netloc[found.end() :] if found else ""
    sound = found is not None and (not tail or (tail[0] == ":" and tail[1:].isdigit() and len(tail) <= 6))
    return f"{'https' if scheme in ('https', 'wss') else 'http'}://{netloc if sound else 'localhost'}"
