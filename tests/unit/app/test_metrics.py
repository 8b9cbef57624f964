"""Metrics: plain numbers of the rooms, labels from closed sets, a page that is not for everybody."""

import asyncio
import dataclasses
import subprocess
import sys
import time

import msgspec
import pytest
import uvloop

from madang.app.metrics import (
    LAG_BUCKETS_S,
    OTHER,
    ChannelLabels,
    LoopLag,
    Metrics,
    StreamNumbers,
    may_read,
    numbers,
)
from madang.app.sections import Metrics as MetricsSettings


@dataclasses.dataclass(slots=True)
class Slotted:
    accepted: int = 3
    seconds: float = 1.5
    refused: dict[str, int] = dataclasses.field(default_factory=lambda: {"kicked": 2, "revoked": 1})
    _hidden: int = 9
    name: str = "no number"


class Struct(msgspec.Struct):
    accepted: int = 4


class Plain:
    def __init__(self) -> None:
        self.accepted = 5


def series(metrics: Metrics) -> dict[str, float]:
    lines = metrics.render().decode().splitlines()
    return {name: float(value) for name, value in (x.rsplit(" ", 1) for x in lines if not x.startswith("#"))}


def test_numbers_are_found_however_a_room_wrote_them() -> None:
    found = [("accepted", 3), ("seconds", 1.5), ("refused", {"kicked": 2, "revoked": 1})]
    assert list(numbers(Slotted())) == found
    assert list(numbers(Struct())) == [("accepted", 4)]
    assert list(numbers(Plain())) == [("accepted", 5)]


def test_counters_become_totals_with_their_labels() -> None:
    metrics = Metrics()
    metrics.count("net", Slotted())
    metrics.count("fanout", Struct(), format="flv")
    metrics.count("fanout", Plain(), format="rtmp")
    found = series(metrics)
    assert found["madang_net_accepted_total"] == 3
    assert found['madang_net_refused_total{reason="kicked"}'] == 2
    assert found['madang_fanout_accepted_total{format="flv"}'] == 4
    assert found['madang_fanout_accepted_total{format="rtmp"}'] == 5
    assert not any("hidden" in name or "madang_net_name" in name for name in found)


def test_a_counter_is_read_at_each_scrape() -> None:
    metrics, counters = Metrics(), Plain()
    metrics.count("net", counters)
    assert series(metrics)["madang_net_accepted_total"] == 5
    counters.accepted += 1
    assert series(metrics)["madang_net_accepted_total"] == 6


def test_gauges_process_and_garbage_are_there() -> None:
    metrics = Metrics()
    metrics.gauge("connections", "Open connections.", lambda: 7)
    found = series(metrics)
    assert found["madang_connections"] == 7
    assert found["process_resident_memory_bytes"] > 1_000_000
    assert 'python_gc_collections_total{generation="2"}' in found


def test_loop_lag_is_a_histogram() -> None:
    lag = LoopLag()
    for seconds in (0.0, 0.001, 0.02, 5.0):
        lag.observe(seconds)
    buckets = dict(lag.buckets())
    assert (buckets["0.001"], buckets["0.025"], buckets["2.0"], buckets["+Inf"]) == (2, 3, 3, 4)
    assert len(buckets) == len(LAG_BUCKETS_S) + 1
    metrics = Metrics()
    metrics.lag.observe(0.3)
    assert series(metrics)['madang_loop_lag_seconds_bucket{le="0.5"}'] == 1


async def test_loop_lag_is_watched_until_it_is_ended() -> None:
    lag = LoopLag()
    end = lag.watch(asyncio.get_running_loop())
    await asyncio.sleep(0.15)
    time.sleep(0.3)  # noqa: ASYNC251
    await asyncio.sleep(0.01)
    end()
    seen = sum(lag.counts)
    assert seen >= 2
    assert lag.sum_s > 0.1
    await asyncio.sleep(0.15)
    assert sum(lag.counts) == seen


class Stalled(uvloop.Loop):
    """Half a second goes by between any two looks at its clock: whatever it is asked for is due already."""

    def __init__(self) -> None:
        self.began = 0.0

    def time(self) -> float:
        self.began += 0.5
        return self.began


def test_a_stall_while_the_lag_is_noted_does_not_end_the_watch() -> None:
    """What is due at once comes from uvloop as a handle without a moment."""
    lag, loop = LoopLag(), Stalled()
    end = lag.watch(loop)
    for _ in range(3):
        loop.call_soon(loop.stop)
        loop.run_forever()
    end()
    loop.close()
    assert sum(lag.counts) >= 2


def row(name: str, viewers: int = 1) -> StreamNumbers:
    return StreamNumbers(name, True, viewers, 10)


def test_streams_have_their_own_series() -> None:
    metrics = Metrics()
    metrics.streams(lambda: [row("demo", 3), StreamNumbers("yuna", False, 0, 5)])
    found = series(metrics)
    assert found['madang_stream_viewers{channel="demo"}'] == 3
    assert found['madang_stream_live{channel="yuna"}'] == 0
    assert found['madang_stream_in_bytes_total{channel="yuna"}'] == 5


def test_a_flood_of_names_does_not_make_series() -> None:
    labels = ChannelLabels(3)
    found = labels.of(row(f"n{i}") for i in range(100))
    assert list(found) == ["n0", "n1", "n2", OTHER]
    assert found[OTHER] == StreamNumbers(OTHER, True, 97, 970)
    assert list(labels.of([row("n50"), row("n2")])) == ["n50", "n2"], "ended streams make room"
    assert len(labels.of(row(f"m{i}") for i in range(100))) == 4


def test_names_that_came_and_went_are_bounded_too() -> None:
    metrics = Metrics()
    metrics._labels = labels = ChannelLabels(5)
    for i in range(50):
        assert len(labels.of([row(f"n{i}")])) == 1
    assert len(labels._names) <= 5


@pytest.mark.parametrize(
    ("client", "forwarded", "has_scope", "answers"),
    [
        ("127.0.0.1", False, False, True),
        ("::1", False, False, True),
        ("127.0.0.1", True, False, False),
        ("192.168.0.7", False, False, False),
        ("192.168.0.7", False, True, True),
        ("203.0.113.5", True, True, True),
    ],
)
def test_who_may_read(client: str, forwarded: bool, has_scope: bool, answers: bool) -> None:
    assert may_read(MetricsSettings(), client, forwarded, has_scope) is answers


def test_loopback_can_be_closed_and_everybody_let_in() -> None:
    assert not may_read(MetricsSettings(loopback=False), "127.0.0.1", False, False)
    assert may_read(MetricsSettings(public=True), "203.0.113.5", False, False)


def test_the_library_is_loaded_by_the_first_scrape() -> None:
    code = "import sys, madang.app.metrics as m; m.Metrics(); sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
