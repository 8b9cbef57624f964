"""live, reconnecting, ended: a publisher leaves, vanishes, returns, is doubled."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.harness.patience import wait_until
from tests.harness.publisher import FFMPEG, Publisher, command, publishing
from tests.harness.server import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = "[publish]\nreconnect_window_s = 8\n"
    with running(tmp_path_factory.mktemp("states") / "data", config=config) as server:
        yield server


def publish_once(url: str, seconds: float = 1.0) -> "subprocess.CompletedProcess[str]":
    """A short publication by ffmpeg's own clock; its standard error says why it was refused."""
    return subprocess.run(
        [FFMPEG, "-hide_banner", "-loglevel", "verbose",
         "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30", "-t", str(seconds),
         "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-f", "flv", url],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def test_goodbye_ends_at_once(server: Server) -> None:
    key = server.channel("goodbye", reconnect_window_s=300)
    with publishing(f"{server.rtmp}/{key}") as publisher:
        server.wait_for("goodbye", "live")
        publisher.stop()
        server.wait_for("goodbye", "offline")  # and not once the window has closed


def test_vanished_publisher_is_reconnecting_then_ended(server: Server) -> None:
    """F8: beyond the window the stream ends, once."""
    key = server.channel("vanished")
    with publishing(f"{server.rtmp}/{key}") as publisher:
        server.wait_for("vanished", "live")
        publisher.kill()
        server.wait_for("vanished", "reconnecting")
        server.wait_for("vanished", "offline")


def test_return_within_the_window_is_the_same_broadcast(server: Server) -> None:
    """F7."""
    key = server.channel("returned", reconnect_window_s=60)
    with publishing(f"{server.rtmp}/{key}") as publisher:
        server.wait_for("returned", "live")
        before = server.channel_json("returned")["live"]["broadcast_id"]
        publisher.kill()
        server.wait_for("returned", "reconnecting")
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("returned", "live")
            assert server.channel_json("returned")["live"]["broadcast_id"] == before


def test_wrong_key_is_refused_in_words(server: Server) -> None:
    said = publish_once(f"{server.rtmp}/0000000000000000000000000000")
    assert said.returncode != 0
    assert "stream key" in said.stderr.lower(), said.stderr


def test_second_living_publisher_is_refused(server: Server) -> None:
    """F10."""
    key = server.channel("doubled")
    with publishing(f"{server.rtmp}/{key}"):
        server.wait_for("doubled", "live")
        said = publish_once(f"{server.rtmp}/{key}")
        assert said.returncode != 0 and server.state("doubled") == "live"


def test_silent_holder_is_taken_over(server: Server, tmp_path: Path) -> None:
    """A half-open publisher (F9): its socket stays, nothing comes."""
    key = server.channel("silent")
    holder = Publisher(command(f"{server.rtmp}/{key}"))
    try:
        server.wait_for("silent", "live")
        before = server.channel_json("silent")["live"]["broadcast_id"]
        subprocess.run(["kill", "-STOP", str(holder.process.pid)], check=True)
        with publishing(f"{server.rtmp}/{key}"):
            wait_until(lambda: server.metrics()["madang_hub_takeovers_total"] == 1)
            server.wait_for("silent", "live")  # again, with the first picture of who took over
            assert server.channel_json("silent")["live"]["broadcast_id"] == before
    finally:
        subprocess.run(["kill", "-CONT", str(holder.process.pid)], check=False)
        holder.kill()
