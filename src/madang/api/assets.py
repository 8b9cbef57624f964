"""The built pages and their files: a table made at the start; no path of a URL opens a file (A1)."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

from madang.api.asgi import Reply, Scope, header

WEB = Path(__file__).parent / "web"
OWN = Path(__file__).parent / "docs"
_IMMUTABLE = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
_PRESSED = frozenset({".js", ".css", ".html", ".json", ".svg", ".webmanifest", ".txt"})
_PRESS_MIN_BYTES = 1024


@dataclass(slots=True)
class Asset:
    """One file, read when it is first asked for."""

    path: Path
    cache: str
    body: bytes = b""
    pressed: bytes = b""
    etag: str = ""
    kind: str = field(default="application/octet-stream")

    def read(self) -> None:
        """Read the file and its compressed twin, or press it."""
        self.body = self.path.read_bytes()
        suffix = self.path.suffix
        self.kind = _TYPES.get(suffix) or mimetypes.guess_type(self.path.name)[0] or self.kind
        twin = self.path.with_name(self.path.name + ".gz")
        if twin.is_file():
            self.pressed = twin.read_bytes()
        elif suffix in _PRESSED and len(self.body) >= _PRESS_MIN_BYTES:
            self.pressed = gzip.compress(self.body, 9, mtime=0)
        # Last of all, since a file with an etag is one that was read.
        self.etag = f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'

    def reply(self, scope: Scope) -> Reply:
        """The file, compressed where the client takes it, or 304."""
        if not self.etag:
            self.read()
        headers = {"cache-control": self.cache, "etag": self.etag, "vary": "Accept-Encoding"}
        if self.etag in header(scope, b"if-none-match"):
            return Reply(304, b"", "", headers)
        if self.pressed and "gzip" in header(scope, b"accept-encoding"):
            return Reply(200, self.pressed, self.kind, {**headers, "content-encoding": "gzip"})
        return Reply(200, self.body, self.kind, headers)


class Assets:
    """Files by their path in the URL: `/assets/…` of the build, and our own scripts for `/docs`."""

    def __init__(self, web: Path = WEB, own: Path = OWN) -> None:
        self._files: dict[str, Asset] = {}
        self._shell = ""
        for path in sorted(web.rglob("*")) if web.is_dir() else ():
            if not path.is_file() or path.suffix == ".gz":
                continue
            name = path.relative_to(web).as_posix()
            if name == "index.html":
                self._shell = path.read_text(encoding="utf-8")
            else:
                hashed = name.startswith("assets/")
                self._files[f"/{name}"] = Asset(path, _IMMUTABLE if hashed else "no-cache")
        for path in sorted(own.glob("*.*")):
            self._files[f"/docs/{path.name}"] = Asset(path, "no-cache")

    def find(self, path: str) -> Asset | None:
        """The file of a URL's path, compared whole."""
        return self._files.get(path)

    def press(self) -> None:
        """Read and compress ahead what the first viewers will ask for; for a thread, not for the loop."""
        for asset in self._files.values():
            if not asset.etag and asset.path.suffix in _PRESSED:
                asset.read()

    def shell(self) -> str:
        """The page of the build as text; empty when the pages were not built."""
        return self._shell
