"""What options of shared polls may say: a backend, and bounds."""

from madang.base import limits
from madang.realtime.channel import ChannelOptions


def check(options: ChannelOptions) -> None:
    """Of one namespace. Raises ValueError with half a sentence."""
    poll = options.shared_poll
    if options.subscription_type != "shared_poll":
        return
    if not poll.proxy_name:
        raise ValueError("shared_poll.proxy_name: which backend is asked?")
    if not 0.25 <= poll.refresh_interval_s <= 86_400:
        raise ValueError("shared_poll.refresh_interval_s: a quarter of a second to a day")
    if not 1 <= poll.refresh_batch_size <= 10_000:
        raise ValueError("shared_poll.refresh_batch_size: 1 to 10000")
    if not 1 <= poll.max_keys_per_connection <= limits.REALTIME_POLL_KEYS:
        raise ValueError(f"shared_poll.max_keys_per_connection: 1 to {limits.REALTIME_POLL_KEYS}")
    for name in ("channel_shutdown_delay_s", "track_expired_extra_delay_s"):
        if not 0 <= getattr(poll, name) <= 3600:
            raise ValueError(f"shared_poll.{name}: 0 to 3600")
    if poll.publish_enabled and poll.is_versionless:
        raise ValueError('shared_poll.publish_enabled needs mode = "versioned"')
