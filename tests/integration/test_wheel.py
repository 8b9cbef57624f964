"""The wheel carries everything: unpacked elsewhere, it serves the same pages."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
from tests.harness.server import NO_WEBRTC, free_port, wait_ready

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; from madang.app.program import main; sys.argv[0] = 'madang'; main()"


def test_a_wheel_serves_the_same_pages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--data", tmp_path / "data",
         "--http", f"127.0.0.1:{port}", "--rtmp", "127.0.0.1:0"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), **NO_WEBRTC},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        base = f"http://127.0.0.1:{port}"
        wait_ready(process, base)
        page = httpx.get(base, timeout=30).text
        assert '<div id="root">' in page
        script = next(word.split('"')[0] for word in page.split('src="') if word.startswith("/assets/"))
        assert httpx.get(base + script, timeout=30).status_code == 200
        assert httpx.get(f"{base}/docs", timeout=30).status_code == 200
        assert httpx.get(f"{base}/openapi.json", timeout=30).json()["info"]["title"] == "Madang"
    finally:
        process.terminate()
        process.wait(15)
