"""Configuration files of Centrifugo 6, as its documentation writes them, become settings of ours."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.app.migrating.files import ignored, migrate, problems, write

from madang.app.assembled import realtime_settings
from madang.app.keys import Endpoint
from madang.app.migrating import centrifugo
from madang.app.settings import SettingsError, load
from madang.base.secret import Secret
from madang.realtime.channel import SharedPollOptions
from madang.realtime.maps import MapOptions
from madang.realtime.settings import SharedPollSettings, StatusTransform, ToDisconnect, ToError

PROXIES = {
    "client": {
        "proxy": {
            "connect": {
                "enabled": True,
                "endpoint": "https://your_backend/centrifugo/connect",
                "timeout": "500ms",
                "http_headers": ["Cookie", "Authorization"],
                "client_emulated_headers": ["Authorization"],
                "http": {
                    "static_headers": {"X-Custom-Header": "custom value"},
                    "status_to_code_transforms": [
                        {"status_code": 404, "to_error": {"code": 404, "message": "not found"}},
                        {"status_code": 451, "to_disconnect": {"code": 4904, "reason": "law"}},
                    ],
                },
            },
            "refresh": {"enabled": True, "endpoint": "https://your_backend/centrifugo/refresh"},
        },
        "connect_code_to_unidirectional_disconnect": {
            "enabled": True,
            "transforms": [{"code": 404, "to": {"code": 4904, "reason": "not found"}}],
        },
    },
    "channel": {
        "proxy": {
            "subscribe": {"endpoint": "http://localhost:3000/centrifugo/subscribe"},
            "publish": {"endpoint": "http://localhost:3000/centrifugo/publish", "binary_encoding": True},
        },
        "without_namespace": {"subscribe_proxy_enabled": True},
        "namespaces": [
            {"name": "sun", "subscribe_proxy_enabled": True, "publish_proxy_enabled": True},
            {"name": "ns1", "subscribe_proxy_enabled": True, "subscribe_proxy_name": "subscribe1"},
        ],
    },
    "proxies": [
        {
            "name": "subscribe1",
            "endpoint": "http://localhost:3001/subscribe",
            "include_connection_meta": True,
        },
        {"name": "rpc1", "endpoint": "http://localhost:3001/rpc"},
    ],
    "rpc": {
        "proxy": {"endpoint": "http://localhost:3000/rpc"},
        "without_namespace": {"proxy_enabled": True},
        "namespaces": [{"name": "ns1", "proxy_enabled": True, "proxy_name": "rpc1"}],
    },
}


def test_the_file_that_genconfig_writes(tmp_path: Path) -> None:
    tree = {
        "client": {
            "token": {"hmac_secret_key": "bbe7d157-a253-4094-9759-06a8236543f9"},
            "allowed_origins": ["http://localhost:3000", "https://*.example.com"],
        },
        "http_api": {"key": "d7627bb6-2292-4911-82e1-615c0ed3eebb"},
        "admin": {"enabled": True, "password": "d0683813", "secret": "47f7b1a2"},
    }
    settings = migrate(tmp_path, tree)
    assert settings.http.listen == (Endpoint("0.0.0.0", 8000),)
    assert settings.realtime.token_hmac_secret == Secret("bbe7d157-a253-4094-9759-06a8236543f9")
    assert settings.realtime.api_keys == (Secret("d7627bb6-2292-4911-82e1-615c0ed3eebb"),)
    assert settings.realtime.allowed_origins == ("http://localhost:3000", "https://*.example.com")
    assert ignored(tmp_path, tree) == ["sign in at /admin with an account of Madang's own: admin"]


def test_an_empty_file_listens_where_centrifugo_does(tmp_path: Path) -> None:
    for name, words in (("a.json", "{}"), ("a.yaml", ""), ("a.yml", "# nothing\n"), ("a.toml", "")):
        assert migrate(tmp_path, words, name).http.listen == (Endpoint("0.0.0.0", 8000),)


YAML = """
http_server:
  address: 127.0.0.1
  port: "9000"
client:
  ping_interval: 12s
  pong_timeout: -1s
  stale_close_delay: 5s
  user_connection_limit: 3
  channel_limit: 10
  allow_anonymous_connect_without_token: true
  subscribe_to_user_personal_channel:
    enabled: true
    personal_channel_namespace: user
  token:
    jwks_public_endpoint: https://id.example.org/{{tenant}}/jwks
    issuer_regex: https://id.example.org/(?P<tenant>[a-z]+)
  subscription_token:
    enabled: true
    hmac_secret_key: separate
websocket:
  message_size_limit: 131072
log:
  level: warn
channel:
  without_namespace:
    presence: true
  namespaces:
    - name: user
    - name: facts
      history_size: 10
      history_ttl: 5m
      force_recovery: true
      force_recovery_mode: cache
      allowed_delta_types: [fossil]
      channel_regex: "^[a-z]+$"
      batch_max_delay: 100ms
"""
TOML = """
[http_server]
address = "127.0.0.1"
port = 9000
[client]
ping_interval = "12s"
pong_timeout = "-1s"
stale_close_delay = "5s"
user_connection_limit = 3
channel_limit = 10
allow_anonymous_connect_without_token = true
[client.subscribe_to_user_personal_channel]
enabled = true
personal_channel_namespace = "user"
[client.token]
jwks_public_endpoint = "https://id.example.org/{{tenant}}/jwks"
issuer_regex = "https://id.example.org/(?P<tenant>[a-z]+)"
[client.subscription_token]
enabled = true
hmac_secret_key = "separate"
[websocket]
message_size_limit = 131072
[log]
level = "warn"
[channel.without_namespace]
presence = true
[[channel.namespaces]]
name = "user"
[[channel.namespaces]]
name = "facts"
history_size = 10
history_ttl = "5m"
force_recovery = true
force_recovery_mode = "cache"
allowed_delta_types = ["fossil"]
channel_regex = "^[a-z]+$"
batch_max_delay = "100ms"
"""


def test_yaml_and_toml_say_the_same(tmp_path: Path) -> None:
    settings = migrate(tmp_path, YAML, "config.yaml")
    assert settings == migrate(tmp_path, TOML, "config.toml")
    assert settings.http.listen == (Endpoint("127.0.0.1", 9000),) and settings.log.level == "warning"
    found = realtime_settings(settings)
    assert (found.ping_s, found.pong_s, found.stale_s) == (12, 0, 5)
    assert (found.connections_per_user, found.channels_per_connection) == (3, 10)
    assert found.allow_anonymous and found.message_bytes == 131_072
    assert found.user_personal_channel and found.user_personal_channel_namespace == "user"
    assert found.token.jwks_url.endswith("{{tenant}}/jwks") and "tenant" in found.token.issuer_regex
    assert found.subscription_token is not None
    assert found.subscription_token.hmac_secret == Secret("separate")
    assert found.without_namespace.presence and set(found.namespaces) == {"user", "facts"}
    facts = found.namespaces["facts"]
    assert (facts.history_size, facts.history_ttl_s, facts.batch_max_delay_s) == (10, 300, 0.1)
    assert facts.force_recovery and facts.force_recovery_mode == "cache"
    assert facts.allowed_delta_types == ("fossil",) and facts.channel_regex == "^[a-z]+$"


def test_proxies(tmp_path: Path) -> None:
    found = realtime_settings(migrate(tmp_path, PROXIES))
    connect = found.proxies[found.connect_proxy_name]
    assert connect.endpoint.endswith("/connect") and connect.timeout_s == 0.5
    assert connect.http_headers == ("Cookie", "Authorization")
    assert connect.emulated_headers == ("Authorization",)
    assert connect.static_headers == {"X-Custom-Header": Secret("custom value")}
    assert connect.status_to_code_transforms == (
        StatusTransform(404, to_error=ToError(404, "not found")),
        StatusTransform(451, to_disconnect=ToDisconnect(4904, "law")),
    )
    assert found.proxies[found.refresh_proxy_name].timeout_s == 1
    sun, ns1 = found.namespaces["sun"], found.namespaces["ns1"]
    assert found.proxies[sun.subscribe_proxy_name].endpoint.endswith("/subscribe")
    assert found.proxies[sun.publish_proxy_name].binary_encoding and not sun.sub_refresh_proxy_name
    assert found.without_namespace.subscribe_proxy_name == sun.subscribe_proxy_name
    assert ns1.subscribe_proxy_name == "subscribe1" and found.proxies["subscribe1"].include_connection_meta
    assert found.proxies[found.rpc_proxy_name].endpoint == "http://localhost:3000/rpc"
    assert found.rpc_namespaces == {"ns1": "rpc1"}
    assert found.unidirectional_disconnects == {404: ToDisconnect(4904, "not found")}
    assert ignored(tmp_path, PROXIES) == []


@pytest.mark.parametrize(
    ("tree", "url", "prefix"),
    [
        ({"engine": {"type": "redis", "redis": {"address": "redis:6379"}}}, "redis://redis:6379/0", "madang"),
        (
            {"engine": {"type": "redis", "redis": {"address": ["redis://u:p@r:1/2"], "prefix": "shop"}}},
            "redis://u:p@r:1/2",
            "shop",
        ),
        (
            {"engine": {"type": "redis", "redis": {"password": "p@ss", "db": 3, "tls": {"enabled": True}}}},
            "rediss://:p%40ss@127.0.0.1:6379/3",
            "madang",
        ),
        (
            {"broker": {"enabled": True, "type": "redis", "redis": {"address": "unix:///run/redis.sock"}},
             "engine": {"type": "memory", "redis": {"address": "other:1"}}},
            "unix:///run/redis.sock",
            "madang",
        ),
    ],
)  # fmt: skip
def test_engines(tmp_path: Path, tree: object, url: str, prefix: str) -> None:
    realtime = migrate(tmp_path, tree).realtime
    assert (realtime.broker.reveal(), realtime.broker_prefix) == (url, prefix)
    assert ignored(tmp_path, tree) == []


def test_nats_is_told_that_the_chat_needs_history(tmp_path: Path) -> None:
    tree = {"broker": {"enabled": True, "type": "nats", "nats": {"url": "nats://n:4222"}}}
    assert "NATS keeps no history" in problems(tmp_path, tree)[0]
    settings = load(env={"MADANG_CHAT__ENABLED": "false"}, migrated=write(tmp_path, tree))
    assert settings.realtime.broker.reveal() == "nats://n:4222"


def test_grpc_doors(tmp_path: Path) -> None:
    tree = {
        "http_api": {"key": "a"},
        "grpc_api": {"enabled": True, "key": "b"},
        "uni_grpc": {"enabled": True, "address": "127.0.0.1", "port": 7},
    }
    realtime = migrate(tmp_path, tree).realtime
    assert (realtime.grpc, realtime.uni_grpc) == (Endpoint("0.0.0.0", 10_000), Endpoint("127.0.0.1", 7))
    assert realtime.api_keys == (Secret("a"), Secret("b"))


def test_grpc_doors_with_tls(tmp_path: Path) -> None:
    shown = {"enabled": True, "cert_pem": "server.crt", "key_pem_file": "/k", "client_ca_pem": "/ca"}
    tree: dict[str, Any] = {"grpc_api": {"enabled": True, "tls": shown}, "uni_grpc": {"enabled": True}}
    realtime = migrate(tmp_path, tree).realtime
    assert (realtime.grpc_tls, realtime.uni_grpc_tls) == (True, False)
    assert (realtime.grpc_certificate, realtime.grpc_key) == (tmp_path / "server.crt", Path("/k"))
    assert realtime.grpc_client_ca == Path("/ca")
    tree["uni_grpc"]["tls"] = {"enabled": True, "cert_pem": "server.crt", "key_pem": "/other"}
    assert problems(tmp_path, tree) == [
        "uni_grpc.tls.key_pem is another file than the other gRPC door's",
    ]


def test_an_inner_port_is_one_more_door(tmp_path: Path) -> None:
    inner = {"http_server": {"address": "127.0.0.1", "internal_port": 8001}}
    assert migrate(tmp_path, inner).http.listen == (Endpoint("127.0.0.1", 8000), Endpoint("127.0.0.1", 8001))
    (told,) = ignored(tmp_path, inner)
    assert told == "both doors answer alike: block /api at your proxy if that is meant: " + (
        "http_server.internal_port"
    )


def test_what_is_told_to_clients(tmp_path: Path) -> None:
    status = {"enabled": True, "transforms": [{"code": 3500, "to": {"status_code": 401}}]}
    tree = {
        "client": {
            "expired_sub_close_delay": "5s",
            "connect_include_server_time": True,
            "subscribe_to_user_personal_channel": {"enabled": True, "single_connection": True},
        },
        "http_api": {"error_mode": "transport"},
        "uni_sse": {"enabled": True, "connect_code_to_http_response": status},
    }
    found = realtime_settings(migrate(tmp_path, tree))
    assert (found.expired_s, found.expired_subscription_s) == (25, 5)
    assert found.connect_time and found.single_connection and found.api_errors_as_status
    assert found.unidirectional_statuses == {3500: 401}
    assert ignored(tmp_path, tree) == []


def test_tls(tmp_path: Path) -> None:
    tree = {
        "http_server": {
            "port": 443,
            "tls": {"enabled": True, "cert_pem_file": "server.crt", "key_pem_file": "/k"},
        }
    }
    settings = migrate(tmp_path, tree)
    assert settings.http.tls_listen == (Endpoint("0.0.0.0", 443),)
    assert (settings.tls.certificate, settings.tls.key) == (tmp_path / "server.crt", Path("/k"))


def test_our_own_settings_win(tmp_path: Path) -> None:
    path = write(tmp_path, {"http_server": {"port": 9000}, "client": {"ping_interval": "5s"}})
    own = tmp_path / "madang.toml"
    own.write_text("[realtime]\nping_s = 7\n")
    settings = load(own, {"MADANG_REALTIME__PONG_S": "2"}, {"http.listen": "127.0.0.1:1"}, path)
    assert settings.http.listen == (Endpoint("127.0.0.1", 1),)
    assert (settings.realtime.ping_s, settings.realtime.pong_s) == (7, 2)


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    env = {
        "CENTRIFUGO_HTTP_SERVER_PORT": "9000",
        "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY": "from the environment",
        "CENTRIFUGO_CLIENT_ALLOWED_ORIGINS": "https://a.example https://b.example",
        "CENTRIFUGO_CLIENT_PROXY_CONNECT_ENABLED": "true",
        "CENTRIFUGO_CLIENT_PROXY_CONNECT_ENDPOINT": "http://b:1/connect",
        "CENTRIFUGO_CLIENT_PROXY_CONNECT_HTTP_STATIC_HEADERS": '{"X-Key": "k"}',
        "CENTRIFUGO_CHANNEL_NAMESPACES": "chat news",
        "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_HISTORY_SIZE": "10",
        "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_HISTORY_TTL": "1m",
        "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_PRESENCE": "true",
        "CENTRIFUGO_PROXIES": '[{"name": "p1", "endpoint": "http://b:1/p"}]',
        "CENTRIFUGO_ADMIN_ENABLED": "false",
        "CENTRIFUGO_NEW_THING": "1",
        "CENTRIFUGO_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "PATH": "/bin",
    }
    path = write(tmp_path, {"http_server": {"port": 1}, "client": {"allowed_origins": ["https://c.example"]}})
    settings = load(env=env, migrated=path)
    found = realtime_settings(settings)
    assert settings.http.listen == (Endpoint("0.0.0.0", 9000),)
    assert found.token.hmac_secret == Secret("from the environment")
    assert found.allowed_origins == ("https://a.example", "https://b.example")
    assert found.proxies[found.connect_proxy_name].static_headers == {"X-Key": Secret("k")}
    assert (found.namespaces["chat"].history_size, found.namespaces["chat"].history_ttl_s) == (10, 60)
    assert "news" in found.namespaces and found.without_namespace.presence and "p1" in found.proxies
    assert centrifugo.read(path, env).ignored == (
        f"{path}: ignored, not known here, or of the PRO edition: CENTRIFUGO_NEW_THING",
    )
    with pytest.raises(SettingsError) as caught:
        load(env={"CENTRIFUGO_CLIENT_CHANNEL_LIMIT": "many"}, migrated=path)
    assert caught.value.problems == [f"{path}: client.channel_limit is a whole number"]


def test_shared_polls(tmp_path: Path) -> None:
    backend = {"endpoint": "http://127.0.0.1:3001/refresh", "timeout": "5s"}
    tree = {
        "shared_poll": {
            "hmac_secret_key": "new",
            "hmac_previous_secret_key": "old",
            "hmac_previous_secret_key_valid_until": 1735689600,
            "concurrency_limit": 8,
        },
        "proxies": [{"name": "prices", **backend}],
        "channel": {
            "proxy": {"shared_poll_refresh": backend},
            "namespaces": [
                {
                    "name": "votes",
                    "subscription_type": "shared_poll",
                    "shared_poll": {
                        "refresh_interval": "1s",
                        "refresh_batch_size": 50,
                        "proxy_name": "default",
                    },
                    "allow_subscribe_for_client": True,
                },
                {
                    "name": "prices",
                    "subscription_type": "shared_poll",
                    "shared_poll": {
                        "proxy_name": "prices",
                        "mode": "versioned",
                        "publish_enabled": True,
                        "max_keys_per_connection": 9,
                        "channel_shutdown_delay": "2s",
                        "track_expired_extra_delay": "5s",
                        "keep_latest_data": True,
                    },
                },
                {"name": "chat", "shared_poll": {"refresh_interval": "10s", "mode": "versionless"}},
            ],
        },
    }
    assert ignored(tmp_path, tree) == []
    found = migrate(tmp_path, tree).realtime
    assert found.shared_poll == SharedPollSettings(Secret("new"), Secret("old"), 1735689600, 8)
    votes, prices = found.namespaces["votes"], found.namespaces["prices"]
    assert found.proxies[votes.shared_poll.proxy_name].timeout_s == 5
    assert (votes.shared_poll.refresh_interval_s, votes.shared_poll.refresh_batch_size) == (1, 50)
    assert prices.shared_poll == SharedPollOptions(
        proxy_name="prices",
        mode="versioned",
        publish_enabled=True,
        max_keys_per_connection=9,
        channel_shutdown_delay_s=2,
        track_expired_extra_delay_s=5,
        keep_latest_data=True,
    )
    assert found.namespaces["chat"].subscription_type == "stream"


def test_maps(tmp_path: Path) -> None:
    tree = {
        "engine": {"type": "redis"},
        "map_broker": {"type": "redis", "redis": {"address": "redis:6379", "cleanup_interval": "1s"}},
        "channel": {
            "proxy": {"map_publish": {"endpoint": "https://app/publish", "timeout": "3s"}},
            "namespaces": [
                {
                    "name": "board",
                    "subscription_type": "map",
                    "map_clients_presence_channel_prefix": "clients:",
                    "map": {
                        "mode": "recoverable",
                        "key_ttl": "90s",
                        "stream_size": 200,
                        "stream_ttl": "2m",
                        "meta_ttl": "20m",
                        "remove_client_on_unsubscribe": True,
                        "allow_remove_for_subscriber": True,
                        "publish_proxy_enabled": True,
                        "default_page_size": 50,
                        "min_page_size": 10,
                        "max_page_size": 0,
                        "subscribe_catch_up_timeout": "8s",
                    },
                },
                {
                    "name": "clients",
                    "subscription_type": "map_clients",
                    "map": {"mode": "ephemeral", "key_ttl": "60s"},
                },
            ],
        },
    }
    assert ignored(tmp_path, tree) == []
    found = migrate(tmp_path, tree).realtime
    board, clients = found.namespaces["board"], found.namespaces["clients"]
    assert found.proxies[board.map.publish_proxy_name].timeout_s == 3
    assert board.map_clients_presence_channel_prefix == "clients:" and clients.is_map
    assert board.map == MapOptions(
        mode="recoverable",
        key_ttl_s=90,
        stream_size=200,
        stream_ttl_s=120,
        meta_ttl_s=1200,
        remove_client_on_unsubscribe=True,
        allow_remove_for_subscriber=True,
        publish_proxy_name=board.map.publish_proxy_name,
        default_page_size=50,
        min_page_size=10,
        subscribe_catch_up_timeout_s=8,
    )


@pytest.mark.parametrize("told", [{"type": "postgres"}, {"type": "redis"}])
def test_maps_are_kept_where_publications_are(tmp_path: Path, told: dict[str, object]) -> None:
    with pytest.raises(centrifugo.MisreadError, match="map_broker.type"):
        ignored(tmp_path, {"map_broker": told})
