"""Centrifugo's namespaces of channels."""

from collections.abc import Callable
from typing import Final

from madang.app.migrating import maps, proxies, values
from madang.app.migrating.proxies import Proxies
from madang.app.migrating.tables import Table
from madang.realtime.channel import ChannelOptions

_STREAMS: Final = "there are no subscription streams"
_PARTED: Final = {
    "private_prefix": "$",
    "namespace_boundary": ":",
    "user_boundary": "#",
    "user_separator": ",",
}
_SECONDS: Final = {
    "history_ttl": "history_ttl_s",
    "history_meta_ttl": "history_meta_ttl_s",
    "batch_max_delay": "batch_max_delay_s",
}
_COUNTS: Final = ("history_size", "batch_max_size")
_TEXTS: Final = ("force_recovery_mode", "channel_regex", "publication_data_format")
_OWN: Final = frozenset(("shed",))
_FLAGS: Final = tuple(
    name
    for name, kind in ChannelOptions.__annotations__.items()
    if kind in (bool, "bool") and name not in _OWN
)


def read(channel: Table, found: Proxies) -> None:
    """All that the file says about channels."""
    report = channel.report
    meta_s = channel.take("history_meta_ttl", values.duration, 0.0)
    for name, ours in _PARTED.items():
        if channel.take(name, values.text, ours) != ours:
            report.wrong(channel.where(name), f"is {ours} here and cannot be another")
    channel.ignore("a channel's name has at most 255 characters", max_length=255)
    without = channel.within("without_namespace")
    options = _options(without, found, meta_s)
    if options:
        report.give("realtime.without_namespace", options, without.key)
    named: dict[str, object] = {}
    for one in channel.each("namespaces"):
        name = one.take("name", values.text, "")
        if not name or name in named:
            report.wrong(one.where("name"), "is missing, or another namespace's")
        named[name] = _options(one, found, meta_s)
    if named:
        report.give("realtime.namespaces", named, channel.where("namespaces"))


def _shared_poll(table: Table, found: Proxies) -> dict[str, object]:
    """The table of a namespace whose subscriptions are shared polls."""
    options: dict[str, object] = {
        "proxy_name": found.named(table, "proxy_name", "channel.proxy.shared_poll_refresh")
    }
    for name in ("refresh_interval", "channel_shutdown_delay", "track_expired_extra_delay"):
        if seconds := table.take(name, values.duration, 0.0):
            options[f"{name}_s"] = seconds
    for name in ("refresh_batch_size", "max_keys_per_connection"):
        if count := table.take(name, values.count, 0):
            options[name] = count
    for name in ("publish_enabled", "keep_latest_data"):
        if name in table:
            options[name] = table.take(name, values.flag, False)
    if mode := table.take("mode", values.text, ""):
        options["mode"] = mode
    return options


def _options(table: Table, found: Proxies, meta_s: float) -> dict[str, object]:
    options: dict[str, object] = {}

    def keep(name: str, ours: str, convert: Callable[[object], object]) -> None:
        if name in table:
            options[ours] = table.take(name, convert, None)

    for name in _FLAGS:
        keep(name, name, values.flag)
    for name, ours in _SECONDS.items():
        keep(name, ours, values.switched)
    for name in _COUNTS:
        keep(name, name, values.count)
    for name in _TEXTS:
        keep(name, name, values.text)
    keep("allowed_delta_types", "allowed_delta_types", values.listed)
    options |= proxies.of_namespace(found, table)
    kind, polled = table.take("subscription_type", values.text, ""), table.within("shared_poll")
    if kind == "shared_poll":
        options |= {"subscription_type": kind, "shared_poll": _shared_poll(polled, found)}
    else:
        polled.forget()
        options["subscription_type"] = kind
    for name in ("map_clients_presence_channel_prefix", "map_users_presence_channel_prefix"):
        keep(name, name, values.text)
    options["map"] = maps.read(found, table.within("map"))
    table.ignore(
        _STREAMS,
        subscribe_stream_proxy_enabled=False,
        subscribe_stream_proxy_name="default",
        subscribe_stream_proxy_bidirectional=False,
    )
    if meta_s and not options.get("history_meta_ttl_s") and options.get("history_size"):
        options["history_meta_ttl_s"] = meta_s
    # What was wrong has been said; a dump of the defaults writes empty texts.
    return {name: value for name, value in options.items() if value not in (None, "", {})}
