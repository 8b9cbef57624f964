"""The site's profile lies under the channel's own."""

from madang.app.profiles import SiteGate, profile_of
from madang.app.sections import Settings
from madang.base.ids import ChannelId, KeyId
from madang.base.secret import Secret
from madang.hub.gate import Lease, Profile, PublishRequest

SITE = Settings.model_validate(
    {
        "hls": {"preset": "low", "segment_s": 4, "dvr_window_s": 600},
        "publish": {"reconnect_window_s": 5, "package_on_demand": True},
    }
)


def test_without_settings_a_channel_is_as_it_chose() -> None:
    chosen = Profile(part_s=0.2, dvr_window_s=60, reconnect_window_s=0)
    assert profile_of(chosen, Settings()) == chosen
    assert profile_of(Profile(), Settings()) == Profile()


def test_what_a_channel_left_alone_is_the_sites() -> None:
    assert profile_of(Profile(), SITE) == Profile(
        segment_s=4, part_s=0.2, dvr_window_s=600, reconnect_window_s=5, package_on_demand=True
    )


def test_what_a_channel_chose_is_its_own() -> None:
    found = profile_of(Profile(dvr_window_s=60, reconnect_window_s=0, separate_audio=True), SITE)
    assert (found.dvr_window_s, found.reconnect_window_s, found.separate_audio) == (60, 0, True)


async def test_leases_carry_it() -> None:
    class Inner:
        async def admit(self, request: PublishRequest) -> Lease:
            return Lease(
                channel=ChannelId("c"), name="n", key=KeyId("k"), profile=Profile(), peer=request.peer
            )

    request = PublishRequest(door="rtmp", name="", key=Secret("k"), peer="192.0.2.9")
    lease = await SiteGate(Inner(), SITE).admit(request)
    assert lease.profile.reconnect_window_s == 5
    assert (lease.channel, lease.peer) == ("c", "192.0.2.9")
