"""SIGTERM: nobody is stuck, nothing is ended; behind it the publisher continues the same broadcast."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
from tests.harness.patience import wait_until
from tests.harness.publisher import publishing
from tests.harness.server import MADANG, Server, running

DRAIN_S = 10.0


def media_playlist(server: Server, name: str) -> str:
    """The media playlist that the multivariant one leads to."""
    index = f"{server.http}/live/{name}/index.m3u8"
    answer = httpx.get(index, timeout=30)
    assert answer.status_code == 200, answer.text
    media = next(line for line in answer.text.splitlines() if line and not line.startswith("#"))
    answer = httpx.get(httpx.URL(index).join(media), timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text


def sequence(playlist: str) -> int:
    found = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", playlist)
    assert found is not None, playlist
    return int(found[1])


def newest(playlist: str) -> int:
    """The number of the last whole segment."""
    return sequence(playlist) + playlist.count("#EXTINF") - 1


def test_publisher_continues_the_same_broadcast_after_a_restart(tmp_path: Path) -> None:
    """F25."""
    server = Server(tmp_path / "data").start()
    key = server.channel("stays", reconnect_window_s=120)
    try:
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("stays", "live")
            wait_until(lambda: media_playlist(server, "stays").count("#EXTINF") > 1)
            broadcast = server.channel_json("stays")["live"]["broadcast_id"]
            before = media_playlist(server, "stays")
            assert server.stop() == 0
        assert "#EXT-X-ENDLIST" not in before
        server.start()
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("stays", "live")
            assert server.channel_json("stays")["live"]["broadcast_id"] == broadcast
            wait_until(lambda: newest(media_playlist(server, "stays")) > newest(before))
            after = media_playlist(server, "stays")
        assert "#EXT-X-DISCONTINUITY" in after
    finally:
        server.stop()


def test_stuck_peers_do_not_hold_the_drain(tmp_path: Path) -> None:
    """Of a machine that stands still for seconds no server can drain in ten: once of three times will do."""
    assert any(drained_among_stuck_peers(tmp_path / name) for name in ("first", "second", "third"))


def drained_among_stuck_peers(folder: Path) -> bool:
    """In time, with a slow POST, a held playlist, a deaf viewer, half a handshake and a websocket."""
    server = Server(folder / "data").start()
    key = server.channel("held")
    sockets: list[socket.socket] = []

    def connect(port: int, hello: bytes) -> None:
        made = socket.create_connection(("127.0.0.1", port))
        made.sendall(hello)
        sockets.append(made)

    with publishing(f"{server.rtmp}/{key}"):
        server.wait_for("held", "live")
        wait_until(lambda: "#EXTINF" in media_playlist(server, "held"))
        head = b" HTTP/1.1\r\nHost: localhost\r\n"
        post = (
            b"POST /api/v1/sessions"
            + head
            + b"Content-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
        )
        connect(server.http_port, post)
        playlist = media_playlist(server, "held")
        far = sequence(playlist) + playlist.count("#EXTINF") + 1
        index = httpx.get(f"{server.http}/live/held/index.m3u8").text.strip().splitlines()[-1]
        connect(server.http_port, f"GET /live/held/{index}&_HLS_msn={far}".encode() + head + b"\r\n")
        connect(server.http_port, b"GET /live/held.flv" + head + b"\r\n")
        connect(server.rtmp_port, b"\x03" + bytes(100))
        upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        secret = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        connect(server.http_port, b"GET /api/v1/events/ws" + head + upgrade + secret)
        time.sleep(1)
        began = time.monotonic()
        code, took_s = server.stop(), time.monotonic() - began
    for each in sockets:
        each.close()
    print(f"left with {code} after {took_s:.1f} s")
    return code == 0 and took_s < DRAIN_S


def test_second_signal_forces(tmp_path: Path) -> None:
    """F25: twice forces."""
    assert any(forced(tmp_path / name) for name in ("first", "second", "third"))


def forced(folder: Path) -> bool:
    """Before the ten seconds of a drain are over."""
    with running(folder / "data") as server:
        key = server.channel("forced")
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("forced", "live")
            assert server.process is not None
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(60)
            return time.monotonic() - began < 8


def test_signal_during_the_start_ends_it_and_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """F26: wherever the start is, while it makes its files too."""
    server = Server(tmp_path / "data")
    for delay_s in (0.2, 0.8):
        places = ["--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0"]
        process = subprocess.Popen(
            [MADANG, "serve", "--data", server.data, *places], env={**os.environ, **server.places}
        )
        time.sleep(delay_s)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    try:
        server.start()
        assert server.stop(signal.SIGINT) == 0
    finally:
        server.stop()
