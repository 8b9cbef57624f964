"""The shipped dashboard and alerts ask for metrics that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.harness import certificates
from tests.harness.publisher import publishing
from tests.harness.server import free_port, running

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
