"""What an operator may set about the control plane."""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Assembled by `app` from the settings file and the environment."""

    name: str = "Madang"
    """What the site is called on its pages."""
    public_url: str = ""
    """Where the outside reaches the HTTP door, like `https://live.example`; empty: as asked."""
    rtmp_public_url: str = ""
    """Where encoders reach the RTMP door, like `rtmp://live.example`; empty: the host that was asked."""
    rtmps_public_url: str = ""
    """The same by RTMPS; empty where it is not served."""
    rtmp_port: int = 1935
    rtmp_app: str = "live"
    cors_origins: tuple[str, ...] = ()
    """Foreign origins whose pages may call the API with credentials; compared exactly."""
    members_create_channels: bool = True
    sign_up: bool = False
    """Whether anybody may make an account by themselves."""
    session_s: float = 30 * 86400.0
    """A browser that is not seen for so long is signed out."""
    recent_password_s: float = 600.0
    poll_s: float = 1.0
    """How often changes made by other processes are looked for."""
    refusal_floor_s: float = 0.2
    """A refused stream key is answered no sooner: unknown and wrong take the same time."""
    keep_events_s: float = 90 * 86400.0
