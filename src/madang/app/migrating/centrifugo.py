"""A configuration file of Centrifugo 6 (JSON, YAML or TOML) as settings of ours, and what is ignored of
it."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from madang.app.migrating import brokers, channels, maps, proxies, values
from madang.app.migrating.tables import Report, Table

PORT: Final = 8000
_GRPC_PORT: Final = 10_000
_UNI_GRPC_PORT: Final = 11_000
_OLDER: Final = (
    "token_hmac_secret_key",
    "api_key",
    "allowed_origins",
    "namespaces",
    "token_jwks_public_endpoint",
)
_LEVELS: Final = {"trace": "debug", "debug": "debug", "info": "info", "warn": "warning", "error": "error"}
_PATHS: Final = "paths are the documented ones here"
_ALWAYS: Final = "its bounds are set otherwise here (docs/3-operate/limits.md)"
_FILES: Final = "give the certificate and its key as PEM files"


class MisreadError(Exception):
    """The file cannot be used; `problems` has one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Read(NamedTuple):
    """What a file says: our settings with the keys that gave them, and what is ignored, a sentence each."""

    given: dict[str, tuple[object, str]]
    ignored: tuple[str, ...]


def read(path: Path, env: Mapping[str, str] | None = None) -> Read:
    """The file, and the variables CENTRIFUGO_… that win over it. Raises MisreadError."""
    report = Report(env, "CENTRIFUGO_")
    root = Table(report, "", _parse(path))
    older = [name for name in _OLDER if name in root]
    if older:
        raise MisreadError(
            [f"{path}: {older[0]} is a key of Centrifugo 5 or older; the keys of version 6 are read here"]
        )
    client, channel, rpc = root.within("client"), root.within("channel"), root.within("rpc")
    found = proxies.read(root, client, channel, rpc)
    channels.read(channel, found)
    brokers.read(root)
    maps.read_broker(root.within("map_broker"), str(report.given.get("realtime.broker", ("", ""))[0]))
    _read_shared_poll(root.within("shared_poll"))
    _read_client(client)
    _read_doors(root)
    _read_transports(root)
    _read_the_rest(root)
    root.close()
    report.close()
    if report.problems:
        raise MisreadError([f"{path}: {problem}" for problem in report.problems])
    ignored = (f"{path}: ignored, {reason}: {', '.join(keys)}" for reason, keys in report.ignored.items())
    return Read(report.given, tuple(ignored))


def _parse(path: Path) -> dict[str, object]:
    try:
        words = path.read_text(encoding="utf-8")
        return values.table(_tree(path.suffix.lower(), words))
    except OSError as error:
        raise MisreadError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise MisreadError([f"{path}: is not UTF-8 text"]) from None
    except ValueError as error:
        raise MisreadError([f"{path}: {error}"]) from None


def _tree(suffix: str, words: str) -> object:
    """Raises ValueError."""
    if suffix == ".toml":
        return tomllib.loads(words)
    if suffix in (".yaml", ".yml"):
        import yaml  # for migrants alone

        try:
            return yaml.safe_load(words) or {}
        except yaml.YAMLError as error:
            raise ValueError(f"is no YAML: {' '.join(str(error).split())}") from None
    if suffix == ".json":
        return json.loads(words)
    raise ValueError("ends in .json, .yaml, .yml or .toml")


# --- clients ---------------------------------------------------------------------------------------------


def _read_client(client: Table) -> None:
    for name, ours in (
        ("allow_anonymous_connect_without_token", "allow_anonymous"),
        ("disallow_anonymous_connection_tokens", "disallow_anonymous_tokens"),
    ):
        client.give(name, f"realtime.{ours}", values.flag)
    client.give("allowed_origins", "realtime.allowed_origins", values.listed)
    for name, ours in (
        ("connection_limit", "connections"),
        ("user_connection_limit", "connections_per_user"),
        ("connection_rate_limit", "connects_per_s"),
        ("channel_limit", "channels_per_connection"),
        ("queue_max_size", "queue_bytes"),
    ):
        client.give(name, f"realtime.{ours}", values.count)
    client.give("ping_interval", "realtime.ping_s", values.duration)
    client.give("pong_timeout", "realtime.pong_s", values.switched)
    client.give("stale_close_delay", "realtime.stale_s", values.duration)
    client.give("expired_close_delay", "realtime.expired_s", values.duration)
    client.give("expired_sub_close_delay", "realtime.expired_subscription_s", values.duration)
    client.give("connect_include_server_time", "realtime.connect_time", values.flag)
    _read_personal(client.within("subscribe_to_user_personal_channel"))
    _read_unidirectional(client.within("connect_code_to_unidirectional_disconnect"))
    _read_tokens(client)
    client.ignore(
        _ALWAYS,
        presence_update_interval="27s",
        concurrency=0,
        channel_position_check_delay="40s",
        channel_position_max_time_lag="0s",
        history_max_publication_limit=300,
        recovery_max_publication_limit=300,
    )
    client.ignore(
        "everybody says who they are here, by a token or a proxy",
        insecure=False,
        insecure_skip_token_signature_verify=False,
        user_id_http_header="",
    )


def _read_personal(table: Table) -> None:
    table.give("enabled", "realtime.personal_channels", values.flag)
    table.give("personal_channel_namespace", "realtime.personal_channel_namespace", values.text)
    table.give("single_connection", "realtime.single_connection", values.flag)


def _read_unidirectional(table: Table) -> None:
    enabled = table.take("enabled", values.flag, False)
    found = {}
    for one in table.each("transforms"):
        code = one.take("code", values.count, 0)
        found[str(code)] = proxies.told_by(one.within("to"))
    if enabled and found:
        table.report.give("realtime.unidirectional_disconnects", found, table.where("transforms"))


_TOKEN_KEYS: Final = {
    "hmac_secret_key": "hmac_secret",
    "hmac_previous_secret_key": "hmac_previous_secret",
    "rsa_public_key": "rsa_public_key",
    "ecdsa_public_key": "ecdsa_public_key",
    "jwks_public_endpoint": "jwks_url",
    "audience": "audience",
    "audience_regex": "audience_regex",
    "issuer": "issuer",
    "issuer_regex": "issuer_regex",
    "user_id_claim": "user_id_claim",
}


def _read_tokens(client: Table) -> None:
    token, separate = client.within("token"), client.within("subscription_token")
    for name, ours in _TOKEN_KEYS.items():
        if value := token.take(name, values.text, ""):
            token.report.give(f"realtime.token_{ours}", value, token.where(name))
    until = token.take("hmac_previous_secret_key_valid_until", values.count, 0)
    if until:
        token.report.give("realtime.token_hmac_previous_until", until, token.key)
    enabled = separate.take("enabled", values.flag, False)
    found: dict[str, object] = {
        ours: value for name, ours in _TOKEN_KEYS.items() if (value := separate.take(name, values.text, ""))
    }
    until = separate.take("hmac_previous_secret_key_valid_until", values.count, 0)
    if enabled:
        found |= {"hmac_previous_until": until} if until else {}
        separate.report.give("realtime.subscription_token", found, separate.key)


def _read_shared_poll(table: Table) -> None:
    found: dict[str, object] = {
        ours: value
        for name, ours in (
            ("hmac_secret_key", "hmac_secret"),
            ("hmac_previous_secret_key", "hmac_previous_secret"),
        )
        if (value := table.take(name, values.text, ""))
    }
    if until := table.take("hmac_previous_secret_key_valid_until", values.count, 0):
        found["hmac_previous_until"] = until
    if most := table.take("concurrency_limit", values.count, 0):
        found["concurrency_limit"] = most
    if found:
        table.report.give("realtime.shared_poll", found, table.key)


# --- doors -----------------------------------------------------------------------------------------------


def _read_doors(root: Table) -> None:
    report, http = root.report, root.within("http_server")
    address, port = http.take("address", values.text, ""), http.take("port", values.count, PORT)
    encrypted = http.within("tls")
    if encrypted.take("enabled", values.flag, False):
        _read_certificate(encrypted)
        report.give("http.tls_listen", values.place(address, port), http.key)
    else:
        report.give("http.listen", values.place(address, port), http.key)
    encrypted.forget()
    _read_internal(http, address, values.place(address, port))
    http.ignore("put a proxy before it for that", tls_autocert={}, http3={})
    keys = []
    api = root.within("http_api")
    disabled = api.take("disabled", values.flag, False)
    if (key := api.take("key", values.text, "")) and not disabled:
        keys.append(key)
    api.ignore("the server API always asks for a key", insecure=False)
    api.ignore(_PATHS, handler_prefix="/api", external=False)
    mode = api.take("error_mode", values.text, "")
    if mode == "transport":
        report.give("realtime.api_errors_as_status", True, api.where("error_mode"))
    elif mode:
        report.wrong(api.where("error_mode"), "is transport, or absent")
    for name, ours, standard in (("grpc_api", "grpc", _GRPC_PORT), ("uni_grpc", "uni_grpc", _UNI_GRPC_PORT)):
        if key := _read_grpc(root.within(name), ours, standard):
            keys.append(key)
    if keys:
        report.give("realtime.api_keys", tuple(dict.fromkeys(keys)), "http_api.key")


def _read_internal(http: Table, address: str, outer: str) -> None:
    """The inner port of the server API: one more door, which answers as the outer one does."""
    address = http.take("internal_address", values.text, "") or address
    port = http.take("internal_port", values.port, 0)
    doors = [values.place(address, port)] if port else []
    if doors and doors[0] != outer:
        in_clear = [outer] if "http.listen" in http.report.given else []
        http.report.give("http.listen", [*in_clear, *doors], http.where("internal_port"))
        http.report.ignore(
            http.where("internal_port"), "both doors answer alike: block /api at your proxy if that is meant"
        )
    http.ignore("the inner door speaks no TLS", internal_tls={}, tls_external=False)


def _read_certificate(tls: Table) -> None:
    _read_pem(tls, "cert_pem", "tls.certificate")
    _read_pem(tls, "key_pem", "tls.key")


def _read_grpc_certificate(tls: Table) -> None:
    """One for both doors."""
    for name, ours in (("cert_pem", "grpc_certificate"), ("key_pem", "grpc_key")):
        _read_pem(tls, name, f"realtime.{ours}")
    if "client_ca_pem" in tls or "client_ca_pem_file" in tls:
        _read_pem(tls, "client_ca_pem", "realtime.grpc_client_ca")


def _read_pem(tls: Table, name: str, ours: str) -> None:
    value = tls.take(f"{name}_file", values.text, "") or tls.take(name, values.text, "")
    before, _ = tls.report.given.get(ours, (value, ""))
    if not value or "\n" in value or "-----" in value:
        tls.report.wrong(tls.where(name), f"cannot be used: {_FILES}")
    elif before != value:
        tls.report.wrong(tls.where(name), "is another file than the other gRPC door's")
    else:
        tls.report.give(ours, value, tls.where(name))


def _read_grpc(table: Table, ours: str, standard: int) -> str:
    """Where it listens, if it does; the key that it asks for."""
    address, port = table.take("address", values.text, ""), table.take("port", values.count, standard)
    key = table.take("key", values.text, "")
    enabled = table.take("enabled", values.flag, False)
    encrypted = table.within("tls")
    if encrypted.take("enabled", values.flag, False) and enabled:
        table.report.give(f"realtime.{ours}_tls", True, table.where("tls"))
        _read_grpc_certificate(encrypted)
    encrypted.forget()
    if enabled:
        table.report.give(f"realtime.{ours}", values.place(address or "0.0.0.0", port), table.key)
    table.ignore("bounds are fixed here", max_receive_message_size=0, reflection=False, error_mode="")
    return key if enabled else ""


def _read_transports(root: Table) -> None:
    for name, prefix in (
        ("websocket", "/connection/websocket"),
        ("sse", "/connection/sse"),
        ("http_stream", "/connection/http_stream"),
        ("uni_websocket", "/connection/uni_websocket"),
        ("uni_sse", "/connection/uni_sse"),
        ("uni_http_stream", "/connection/uni_http_stream"),
        ("emulation", "/emulation"),
    ):
        table = root.within(name)
        table.take("enabled", values.flag, False)  # each is on
        table.ignore("every way in is on here", disabled=False)
        table.ignore(_PATHS, handler_prefix=prefix)
        if name == "websocket":
            table.give("message_size_limit", "realtime.message_bytes", values.count)
        table.ignore(_ALWAYS, message_size_limit=65_536, max_request_body_size=65_536, write_timeout="1000ms")
        table.ignore(
            "frames are not compressed",
            compression=False,
            compression_min_size=0,
            compression_level=1,
            compression_prepared_message_cache_size=0,
        )
        table.ignore(
            _ALWAYS,
            read_buffer_size=0,
            use_write_buffer_pool=False,
            write_buffer_size=0,
            join_push_messages=False,
            disable_client_protocol_v1=False,
        )
        if name in ("uni_sse", "uni_http_stream"):
            _read_statuses(table.within("connect_code_to_http_response"))
    root.ignore("there is no such way in", webtransport={"enabled": False})


def _read_statuses(table: Table) -> None:
    """One list for both ways."""
    enabled = table.take("enabled", values.flag, False)
    found: dict[str, object] = {}
    for one in table.each("transforms"):
        to = one.within("to")
        found[str(one.take("code", values.count, 0))] = to.take("status_code", values.count, 0)
        to.ignore("the status has no body", body="")
    if enabled and found:
        before, _ = table.report.given.get("realtime.unidirectional_statuses", ({}, ""))
        known = before if isinstance(before, dict) else {}
        table.report.give("realtime.unidirectional_statuses", {**known, **found}, table.where("transforms"))


def _read_the_rest(root: Table) -> None:
    log = root.within("log")
    level = log.take("level", values.text, "")
    if level in _LEVELS:
        root.report.give("log.level", _LEVELS[level], log.where("level"))
    elif level and level != "none":
        root.report.wrong(log.where("level"), "is trace, debug, info, warn or error")
    log.ignore("the log goes to standard error", file="")
    root.ignore("sign in at /admin with an account of Madang's own", admin={"enabled": False})
    for name in ("health", "prometheus"):
        table = root.within(name)
        table.take("enabled", values.flag, False)
        table.ignore(_PATHS, handler_prefix="/health" if name == "health" else "/metrics")
        table.ignore("numbers have names of their own here", instrument_http_handlers=False)
    root.ignore("publish through the server API", consumers=[])
    root.ignore(
        "there is none here",
        graphite={"enabled": False},
        opentelemetry={"enabled": False},
        debug={"enabled": False},
        swagger={"enabled": False},
    )
    root.ignore(
        "it is done in its own way here", shutdown={"timeout": "30s"}, usage_stats={}, node={}, pid_file=""
    )
