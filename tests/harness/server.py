"""The real server as a subprocess, with a data directory of its own."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from tests.harness.patience import PATIENCE_S, wait_until

MADANG = Path(sys.executable).parent / "madang"
START_S = 60.0
NO_WEBRTC = {"MADANG_WEBRTC__LISTEN": "", "MADANG_WEBRTC__TCP_LISTEN": ""}
"""Variables of a server whose WebRTC ports must not be in another one's way."""
STOP_S = 60.0
ADMIN_PASSWORD = "correct horse battery staple"


WORKERS = 16
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
PORTS = range(10_000 + WORKER, 32_000, WORKERS)
"""Below the ports that the kernel gives to outgoing connections, and of this process of the tests alone:
nobody takes one while the server that had it starts again."""
_given: set[int] = set()


def free_port() -> int:
    """A port of this machine that nothing uses, and that was not given out before."""
    for port in random.sample(PORTS, 200):
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
    raise AssertionError("no free port in two hundred")


def wait_ready(process: "subprocess.Popen[bytes]", base: str) -> None:
    """Until `/readyz` says so; AssertionError when the server stops before, or takes too long."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server stopped at its start"
        try:
            if httpx.get(f"{base}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the server was not ready in {START_S:.0f} s")


class Server:
    """`madang serve` on free loopback ports; `http` and `rtmp` are its URLs."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        config: str = "",
        environment: dict[str, str] | None = None,
        password: bool = True,
    ):
        self.data = data
        self.http_port, self.rtmp_port = free_port(), free_port()
        self.webrtc_port = free_port()
        webrtc = f"127.0.0.1:{self.webrtc_port}"
        self.places = {"MADANG_WEBRTC__LISTEN": webrtc, "MADANG_WEBRTC__TCP_LISTEN": webrtc}
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.rtmp = f"rtmp://127.0.0.1:{self.rtmp_port}/live"
        self.arguments = list(arguments)
        self.environment = environment or {}
        self.prefix: list[str] = []
        """What runs the server, such as a shell that sets limits first."""
        self.process: subprocess.Popen[bytes] | None = None
        self._cookie = ""
        self.log = data.parent / f"{data.name}.log"
        data.mkdir(parents=True, exist_ok=True)
        if password:
            word = data.parent / f"{data.name}.password"
            word.write_text(ADMIN_PASSWORD)
            self.arguments += ["--admin-password-file", str(word)]
        if config:
            file = data.parent / f"{data.name}.toml"
            file.write_text(config)
            self.arguments += ["--config", str(file)]

    def start(self) -> "Server":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *self.prefix, MADANG, "serve", "--data", self.data,
                    "--http", f"127.0.0.1:{self.http_port}", "--rtmp", f"127.0.0.1:{self.rtmp_port}",
                    *self.arguments,
                ],
                stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self.places, **self.environment},
            )  # fmt: skip
        try:
            wait_ready(self.process, self.http)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.said()}") from None
        return self

    def said(self) -> str:
        """Everything the server logged so far."""
        return self.log.read_text(errors="replace")

    def stop(self, kind: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit code; what does not stop in time is killed and fails the test."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(kind)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"the server did not stop:\n{self.said()}") from None

    def madang(self, *arguments: str) -> str:
        """Run a command of the same program on the same data; its standard output."""
        done = subprocess.run(
            [MADANG, *arguments, "--data", self.data], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def state(self, channel: str) -> str:
        """`live`, `reconnecting` or `offline`, as anyone is told."""
        return str(self.channel_json(channel)["live"]["state"])

    def channel_json(self, channel: str) -> dict[str, Any]:
        """The channel as anyone is told; an answer that is a problem fails with its words."""
        answer = httpx.get(f"{self.http}/api/v1/channels/{channel}", timeout=30)
        assert answer.status_code == 200, f"{channel}: {answer.status_code} {answer.text}"
        return dict(answer.json())

    def metrics(self) -> dict[str, float]:
        """Every series of `/metrics` and its value."""
        lines = httpx.get(f"{self.http}/metrics", timeout=30).text.splitlines()
        return {name: float(value) for name, value in (x.rsplit(" ", 1) for x in lines if x[:1] != "#")}

    def wait_for(self, channel: str, state: str, within_s: float = PATIENCE_S) -> float:
        """Seconds until the channel is in `state`."""

        def reached() -> bool:
            found = self.state(channel)
            assert found == state, f"{channel} is {found}, not {state}"
            return True

        try:
            return wait_until(reached, within_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said()}") from None

    def channel(self, name: str, **changes: object) -> str:
        """A new channel of the admin's and a key for it, by HTTP: a process for each costs seconds."""
        with httpx.Client(base_url=f"{self.http}/api/v1", headers={"X-Madang": "1"}, timeout=30) as http:
            if not self._cookie:
                signed = http.post("/sessions", json={"name": "admin", "password": ADMIN_PASSWORD})
                assert signed.status_code == 201, signed.text
                self._cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies.jar)
            http.cookies.clear()
            # By hand: behind a proxy's public URL it is Secure, and this is the plain door.
            http.headers["Cookie"] = self._cookie
            made = http.post("/channels", json={"slug": name})
            assert made.status_code == 201, made.text
            if changes:
                changed = http.patch(f"/channels/{name}", json=changes)
                assert changed.status_code == 200, changed.text
            key = http.post(f"/channels/{name}/keys", json={"name": "test"})
            assert key.status_code == 201, key.text
            return str(key.json()["value"])


@contextlib.contextmanager
def running(
    data: Path,
    *arguments: str,
    config: str = "",
    environment: dict[str, str] | None = None,
    password: bool = True,
) -> Iterator[Server]:
    """A server that is stopped at the end; without `password` nobody is its admin yet."""
    server = Server(data, *arguments, config=config, environment=environment, password=password)
    try:
        yield server.start()
    finally:
        if server.process is not None:
            server.stop()
