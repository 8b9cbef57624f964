"""The rooms' settings, assembled from the settings file."""

from dataclasses import fields
from urllib.parse import urlsplit

from madang.app.keys import Endpoint
from madang.app.realtime import Realtime
from madang.app.sections import Settings
from madang.chat.superchat.settings import PaidSettings
from madang.control.settings import Settings as ControlSettings
from madang.net.fanout.settings import FanoutSettings
from madang.net.settings import NetSettings
from madang.net.webrtc.settings import WebRtcSettings
from madang.payments.settings import PaymentSettings
from madang.realtime.settings import RealtimeSettings, TokenSettings
from madang.transcoding.settings import PosterSettings


def payment_settings(settings: Settings) -> PaymentSettings:
    payments = settings.payments
    return PaymentSettings(
        rehearsal=payments.rehearsal,
        stripe_key=payments.stripe_key,
        stripe_webhook_secret=payments.stripe_webhook_secret,
        toss_key=payments.toss_key,
        toss_client_key=payments.toss_client_key,
        stripe_url=payments.stripe_url,
        toss_url=payments.toss_url,
        toss_script=payments.toss_script,
    )


def paid_settings(settings: Settings) -> PaidSettings:
    payments = settings.payments
    return PaidSettings(
        hold=payments.hold,
        open_s=payments.order_minutes * 60,
        daily_krw=payments.daily_krw,
        daily_usd=payments.daily_usd * 100,
    )


def net_settings(settings: Settings) -> NetSettings:
    return NetSettings(
        trusted_proxies=tuple(str(network) for network in settings.trusted_proxies),
        outbound_allow=tuple(str(network) for network in settings.outbound_allow),
    )


def poster_settings(settings: Settings) -> PosterSettings:
    posters = settings.posters
    return PosterSettings(enabled=posters.enabled, every_s=posters.every_s, width=posters.width)


def fanout_settings(settings: Settings) -> FanoutSettings:
    fanout = settings.fanout
    return FanoutSettings(
        window_s=fanout.merge_ms / 1000,
        crowd_window_s=fanout.crowd_merge_ms / 1000,
        crowd=fanout.crowd_viewers,
    )


def webrtc_settings(settings: Settings) -> WebRtcSettings:
    return WebRtcSettings(addresses=settings.webrtc.addresses)


def realtime_settings(settings: Settings) -> RealtimeSettings:
    realtime = settings.realtime
    token = TokenSettings(
        hmac_secret=realtime.token_hmac_secret,
        hmac_previous_secret=realtime.token_hmac_previous_secret,
        hmac_previous_until=realtime.token_hmac_previous_until,
        rsa_public_key=realtime.token_rsa_public_key,
        ecdsa_public_key=realtime.token_ecdsa_public_key,
        eddsa_public_key=realtime.token_eddsa_public_key,
        jwks_url=realtime.token_jwks_url,
        audience=realtime.token_audience,
        audience_regex=realtime.token_audience_regex,
        issuer=realtime.token_issuer,
        issuer_regex=realtime.token_issuer_regex,
        user_id_claim=realtime.token_user_id_claim,
    )
    # What both know by the same name.
    shared = {field.name for field in fields(RealtimeSettings)} & set(Realtime.model_fields)
    return RealtimeSettings(
        token=token,
        user_personal_channel=realtime.personal_channels,
        user_personal_channel_namespace=realtime.personal_channel_namespace,
        **{name: getattr(realtime, name) for name in shared},
    )


def control_settings(settings: Settings) -> ControlSettings:
    return ControlSettings(
        public_url=settings.public_url,
        rtmp_public_url=settings.rtmp_public_url,
        rtmps_public_url=rtmps_url(settings),
        rtmp_port=settings.rtmp.listen[0].port if settings.rtmp.listen else 1935,
        name=settings.name,
        cors_origins=settings.http.cors_origins,
        members_create_channels=settings.accounts.members_create_channels,
        sign_up=settings.accounts.sign_up,
        session_s=settings.accounts.session_days * 86400.0,
    )


def rtmps_url(settings: Settings) -> str:
    """Where encoders reach the RTMPS door; empty without a certificate, or where no public name is set."""
    host = urlsplit(settings.rtmp_public_url or settings.public_url).hostname
    if settings.tls.certificate is None or not host or not settings.rtmp.tls_listen:
        return ""
    return f"rtmps://{Endpoint(host, settings.rtmp.tls_listen[0].port)}"
