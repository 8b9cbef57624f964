"""What an operator may set about the crowd; `app` fills it from the settings file."""

from dataclasses import dataclass, field

import msgspec

from madang.base import limits
from madang.base.secret import Secret
from madang.realtime.channel import ChannelOptions


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """The keys that foreign tokens are checked with; none means that none is accepted."""

    hmac_secret: Secret = Secret("")
    hmac_previous_secret: Secret = Secret("")
    """Still accepted for tokens of before a rotation."""
    hmac_previous_until: float = 0.0
    """Seconds since 1970-01-01 UTC; 0 for without end."""
    rsa_public_key: str = ""
    ecdsa_public_key: str = ""
    eddsa_public_key: str = ""
    """PEM."""
    jwks_url: str = ""
    """May hold `{{name}}` of the named groups of `issuer_regex` and `audience_regex`."""
    audience: str = ""
    audience_regex: str = ""
    issuer: str = ""
    issuer_regex: str = ""
    """RE2."""
    user_id_claim: str = "sub"


@dataclass(frozen=True, slots=True)
class SharedPollSettings:
    """What all shared polls have in common."""

    hmac_secret: Secret = Secret("")
    """Signs which keys a user may track."""
    hmac_previous_secret: Secret = Secret("")
    """Still accepted for signatures of before a rotation."""
    hmac_previous_until: float = 0.0
    """Seconds since 1970-01-01 UTC; 0 for without end."""
    concurrency_limit: int = limits.REALTIME_POLLS_AT_ONCE
    """Questions to backends at a time."""


class ToError(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the client's command is answered with."""

    code: int
    message: str = ""
    temporary: bool = False


class ToDisconnect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the connection ends."""

    code: int
    reason: str = ""


class StatusTransform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one HTTP status of a backend means to the client."""

    status_code: int
    to_error: ToError | None = None
    to_disconnect: ToDisconnect | None = None


class ProxySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A backend that is asked, named as in Centrifugo's configuration unless said otherwise."""

    endpoint: str
    """http:// or https://."""
    timeout_s: float = 1.0
    http_headers: tuple[str, ...] = ()
    """Headers of the client's own request that go along."""
    emulated_headers: tuple[str, ...] = ()
    """Headers that the client may say in its connect command, for transports that cannot send any."""
    static_headers: dict[str, Secret] = {}
    include_connection_meta: bool = False
    binary_encoding: bool = False
    """Data go and come as base 64."""
    status_to_code_transforms: tuple[StatusTransform, ...] = ()


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """Bounds default to `base/limits.py`."""

    token: TokenSettings = TokenSettings()
    subscription_token: TokenSettings | None = None
    """A separate set of keys for subscriptions."""
    shared_poll: SharedPollSettings = SharedPollSettings()
    namespaces: dict[str, ChannelOptions] = field(default_factory=dict)
    without_namespace: ChannelOptions = ChannelOptions()
    allowed_origins: tuple[str, ...] = ()
    """Other sites whose pages may connect, exact, or `*`; our own always may."""
    allow_anonymous: bool = False
    """Connections without a token, as user ""."""
    disallow_anonymous_tokens: bool = False
    user_personal_channel: bool = False
    user_personal_channel_namespace: str = ""
    single_connection: bool = False
    """A user's new connection ends the others with 3504."""
    connect_time: bool = False
    """Tell clients the server's time when they connect."""
    api_keys: tuple[Secret, ...] = ()
    api_errors_as_status: bool = False
    ping_s: float = limits.REALTIME_PING_S
    pong_s: float = limits.REALTIME_PONG_S
    """0 for pings without answers."""
    stale_s: float = limits.REALTIME_STALE_S
    expired_s: float = limits.REALTIME_EXPIRED_S
    expired_subscription_s: float = limits.REALTIME_EXPIRED_S
    channels_per_connection: int = limits.REALTIME_CHANNELS_PER_CONNECTION
    presence_s: float = limits.REALTIME_PRESENCE_S
    """How long a connection is present, and a channel occupied, whose server says nothing any more."""
    queue_bytes: int = limits.REALTIME_QUEUE_BYTES
    message_bytes: int = limits.REALTIME_MESSAGE_BYTES
    connections: int = 0
    """In all; 0 for the bound of the sockets."""
    connections_per_user: int = 0
    connects_per_s: int = 0
    proxies: dict[str, ProxySettings] = field(default_factory=dict)
    """Backends by name; namespaces refer to them by name."""
    connect_proxy_name: str = ""
    """Asked about connections without a token."""
    refresh_proxy_name: str = ""
    """Asked when a connection is about to expire, in place of the client."""
    rpc_proxy_name: str = ""
    """Asked about calls whose method has no namespace."""
    rpc_namespaces: dict[str, str] = field(default_factory=dict)
    """Names of proxies by the namespace of the method: `game` for `game:move`."""
    unidirectional_disconnects: dict[int, ToDisconnect] = field(default_factory=dict)
    """How a unidirectional connection ends whose connect is answered with this error."""
    unidirectional_statuses: dict[int, int] = field(default_factory=dict)
    """HTTP status by the error or disconnect that a connect of `uni_sse` or `uni_http_stream` ends with."""
    commands_per_connection: int = limits.REALTIME_COMMANDS_PER_CONNECTION
    commands_per_user: int = limits.REALTIME_COMMANDS_PER_USER
    commands_per_ip: int = limits.REALTIME_COMMANDS_PER_IP
