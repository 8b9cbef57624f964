"""What options of maps may say together: the rules of Centrifugo, and bounds."""

from collections.abc import Iterable, Mapping

from madang.base import limits
from madang.realtime.channel import ChannelOptions, namespace_of
from madang.realtime.maps import MapOptions


def check(options: ChannelOptions) -> None:
    """Of one namespace. Raises ValueError with half a sentence."""
    if not options.is_map:
        if options.map.remove_client_on_unsubscribe:
            raise ValueError("map.remove_client_on_unsubscribe: the subscription_type is no map")
        return
    told = options.map
    for wrong, sentence in (
        *_times(options.subscription_type, told),
        *_sizes(told),
        (
            told.client_key and (told.publish_proxy_name or told.remove_proxy_name),
            "client_key: a proxy decides about keys",
        ),
    ):
        if wrong:
            raise ValueError(f"map.{sentence}")


def _times(kind: str, told: MapOptions) -> Iterable[tuple[object, str]]:
    changes = told.stream_size or told.stream_ttl_s or told.meta_ttl_s
    stream_s = told.stream_ttl_s or MapOptions(mode="persistent").keeps.ttl_s
    times = told.key_ttl_s, told.stream_ttl_s, told.meta_ttl_s, told.subscribe_catch_up_timeout_s
    return (
        (not told.mode, "mode is ephemeral, recoverable or persistent"),
        (min(times) < 0, "times are not negative"),
        (not 0 < told.subscribe_catch_up_timeout_s <= 60, "subscribe_catch_up_timeout_s is at most 60"),
        (told.mode == "persistent" and kind != "map", f"mode: nobody is there for ever in {kind}"),
        (told.mode == "persistent" and told.key_ttl_s, "key_ttl_s: keys of persistent maps stay"),
        (told.mode != "persistent" and not told.key_ttl_s, "key_ttl_s is needed"),
        (
            told.mode == "ephemeral" and changes,
            "stream_size, stream_ttl_s, meta_ttl_s: ephemeral maps keep no changes",
        ),
        (told.meta_ttl_s and told.meta_ttl_s < stream_s, "meta_ttl_s is at least stream_ttl_s"),
    )


def _sizes(told: MapOptions) -> Iterable[tuple[object, str]]:
    most, pages = limits.REALTIME_MAP_PAGE, (told.default_page_size, told.min_page_size, told.max_page_size)
    return (
        (min(pages) < 1 or max(pages) > most, f"pages have 1 to {most} entries"),
        (told.min_page_size > told.max_page_size, "min_page_size is above max_page_size"),
        (
            not 0 <= told.live_transition_max_publication_limit <= limits.REALTIME_MAP_STREAM,
            "live_transition_max_publication_limit is out of bounds",
        ),
        (
            not 0 <= told.stream_size <= limits.REALTIME_MAP_STREAM,
            f"stream_size is at most {limits.REALTIME_MAP_STREAM}",
        ),
    )


def check_presence(
    all_of_them: Iterable[tuple[str, ChannelOptions]],
    namespaces: Mapping[str, ChannelOptions],
    presence_s: float,
) -> None:
    """Who is there is told to maps, and often enough. Raises ValueError."""
    for name, options in all_of_them:
        for kind, prefix in (
            ("clients", options.map_clients_presence_channel_prefix),
            ("users", options.map_users_presence_channel_prefix),
        ):
            found = namespaces.get(namespace_of(prefix + "x")) if prefix else None
            key = f"{name}.map_{kind}_presence_channel_prefix"
            if prefix and (found is None or not found.is_map):
                raise ValueError(f"{key}: there is no namespace of maps for {prefix}")
            if found is not None and 0 < found.map.key_ttl_s < presence_s / 2:
                raise ValueError(f"{key}: key_ttl_s there is at least half of presence_s")
