"""The shipped dashboard and alerts ask for metrics that there are; the systemd unit fits the program."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.harness import certificates
from tests.harness.publisher import publishing
from tests.harness.server import free_port, running

from madang.base.limits import DRAIN_S

DEPLOY = Path(__file__).parents[2] / "deploy"
_NAME = re.compile(r"\b(?:madang|process|python)_[a-z_]+")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """Names of all metrics of a server with a certificate, a stream and a viewer."""
    folder = tmp_path_factory.mktemp("dashboards")
    files = certificates.make(folder)
    config = (
        f'[tls]\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n'
        f'[http]\ntls_listen = "127.0.0.1:{free_port()}"\n[rtmp]\ntls_listen = "127.0.0.1:{free_port()}"\n'
    )
    with running(folder / "data", config=config) as server:
        key = server.channel("seen")
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("seen", "live")
            page = httpx.get(f"{server.http}/metrics").text
    yield {line.partition("{")[0].partition(" ")[0] for line in page.splitlines() if not line.startswith("#")}


@pytest.mark.parametrize("file", ["grafana/madang.json", "prometheus/alerts.yaml"])
def test_every_metric_that_is_asked_for_is_there(file: str, served: set[str]) -> None:
    asked = set(_NAME.findall((DEPLOY / file).read_text()))
    assert len(asked) > 4
    assert asked - served == set()


def test_the_dashboard_is_whole() -> None:
    panels = json.loads((DEPLOY / "grafana/madang.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 8
    assert all(panel["targets"] for panel in panels)


def test_the_unit_fits_the_program() -> None:
    lines = (DEPLOY / "systemd/madang.service").read_text().splitlines()
    unit = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert float(unit["TimeoutStopSec"]) > DRAIN_S
    assert unit["KillMode"] == "mixed"  # the program alone is asked to drain
    assert (unit["Restart"], unit["StartLimitIntervalSec"]) == ("on-failure", "0")
    assert unit["RestartPreventExitStatus"] == "2"  # what wrong settings end with
    assert f"/var/lib/{unit['StateDirectory']}" == unit["ExecStart"].rpartition(" ")[2]
