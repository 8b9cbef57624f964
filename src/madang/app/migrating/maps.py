"""Centrifugo's options of namespaces of maps, and who keeps them."""

from collections.abc import Callable

from madang.app.migrating import values
from madang.app.migrating.proxies import Proxies
from madang.app.migrating.tables import Table

_SECONDS = {
    "key_ttl": "key_ttl_s",
    "stream_ttl": "stream_ttl_s",
    "meta_ttl": "meta_ttl_s",
    "subscribe_catch_up_timeout": "subscribe_catch_up_timeout_s",
}
_COUNTS = (
    "stream_size",
    "default_page_size",
    "min_page_size",
    "max_page_size",
    "live_transition_max_publication_limit",
)
_FLAGS = (
    "remove_client_on_unsubscribe",
    *(
        f"allow_{event}_for_{who}"
        for event in ("publish", "remove")
        for who in ("client", "subscriber", "anonymous")
    ),
)


def read(found: Proxies, table: Table) -> dict[str, object]:
    """The options of one namespace's `map`."""
    options: dict[str, object] = {}

    def keep(name: str, ours: str, convert: Callable[[object], object]) -> None:
        if name in table:
            options[ours] = table.take(name, convert, None)

    for name in _FLAGS:
        keep(name, name, values.flag)
    for name in _COUNTS:
        keep(name, name, values.count)
    for name, ours in _SECONDS.items():
        keep(name, ours, values.switched)
    for name in ("mode", "client_key"):
        keep(name, name, values.text)
    for event in ("publish", "remove"):
        options[f"{event}_proxy_name"] = found.use(table, f"{event}_", f"channel.proxy.map_{event}")
    table.ignore("keys come in the order of their bytes", ordered=False)
    # A dump of the defaults writes zeros, which are what follows from the others.
    return {name: value for name, value in options.items() if value not in (None, "", 0, False)}


def read_broker(table: Table, broker: str) -> None:
    """Maps are kept where publications are: in memory, or in the Redis of `broker`, the one that joins our
    servers."""
    kind = table.take("type", values.text, "memory") or "memory"
    if kind not in ("memory", "redis"):
        table.report.wrong(table.where("type"), f"is memory or redis here, not {kind}")
    elif kind == "redis" and not broker.startswith("redis"):
        table.report.wrong(table.where("type"), "is redis, and the engine is not: maps are kept where it is")
    table.forget()
