"""What an operator may set about the crowd; `app` fills it from the settings file."""

from dataclasses import dataclass, field

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
class RealtimeSettings:
    """Bounds default to `base/limits.py`."""

    token: TokenSettings = TokenSettings()
    subscription_token: TokenSettings | None = None
    """A separate set of keys for subscriptions."""
    namespaces: dict[str, ChannelOptions] = field(default_factory=dict)
    without_namespace: ChannelOptions = ChannelOptions()
    allowed_origins: tuple[str, ...] = ()
    """Other sites whose pages may connect, exact, or `*`; our own always may."""
    allow_anonymous: bool = False
    """Connections without a token, as user ""."""
    disallow_anonymous_tokens: bool = False
    user_personal_channel: bool = False
    user_personal_channel_namespace: str = ""
    api_keys: tuple[Secret, ...] = ()
    ping_s: float = limits.REALTIME_PING_S
    pong_s: float = limits.REALTIME_PONG_S
    """0 for pings without answers."""
    stale_s: float = limits.REALTIME_STALE_S
    expired_s: float = limits.REALTIME_EXPIRED_S
    channels_per_connection: int = limits.REALTIME_CHANNELS_PER_CONNECTION
    queue_bytes: int = limits.REALTIME_QUEUE_BYTES
    message_bytes: int = limits.REALTIME_MESSAGE_BYTES
    connections: int = 0
    """In all; 0 for the bound of the sockets."""
    connections_per_user: int = 0
    connects_per_s: int = 0
    commands_per_connection: int = limits.REALTIME_COMMANDS_PER_CONNECTION
    commands_per_user: int = limits.REALTIME_COMMANDS_PER_USER
    commands_per_ip: int = limits.REALTIME_COMMANDS_PER_IP
