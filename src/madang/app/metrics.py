"""Prometheus metrics: the rooms count in plain numbers, which are read only when somebody scrapes.

Labels come from closed sets. The one open label, `channel`, is given to admitted streams alone and to at
most METRIC_STREAMS of them, so that no flood of names makes series (A65). `prometheus_client` is imported
by the first scrape: it costs 15 MB that a server nobody scrapes need not have.
"""

import asyncio
import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from madang.app.explanations import explanations
from madang.app.sections import Metrics as MetricsSettings
from madang.base.limits import METRIC_STREAMS
from madang.net.addresses import is_loopback

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OTHER: Final = "other"
LAG_EVERY_S: Final = 0.1
LAG_BUCKETS_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
# Reasons and codes of one counter; they are words of our own, the bound guards against a mistake.
_WORDS_MAX: Final = 64


class StreamNumbers(NamedTuple):
    """What one stream shows on the metrics page."""

    channel: str
    live: bool
    viewers: int
    bytes_in: int


class _Gauge(NamedTuple):
    name: str
    help: str
    read: Callable[[], float]


class _Counted(NamedTuple):
    room: str
    counters: object
    labels: Mapping[str, str]


class LoopLag:
    """How late the event loop came: a histogram of `observe`d seconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LAG_BUCKETS_S) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """The loop came so much later than it was asked to."""
        self.counts[bisect.bisect_left(LAG_BUCKETS_S, seconds)] += 1
        self.sum_s += max(seconds, 0.0)

    def watch(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        """Ask the loop to come back ten times a second, and note how late it is; the answer ends it."""
        handle: asyncio.Handle  # what is due already has no `when()` in uvloop

        def look(due: float) -> None:
            now = loop.time()
            self.observe(now - due)
            ask(now + LAG_EVERY_S)

        def ask(due: float) -> None:
            nonlocal handle
            handle = loop.call_at(due, look, due)

        ask(loop.time() + LAG_EVERY_S)
        return lambda: handle.cancel()

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, as Prometheus wants them."""
        bounds = [*(str(bound) for bound in LAG_BUCKETS_S), "+Inf"]
        total, found = 0, []
        for bound, count in zip(bounds, self.counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class ChannelLabels:
    """Which streams have a label of their own: the first `most` names; names of ended streams make room."""

    def __init__(self, most: int = METRIC_STREAMS) -> None:
        self._most = most
        self._names: dict[str, None] = {}

    def of(self, streams: Iterable[StreamNumbers]) -> dict[str, StreamNumbers]:
        """The streams by label; those beyond the bound are summed under `other`."""
        rows = list(streams)
        if len({row.channel for row in rows} | self._names.keys()) > self._most:
            now = {row.channel for row in rows}
            self._names = {name: None for name in self._names if name in now}
        found: dict[str, StreamNumbers] = {}
        for row in rows:
            label = self._label(row.channel)
            found[label] = _sum(label, found[label], row) if label in found else row._replace(channel=label)
        return found

    def _label(self, name: str) -> str:
        if name not in self._names and len(self._names) >= self._most:
            return OTHER
        self._names[name] = None
        return name


class Metrics:
    """Everything that is counted, from everywhere; `app/wiring` registers it, the metrics page renders it."""

    def __init__(self) -> None:
        self.lag = LoopLag()
        self._labels = ChannelLabels()
        self._counted: list[_Counted] = []
        self._gauges: list[_Gauge] = []
        self._streams: Callable[[], Iterable[StreamNumbers]] = tuple
        self._registry: CollectorRegistry | None = None

    def count(self, room: str, counters: object, **labels: str) -> None:
        """Show every plain number of `counters` as `madang_{room}_{name}_total`; a mapping's keys become
        the label `reason`. The same room may come again with other label values, never other label names."""
        self._counted.append(_Counted(room, counters, labels))

    def gauge(self, name: str, explanation: str, read: Callable[[], float]) -> None:
        """Show a number that rises and falls as `madang_{name}`, read at each scrape."""
        self._gauges.append(_Gauge(name, explanation, read))

    def streams(self, read: Callable[[], Iterable[StreamNumbers]]) -> None:
        """Show each of these streams; `read` gives admitted streams only."""
        self._streams = read

    @property
    def prepared(self) -> bool:
        """Whether the library is loaded; `prepare` loads it, in a thread, since that takes a moment."""
        return self._registry is not None

    def prepare(self) -> None:
        if self._registry is None:
            self._registry = self._make_registry()

    def render(self) -> bytes:
        """The page, in Prometheus's text format: `CONTENT_TYPE`."""
        from prometheus_client import generate_latest

        self.prepare()
        assert self._registry is not None
        return generate_latest(self._registry)

    def _make_registry(self) -> "CollectorRegistry":
        from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

        registry = CollectorRegistry()
        registry.register(_Collected(self.collect))
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        return registry

    def collect(self) -> Iterator["Metric"]:
        """All families; called by the registry at each scrape."""
        yield from self._collect_counted()
        yield from self._collect_gauges()
        yield from self._collect_streams()

    def _collect_counted(self) -> Iterator["Metric"]:
        from prometheus_client.core import CounterMetricFamily

        families: dict[str, CounterMetricFamily] = {}
        for room, counters, labels in self._counted:
            kind: type = type(counters)
            explained = explanations(kind)
            for name, value in numbers(counters):
                reasons = value if isinstance(value, Mapping) else {"": value}
                names = [*labels, *(["reason"] if isinstance(value, Mapping) else [])]
                metric = f"madang_{room}_{name}"
                words = explained.get(name) or f"{name.replace('_', ' ').capitalize()} of {room}."
                family = families.setdefault(metric, CounterMetricFamily(metric, words, labels=names))
                for reason in sorted(reasons)[:_WORDS_MAX]:
                    family.add_metric(
                        [*labels.values(), *([reason] if reason else [])], float(reasons[reason])
                    )
        yield from families.values()

    def _collect_gauges(self) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily

        for name, explanation, read in self._gauges:
            yield GaugeMetricFamily(f"madang_{name}", explanation, value=float(read()))
        yield HistogramMetricFamily(
            "madang_loop_lag_seconds",
            "How much later than asked the event loop came.",
            buckets=self.lag.buckets(),
            sum_value=self.lag.sum_s,
        )

    def _collect_streams(self) -> Iterator["Metric"]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        rows = self._labels.of(self._streams())
        label = ["channel"]
        live = GaugeMetricFamily(
            "madang_stream_live", "1 while frames arrive, 0 while reconnecting.", labels=label
        )
        viewers = GaugeMetricFamily("madang_stream_viewers", "Playback sessions of a stream.", labels=label)
        taken = CounterMetricFamily(
            "madang_stream_in_bytes", "Payload bytes from the publisher.", labels=label
        )
        for name, row in rows.items():
            live.add_metric([name], float(row.live))
            viewers.add_metric([name], float(row.viewers))
            taken.add_metric([name], float(row.bytes_in))
        yield from (live, viewers, taken)


class _Collected:
    """A collector as the registry wants it."""

    def __init__(self, collect: Callable[[], Iterable["Metric"]]) -> None:
        self.collect = collect


def numbers(counters: object) -> Iterator[tuple[str, "float | Mapping[str, float]"]]:
    """The plain numbers of a counters object, however its room wrote it: slots, struct, dataclass, dict."""
    kind = type(counters)
    names = getattr(kind, "__struct_fields__", None) or getattr(kind, "__slots__", None) or vars(counters)
    for name in (names,) if isinstance(names, str) else tuple(names):
        value = getattr(counters, name)
        if not name.startswith("_") and isinstance(value, int | float | Mapping):
            yield name, value


def may_read(settings: MetricsSettings, client: str, forwarded: bool, has_scope: bool) -> bool:
    """Whether the metrics page answers: to a scoped token, or to loopback by the resolved address (A32).

    `forwarded` says that the request came with X-Forwarded-For or Forwarded, and `client` is the address
    after trusted proxies were believed: a loopback client that was forwarded is an unlisted proxy on this
    machine, which would otherwise open the page to its whole world.
    """
    if settings.public or has_scope:
        return True
    return settings.loopback and is_loopback(client) and not forwarded


def _sum(label: str, one: StreamNumbers, other: StreamNumbers) -> StreamNumbers:
    return StreamNumbers(
        label, one.live or other.live, one.viewers + other.viewers, one.bytes_in + other.bytes_in
    )
