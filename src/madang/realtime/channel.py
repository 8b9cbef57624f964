"""Channel names and what each namespace allows: the options of Centrifugo, and those of ours beside them."""

from typing import Final, Literal

import msgspec

from madang.protocols.centrifugo import text
from madang.realtime.maps import MapOptions
from madang.realtime.publication import Retention

PRIVATE_PREFIX: Final = "$"
NAMESPACE_BOUNDARY: Final = ":"
USER_BOUNDARY: Final = "#"
USER_SEPARATOR: Final = ","
BUILT_IN_PREFIX: Final = "madang_"

DataFormat = Literal["", "json", "json_object", "binary"]
SubscriptionType = Literal["stream", "map", "map_clients", "map_users", "shared_poll"]


class SharedPollOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the keys of a shared poll are asked for, named as in Centrifugo's configuration."""

    proxy_name: str = ""
    """The backend that is asked."""
    refresh_interval_s: float = 10.0
    refresh_batch_size: int = 1000
    """Keys of one request; the requests of a round are spread over the interval."""
    max_keys_per_connection: int = 5000
    mode: Literal["", "versionless", "versioned"] = "versionless"
    """Versions are counted here by the data, or by the backend."""
    channel_shutdown_delay_s: float = 1.0
    """How long what a channel counted outlasts its last subscription."""
    track_expired_extra_delay_s: float = 25.0
    """Keys are followed for so long after their signature has expired."""
    publish_enabled: bool = False
    """Values may come by the server API too; `versioned` alone."""
    keep_latest_data: bool = False
    """Who tracks a key that others follow gets its value at once, and deltas are made. Of the PRO edition."""

    @property
    def is_versionless(self) -> bool:
        return self.mode != "versioned"


class ChannelOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one namespace, named as in Centrifugo's configuration unless said otherwise."""

    subscription_type: SubscriptionType = "stream"
    map: MapOptions = MapOptions()
    map_clients_presence_channel_prefix: str = ""
    """Connections that are subscribed are keys of the map that is named so and then like their channel."""
    map_users_presence_channel_prefix: str = ""
    """Users likewise, until the keys' time is over."""
    presence: bool = False
    join_leave: bool = False
    force_push_join_leave: bool = False
    history_size: int = 0
    history_ttl_s: float = 0.0
    history_meta_ttl_s: float = 0.0
    force_positioning: bool = False
    allow_positioning: bool = False
    force_recovery: bool = False
    allow_recovery: bool = False
    force_recovery_mode: Literal["stream", "cache"] = "stream"
    auto_cache_recover: bool = False
    allowed_delta_types: tuple[str, ...] = ()
    delta_publish: bool = False
    allow_tags_filter: bool = False
    allow_subscribe_for_client: bool = False
    allow_subscribe_for_anonymous: bool = False
    allow_publish_for_client: bool = False
    allow_publish_for_anonymous: bool = False
    allow_publish_for_subscriber: bool = False
    allow_presence_for_client: bool = False
    allow_presence_for_anonymous: bool = False
    allow_presence_for_subscriber: bool = False
    allow_history_for_client: bool = False
    allow_history_for_anonymous: bool = False
    allow_history_for_subscriber: bool = False
    allow_user_limited_channels: bool = False
    channel_regex: str = ""
    """RE2; the whole name behind the namespace must match."""
    publication_data_format: DataFormat = ""
    subscribe_proxy_name: str = ""
    """The proxy that is asked; empty asks none. Centrifugo's `subscribe_proxy_enabled` is a name here."""
    publish_proxy_name: str = ""
    sub_refresh_proxy_name: str = ""
    state_proxy_name: str = ""
    """Told when a channel gets its first subscriber and loses its last; of Centrifugo's PRO edition."""

    shared_poll: SharedPollOptions = SharedPollOptions()
    """Of `subscription_type = "shared_poll"`."""

    # What Centrifugo keeps closed.
    keep_latest_publication: bool = False
    """Deltas without history: the last publication is kept while somebody is subscribed."""
    batch_max_delay_s: float = 0.0
    """Publications wait at least so long to be merged into one write; 0 adapts to the rate alone."""
    batch_max_size: int = 0
    """Publications that end the wait at once; 0 for no bound but the delay."""
    shed: bool = False
    """A slow viewer loses plain publications instead of its connection."""
    publish_rate: float = 0.0
    """Publications a second that one user may make in one channel, with a burst of two seconds; 0 for no
    bound."""
    channel_publish_rate: float = 0.0
    """Publications a second that all clients together may make in one channel; 0 for no bound."""

    @property
    def retention(self) -> Retention:
        return Retention(self.history_size, self.history_ttl_s, self.history_meta_ttl_s)

    @property
    def is_map(self) -> bool:
        return self.subscription_type in ("map", "map_clients", "map_users")

    @property
    def has_history(self) -> bool:
        return self.history_size > 0 and self.history_ttl_s > 0


def fits(data: bytes, options: ChannelOptions) -> bool:
    """Whether data have the format that the namespace asks for."""
    form = options.publication_data_format
    if form == "json":
        return text.is_json(data)
    return form != "json_object" or text.is_object(data)


def namespace_of(channel: str) -> str:
    """The namespace's name, empty without one: `$chat:room` and `chat:room#42` are both of `chat`."""
    name, boundary, _ = channel.removeprefix(PRIVATE_PREFIX).partition(NAMESPACE_BOUNDARY)
    return name if boundary else ""


def is_private(channel: str) -> bool:
    """Whether a subscription token is asked for in any case."""
    return channel.startswith(PRIVATE_PREFIX)


def limited_users(channel: str) -> tuple[str, ...] | None:
    """Who alone may subscribe to a user-limited channel (`dialog#42,43`); None for other channels."""
    _, boundary, users = channel.partition(USER_BOUNDARY)
    return tuple(users.split(USER_SEPARATOR)) if boundary else None


def is_built_in(channel: str) -> bool:
    """Whether a channel belongs to the server's own namespaces, into which nobody writes from outside."""
    return namespace_of(channel).startswith(BUILT_IN_PREFIX)
