"""The demo broadcast on a machine that cannot make one: the server it belongs to goes on."""

import asyncio
from pathlib import Path

import pytest

from madang.app import demo, ffmpeg, logs, serve
from madang.app.sections import Data, Settings


@pytest.fixture(autouse=True)
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "paint", lambda folder: None)


async def test_without_ffmpeg_it_gives_up_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError("There is no ffmpeg: run `make setup`.")

    monkeypatch.setattr(ffmpeg, "executable", nowhere)
    await demo.broadcast("rtmp://127.0.0.1:1/live/key")


async def test_an_ffmpeg_that_does_not_start_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "executable", lambda: "/nowhere/ffmpeg")
    waits: list[float] = []

    async def slept(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", slept)
    async with asyncio.timeout(20):
        await demo.broadcast("rtmp://127.0.0.1:1/live/key")
    assert waits and waits == sorted(waits)


def test_a_demo_for_nobody_says_how_to_start_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "configure", lambda settings: None)
    assert serve.run_demo(Settings(data=Data(dir=tmp_path))) == 1
    assert f"No server runs on {tmp_path}. Start one first:" in capsys.readouterr().err
