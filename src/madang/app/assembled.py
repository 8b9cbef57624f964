"""The rooms' settings, assembled from the settings file."""

from urllib.parse import urlsplit

from madang.app.sections import Endpoint, Settings
from madang.control.settings import Settings as ControlSettings
from madang.net.fanout.settings import FanoutSettings
from madang.net.settings import NetSettings
from madang.net.webrtc.settings import WebRtcSettings
from madang.transcoding.settings import PosterSettings


def net_settings(settings: Settings) -> NetSettings:
    return NetSettings(trusted_proxies=tuple(str(network) for network in settings.trusted_proxies))


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
