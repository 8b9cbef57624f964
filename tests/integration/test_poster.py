"""The poster of a real broadcast: shows it, moves with it, costs nothing while nobody looks."""

import io
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from tests.harness.patience import PATIENCE_S, wait_until
from tests.harness.publisher import publishing
from tests.harness.server import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = "[posters]\nevery_s = 1\nwidth = 320\n"
    with running(tmp_path_factory.mktemp("poster") / "data", config=config) as server:
        yield server


def made(server: Server) -> int:
    return int(server.metrics()["madang_posters_made_total"])


def test_a_poster_moves_while_somebody_looks(server: Server, tmp_path: Path) -> None:
    url = f"{server.http}/live/posed/poster.jpg"
    key = server.channel("posed")
    assert httpx.get(url).status_code == 404
    with publishing(f"{server.rtmp}/{key}", gop_s=1.0):
        server.wait_for("posed", "live")
        time.sleep(1)
        assert made(server) == 0
        wait_until(lambda: httpx.get(url).status_code == 200)  # the first one loads what draws them
        first = httpx.get(url)
        assert (first.status_code, first.headers["content-type"]) == (200, "image/jpeg")
        with Image.open(io.BytesIO(first.content)) as image:
            assert (image.format, image.width) == ("JPEG", 320)
        unchanged = httpx.get(url, headers={"If-None-Match": first.headers["etag"]})
        assert unchanged.status_code in (200, 304)
        seen = {first.content}
        deadline = time.monotonic() + PATIENCE_S
        while len(seen) < 3 and time.monotonic() < deadline:
            time.sleep(0.5)
            seen.add(httpx.get(url).content)
        assert len(seen) >= 3
        count = made(server)
        time.sleep(3)
        assert made(server) <= count + 1
    server.wait_for("posed", "offline")
    assert httpx.get(url).status_code == 404
