"""Logs are one line per event, carry no secret, and cannot be forged by a peer."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from madang.app import logs
from madang.app.sections import Log
from madang.base.limits import LOG_LINES_PER_S
from madang.base.secret import Secret


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was found."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.getLogger("madang").setLevel(logging.NOTSET)
    structlog.reset_defaults()


def written(level: str = "info", form: str = "json") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(Log.model_validate({"level": level, "format": form}), stream)
    return stream


def test_a_line_is_one_json_object() -> None:
    out = written()
    structlog.get_logger().info("publish.began", channel="demo", viewers=3, live=True, rate=1.5, none=None)
    line = json.loads(out.getvalue())
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "event": "publish.began",
        "channel": "demo",
        "viewers": 3,
        "live": True,
        "rate": 1.5,
        "none": None,
    }


def test_the_level_filters_and_can_be_changed() -> None:
    log = structlog.get_logger()
    out = written("warning")
    log.info("quiet")
    log.warning("loud")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["loud"]
    out = written("debug")
    log.debug("quiet")
    assert "quiet" in out.getvalue()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("rtmp://h/live/sk_abcdefghijklmnopqrstuvwx", "rtmp://h/live/***"),
        ("rtmp://h/live/demo", "rtmp://h/live/demo"),
        ("rtmp://h/live/demo?key=abcdef", "rtmp://h/live/demo?key=***"),
        ("/live/demo/index.m3u8?token=a.b.c&s=12", "/live/demo/index.m3u8?token=***&s=12"),
        ("postgresql://user:pa55@db/madang", "postgresql://***@db/madang"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer ***"),
        ("cookie: session=abc; theme=dark", "cookie: ***"),
        ("http://h/login/abcdefghijklmnop", "http://h/login/***"),
        ("http://h/invite/abcdefghijklmnop?x=1", "http://h/invite/***?x=1"),
        ("jwt eyJhbGciOi.eyJzdWIiOi.sig_nature end", "jwt *** end"),
        ("password=hunter2&name=yuna", "password=***&name=yuna"),
        ("seen mdg_0123456789abcdef here", "seen mdg_*** here"),
        ("monkey=1", "monkey=1"),
        ("keyframe_interval=8", "keyframe_interval=8"),
    ],
)
def test_credentials_in_text_are_hidden(text: str, safe: str) -> None:
    assert logs.redact(text) == safe


@pytest.mark.parametrize("name", ["password", "token", "Authorization", "set-cookie", "stream_key", "secret"])
def test_values_with_the_name_of_a_credential_are_hidden(name: str) -> None:
    assert logs.clean(name, "hunter2") == "***"
    assert logs.clean("headers", {name: "hunter2"}) == {name: "***"}
    assert logs.clean("headers", [{name: b"hunter2"}]) == [{name: "***"}]


def test_a_secret_never_reaches_a_line() -> None:
    out = written()
    structlog.get_logger().info("x", given=Secret("hunter2"), nested={"a": [Secret("hunter2")]})
    assert "hunter2" not in out.getvalue()
    assert json.loads(out.getvalue())["given"] == "***"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "evil",
    [
        'a\n{"event":"admin.login"}',
        "a\r\nb",
        "\x1b[2Jgone",
        "\x9b31m",
        "name\u202egnp.exe",
        "\u2066a\u2069",
        "a\u2028b",
        "\u200b\ufeff",
        "\x00",
        "\ud800",
        "\x7f\x08\x08",
    ],
)
def test_a_peer_cannot_forge_a_line(form: str, evil: str) -> None:
    out = written(form=form)
    structlog.get_logger().info("peer.said", text=evil, raw=evil.encode("utf-8", "surrogatepass"))
    text = out.getvalue()
    assert text.count("\n") == 1
    assert not logs._UNSAFE.search(text.rstrip("\n"))
    text.encode("utf-8")


def test_korean_stays_readable() -> None:
    out = written()
    structlog.get_logger().info("chat", title="마당 첫 방송")
    assert "마당 첫 방송" in out.getvalue()


def test_a_long_value_is_cut() -> None:
    assert len(str(logs.clean("agent", "x" * 100_000))) == logs.VALUE_CHARS + 1


def test_an_exception_keeps_its_lines_and_loses_its_secrets() -> None:
    out = written()
    try:
        raise RuntimeError("cannot open rtmp://h/live/x?key=hunter2 \x1b[1m")
    except RuntimeError:
        structlog.get_logger().exception("broken")
    line = json.loads(out.getvalue())
    assert "Traceback" in line["exception"] and "key=***" in line["exception"]
    assert "hunter2" not in line["exception"] and "\x1b" not in line["exception"]


def test_lines_of_libraries_join_ours() -> None:
    out = written()
    logging.getLogger("sqlalchemy.pool").warning("lost %s", "postgresql://u:p@h/d")
    logging.getLogger("uvicorn").info("noise")
    line = json.loads(out.getvalue())
    assert (line["event"], line["logger"], line["message"]) == (
        "library",
        "sqlalchemy.pool",
        "lost postgresql://***@h/d",
    )


def test_lines_of_rooms_keep_their_name_and_what_they_tell() -> None:
    out = written()
    try:
        raise ValueError("key=hunter2")
    except ValueError as error:
        logging.getLogger("madang.api").error("api_bug", extra={"route": "/x\n"}, exc_info=error)
    logging.getLogger("madang.net").info("opened %s", 7)
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["event"], first["route"]) == ("api_bug", "/x\\n")
    assert "key=***" in first["exception"]
    assert second["event"] == "opened 7"


def test_a_flood_of_one_kind_is_counted_and_others_go_on() -> None:
    now = 100.0
    flood = logs.Flood(lambda: now)
    kept = 0
    for _ in range(1000):
        with contextlib.suppress(structlog.DropEvent):
            flood(None, "info", {"event": "rtmp_broken"})
            kept += 1
    assert kept == LOG_LINES_PER_S
    assert flood(None, "info", {"event": "publish_began"}) == {"event": "publish_began"}
    now += 1
    assert flood(None, "info", {"event": "rtmp_broken"})["left_out"] == 1000 - LOG_LINES_PER_S
    assert "left_out" not in flood(None, "info", {"event": "rtmp_broken"})


def test_a_reader_that_left_does_not_break_the_caller() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    logs.configure(Log(), Gone())
    structlog.get_logger().info("x")
