"""The start banner: everything needed for a first stream, in lines that can be copied."""

import io
import socket

import pytest

from madang.app import banner
from madang.app.banner import Start

START = Start(
    version="0.1.0",
    watch="http://localhost:8080/",
    network="http://192.168.0.7:8080/",
    login="http://localhost:8080/login/" + "a" * 120,
    rtmp="rtmp://localhost/live",
    key="k" * 40,
    channel="yuna",
    demo=True,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(start: Start, out: io.StringIO | None = None, width: int = 100) -> str:
    out = out or io.StringIO()
    banner.show(start, out, width)
    return out.getvalue()


def test_every_line_is_whole_in_a_narrow_terminal() -> None:
    text = printed(START, width=40)
    for value in (START.watch, START.network, START.login, START.rtmp, START.key, "the channel yuna"):
        assert value in text
    assert "Try it" not in text and "Unsafe" not in text


def test_it_is_coloured_on_a_terminal_and_plain_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in printed(START, Terminal())
    assert "\x1b[" not in printed(START)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in printed(START, Terminal())


def test_what_is_not_there_has_no_line() -> None:
    text = printed(Start(version="1", watch="http://localhost/"))
    assert "Sign in" not in text and "Stream key" not in text and "network" not in text
    assert "madang demo" in text


def test_unsafe_settings_are_told() -> None:
    assert "metrics.public shows" in printed(Start("1", "http://h/", unsafe=("metrics.public shows …",)))


def test_a_wide_terminal_gets_a_qr_code() -> None:
    assert "▀" in printed(START, Terminal())
    assert "▀" not in printed(START, Terminal(), width=40)
    assert "▀" not in printed(START)


@pytest.mark.parametrize(
    ("host", "port", "public", "watch"),
    [
        ("0.0.0.0", 8080, "", "http://localhost:8080/"),
        ("::", 80, "", "http://localhost/"),
        ("127.0.0.1", 9000, "", "http://localhost:9000/"),
        ("::1", 9000, "", "http://localhost:9000/"),
        ("10.0.0.5", 8080, "", "http://10.0.0.5:8080/"),
        ("fd00::5", 8080, "", "http://[fd00::5]:8080/"),
        ("0.0.0.0", 8080, "https://live.example.org", "https://live.example.org/"),
    ],
)
def test_the_watch_url(host: str, port: int, public: str, watch: str) -> None:
    assert banner.addresses(host, port, public)[0] == watch


def test_only_open_doors_are_told_to_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner, "lan_address", lambda: "192.168.0.7")
    assert banner.addresses("0.0.0.0", 8080)[1] == "http://192.168.0.7:8080/"
    assert banner.addresses("127.0.0.1", 8080)[1] == ""
    monkeypatch.setattr(banner, "lan_address", lambda: "")
    assert banner.addresses("0.0.0.0", 8080)[1] == ""


def test_the_lan_address_is_an_address() -> None:
    address = banner.lan_address()
    assert address == "" or socket.inet_aton(address)


@pytest.mark.parametrize(
    ("public", "http", "port", "url"),
    [
        ("", "http://localhost:8080/", 1935, "rtmp://localhost/live"),
        ("", "http://[::1]:8080/", 1945, "rtmp://[::1]:1945/live"),
        ("rtmp://live.example.org", "", 1935, "rtmp://live.example.org/live"),
        ("rtmps://live.example.org:443/app", "", 1935, "rtmps://live.example.org:443/app"),
    ],
)
def test_the_obs_server(public: str, http: str, port: int, url: str) -> None:
    assert banner.rtmp_url(public, http, port) == url


def test_a_busy_port_is_one_sentence() -> None:
    assert banner.busy(8080, "--http", "nginx (process 7)") == (
        "Port 8080 is taken by nginx (process 7): stop it, or start with `--http HOST:8081`, "
        'or set `listen = "HOST:8081"` under [http] in the settings file.'
    )
    assert "by another program" in banner.busy(65535, "--rtmp")
    assert banner.busy(8189, "tcp_listen under [webrtc]") == (
        "Port 8189 is taken by another program: stop it, "
        'or set `tcp_listen = "HOST:8190"` under [webrtc] in the settings file.'
    )
