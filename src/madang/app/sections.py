"""What can be set: one model per section of the settings file; each key's description is its manual.

`sample.toml` and the docs page are rendered from these models, so the words here are what operators read.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic.fields import FieldInfo

from madang.app.keys import (
    RELOADS,
    Door,
    Endpoint,
    File,
    Hidden,
    Listeners,
    Needed,
    Networks,
    Section,
    listed,
    stored,
    url,
)
from madang.app.realtime import Realtime
from madang.base.secret import Secret


class Http(Section):
    """Web pages, the API, and every way out by HTTP."""

    listen: Needed = Field(
        (Endpoint("0.0.0.0", 8080),),
        description="Where HTTP listens: one HOST:PORT, or a list of them; more listeners keep old URLs "
        "working.",
    )
    tls_listen: Listeners = Field(
        (Endpoint("0.0.0.0", 8443),),
        description="Where HTTPS listens. Opened only with a certificate under [tls].",
    )
    control_listen: Listeners = Field(
        (),
        description="Where the same is served to operators alone, for example 127.0.0.1:8081: there is room "
        "here for their pages, the API and /metrics when a flood has filled the other doors.",
    )
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        (),
        description="Other sites whose pages may call the API with their visitor's session, as exact origins "
        "like https://app.example.org. Watching needs none of this: media answers every origin.",
    )


class Rtmp(Section):
    """The door of OBS and ffmpeg."""

    listen: Needed = Field(
        (Endpoint("0.0.0.0", 1935),), description="Where RTMP listens: one HOST:PORT, or a list of them."
    )
    tls_listen: Listeners = Field(
        (Endpoint("0.0.0.0", 1936),),
        description="Where RTMPS listens. Opened only with a certificate under [tls].",
    )


class Webrtc(Section):
    """Publishing and watching by WebRTC (WHIP and WHEP), below half a second."""

    listen: Door = Field(
        Endpoint("0.0.0.0", 8189),
        description="The one UDP port of all WebRTC media, HOST:PORT; [::]:8189 listens on IPv6 as well. "
        "Let it through the firewall. Empty: WebRTC by UDP is off.",
    )
    tcp_listen: Door = Field(
        Endpoint("0.0.0.0", 8189),
        description="The TCP port for those whose network lets no UDP through. Empty: off.",
    )
    addresses: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        (),
        description="Public addresses or names under which peers reach these ports, when they differ from "
        "the machine's own: behind NAT, in a container, in most clouds.",
    )
    ice_servers: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        (),
        description="STUN and TURN servers that peers are told of, as values of the Link header of RFC 9725, "
        'for example <stun:stun.example.org>; rel="ice-server". Most installations need none.',
    )
    turn_secret: Hidden = Field(
        Secret(""),
        description="The secret that a TURN server among ice_servers shares (coturn: static-auth-secret): "
        "each peer that is let in gets a user name and a password of its own, good for a day.",
    )


class Tls(Section):
    """HTTPS and RTMPS from one certificate. SIGHUP reads it again; a bad one keeps the old."""

    certificate: File = Field(
        None, description="PEM file: the certificate, then its intermediates.", json_schema_extra=RELOADS
    )
    key: File = Field(
        None, description="PEM file: the private key, without a passphrase.", json_schema_extra=RELOADS
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> "Tls":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are set together or not at all")
        return self


class Data(Section):
    """What the server keeps."""

    dir: Path = Field(
        Path("data"),
        description="The data directory: database, secret file, avatars, and the DVR spool of live streams.",
    )
    database: Annotated[Hidden, stored("sqlite", "postgresql")] = Field(
        Secret(""),
        description="A database URL, for example postgresql://madang:password@db/madang. Empty: SQLite in "
        "the data directory. A password in it is better given as MADANG_DATA__DATABASE.",
    )


class Hls(Section):
    """LL-HLS, HLS and DASH, for channels that left theirs as it was."""

    preset: Literal["standard", "low"] = Field(
        "standard",
        description="standard has parts of 0.5 s and suits every network, "
        "low has parts of 0.2 s and about half a second less latency for more requests.",
    )
    segment_s: float = Field(
        2.0, ge=1, le=10, description="Seconds of a segment; it is cut at the next keyframe."
    )
    dvr_window_s: float = Field(
        1800.0, ge=0, le=14400, description="Seconds that a viewer may seek back in a live stream."
    )


class Fanout(Section):
    """HTTP-FLV, websocket-FLV and playing by RTMP: how often a viewer is written to."""

    merge_ms: int = Field(33, ge=0, le=1000, description="Milliseconds of frames joined into one write.")
    crowd_viewers: int = Field(
        200, ge=1, description="A stream with more viewers than this uses crowd_merge_ms."
    )
    crowd_merge_ms: int = Field(
        100,
        ge=0,
        le=1000,
        description="The same for a crowd: a little more latency, three times the viewers per core.",
    )


class Publish(Section):
    """What becomes of a publisher, in channels that left theirs as it was."""

    reconnect_window_s: float = Field(
        20.0,
        ge=0,
        le=300,
        description="Seconds for which a stream waits for its lost publisher and stays the same.",
    )
    package_on_demand: bool = Field(
        False,
        description="Package HLS and DASH only from the first viewer on: many more publishers per core, "
        "but no DVR before that viewer, who waits for the next segment.",
    )


class Posters(Section):
    """The moving pictures of the home page."""

    enabled: bool = Field(True, description="Make a JPEG of the live picture while somebody looks at it.")
    every_s: float = Field(5.0, ge=1, le=300, description="Seconds between two pictures of a stream.")
    width: int = Field(640, ge=160, le=1920, description="Width of the picture in pixels.")


class Accounts(Section):
    """Who signs in, and for how long."""

    members_create_channels: bool = Field(
        True,
        description="Whether every member may create channels. Think of it when sign_up is on.",
    )
    sign_up: bool = Field(
        False,
        description="Whether viewers may make themselves an account, to follow and to chat under a name of "
        "their own. Off: accounts are made by invitation.",
    )
    session_days: int = Field(
        30, ge=1, le=400, description="Days after which an unused session is signed out."
    )
    invitation_days: int = Field(
        7, ge=1, le=30, description="Days for which the link of `madang user invite` works."
    )


class Chat(Section):
    """The chat of every channel; its modes are set by the channel's managers, in the chat."""

    enabled: bool = Field(True, description="Whether channels have a chat.")
    guests: bool = Field(
        True,
        description="Whether those without an account may write, under a nickname. A channel may still "
        "refuse them.",
    )
    keep_days: int = Field(365, ge=1, le=36_500, description="Days after which messages are forgotten.")
    keep_audit_days: int = Field(
        730, ge=1, le=36_500, description="Days after which the deeds of moderators are forgotten."
    )


class Payments(Section):
    """Who takes money for paid messages. Without a provider, paid messages are not offered."""

    rehearsal: bool = Field(
        False, description="Offer rehearsed payments, which move no money; for trying out."
    )
    stripe_key: Hidden = Field(
        Secret(""),
        description="Stripe's secret key. Better given as MADANG_PAYMENTS__STRIPE_KEY. Empty: no Stripe.",
    )
    stripe_webhook_secret: Hidden = Field(
        Secret(""),
        description="The signing secret of the webhook at /api/v1/payments/stripe/webhook.",
    )
    toss_key: Hidden = Field(
        Secret(""),
        description="The secret key of Toss Payments. Better given as MADANG_PAYMENTS__TOSS_KEY. Empty: no "
        "Toss.",
    )
    toss_client_key: str = Field("", description="The client key of Toss Payments, which browsers get.")
    stripe_url: Annotated[str, url("http", "https")] = Field(
        "https://api.stripe.com",
        min_length=1,
        description="Where Stripe's API is; another address for a stand-in to try things with.",
    )
    toss_url: Annotated[str, url("http", "https")] = Field(
        "https://api.tosspayments.com", min_length=1, description="Where the API of Toss Payments is."
    )
    toss_script: Annotated[str, url("http", "https")] = Field(
        "https://js.tosspayments.com/v2/standard",
        min_length=1,
        description="The script of Toss Payments, which the page of an order loads, and no other page.",
    )
    hold: bool = Field(
        False,
        description="Hold every paid message until a manager approves it, not only what the filter holds.",
    )
    order_minutes: int = Field(30, ge=5, le=1_440, description="Minutes for which an order waits for money.")
    daily_krw: int = Field(
        500_000, ge=1_000, le=100_000_000, description="Won that one person may give a channel in 24 hours."
    )
    daily_usd: int = Field(500, ge=1, le=100_000, description="The same in dollars.")


class Metrics(Section):
    """Prometheus, at /metrics: for loopback, and for an API token with the scope `metrics`."""

    loopback: bool = Field(
        True,
        description="Answer loopback without a token. Switch it off where others have accounts on this "
        "machine.",
    )
    public: bool = Field(
        False, description='Answer everybody. Unsafe: needs "metrics.public" under [unsafe].'
    )


class Log(Section):
    """What is written to standard error, one event per line."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is written.", json_schema_extra=RELOADS
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="json for machines, console for people; auto is console on a terminal, else json."
    )


class Unsafe(Section):
    """The second key: what is unsafe works only when it is named here too, and is told at every start."""

    allow: Annotated[tuple[Literal["metrics.public", "trusted_proxies"], ...], BeforeValidator(listed)] = (
        Field((), description='Of "metrics.public" and "trusted_proxies" (trusting every address).')
    )


class Settings(Section):
    """Everything that can be set."""

    name: str = Field(
        "Madang", min_length=1, max_length=80, description="What this site is called on its pages."
    )
    public_url: Annotated[str, url("http", "https")] = Field(
        "",
        description="How viewers reach this server, for example https://live.example.org; every link "
        "shown is made from it. Empty: the address that the browser asked for.",
        json_schema_extra=RELOADS,
    )
    rtmp_public_url: Annotated[str, url("rtmp", "rtmps", "rtmp")] = Field(
        "",
        description="How publishers reach it, for example rtmp://live.example.org. Empty: the host of "
        "public_url.",
        json_schema_extra=RELOADS,
    )
    trusted_proxies: Networks = Field(
        (),
        description="Proxies before this server, as addresses or networks. Only theirs X-Forwarded-For "
        "and X-Forwarded-Proto are believed; the client is the rightmost address that is none "
        "of them.",
        json_schema_extra=RELOADS,
    )
    outbound_allow: Networks = Field(
        (),
        description="Networks of your own that webhooks and other requests of the server may reach, as "
        "addresses or networks. All else that is not public is never called.",
    )
    http: Http = Http()
    rtmp: Rtmp = Rtmp()
    webrtc: Webrtc = Webrtc()
    tls: Tls = Tls()
    data: Data = Data()
    hls: Hls = Hls()
    fanout: Fanout = Fanout()
    publish: Publish = Publish()
    posters: Posters = Posters()
    accounts: Accounts = Accounts()
    realtime: Realtime = Realtime()
    chat: Chat = Chat()
    payments: Payments = Payments()
    metrics: Metrics = Metrics()
    log: Log = Log()
    unsafe: Unsafe = Unsafe()

    @model_validator(mode="after")
    def _two_keys(self) -> "Settings":
        for name, sentence in self.unsafe_settings():
            if name not in self.unsafe.allow:
                raise ValueError(f'{sentence} If that is meant, add "{name}" to unsafe.allow')
        return self

    @model_validator(mode="after")
    def _certificate_for_grpc(self) -> "Settings":
        wanted = self.realtime.grpc_tls or self.realtime.uni_grpc_tls
        if wanted and self.tls.certificate is None and self.realtime.grpc_certificate is None:
            raise ValueError("realtime.grpc_tls: needs a certificate, under [tls] or as grpc_certificate")
        return self

    @model_validator(mode="after")
    def _history_for_chat(self) -> "Settings":
        if self.chat.enabled and self.realtime.broker.reveal().startswith("nats://"):
            raise ValueError(
                "realtime.broker: NATS keeps no history, which the chat needs. Take Redis, or set "
                "chat.enabled to false"
            )
        return self

    def unsafe_settings(self) -> tuple[tuple[str, str], ...]:
        """Unsafe settings that are on: (name, sentence), to be told at every start and every hour (A68)."""
        found = []
        if self.metrics.public:
            found.append(("metrics.public", "metrics.public shows the server's metrics to everybody."))
        if any(network.prefixlen == 0 for network in self.trusted_proxies):
            found.append(("trusted_proxies", "trusted_proxies lets every client forge its address."))
        return tuple(found)


def sections() -> tuple[tuple[str, str, dict[str, FieldInfo]], ...]:
    """The manual's order: (section, what it is for, its keys); the first is the top of the file."""
    top: dict[str, FieldInfo] = {}
    found = [("", "What every door needs.", top)]
    for name, info in Settings.model_fields.items():
        model = info.annotation
        if isinstance(model, type) and issubclass(model, Section):
            found.append((name, model.__doc__ or "", dict(model.model_fields)))
        else:
            top[name] = info
    return tuple(found)


def fields() -> dict[str, FieldInfo]:
    """Every key by its dotted name."""
    return {
        f"{head}.{name}".lstrip("."): info for head, _, inner in sections() for name, info in inner.items()
    }
