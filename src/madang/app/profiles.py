"""What the settings say about every channel's stream, laid under what each channel chose for itself."""

from typing import Final

import msgspec

from madang.app.sections import Settings
from madang.hub.gate import Lease, Profile, PublishGate, PublishRequest

_PLAIN: Final = Profile()
_LOW_PART_S: Final = 0.2


class SiteGate:
    """A publish gate whose leases carry the site's profile: a channel that left a value as it came gets the
    site's, one that chose keeps its own. Implements `hub.gate.PublishGate`."""

    def __init__(self, inner: PublishGate, settings: Settings) -> None:
        self._inner = inner
        self._settings = settings

    async def admit(self, request: PublishRequest) -> Lease:
        lease = await self._inner.admit(request)
        return msgspec.structs.replace(lease, profile=profile_of(lease.profile, self._settings))


def profile_of(chosen: Profile, settings: Settings) -> Profile:
    """The channel's profile over the site's."""
    hls, publish = settings.hls, settings.publish
    site = Profile(
        part_s=_LOW_PART_S if hls.preset == "low" else _PLAIN.part_s,
        dvr_window_s=hls.dvr_window_s,
        reconnect_window_s=publish.reconnect_window_s,
    )
    kept = {
        name: getattr(chosen, name)
        for name in ("part_s", "dvr_window_s", "reconnect_window_s")
        if getattr(chosen, name) != getattr(_PLAIN, name)
    }
    return msgspec.structs.replace(
        site,
        segment_s=hls.segment_s,
        package_on_demand=publish.package_on_demand,
        separate_audio=chosen.separate_audio,
        **kept,
    )
