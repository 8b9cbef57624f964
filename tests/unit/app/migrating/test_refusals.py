"""What of a Centrifugo configuration is refused, and what is passed over."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.app.migrating.files import ignored, migrate, problems, write

from madang.app.migrating import centrifugo
from madang.app.migrating.values import duration, flag, listed
from madang.app.settings import SettingsError, load


def test_what_is_ignored_is_named_once_for_each_reason(tmp_path: Path) -> None:
    tree = {
        "client": {"insecure": True, "user_id_http_header": "X-User", "concurrency": 8, "new_thing": 1},
        "channel": {
            "max_length": 300,
            "namespaces": [
                {
                    "name": "n1",
                    "subscription_type": "map",
                    "map": {"mode": "persistent", "ordered": True},
                    "pattern": True,
                },
                {"name": "n2", "keep_latest_publication": True},
            ],
        },
        "consumers": [{"name": "kafka", "enabled": True, "type": "kafka"}],
        "http_api": {"insecure": True, "handler_prefix": "/centrifugo/api"},
        "websocket": {"compression": True, "handler_prefix": "/ws"},
        "webtransport": {"enabled": True},
        "health": {"enabled": True, "handler_prefix": "/ping"},
        "prometheus": {"enabled": True, "instrument_http_handlers": True},
        "opentelemetry": {"enabled": True, "api": True},
        "clickhouse_analytics": {"enabled": True},
    }
    assert sorted(ignored(tmp_path, tree)) == sorted(
        [
            "keys come in the order of their bytes: channel.namespaces[n1].map.ordered",
            "a channel's name has at most 255 characters: channel.max_length",
            "its bounds are set otherwise here (docs/3-operate/limits.md): client.concurrency",
            "everybody says who they are here, by a token or a proxy: client.insecure, "
            "client.user_id_http_header",
            "the server API always asks for a key: http_api.insecure",
            "paths are the documented ones here: http_api.handler_prefix, websocket.handler_prefix, "
            "health.handler_prefix",
            "frames are not compressed: websocket.compression",
            "there is no such way in: webtransport",
            "numbers have names of their own here: prometheus.instrument_http_handlers",
            "publish through the server API: consumers",
            "there is none here: opentelemetry",
            "not known here, or of the PRO edition: clickhouse_analytics, client.new_thing, "
            "channel.namespaces[n1].pattern",
        ]
    )


def test_defaults_that_are_written_out_are_passed_over(tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "http_server": {"address": "", "port": 8000, "internal_port": "", "tls": {"enabled": False}},
        "engine": {"type": "memory", "redis": {"address": "redis://127.0.0.1:6379", "prefix": "centrifugo"}},
        "broker": {"enabled": False, "type": "memory", "nats": {"url": "nats://localhost:4222"}},
        "presence_manager": {"enabled": False, "type": "memory"},
        "client": {
            "proxy": {"connect": {"enabled": False, "endpoint": "grpc://x", "timeout": "1s"}},
            "presence_update_interval": "27s",
            "history_max_publication_limit": 300,
            "insecure": False,
        },
        "channel": {
            "max_length": 255,
            "private_prefix": "$",
            "namespace_boundary": ":",
            "history_meta_ttl": "720h",
            "proxy": {"subscribe": {"endpoint": "", "timeout": "1s", "http": {"tls": {"enabled": False}}}},
            "without_namespace": {"force_recovery_mode": "", "subscribe_proxy_name": "default"},
        },
        "rpc": {"ping": {"enabled": False, "method": "ping"}, "namespace_boundary": ":"},
        "websocket": {"disabled": False, "compression_level": 1, "write_timeout": "1000ms"},
        "uni_sse": {"enabled": False, "handler_prefix": "/connection/uni_sse"},
        "admin": {"enabled": False, "handler_prefix": ""},
        "graphite": {"enabled": False, "host": "localhost", "port": 2003},
        "shutdown": {"timeout": "30s"},
        "consumers": [],
    }
    assert ignored(tmp_path, tree) == []
    assert migrate(tmp_path, tree).realtime.proxies == {}


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"client": {"ping_interval": "soon"}}, "client.ping_interval is a duration like 500ms, 25s or 720h"),
        ({"client": {"channel_limit": "many"}}, "client.channel_limit is a whole number"),
        ({"client": {"allowed_origins": 5}}, "client.allowed_origins is a list of texts"),
        ({"client": []}, "client is a table"),
        ({"channel": {"namespaces": {}}}, "channel.namespaces is a list of tables"),
        (
            {"channel": {"namespaces": [{"presence": True}]}},
            "channel.namespaces[0].name is missing, or another namespace's",
        ),
        (
            {"channel": {"namespaces": [{"name": "chat", "presence": "maybe"}]}},
            "channel.namespaces[chat].presence is true or false",
        ),
        ({"channel": {"user_boundary": "/"}}, "channel.user_boundary is # here and cannot be another"),
        (
            {"channel": {"namespaces": [{"name": "chat", "publish_proxy_enabled": True}]}},
            "channel.namespaces[chat].publish_proxy_enabled asks for a proxy channel.proxy.publish, which "
            "has no endpoint",
        ),
        (
            {"client": {"proxy": {"connect": {"enabled": True}}}},
            "client.proxy.connect is enabled and has no endpoint",
        ),
        (
            {"engine": {"type": "redis", "redis": {"address": ["a:1", "b:2"]}}},
            "engine.redis.address has several places: Madang's servers meet at one Redis",
        ),
        ({"engine": {"type": "postgres"}}, "engine.type is memory, redis or nats here, not postgres"),
        (
            {"http_server": {"tls": {"enabled": True, "cert_pem": "-----BEGIN"}}},
            "http_server.tls.cert_pem cannot be used: give the certificate and its key as PEM files",
        ),
        ({"log": {"level": "loud"}}, "log.level is trace, debug, info, warn or error"),
        (
            {"token_hmac_secret_key": "x"},
            "token_hmac_secret_key is a key of Centrifugo 5 or older; the keys of version 6 are read here",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_sentences(tmp_path: Path, tree: object, problem: str) -> None:
    assert problems(tmp_path, tree)[0] == problem


def test_backends_that_speak_grpc(tmp_path: Path) -> None:
    tree = {"proxies": [{"name": "p1", "endpoint": "grpc://b:9000"}]}
    assert problems(tmp_path, tree)[0].startswith("proxies[p1].endpoint reaches a backend by gRPC")


def test_what_only_our_settings_refuse(tmp_path: Path) -> None:
    bad = {"client": {"ping_interval": "1h"}, "channel": {"namespaces": [{"name": "madang_x"}]}}
    found = problems(tmp_path, bad)
    assert found[0].startswith("client.ping_interval: realtime.ping_s: must be")
    assert found[1].startswith("channel.namespaces: realtime.namespaces: madang_x cannot be")


@pytest.mark.parametrize(
    ("name", "words", "problem"),
    [
        ("a.json", "{", "Expecting"),
        ("a.json", "[]", "is a table"),
        ("a.toml", "=", "Invalid"),
        ("a.yaml", "a: [", "is no YAML"),
        ("a.conf", "", "ends in .json, .yaml, .yml or .toml"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, words: str, problem: str) -> None:
    assert problems(tmp_path, words, name)[0].startswith(problem)


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", write(tmp_path, "{}")):
        if path.exists():
            path.write_bytes(b"\xff")
        with pytest.raises(SettingsError):
            load(migrated=path)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("25s", 25), ("1m30s", 90), ("500ms", 0.5), ("720h", 2_592_000), ("1.5h", 5400), ("0", 0), ("", 0),
     (0, 0), ("-1", -1), ("-1s", -1), ("100us", 1e-4)],
)  # fmt: skip
def test_durations(value: object, seconds: float) -> None:
    assert duration(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["5", 5, "5 s", "s", "1s2", True, [], None])
def test_no_durations(value: object) -> None:
    with pytest.raises(ValueError, match="is a"):
        duration(value)


def test_flags_and_lists() -> None:
    assert flag("true") and flag("1") and not flag("") and not flag(False)
    assert listed("a b") == ("a", "b") and listed(["a", 1]) == ("a", "1")


WORDS = st.sampled_from(
    ["client", "channel", "rpc", "proxies", "proxy", "connect", "http", "namespaces", "name", "endpoint",
     "enabled", "token", "transforms", "to", "code", "engine", "broker", "redis", "address", "type", "tls",
     "http_server", "port", "static_headers", "status_to_code_transforms", "without_namespace", "log",
     "level", "history_ttl", "subscription_token", "consumers", "grpc_api", "db", "password"]
)  # fmt: skip
VALUES = st.none() | st.booleans() | st.integers(-2, 70_000) | st.floats() | st.text(max_size=8) | WORDS
TREES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=40,
)


@given(tree=TREES)
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    path = write(tmp_path_factory.getbasetemp(), {"client": tree, "channel": tree, "engine": tree}, "a.json")
    with suppress(centrifugo.MisreadError):
        centrifugo.read(path)
    path.write_text(json.dumps(tree))
    with suppress(SettingsError):
        load(migrated=path)
