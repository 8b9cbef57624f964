"""Operations from outside: reloads, certificates, descriptors, secrets, labels, forged addresses."""

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from tests.harness import certificates
from tests.harness.patience import PATIENCE_S, wait_until
from tests.harness.publisher import FFMPEG, publishing
from tests.harness.server import ADMIN_PASSWORD, MADANG, Server, free_port, running

from madang.containers.flv.tag import VIDEO, TagReader


def hang_up(server: Server) -> None:
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("operations") / "data") as server:
        yield server


def test_health_readiness_version_and_metrics(server: Server) -> None:
    assert httpx.get(f"{server.http}/healthz").json() == {"status": "ok", "wrong": []}
    assert httpx.get(f"{server.http}/readyz").json() == {"ready": True}
    assert httpx.get(f"{server.http}/version").json()["name"] == "madang"
    metrics = server.metrics()
    assert metrics["process_resident_memory_bytes"] > 0
    for protocol in ("rtmp", "whip"):
        assert f'madang_ingest_admitted_total{{protocol="{protocol}"}}' in metrics


def test_a_bad_reload_keeps_the_old_settings(tmp_path: Path) -> None:
    """F26: SIGHUP with a bad file changes nothing but the log and a metric."""
    with running(tmp_path / "data", config='[log]\nlevel = "info"\n') as server:
        file = tmp_path / "data.toml"
        file.write_text('[log]\nlevel = "deafening"\n[http]\nlisten = "nowhere"\n')
        hang_up(server)
        wait_until(lambda: "log.level" in server.said())
        assert httpx.get(f"{server.http}/readyz").status_code == 200
        assert server.metrics()["madang_app_reload_failures_total"] == 1
        file.write_text('public_url = "https://live.example.org"\n')
        hang_up(server)
        server.madang("channel", "create", "moved")
        assert server.channel_json("moved")["slug"] == "moved", "the first question finds it"
        wait_until(lambda: server.channel_json("moved")["urls"]["watch"] == "https://live.example.org/@moved")


def test_what_is_written_is_its_owners_alone(server: Server) -> None:
    for name in ("madang.db", "secret", "lock"):
        assert (server.data / name).stat().st_mode & 0o077 == 0, name


def test_what_the_command_line_makes_works_at_once(server: Server) -> None:
    """Channel and key are made beside the running server, and the next publisher has them."""
    assert server.madang("channel", "create", "terminal") == "terminal"
    key = server.madang("key", "create", "terminal")
    with publishing(f"{server.rtmp}/{key}"):
        server.wait_for("terminal", "live")
    assert server.madang("key", "list", "terminal").split("\t")[3] == "works"
    link = server.madang("user", "link", "admin")
    assert link.startswith(f"http://localhost:{server.http_port}/"), (
        "where this server is, not the settings' port"
    )


def test_a_demo_is_added_to_a_running_server(server: Server) -> None:
    """It finds the doors that the server's own command line moved, and ends cleanly when it is told to."""
    demo = subprocess.Popen([MADANG, "demo", "--data", server.data], stdout=subprocess.PIPE)
    try:
        server.wait_for("demo", "live")
        assert demo.stdout is not None
        assert f"127.0.0.1:{server.rtmp_port}" in demo.stdout.readline().decode()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 0
    server.wait_for("demo", "offline")


def test_a_renewed_certificate_is_served_and_a_bad_one_is_not(tmp_path: Path) -> None:
    """F28: HTTPS and RTMPS from one certificate, reloaded by SIGHUP without a drop."""
    files = certificates.make(tmp_path / "tls", name="old.example")
    https, rtmps = free_port(), free_port()
    config = (
        f'[tls]\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n'
        f'[http]\ntls_listen = "127.0.0.1:{https}"\n[rtmp]\ntls_listen = "127.0.0.1:{rtmps}"\n'
    )
    with running(tmp_path / "data", config=config) as server:
        assert names(https)[0] == names(rtmps)[0] == "old.example"
        kept = httpx.Client(verify=ssl.create_default_context(cafile=str(files.certificate)))
        assert kept.get(f"https://127.0.0.1:{https}/readyz").status_code == 200
        certificates.make(tmp_path / "tls", name="new.example")
        hang_up(server)
        wait_until(lambda: names(https)[0] == "new.example")
        assert names(rtmps)[0] == "new.example"
        assert kept.get(f"https://127.0.0.1:{https}/readyz").status_code == 200, "the old connection goes on"
        files.key.write_text("half a fi")
        hang_up(server)
        wait_until(lambda: "certificate.kept" in server.said())
        assert names(https)[0] == "new.example"
        kept.close()
        certificates.make(tmp_path / "tls", name="last.example", days=5)
        hang_up(server)
        wait_until(lambda: names(https)[0] == "last.example")
        wait_until(lambda: "expires in" in httpx.get(f"{server.http}/healthz").text)


def names(port: int) -> list[str]:
    """The DNS names of the certificate that a port shows."""
    from cryptography import x509

    pem = ssl.get_server_certificate(("127.0.0.1", port))
    found = x509.load_pem_x509_certificate(pem.encode())
    return found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


def test_rtmps_takes_a_publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = certificates.make(tmp_path / "tls")
    rtmps = free_port()
    config = (
        f'[tls]\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n'
        f'[http]\ntls_listen = "127.0.0.1:0"\n[rtmp]\ntls_listen = "127.0.0.1:{rtmps}"\n'
    )
    with running(tmp_path / "data", config=config) as server:
        key = server.channel("safe")
        monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
        with publishing(f"rtmps://127.0.0.1:{rtmps}/live/{key}"):
            server.wait_for("safe", "live")


def test_descriptors_run_out_and_nothing_that_goes_on_stops(tmp_path: Path) -> None:
    """F22: with 256 descriptors, a flood of sockets pauses accepting; the live stream goes on, files open."""
    server = Server(tmp_path / "data")
    server.prefix = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"]
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: server.process and server.stop())
        server.start()
        key = server.channel("kept")
        stack.enter_context(publishing(f"{server.rtmp}/{key}"))
        server.wait_for("kept", "live")
        viewer = stack.enter_context(httpx.stream("GET", f"{server.http}/live/kept.flv", timeout=30))
        chunks = viewer.iter_raw()
        next(chunks)
        flood = [stack.enter_context(socket.socket()) for _ in range(300)]
        for one in flood:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", server.rtmp_port))
        began, seen = time.monotonic(), 0
        while time.monotonic() - began < 4:
            seen += len(next(chunks))
        assert seen > 30_000, "the viewer's stream goes on"
        for one in flood:
            one.close()
        wait_until(lambda: httpx.get(f"{server.http}/readyz", timeout=2).status_code == 200)
        assert server.state("kept") == "live"
        assert "Traceback" not in server.said()


FOLLOW = (
    b"GET /api/v1/events/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def test_a_crowd_that_does_nothing_leaves_the_viewer_and_the_operators_alone(tmp_path: Path) -> None:
    """F21: with 512 descriptors, 500 connections that stay fill the doors to their bound, and not beyond."""
    control = free_port()
    server = Server(tmp_path / "data", config=f'[http]\ncontrol_listen = "127.0.0.1:{control}"\n')
    server.prefix = ["sh", "-c", 'ulimit -n 512; exec "$@"', "sh"]
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: server.process and server.stop())
        server.start()
        stack.enter_context(publishing(f"{server.rtmp}/{server.channel('kept')}"))
        server.wait_for("kept", "live")
        viewer = stack.enter_context(httpx.stream("GET", f"{server.http}/live/kept.flv", timeout=20))
        chunks, parser = viewer.iter_raw(), TagReader()

        def pictures(count: int) -> list[int]:
            found: list[int] = []
            while len(found) < count:
                found += [tag.timestamp_ms for tag in parser.receive(next(chunks)) if tag.type == VIDEO]
            return found

        pictures(60)
        operator = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{control}", timeout=20))
        signed = operator.post(
            "/api/v1/sessions",
            json={"name": "admin", "password": ADMIN_PASSWORD},
            headers={"X-Madang": "1", "Connection": "close"},
        )
        assert signed.status_code == 201, signed.text
        crowd = [stack.enter_context(socket.socket()) for _ in range(500)]
        for one in crowd:
            one.connect(("127.0.0.1", server.http_port))
            with contextlib.suppress(OSError):  # there was no room for it
                one.sendall(FOLLOW)
        server.http, public = f"http://127.0.0.1:{control}", server.http
        wait_until(lambda: server.metrics()["madang_net_refused_total"] > 50)
        assert server.metrics()["madang_connections"] > 300

        def turned_away() -> bool:
            """Whether a newcomer is. Who is let in, because the server has just closed a file, stays."""
            crowd.append(stack.enter_context(socket.create_connection(("127.0.0.1", server.http_port), 20)))
            try:
                crowd[-1].sendall(FOLLOW)
                return not crowd[-1].recv(1)
            except ConnectionError:
                return True

        def degraded() -> bool:
            return bool(httpx.get(f"{server.http}/healthz").json()["status"] == "degraded")

        wait_until(lambda: turned_away() and degraded())
        answers = [operator.get("/api/v1/admin/health", headers={"Connection": "close"}) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}
        assert min(answer.elapsed.total_seconds() for answer in answers) < 0.2
        seen = pictures(90)
        assert max(b - a for a, b in pairwise(seen)) < 50, "not a picture is missing"
        assert server.metrics()['madang_fanout_drops_total{format="flv"}'] == 0
        for one in crowd:
            one.close()
        wait_until(lambda: httpx.get(f"{public}/readyz", timeout=20).status_code == 200)
        wait_until(lambda: httpx.get(f"{public}/healthz", timeout=20).json()["status"] == "ok")


def test_no_secret_reaches_log_metrics_or_process_list(tmp_path: Path) -> None:
    """A28, A63: what is planted at every door is found in no log, no metric and no argument."""
    with running(tmp_path / "data", config='[log]\nlevel = "debug"\n') as server:
        key = server.channel("planted")
        http = httpx.Client(base_url=server.http, headers={"X-Madang": "1"})
        signed = http.post("/api/v1/sessions", json={"name": "admin", "password": ADMIN_PASSWORD})
        assert signed.status_code == 201
        cookie = next(iter(http.cookies.values()))
        scopes = {"name": "t", "scopes": ["channels:read", "play:mint", "metrics:read", "keys:reveal"]}
        token = http.post("/api/v1/tokens", json=scopes).json()["value"]
        bearer = {"Authorization": f"Bearer {token}"}
        play = httpx.post(f"{server.http}/api/v1/channels/planted/play-tokens", json={}, headers=bearer)
        jwt = play.json()["token"]
        wrong_key, wrong_token = "wrongwrongwrongwrongwrong0", "mdg_wrongwrongwrongwrong"
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("planted", "live")
            for url in (
                f"/live/planted/index.m3u8?token={jwt}",
                f"/live/planted.flv?key={key}",
                f"/login/{jwt[:40]}",
            ):
                with httpx.stream("GET", server.http + url, headers=bearer, timeout=30) as answer:
                    next(answer.iter_raw(), b"")
            httpx.get(f"{server.http}/api/v1/me", headers={"Authorization": f"Bearer {wrong_token}"})
            for url in (f"{server.rtmp}/{wrong_key}", f"{server.rtmp}/planted?key={wrong_key}"):
                publish_briefly(url)
            publish_briefly(f"{server.rtmp}/planted?key={key}")
            httpx.post(
                f"{server.http}/api/v1/sessions", json={"name": "admin", "password": "wrong-pass-word"}
            )
            page = httpx.get(f"{server.http}/metrics", headers=bearer).text
            arguments = [line for line in commands().values() if "ffmpeg" not in line.partition("\0")[0]]
        said = server.said()
        http.close()
    secrets = {
        "key": key,
        "password": ADMIN_PASSWORD,
        "cookie": cookie,
        "token": token,
        "play token": jwt.split(".")[2],
        "wrong key": wrong_key,
        "wrong token": wrong_token,
        "wrong password": "wrong-pass-word",
    }
    for name, secret in secrets.items():
        assert secret not in said, f"{name} in the log"
        assert secret not in page, f"{name} in the metrics"
        assert not [line for line in arguments if secret in line], f"{name} in the process list"


def commands(server: Server | None = None) -> dict[int, str]:
    """Arguments of every process, or of those that a server started, by process id."""
    own = server.process.pid if server and server.process else None
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        number = int(path.parent.name)
        with contextlib.suppress(OSError):
            if own is None or parent(number) == own:
                found[number] = path.read_text(errors="replace")
    return found


def parent(number: int) -> int:
    """Who started a process."""
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2].split()[1])


def publish_briefly(url: str) -> str:
    done = subprocess.run(
        [FFMPEG, "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=10",
         "-t", "0.5", "-c:v", "libx264", "-preset", "ultrafast", "-f", "flv", url],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return done.stderr


def test_a_flood_of_names_makes_no_metric_series(server: Server) -> None:
    """A65: names that nobody admitted are in no label."""
    httpx.get(f"{server.http}/metrics")
    before = set(server.metrics())
    with httpx.Client(base_url=server.http) as http:
        for number in range(300):
            http.get(f"/live/flood{number}/index.m3u8")
            http.get(f"/live/flood{number}.flv")
            http.get(f"/api/v1/channels/flood{number}")
            http.get(f"/nowhere/{number}")
    publish_briefly(f"{server.rtmp}/flood?key=flood")
    after = set(server.metrics())
    assert not [name for name in after if "flood" in name]
    assert len(after - before) < 10, after - before


def test_a_forged_address_is_not_believed(server: Server) -> None:
    """A31: without a listed proxy, forwarded headers say nothing."""
    with httpx.Client(base_url=server.http, headers={"X-Madang": "1"}) as http:
        forged = {
            "X-Forwarded-For": "198.51.100.7",
            "Forwarded": "for=198.51.100.7",
            "X-Real-IP": "198.51.100.7",
        }
        answer = http.post(
            "/api/v1/sessions", json={"name": "admin", "password": ADMIN_PASSWORD}, headers=forged
        )
        assert answer.status_code == 201
        peers = {session["peer"] for session in http.get("/api/v1/sessions").json()["items"]}
    assert peers == {"127.0.0.1"}


def test_log_lines_are_json_and_cannot_be_forged(tmp_path: Path) -> None:
    """A64: what peers say stays within one line."""
    import json

    with running(tmp_path / "data") as server:
        evil = 'x\r\n{"event": "forged"}\x1b[2J'
        with socket.create_connection(("127.0.0.1", server.http_port)) as raw:
            raw.sendall(f"GET /{evil} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            raw.settimeout(30)
            with contextlib.suppress(OSError):
                raw.recv(4096)
        publish_briefly(f"{server.rtmp}/a%0a%1b[31mb?key=%0d%0aforged")
        said = server.said()
    lines = [line for line in said.splitlines() if line.startswith("{")]
    assert lines
    assert "forged" not in {json.loads(line).get("event") for line in lines}
    assert not re.search(r"\x1b\[2J", said)


def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = Server(tmp_path / "data")
        server.http_port = port
        with pytest.raises(AssertionError, match="stopped at its start"):
            server.start()
        said = server.said()
    assert str(port) in said and "--http" in said and "Traceback" not in said


def test_doctor_speaks_while_the_server_runs(server: Server) -> None:
    import json

    ports = ["--http", f"127.0.0.1:{server.http_port}", "--rtmp", f"127.0.0.1:{server.rtmp_port}"]
    environment = {"MADANG_HTTP__LISTEN": ports[1], "MADANG_RTMP__LISTEN": ports[3], "PATH": "/usr/bin:/bin"}
    environment |= server.places
    done = subprocess.run(
        [MADANG, "doctor", "--json", "--data", server.data],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    report = json.loads(done.stdout)
    found = {check["name"]: check for check in report["checks"]}
    assert {"port", "disk", "database", "secret", "ffmpeg", "descriptors", "clock"} <= set(found)
    assert all(
        c["verdict"] != "bad" for c in report["checks"] if c["name"] in ("port", "database", "secret")
    ), report


def test_an_unsafe_setting_with_one_key_does_not_start(tmp_path: Path) -> None:
    """A32, A68: what opens the server to everybody needs a second key."""
    server = Server(tmp_path / "data", environment={"MADANG_METRICS__PUBLIC": "true"})
    with pytest.raises(AssertionError, match="stopped at its start"):
        server.start()
    assert server.process is not None and server.process.returncode == 2
    assert 'add "metrics.public" to unsafe.allow' in server.said()


def test_an_unsafe_setting_with_two_keys_is_told_at_the_start(tmp_path: Path) -> None:
    """A68: banner, log and health say so."""
    config = '[metrics]\npublic = true\n[unsafe]\nallow = ["metrics.public"]\n'
    with running(tmp_path / "data", config=config) as server:
        sentence = "metrics.public shows the server's metrics to everybody."
        wait_until(lambda: server.said().count(sentence) >= 2)
        assert httpx.get(f"{server.http}/healthz").json() == {"status": "degraded", "wrong": [sentence]}
        assert (
            httpx.get(f"{server.http}/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 200
        )


@pytest.mark.needs("root")
def test_without_dns_nothing_that_comes_in_is_affected(tmp_path: Path) -> None:
    """F27: the start, a publisher, a viewer and a page need no name to be resolved."""
    nowhere = tmp_path / "resolv.conf"
    nowhere.write_text("nameserver 192.0.2.53\noptions timeout:30\n")
    server = Server(tmp_path / "data")
    server.prefix = [
        "unshare",
        "-m",
        "sh",
        "-c",
        'mount --bind "$0" /etc/resolv.conf && exec "$@"',
        str(nowhere),
    ]
    try:
        server.start()
        key = server.channel("here")
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("here", "live")
            with httpx.stream("GET", f"{server.http}/live/here.flv", timeout=30) as viewer:
                assert next(viewer.iter_raw()).startswith(b"FLV")
            assert httpx.get(server.http, timeout=30).status_code == 200
    finally:
        server.stop()


def test_the_demo_shows_its_key_to_nobody_and_survives_its_encoder(tmp_path: Path) -> None:
    """A60, A63, F11: no command line names a stream, nothing of our environment goes along; when ffmpeg dies,
    the same broadcast goes on."""
    with running(tmp_path / "data", "--demo") as server:
        server.wait_for("demo", "live")
        before = server.channel_json("demo")["live"]["broadcast_id"]
        own = {number: line for number, line in commands(server).items() if "madang-demo-" in line}
        assert own
        assert not [line for line in own.values() if "rtmp://" in line]
        for number in own:
            assert b"MADANG_" not in Path(f"/proc/{number}/environ").read_bytes()
            os.kill(number, signal.SIGKILL)
        wait_until(lambda: "demo_stopped" in server.said())
        server.wait_for("demo", "live")
        assert server.channel_json("demo")["live"]["broadcast_id"] == before
    left = commands().values()
    assert not [line for line in left if line in own.values()], "ffmpeg ends with the server"
