"""Centrifugo's proxies: those that stand where their event is configured, and those with a name."""

from collections.abc import Mapping

from madang.app.migrating import values
from madang.app.migrating.tables import Table

_EVENTS = ("subscribe", "publish", "sub_refresh", "state")
_NOT_HTTP = "reaches a backend by gRPC, which Madang does not speak to backends: give its http:// endpoint"


class Proxies:
    """Collects backends by our names of them, and says which one an event uses."""

    def __init__(self, root: Table) -> None:
        self._root = root
        self.found: dict[str, dict[str, object]] = {}
        for one in root.each("proxies"):
            self._read(one, one.take("name", values.text, ""))

    def at(self, name: str, table: Table) -> None:
        """A proxy that belongs to one event; without an endpoint there is none."""
        self._read(table, name)

    def _read(self, table: Table, name: str) -> None:
        endpoint = table.take("endpoint", values.text, "")
        proxy: dict[str, object] = {"endpoint": endpoint, **_options(table)}
        table.ignore("backends are asked by HTTP alone", grpc={}, grpc_metadata=[])
        if endpoint.startswith(("http://", "https://")):
            self.found[name] = proxy
        elif endpoint:
            self._root.report.wrong(table.where("endpoint"), _NOT_HTTP)

    def use(self, table: Table, prefix: str, default: str) -> str:
        """The proxy that a namespace uses for an event; empty for none. `default` is what it calls so."""
        enabled = table.take(f"{prefix}proxy_enabled", values.flag, False)
        name = table.take(f"{prefix}proxy_name", values.text, "default")
        name = default if name in ("default", "") else name
        return self._known(table.where(f"{prefix}proxy_enabled"), name) if enabled else ""

    def named(self, table: Table, key: str, default: str) -> str:
        """The proxy that is asked in any case."""
        name = table.take(key, values.text, "default")
        return self._known(table.where(key), default if name in ("default", "") else name)

    def _known(self, key: str, name: str) -> str:
        if name in self.found:
            return name
        self._root.report.wrong(key, f"asks for a proxy {name}, which has no endpoint")
        return ""


def _options(table: Table) -> dict[str, object]:
    http = table.within("http")
    http.ignore("certificates of backends are checked with the system's authorities", tls={})
    passed = table.listed("http_headers")
    emulated = (
        *table.listed("emulated_headers"),
        *table.listed("client_emulated_headers"),
    )
    if table.take("http_headers_include_client_emulated", values.flag, False):
        emulated += passed
    no_headers: dict[str, str] = {}
    return {
        "timeout_s": table.take("timeout", values.duration, 1.0) or 1.0,
        "http_headers": passed,
        "emulated_headers": emulated,
        "include_connection_meta": table.take("include_connection_meta", values.flag, False),
        "binary_encoding": table.take("binary_encoding", values.flag, False),
        "static_headers": http.take("static_headers", values.texts, no_headers),
        "status_to_code_transforms": [_transform(one) for one in http.each("status_to_code_transforms")],
    }


def _transform(table: Table) -> dict[str, object]:
    found: dict[str, object] = {"status_code": table.take("status_code", values.count, 0)}
    for name in ("to_error", "to_disconnect"):
        told = told_by(table.within(name))
        if told["code"]:
            found[name] = told
    return found


def told_by(table: Table) -> dict[str, object]:
    """An error or a disconnect."""
    found: dict[str, object] = {"code": table.take("code", values.count, 0)}
    for name in ("message", "reason"):
        if name in table:
            found[name] = table.take(name, values.text, "")
    if "temporary" in table:
        found["temporary"] = table.take("temporary", values.flag, False)
    return found


def read(root: Table, client: Table, channel: Table, rpc: Table) -> Proxies:
    """All proxies of a file, and those that connections and calls use."""
    proxies = Proxies(root)
    report = root.report
    connections = client.within("proxy")
    for event in ("connect", "refresh"):
        table = connections.within(event)
        name = f"client.proxy.{event}"
        if table.take("enabled", values.flag, False):
            proxies.at(name, table)
            if name in proxies.found:
                report.give(f"realtime.{event}_proxy_name", name, name)
            elif not report.problems:
                report.wrong(name, "is enabled and has no endpoint")
        else:
            table.forget()
    events = channel.within("proxy")
    for event in (*_EVENTS, "map_publish", "map_remove", "shared_poll_refresh"):
        proxies.at(f"channel.proxy.{event}", events.within(event))
    events.ignore("there are no subscription streams", subscribe_stream={"timeout": "1s"})
    proxies.at("rpc.proxy", rpc.within("proxy"))
    _read_calls(proxies, rpc)
    if proxies.found:
        report.give("realtime.proxies", proxies.found, "proxies")
    return proxies


def _read_calls(proxies: Proxies, rpc: Table) -> None:
    without = rpc.within("without_namespace")
    if name := proxies.use(without, "", "rpc.proxy"):
        rpc.report.give("realtime.rpc_proxy_name", name, without.key)
    named: dict[str, str] = {}
    for one in rpc.each("namespaces"):
        namespace = one.take("name", values.text, "")
        if name := proxies.use(one, "", "rpc.proxy"):
            named[namespace] = name
    if named:
        rpc.report.give("realtime.rpc_namespaces", named, rpc.where("namespaces"))
    rpc.ignore("calls are answered by proxies alone", ping={"enabled": False, "method": "ping"})
    if rpc.take("namespace_boundary", values.text, ":") != ":":
        rpc.report.wrong(rpc.where("namespace_boundary"), "is : here")


def of_namespace(proxies: Proxies, table: Table) -> Mapping[str, object]:
    """The proxies of a namespace of channels, as options of it."""
    return {
        f"{event}_proxy_name": name
        for event in _EVENTS
        if (name := proxies.use(table, f"{event}_", f"channel.proxy.{event}"))
    }
