"""The section [realtime]: tables of options, proxies that must be there, and what `config show` hides."""

import tomllib
from pathlib import Path

import pytest

from madang.app.assembled import realtime_settings
from madang.app.settings import SettingsError, load, show
from madang.base.secret import Secret
from madang.realtime.settings import RealtimeSettings, SharedPollSettings, ToDisconnect

GOOD = """
[realtime]
connect_proxy_name = "backend"
rpc_namespaces = {shop = "backend"}
unidirectional_disconnects = {403 = {code = 4903, reason = "forbidden"}}
unidirectional_statuses = {109 = 401}
shared_poll = {hmac_secret = "a secret", concurrency_limit = 8}
subscription_token = {hmac_secret = "a secret", audience = "yard"}
[realtime.proxies.backend]
endpoint = "http://127.0.0.1:3000/"
static_headers = {X-Key = "a secret"}
[realtime.without_namespace]
presence = true
[realtime.namespaces.game]
publish_proxy_name = "backend"
[realtime.namespaces.votes]
subscription_type = "shared_poll"
shared_poll = {proxy_name = "backend", mode = "versioned", publish_enabled = true}
"""

POLL = 'namespaces = {votes = {subscription_type = "shared_poll", shared_poll = {%s}}}'
SIGNED = 'shared_poll = {hmac_secret = "s"}\n' + POLL


def test_defaults_are_those_of_the_room() -> None:
    assert realtime_settings(load()) == RealtimeSettings()


def test_everything_is_read_and_secrets_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "madang.toml"
    file.write_text(GOOD)
    settings = load(file)
    found = realtime_settings(settings)
    assert found.proxies["backend"].static_headers == {"X-Key": Secret("a secret")}
    assert found.namespaces["game"].publish_proxy_name == "backend" and found.without_namespace.presence
    assert found.subscription_token is not None and found.subscription_token.audience == "yard"
    assert found.unidirectional_statuses == {109: 401}
    assert found.unidirectional_disconnects == {403: ToDisconnect(4903, "forbidden")}
    assert found.shared_poll == SharedPollSettings(Secret("a secret"), concurrency_limit=8)
    assert found.namespaces["votes"].shared_poll.publish_enabled
    told = show(settings)
    assert "a secret" not in told
    assert tomllib.loads(told)["realtime"]["subscription_token"] == {"hmac_secret": "***", "audience": "yard"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ('connect_proxy_name = "x"', "connect_proxy_name: there is no proxy x"),
        ("shared_poll = {frob = 1}", "there is no option of shared polls frob"),
        ("shared_poll = {concurrency_limit = 0}", "concurrency_limit: 1 to"),
        (POLL % "", "shared_poll.proxy_name: which backend is asked?"),
        (POLL % 'proxy_name = "x"', "votes is a shared poll: shared_poll.hmac_secret signs its keys"),
        (SIGNED % 'proxy_name = "x"', "votes.shared_poll.proxy_name: there is no proxy x"),
        (SIGNED % 'proxy_name = "x", frob = 1', "unknown field `frob`"),
        (SIGNED % 'proxy_name = "x", refresh_interval_s = 0.1', "refresh_interval_s: a quarter"),
        (SIGNED % 'proxy_name = "x", refresh_batch_size = 0', "refresh_batch_size: 1 to"),
        (SIGNED % 'proxy_name = "x", max_keys_per_connection = 0', "max_keys_per_connection: 1 to"),
        (SIGNED % 'proxy_name = "x", channel_shutdown_delay_s = -1', "channel_shutdown_delay_s: 0 to"),
        (SIGNED % 'proxy_name = "x", publish_enabled = true', "publish_enabled needs mode"),
        ('rpc_namespaces = {a = "x"}', "rpc_namespaces.a: there is no proxy x"),
        ('namespaces = {game = {publish_proxy_name = "x"}}', "game.publish_proxy_name: there is no proxy x"),
        ("namespaces = {madang_x = {}}", "madang_x cannot be such a name"),
        ("namespaces = {game = {frob = 1}}", "game has no option frob"),
        ('namespaces = {game = {channel_regex = "("}}', "game: ( is no RE2 pattern"),
        ("without_namespace = {frob = 1}", "without_namespace has no option frob"),
        ("proxies = {backend = {}}", "backend: Object missing required field `endpoint`"),
        ('proxies = {backend = {endpoint = "grpc://x"}}', "backend: endpoint: backends are asked by http://"),
        ('proxies = {backend = {endpoint = "http://x", timeout_s = 0}}', "backend: timeout_s: more than 0"),
        (
            'proxies = {backend = {endpoint = "http://x", http_headers = ["a b"]}}',
            "backend: a b is not the name of a header",
        ),
        ('token_issuer_regex = "("', "( is no RE2 pattern"),
        ('subscription_token = {issuer_regex = "("}', "( is no RE2 pattern"),
        ("subscription_token = {secret = 1}", "there is no token key secret"),
        ("subscription_token = {hmac_secret = 1}", "a text is expected"),
        ("unidirectional_disconnects = {x = {code = 4000}}", "x is not the number of an error"),
        ("unidirectional_disconnects = {403 = {code = 7}}", "403: a disconnect has a code from 3000 to 4999"),
        ("unidirectional_statuses = {3500 = 200}", "3500 = 200: an error's or a disconnect's number"),
        ('grpc = "nowhere"', "a listener is HOST:PORT"),
        ("grpc_tls = true", "grpc_tls: needs a certificate"),
        ('grpc_certificate = "a"', "grpc_certificate and grpc_key are set together"),
        ('grpc = "1:1"\nuni_grpc = "1:1"\ngrpc_tls = true', "one place either speaks TLS or does not"),
    ],
)
def test_mistakes(tmp_path: Path, words: str, problem: str) -> None:
    file = tmp_path / "madang.toml"
    file.write_text(f"[realtime]\n{words}\n")
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert problem in caught.value.problems[0]
