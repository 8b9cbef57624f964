"""The section [realtime]: channels for other people's pages and programs, by Centrifugo's protocol."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Annotated, TypeVar

import msgspec
import re2
from pydantic import BeforeValidator, Field, model_validator

from madang.app import maps, polls
from madang.app.keys import RELOADS, Door, File, Hidden, Section, listed
from madang.base import limits
from madang.base.secret import Secret
from madang.realtime.channel import BUILT_IN_PREFIX, ChannelOptions
from madang.realtime.settings import ProxySettings, SharedPollSettings, ToDisconnect, TokenSettings

BROKERS = ("redis://", "rediss://", "unix://", "nats://")
_NAME = re.compile(r"[-a-zA-Z0-9_.]{2,64}", re.ASCII)
_S = TypeVar("_S", bound=msgspec.Struct)
_D = TypeVar("_D", TokenSettings, SharedPollSettings)


def _tables(what: str, kind: type[_S], check: Callable[[_S], object]) -> BeforeValidator:
    """Tables of options by name; in a variable, the same as JSON."""

    def read(value: object) -> object:
        value = _parsed(value, what)
        if not isinstance(value, dict):
            return value
        return {_named(name): _options(name, one, kind, check) for name, one in value.items()}

    return BeforeValidator(read)


def _parsed(value: object, what: str) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "{}")
    except ValueError:
        raise ValueError(f"{what} are tables, or JSON in a variable") from None


def _named(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith(BUILT_IN_PREFIX):
        raise ValueError(
            f"{name} cannot be such a name: two letters or more, digits, -_. and not {BUILT_IN_PREFIX}…"
        )
    return name


def _options(name: str, value: object, kind: type[_S], check: Callable[[_S], object]) -> _S:
    if isinstance(value, kind):
        return value
    if isinstance(value, Mapping) and (unknown := sorted(set(value) - set(kind.__struct_fields__))):
        raise ValueError(f"{name} has no option {unknown[0]}")
    try:
        found = msgspec.convert(value, kind, dec_hook=_hidden)
        check(found)
    except (msgspec.ValidationError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None
    return found


def _hidden(kind: type, value: object) -> object:
    if kind is not Secret or not isinstance(value, str):
        raise ValueError("a text is expected")
    return Secret(value)


def _check_channel(options: ChannelOptions) -> None:
    _pattern(options.channel_regex)
    maps.check(options)
    polls.check(options)


def _pattern(value: object) -> object:
    """RE2, or nothing."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(value, options)
    except (re2.error, TypeError):
        raise ValueError(f"{value} is no RE2 pattern") from None
    return value


def _check_proxy(proxy: ProxySettings) -> None:
    if not proxy.endpoint.startswith(("http://", "https://")):
        raise ValueError("endpoint: backends are asked by http:// or https://")
    if not 0 < proxy.timeout_s <= 60:
        raise ValueError("timeout_s: more than 0 and at most 60 seconds")
    named = (*proxy.http_headers, *proxy.emulated_headers, *proxy.static_headers)
    if len(named) > limits.REALTIME_PROXY_HEADERS:
        raise ValueError(f"at most {limits.REALTIME_PROXY_HEADERS} headers")
    if bad := [name for name in named if not re.fullmatch(r"[-!#$%&'*+.^_`|~\w]+", name, re.ASCII)]:
        raise ValueError(f"{bad[0]} is not the name of a header")


def _without_namespace(value: object) -> object:
    value = _parsed(value, "options")
    return _options("without_namespace", value, ChannelOptions, _check_channel)


def _token_keys(value: object) -> object:
    """The keys of subscription tokens; None where they are those of connections."""
    value = _parsed(value, "token keys")
    if value is None or isinstance(value, TokenSettings) or value == {}:
        return value or None
    found = _table(value, "token key", TokenSettings)
    for pattern in (found.audience_regex, found.issuer_regex):
        _pattern(pattern)
    return found


def _shared_poll(value: object) -> object:
    value = _parsed(value, "options of shared polls")
    if isinstance(value, SharedPollSettings):
        return value
    found = _table(value, "option of shared polls", SharedPollSettings)
    if not 1 <= found.concurrency_limit <= limits.REALTIME_PROXY_AT_ONCE:
        raise ValueError(f"concurrency_limit: 1 to {limits.REALTIME_PROXY_AT_ONCE}")
    return found


def _table(value: object, what: str, kind: type[_D]) -> _D:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what}s are a table")
    if unknown := sorted(set(value) - {field.name for field in fields(kind)}):
        raise ValueError(f"there is no {what} {unknown[0]}")
    try:
        return msgspec.convert(dict(value), kind, dec_hook=_hidden)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _broker(value: object) -> object:
    if isinstance(value, str) and value and not value.startswith(BROKERS):
        raise ValueError(f"a broker begins with one of {', '.join(BROKERS)}")
    return value


def _disconnects(value: object) -> object:
    """Disconnects by the error that they take the place of."""
    value = _parsed(value, "disconnects")
    if not isinstance(value, Mapping):
        return value
    if bad := [code for code in value if not str(code).isdigit()]:
        raise ValueError(f"{bad[0]} is not the number of an error")
    return {int(code): _options(str(code), told, ToDisconnect, _check_code) for code, told in value.items()}


def _statuses(value: object) -> object:
    value = _parsed(value, "statuses")
    if not isinstance(value, Mapping):
        return value
    for code, status in value.items():
        if not str(code).isdigit() or not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(
                f"{code} = {status}: an error's or a disconnect's number, and a status 400 to 599"
            )
    return {int(code): status for code, status in value.items()}


def _check_code(told: ToDisconnect) -> None:
    if not 3000 <= told.code <= 4999 or len(told.reason.encode()) > limits.REALTIME_REASON_BYTES:
        raise ValueError("a disconnect has a code from 3000 to 4999 and a short reason")


Namespaces = Annotated[dict[str, ChannelOptions], _tables("namespaces", ChannelOptions, _check_channel)]
Backends = Annotated[dict[str, ProxySettings], _tables("proxies", ProxySettings, _check_proxy)]


class Realtime(Section):
    """Channels for your own pages and programs, by Centrifugo's protocol; the chat needs none of this."""

    broker: Annotated[Hidden, BeforeValidator(_broker)] = Field(
        Secret(""),
        description="What joins several servers to one crowd: redis://, rediss:// or unix:// (history, "
        "presence and all), or nats:// (publications alone, at most once; without chat). Empty: this "
        "process alone.",
    )
    broker_prefix: str = Field(
        "madang",
        pattern=r"^[a-z0-9_-]{1,32}$",
        description="What the broker's names begin with; the same on servers that belong together.",
    )
    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        (),
        description="Other sites whose pages may connect, as exact origins like https://app.example.org, "
        "with * for a part of them like https://*.example.org, or * for all. Our own pages always may.",
        json_schema_extra=RELOADS,
    )
    allow_anonymous: bool = Field(
        False,
        description="Accept connections without a token; what they may do is said by the namespaces.",
        json_schema_extra=RELOADS,
    )
    token_hmac_secret: Hidden = Field(
        Secret(""),
        description="Accept tokens that your backend signed with this secret (HS256, 384, 512).",
        json_schema_extra=RELOADS,
    )
    token_hmac_previous_secret: Hidden = Field(
        Secret(""),
        description="The secret before the last rotation, still accepted.",
        json_schema_extra=RELOADS,
    )
    token_hmac_previous_until: float = Field(
        0,
        ge=0,
        description="Until when it is, in seconds since 1970; 0 for without end.",
        json_schema_extra=RELOADS,
    )
    token_rsa_public_key: str = Field(
        "", description="PEM: accept tokens signed with this RSA key's other half.", json_schema_extra=RELOADS
    )
    token_ecdsa_public_key: str = Field(
        "", description="PEM: the same for an elliptic-curve key.", json_schema_extra=RELOADS
    )
    token_eddsa_public_key: str = Field(
        "", description="PEM: the same for an Ed25519 key.", json_schema_extra=RELOADS
    )
    token_jwks_url: str = Field(
        "",
        description="Accept tokens signed with a key of this key set; {{name}} stands for a named group of "
        "token_issuer_regex.",
        json_schema_extra=RELOADS,
    )
    token_audience: str = Field(
        "", description="Accept only tokens for this audience.", json_schema_extra=RELOADS
    )
    token_audience_regex: Annotated[str, BeforeValidator(_pattern)] = Field(
        "",
        description="Accept only tokens one of whose audiences matches this RE2 pattern.",
        json_schema_extra=RELOADS,
    )
    token_issuer: str = Field("", description="Accept only tokens of this issuer.", json_schema_extra=RELOADS)
    token_issuer_regex: Annotated[str, BeforeValidator(_pattern)] = Field(
        "", description="Accept only tokens whose issuer matches this RE2 pattern.", json_schema_extra=RELOADS
    )
    token_user_id_claim: str = Field(
        "sub", description="The claim that names the user.", json_schema_extra=RELOADS
    )
    subscription_token: Annotated[TokenSettings | None, BeforeValidator(_token_keys)] = Field(
        None,
        description="Keys of their own for subscription tokens, as a table: hmac_secret, rsa_public_key, "
        "jwks_url, audience and the others of above without token_. Empty: those of above.",
        json_schema_extra=RELOADS,
    )
    disallow_anonymous_tokens: bool = Field(
        False, description="Refuse tokens that name no user.", json_schema_extra=RELOADS
    )
    personal_channels: bool = Field(
        False,
        description="Subscribe every connection with a user to the channel #user.",
        json_schema_extra=RELOADS,
    )
    personal_channel_namespace: str = Field(
        "", description="The namespace of those channels.", json_schema_extra=RELOADS
    )
    single_connection: bool = Field(
        False,
        description="A new connection of a user ends the user's others, on every server, with 3504. Accounts "
        "and guests of this server may have several in any case.",
        json_schema_extra=RELOADS,
    )
    connect_time: bool = Field(
        False,
        description="Tell clients the server's time when they connect.",
        json_schema_extra=RELOADS,
    )
    api_keys: Annotated[tuple[Hidden, ...], BeforeValidator(listed)] = Field(
        (),
        description="Keys of the server API at /api; without one it answers nobody.",
        json_schema_extra=RELOADS,
    )
    api_errors_as_status: bool = Field(
        False,
        description="Errors of the server API are the status of its answers too, as with the header "
        "X-Centrifugo-Error-Mode: transport.",
        json_schema_extra=RELOADS,
    )
    connections: int = Field(
        0, ge=0, description="Connections at once; 0 for as many as the server has room for."
    )
    connects_per_s: int = Field(
        0, ge=0, description="New connections a second; more are told to come later. 0 for any number."
    )
    connections_per_user: int = Field(
        0, ge=0, description="Connections that one user may have at once; 0 for any number."
    )
    channels_per_connection: int = Field(
        limits.REALTIME_CHANNELS_PER_CONNECTION,
        ge=1,
        le=10_000,
        description="Channels that one connection may be subscribed to.",
    )
    presence_s: float = Field(
        limits.REALTIME_PRESENCE_S,
        ge=3,
        le=3600,
        description="Seconds until the connections of a server that died are not present any more, and its "
        "channels vacated. What lives is told again three times meanwhile.",
    )
    queue_bytes: int = Field(
        limits.REALTIME_QUEUE_BYTES,
        ge=65_536,
        le=1 << 24,
        description="What may wait for a slow connection before it is ended.",
    )
    message_bytes: int = Field(
        limits.REALTIME_MESSAGE_BYTES,
        ge=1_024,
        le=limits.REALTIME_API_BYTES,
        description="The longest message of a client.",
    )
    stale_s: float = Field(
        limits.REALTIME_STALE_S, ge=1, le=600, description="Seconds in which a connection must say who it is."
    )
    expired_s: float = Field(
        limits.REALTIME_EXPIRED_S,
        ge=0,
        le=600,
        description="Seconds that a client has for a new token when its old one has expired.",
    )
    expired_subscription_s: float = Field(
        limits.REALTIME_EXPIRED_S, ge=0, le=600, description="The same for the token of a subscription."
    )
    ping_s: float = Field(25.0, ge=1, le=600, description="Seconds between two pings of the server.")
    pong_s: float = Field(8.0, ge=0, le=600, description="Seconds for the answer to a ping; 0 asks for none.")
    namespaces: Namespaces = Field(
        {},
        description="Channels named like game:42 belong to the namespace game and follow its options, "
        "written as [realtime.namespaces.game]. Names of options are Centrifugo's; durations are in seconds.",
        json_schema_extra=RELOADS,
    )
    without_namespace: Annotated[ChannelOptions, BeforeValidator(_without_namespace)] = Field(
        ChannelOptions(),
        description="The same options for channels without a namespace.",
        json_schema_extra=RELOADS,
    )
    shared_poll: Annotated[SharedPollSettings, BeforeValidator(_shared_poll)] = Field(
        SharedPollSettings(),
        description='What namespaces with subscription_type = "shared_poll" have in common, as a table: '
        "hmac_secret signs which keys a user may track, hmac_previous_secret and hmac_previous_until are for "
        "its rotation, concurrency_limit is how many questions to backends there are at a time.",
        json_schema_extra=RELOADS,
    )
    proxies: Backends = Field(
        {},
        description="Backends that are asked, by name, written as [realtime.proxies.backend]: endpoint, "
        "timeout_s, http_headers, emulated_headers, static_headers, include_connection_meta, "
        "binary_encoding, status_to_code_transforms. Private addresses need outbound_allow.",
        json_schema_extra=RELOADS,
    )
    connect_proxy_name: str = Field(
        "",
        description="The proxy that is asked about connections without a token.",
        json_schema_extra=RELOADS,
    )
    refresh_proxy_name: str = Field(
        "",
        description="The proxy that is asked when a connection is about to expire, in place of the client.",
        json_schema_extra=RELOADS,
    )
    rpc_proxy_name: str = Field(
        "",
        description="The proxy that answers calls whose method has no namespace.",
        json_schema_extra=RELOADS,
    )
    rpc_namespaces: dict[str, str] = Field(
        {},
        description='Proxies that answer calls by the namespace of their method: {game = "backend"} for '
        "game:move.",
        json_schema_extra=RELOADS,
    )
    unidirectional_disconnects: Annotated[dict[int, ToDisconnect], BeforeValidator(_disconnects)] = Field(
        {},
        description="How unidirectional connections end whose connect is answered with an error, by its "
        'code: {403 = {code = 4903, reason = "forbidden"}}. Others end with 3004.',
        json_schema_extra=RELOADS,
    )
    unidirectional_statuses: Annotated[dict[int, int], BeforeValidator(_statuses)] = Field(
        {},
        description="With which HTTP status uni_sse and uni_http_stream answer a connect that failed, by its "
        "error or disconnect: {109 = 401, 3500 = 401}. Others begin with 200 and end with a disconnect.",
        json_schema_extra=RELOADS,
    )
    grpc: Door = Field(
        None,
        description="Where the server API listens for gRPC, HOST:PORT. Needs the extra madang[grpc]. Empty: "
        "off.",
    )
    uni_grpc: Door = Field(
        None,
        description="Where unidirectional clients connect by gRPC; may be the same place. Empty: off.",
    )
    grpc_tls: bool = Field(
        False,
        description="The server API's gRPC speaks TLS, with the certificate under [tls], which SIGHUP reads "
        "again, or with grpc_certificate.",
    )
    uni_grpc_tls: bool = Field(False, description="The same for unidirectional clients.")
    grpc_certificate: File = Field(
        None, description="PEM file: a certificate for gRPC alone, then its intermediates."
    )
    grpc_key: File = Field(None, description="PEM file: its private key, without a passphrase.")
    grpc_client_ca: File = Field(
        None,
        description="PEM file: who connects by gRPC with TLS must show a certificate of these authorities. "
        "Empty: nobody must.",
    )

    @model_validator(mode="after")
    def _doors_of_grpc(self) -> "Realtime":
        if (self.grpc_certificate is None) != (self.grpc_key is None):
            raise ValueError("grpc_certificate and grpc_key are set together or not at all")
        if self.grpc == self.uni_grpc and self.grpc is not None and self.grpc_tls != self.uni_grpc_tls:
            raise ValueError("grpc_tls and uni_grpc_tls: one place either speaks TLS or does not")
        return self

    @model_validator(mode="after")
    def _known_maps(self) -> "Realtime":
        named = (*self.namespaces.items(), ("without_namespace", self.without_namespace))
        maps.check_presence(named, self.namespaces, self.presence_s)
        return self

    @model_validator(mode="after")
    def _known_proxies(self) -> "Realtime":
        wanted = {
            "connect_proxy_name": self.connect_proxy_name,
            "refresh_proxy_name": self.refresh_proxy_name,
            "rpc_proxy_name": self.rpc_proxy_name,
            **{f"rpc_namespaces.{name}": proxy for name, proxy in self.rpc_namespaces.items()},
        }
        for name, options in (*self.namespaces.items(), ("without_namespace", self.without_namespace)):
            for event in (
                "subscribe_proxy_name",
                "publish_proxy_name",
                "sub_refresh_proxy_name",
                "state_proxy_name",
            ):
                wanted[f"{name}.{event}"] = getattr(options, event)
            for event in ("publish_proxy_name", "remove_proxy_name"):
                wanted[f"{name}.map.{event}"] = getattr(options.map, event)
            if options.subscription_type == "shared_poll":
                wanted[f"{name}.shared_poll.proxy_name"] = options.shared_poll.proxy_name
                if not self.shared_poll.hmac_secret.reveal():
                    raise ValueError(f"{name} is a shared poll: shared_poll.hmac_secret signs its keys")
        for where, proxy in wanted.items():
            if proxy and proxy not in self.proxies:
                raise ValueError(f"{where}: there is no proxy {proxy}")
        if len(self.proxies) > limits.REALTIME_PROXIES:
            raise ValueError(f"at most {limits.REALTIME_PROXIES} proxies")
        return self
