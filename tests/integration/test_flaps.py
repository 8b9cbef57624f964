"""The publisher's network fails under viewers who hold on: by LL-HLS, by HTTP-FLV and by RTMP, none of whom
connects again; and what a webhook is told of it. F7: within the window. F8: beyond it. F19: its clock fails.
"""

import io
import json
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from tests.harness.encoder import Encoder, Stamp, record
from tests.harness.patience import wait_until
from tests.harness.publisher import Publisher, command
from tests.harness.relay import Relay, relayed
from tests.harness.server import Server, running
from tests.harness.talker import signed_in


class Hook:
    """A receiver of webhooks: the kinds of events by channel, as they came."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}
        self.ids: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.hear(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def hear(self, body: dict[str, Any]) -> None:
        for event in body["events"]:
            if event["id"] not in self.ids:
                self.ids.add(event["id"])
                self.told.setdefault(body["channel"], []).append(event["kind"])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Period:
    """Media between two discontinuities, as an LL-HLS player has it: parts behind their initialisation."""

    media: bytes
    parts: int = 0
    listed_at_once: int = 0
    """Parts of it in the first playlist that had any."""

    def decode(self) -> list[float]:
        """The times of its pictures, each of which has to be decoded."""
        with av.open(io.BytesIO(self.media)) as container:
            return [float(frame.time) for frame in container.decode(video=0)]


class PartReader(threading.Thread):
    """An LL-HLS player: one connection, one session; it asks for each next part and fetches it."""

    def __init__(self, server: Server, name: str) -> None:
        super().__init__(daemon=True)
        self._http = httpx.Client(timeout=30)
        index = f"{server.http}/live/{name}/index.m3u8"
        self.url = httpx.URL(index).join(self._ask(index).strip().splitlines()[-1])
        self.playlists = [self._ask(self.url)]
        self.periods: list[Period] = []
        self.fault = ""
        self.over = threading.Event()
        self._fetched = -1
        self._read()
        self.start()

    def _ask(self, url: httpx.URL | str) -> str:
        """The playlist; 503 means that its time to be held was over, and asks to ask again."""
        while (answer := self._http.get(url)).status_code == 503 and not self.over.is_set():
            pass
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text}"
        return answer.text

    @property
    def ended(self) -> bool:
        return "#EXT-X-ENDLIST" in self.playlists[-1]

    def run(self) -> None:
        try:
            while not self.ended and not self.over.is_set():
                self.playlists.append(self._ask(self.url.copy_merge_params(self._next())))
                self._read()
        except (AssertionError, httpx.HTTPError) as error:
            self.fault = repr(error)
        finally:
            self._http.close()

    def _next(self) -> dict[str, int]:
        """The first part that the last playlist did not have."""
        text = self.playlists[-1]
        found = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)
        assert found is not None
        open_parts = text.rpartition("#EXTINF")[2].count("#EXT-X-PART:")
        return {"_HLS_msn": int(found[1]) + text.count("#EXTINF:"), "_HLS_part": open_parts}

    def _read(self) -> None:
        """Fetch the parts that are new, each into its period."""
        init, number, began = "", 1, False
        for line in self.playlists[-1].splitlines():
            number += line == "#EXT-X-DISCONTINUITY"
            if line.startswith("#EXT-X-MAP:"):
                init = line.split('"')[1]
            elif line.startswith("#EXT-X-PART:"):
                name = line.split('URI="')[1].split('"')[0]
                if int(name[1:-4]) <= self._fetched:
                    continue
                if number > len(self.periods):
                    self.periods.append(Period(self._get(init)))
                    began = True
                self.periods[-1].media += self._get(name)
                self.periods[-1].parts += 1
                self._fetched = int(name[1:-4])
        if began:
            self.periods[-1].listed_at_once = self.periods[-1].parts

    def _get(self, name: str) -> bytes:
        answer = self._http.get(self.url.join(name))
        assert answer.status_code == 200, f"{name}: {answer.status_code}"
        return answer.content


class Watcher(threading.Thread):
    """PyAV on one connection, for as long as it lasts."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.times: list[float] = []
        self.fault = ""
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        try:
            with av.open(self._url, timeout=(20.0, 20.0)) as container:
                for frame in container.decode(video=0):
                    self.times.append(float(frame.time))
                    if self.over.is_set():
                        return
        except av.FFmpegError as error:
            self.fault = repr(error)


@dataclass
class Scene:
    """One channel, its viewers, and what its webhook heard."""

    server: Server
    hook: Hook
    name: str
    key: str
    id: str
    relay: Relay
    publishers: list[Publisher] = field(default_factory=list)

    def publish(self) -> Publisher:
        """ffmpeg, through the wire that may be cut."""
        url = f"rtmp://127.0.0.1:{self.relay.port}/live/{self.key}"
        self.publishers.append(Publisher(command(url, gop_s=1.0)))
        return self.publishers[-1]

    @property
    def told(self) -> list[str]:
        return [kind.removeprefix("stream.") for kind in self.hook.told.get(self.id, ())]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"MADANG_OUTBOUND_ALLOW": "127.0.0.1"}
    with running(tmp_path_factory.mktemp("flaps") / "data", environment=environment) as server:
        yield server


@contextmanager
def scene(server: Server, name: str, window_s: int) -> Iterator[Scene]:
    """A channel with a webhook and a window of its own."""
    hook = Hook()
    key = server.channel(name, reconnect_window_s=window_s)
    with signed_in(server) as http, relayed(server.rtmp_port) as relay:
        api = f"{server.http}/api/v1/channels/{name}"
        body = {"url": hook.url, "kinds": ["stream.*"]}
        made = http.post(f"{api}/webhooks", json=body, headers={"X-Madang": "1"})
        assert made.status_code == 201, made.text
        made_of = Scene(server, hook, name, key, server.channel_json(name)["id"], relay)
        try:
            yield made_of
        finally:
            for publisher in made_of.publishers:
                publisher.kill()
            hook.close()


def joined(server: Server) -> tuple[float, float]:
    """Viewers who came by FLV and by RTMP so far."""
    metrics = server.metrics()
    flv, rtmp = (metrics[f'madang_fanout_joined_total{{format="{each}"}}'] for each in ("flv", "rtmp"))
    return flv, rtmp


def test_viewers_hold_on_while_the_publisher_is_away(server: Server) -> None:
    """F7: nobody connects again; the same playlist goes on behind a discontinuity, with its first part."""
    with scene(server, "flap", 60) as it:
        first = it.publish()
        server.wait_for("flap", "live")
        before = joined(server)
        broadcast = server.channel_json("flap")["live"]["broadcast_id"]
        reader = PartReader(server, "flap")
        watchers = [Watcher(f"{server.http}/live/flap.flv"), Watcher(f"{server.rtmp}/flap")]
        wait_until(lambda: all(len(each.times) > 15 for each in watchers) and reader.periods[0].parts > 2)
        # Not a word for as long as a bad moment of Wi-Fi lasts, and the connection lives: nothing happened.
        first.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)
        first.process.send_signal(signal.SIGCONT)
        seen = [len(each.times) for each in watchers]
        wait_until(lambda: all(len(e.times) > n + 30 for e, n in zip(watchers, seen, strict=True)))
        it.relay.cut()
        server.wait_for("flap", "reconnecting")
        it.relay.mend()
        wait_until(lambda: server.metrics()["madang_holds"] >= 1)  # the reader waits for what comes next
        seen = [len(each.times) for each in watchers]
        second = it.publish()
        wait_until(lambda: all(len(e.times) > n + 30 for e, n in zip(watchers, seen, strict=True)))
        wait_until(lambda: len(reader.periods) == 2 and reader.periods[1].parts > 2)
        assert server.channel_json("flap")["live"]["broadcast_id"] == broadcast
        came = joined(server)
        assert (came[0] - before[0], came[1] - before[1]) == (1, 1)
        assert [(each.fault, each.is_alive()) for each in (reader, *watchers)] == [("", True)] * 3
        second.stop()
        wait_until(lambda: reader.ended)
        for each in (reader, *watchers):
            each.join(20)
            assert not each.is_alive()
        assert all(each.times == sorted(set(each.times)) for each in watchers)
        wait_until(lambda: it.told[-1:] == ["ended"])
        assert it.told == ["began", "lost", "resumed", "ended"]
    assert reader.fault == ""
    assert [text.count("#EXT-X-ENDLIST") for text in reader.playlists[-2:]] == [0, 1]
    assert reader.playlists[-1].count("#EXT-X-DISCONTINUITY\n") == 1
    assert reader.periods[1].listed_at_once <= 2, "what came was there to be played within two parts"
    assert max(b - a for a, b in pairwise(reader.periods[0].decode())) < 0.06, "not a picture is missing"


def test_beyond_the_window_it_ends_once_and_a_return_is_another_broadcast(server: Server) -> None:
    """F8."""
    with scene(server, "gone", 1) as it:
        it.publish()
        server.wait_for("gone", "live")
        broadcast = server.channel_json("gone")["live"]["broadcast_id"]
        reader = PartReader(server, "gone")
        watchers = [Watcher(f"{server.http}/live/gone.flv"), Watcher(f"{server.rtmp}/gone")]
        wait_until(lambda: all(len(each.times) > 15 for each in watchers) and reader.periods[0].parts > 2)
        it.relay.cut()
        server.wait_for("gone", "offline")
        for each in (reader, *watchers):
            each.join(20)
            assert not each.is_alive(), "everybody was told of the end"
        assert [text.count("#EXT-X-ENDLIST") for text in reader.playlists[-2:]] == [0, 1]
        assert reader.fault == ""
        assert len(reader.periods) == 1 and len(reader.periods[0].decode()) > 15
        kept = httpx.get(reader.url, timeout=30)
        assert kept.status_code == 200 and kept.text == reader.playlists[-1], "its end can be watched"
        it.relay.mend()
        back = it.publish()
        server.wait_for("gone", "live")
        assert server.channel_json("gone")["live"]["broadcast_id"] != broadcast
        again = PartReader(server, "gone")
        wait_until(lambda: again.periods[0].parts > 1)
        assert again.url.path != reader.url.path
        assert "#EXT-X-ENDLIST" not in again.playlists[0]
        assert "#EXT-X-DISCONTINUITY" not in again.playlists[0]
        assert httpx.get(reader.url, timeout=30).status_code == 404, "nobody is led from one into the other"
        back.stop()
        again.join(20)
        wait_until(lambda: it.told.count("ended") == 2)
        assert it.told == ["began", "lost", "ended", "began", "ended"]


CLOCKS: dict[str, Stamp] = {
    "wraps": lambda ms: 2**32 - 2_000 + ms,
    "leaps": lambda ms: ms + 3_600_000 * (ms >= 2_000),
    "set-back": lambda ms: ms + 3_600_000 * (ms < 2_000),
    "stumbles": lambda ms: ms - 400 * (2_000 <= ms < 2_300),
}
"""What a publisher may make of its timestamps."""


def media_playlist(server: Server, name: str) -> httpx.URL:
    """Where a live channel's media playlist is."""
    index = f"{server.http}/live/{name}/index.m3u8"
    answer = httpx.get(index, timeout=30)
    assert answer.status_code == 200, answer.text
    return httpx.URL(index).join(answer.text.strip().splitlines()[-1])


def whole(playlist: httpx.URL) -> list[Period]:
    """All segments of an ended broadcast, by period."""
    periods: list[Period] = []
    with httpx.Client(timeout=30) as http:
        text = http.get(playlist).text
        assert "#EXT-X-ENDLIST" in text
        init, broken = b"", True
        for line in text.splitlines():
            broken |= line == "#EXT-X-DISCONTINUITY"
            if line.startswith("#EXT-X-MAP:"):
                init = http.get(playlist.join(line.split('"')[1])).content
            elif line and not line.startswith("#"):
                if broken:
                    periods.append(Period(init))
                    broken = False
                periods[-1].media += http.get(playlist.join(line)).content
    return periods


def test_whatever_the_publishers_clock_does_time_rises_for_its_viewers(
    server: Server, tmp_path: Path
) -> None:
    """F19: 49.7 days are over, an hour's leap either way, and a step back that is too small to be one."""
    tags, before = record(tmp_path / "clock.flv", 5), joined(server)[0]
    keys = {name: server.channel(name) for name in CLOCKS}
    encoders = {name: Encoder(server.rtmp_port, keys[name], tags, stamp) for name, stamp in CLOCKS.items()}
    watchers, playlists = {}, {}
    for name, encoder in encoders.items():
        assert encoder.status == "NetStream.Publish.Start"
        server.wait_for(name, "live")
        watchers[name] = Watcher(f"{server.http}/live/{name}.flv")
        playlists[name] = media_playlist(server, name)
    for encoder in encoders.values():
        assert encoder.sent.wait(40), encoder.fault
    wait_until(lambda: joined(server)[0] == before + len(CLOCKS))
    for encoder in encoders.values():
        encoder.finish()
        assert encoder.fault == "" and not encoder.is_alive()
    for name, watcher in watchers.items():
        watcher.join(20)
        assert not watcher.is_alive() and watcher.times
        assert watcher.times == sorted(set(watcher.times)), name
        wait_until(lambda at=playlists[name]: "#EXT-X-ENDLIST" in httpx.get(at, timeout=30).text)
        periods = whole(playlists[name])
        assert len(periods) == 1 + (name in ("leaps", "set-back")), "a discontinuity where the clock leapt"
        times = [time for period in periods for time in period.decode()]
        assert times == sorted(set(times)) and 4.5 < times[-1] - times[0] < 6.5, name
        assert len(times) >= 145, f"{name}: {len(times)} pictures of 150"
