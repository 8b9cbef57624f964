"""The section [realtime]: channels for other people's pages and programs, by Centrifugo's protocol."""

import json
import re
from typing import Annotated

import msgspec
import re2
from pydantic import BeforeValidator, Field

from madang.app.keys import Hidden, Section, listed
from madang.base.secret import Secret
from madang.realtime.channel import BUILT_IN_PREFIX, ChannelOptions

BROKERS = ("redis://", "rediss://", "unix://", "nats://")


def _namespaces(value: object) -> object:
    """Tables of options by name; in a variable, the same as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except ValueError:
            raise ValueError("namespaces are tables, or JSON in a variable") from None
    if not isinstance(value, dict):
        return value
    found: dict[str, ChannelOptions] = {}
    for name, options in value.items():
        if not re.fullmatch(r"[-a-zA-Z0-9_.]{2,64}", name, re.ASCII) or name.startswith(BUILT_IN_PREFIX):
            raise ValueError(
                f"{name} cannot name a namespace: letters, digits, -_. and not {BUILT_IN_PREFIX}…"
            )
        if isinstance(options, ChannelOptions):
            found[name] = options
            continue
        unknown = sorted(set(options) - set(ChannelOptions.__struct_fields__))
        if unknown:
            raise ValueError(f"{name} has no option {unknown[0]}")
        try:
            found[name] = msgspec.convert(options, ChannelOptions)
            re2.compile(found[name].channel_regex)
        except (msgspec.ValidationError, re2.error) as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def _broker(value: object) -> object:
    if isinstance(value, str) and value and not value.startswith(BROKERS):
        raise ValueError(f"a broker begins with one of {', '.join(BROKERS)}")
    return value


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
        description="Other sites whose pages may connect, as exact origins like https://app.example.org, or "
        "* for all. Our own pages always may.",
    )
    allow_anonymous: bool = Field(
        False, description="Accept connections without a token; what they may do is said by the namespaces."
    )
    token_hmac_secret: Hidden = Field(
        Secret(""), description="Accept tokens that your backend signed with this secret (HS256, 384, 512)."
    )
    token_hmac_previous_secret: Hidden = Field(
        Secret(""), description="The secret before the last rotation, still accepted."
    )
    token_rsa_public_key: str = Field(
        "", description="PEM: accept tokens signed with this RSA key's other half."
    )
    token_ecdsa_public_key: str = Field("", description="PEM: the same for an elliptic-curve key.")
    token_eddsa_public_key: str = Field("", description="PEM: the same for an Ed25519 key.")
    token_jwks_url: str = Field(
        "",
        description="Accept tokens signed with a key of this key set; {{name}} stands for a named group of "
        "token_issuer_regex.",
    )
    token_audience: str = Field("", description="Accept only tokens for this audience.")
    token_issuer: str = Field("", description="Accept only tokens of this issuer.")
    token_issuer_regex: str = Field(
        "", description="Accept only tokens whose issuer matches this RE2 pattern."
    )
    token_user_id_claim: str = Field("sub", description="The claim that names the user.")
    personal_channels: bool = Field(
        False, description="Subscribe every connection with a user to the channel #user."
    )
    api_keys: Annotated[tuple[Hidden, ...], BeforeValidator(listed)] = Field(
        (), description="Keys of the server API at /api; without one it answers nobody."
    )
    connections_per_user: int = Field(
        0, ge=0, description="Connections that one user may have at once; 0 for any number."
    )
    ping_s: float = Field(25.0, ge=1, le=600, description="Seconds between two pings of the server.")
    pong_s: float = Field(8.0, ge=0, le=600, description="Seconds for the answer to a ping; 0 asks for none.")
    namespaces: Annotated[dict[str, ChannelOptions], BeforeValidator(_namespaces)] = Field(
        {},
        description="Channels named like game:42 belong to the namespace game and follow its options, "
        "written as [realtime.namespaces.game]. Names of options are Centrifugo's; durations are in seconds.",
    )
