"""The real nginx with the configuration that we ship, before a real server."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness import certificates
from tests.harness.server import Server, free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx" / "madang.conf"
START_S = 10.0


class Nginx:
    """nginx on free loopback ports, with its own certificate."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.files = certificates.make(folder)
        self.cache = folder / "cache"
        self.log = folder / "error.log"
        (folder / "madang.conf").write_text(self._shipped(server))
        (folder / "nginx.conf").write_text(self._wrapper())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def trust(self) -> ssl.SSLContext:
        """A client's context that knows our certificate."""
        return ssl.create_default_context(cafile=str(self.files.certificate))

    def _shipped(self, server: Server) -> str:
        """The shipped file with the lines changed that an operator changes; each must be there."""
        text = SHIPPED.read_text()
        changes = {
            "server 127.0.0.1:8080;": f"server 127.0.0.1:{server.http_port};",
            "/var/cache/nginx/madang": str(self.cache),
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "listen [::]:443 ssl http2;": "",
            "/etc/letsencrypt/live/live.example.org/fullchain.pem": str(self.files.certificate),
            "/etc/letsencrypt/live/live.example.org/privkey.pem": str(self.files.key),
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen [::]:80;": "",
        }
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

    def _wrapper(self) -> str:
        """What Debian's nginx.conf has around conf.d, without privileges."""
        folder = self.folder
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.geteuid() == 0 else ""
        return (
            f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {self.log} warn;\n"
            f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}include {folder}/madang.conf;\n}}\n"
        )

    def examine(self, file: Path) -> "subprocess.CompletedProcess[str]":
        """What nginx says of a configuration file."""
        return subprocess.run([*self._command(file), "-t"], capture_output=True, text=True, timeout=60)

    def _command(self, file: Path) -> list[str]:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        assert program is not None
        return [program, "-p", str(self.folder), "-c", str(file)]

    def start(self) -> "Nginx":
        command = self._command(self.folder / "nginx.conf")
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._process.stderr and self._process.stderr.read().decode()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError("nginx did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            assert self._process.stderr is not None
            self._process.stderr.close()


@contextmanager
def proxied(folder: Path, server: Server) -> Iterator[Nginx]:
    """nginx before `server`, stopped at the end."""
    nginx = Nginx(folder, server)
    try:
        yield nginx.start()
    finally:
        nginx.stop()
