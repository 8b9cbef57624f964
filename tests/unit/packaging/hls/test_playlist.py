"""Playlists as a machine: whatever the publisher does, what was said once stays true."""

import re
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.conftest import FakeClock
from tests.harness.broadcast import AUDIO, BOTH, CHANNEL, VIDEO, Broadcast, frames

from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.media.frame import Frame
from madang.packaging.cmaf.segment import Name
from madang.packaging.cmaf.segmenter import Segmenter
from madang.packaging.cmaf.window import Window
from madang.packaging.hls.playlist import INDEX_S, MediaPlaylist
from madang.packaging.hls.variants import bandwidths, render_variants


class Source:
    lease = Lease(channel=CHANNEL, name="yard", key="k", profile=Profile())  # type: ignore[arg-type]

    def wall_of(self, media_s: float) -> float:
        return 1_790_000_000.0 + media_s


class Playlist(RuleBasedStateMachine):
    """Publishers come, go, change their tracks and keyframes; a player watches every version."""

    @initialize()
    def begin(self) -> None:
        self.window = Window(40)
        self.segmenter = Segmenter(Source(), self.window)  # type: ignore[arg-type]
        self.playlist = MediaPlaylist(self.window, Name.MAIN, INDEX_S)
        self.now = self.heard = 0
        self.tracks = (VIDEO, AUDIO)
        self.segmenter.on_tracks(self.tracks, False)
        self.fresh = True
        self.ended = False
        self.bytes: dict[str, bytes] = {}
        self.lines: dict[str, str] = {}
        self.head: list[str] = []
        self.sequence = self.discontinuities = 0

    @precondition(lambda self: not self.ended)
    @rule(count=st.integers(1, 80), gop=st.integers(5, 90))
    def publish(self, count: int, gop: int) -> None:
        for index in range(count):
            key = self.fresh or index % gop == 0
            self.fresh = False
            self.now += 3000
            self.segmenter.on_frame(Frame(1, self.now, self.now, key, b"v%d" % self.now))
            while self.heard * 1024 * 90_000 < self.now * 48_000:
                self.segmenter.on_frame(Frame(2, self.heard * 1024, self.heard * 1024, True, b"a"))
                self.heard += 1

    @precondition(lambda self: not self.ended)
    @rule(gap_s=st.integers(0, 20), other=st.booleans())
    def come_back(self, gap_s: int, other: bool) -> None:
        self.segmenter.on_state(StreamState.RECONNECTING)
        self.now += gap_s * 90_000
        self.heard = self.now * 48_000 // 90_000 // 1024 + 1
        if other:
            self.tracks = (VIDEO, AUDIO) if len(self.tracks) == 1 else (VIDEO,)
        self.segmenter.on_tracks(self.tracks, True)
        self.segmenter.on_state(StreamState.LIVE)
        self.fresh = True

    @precondition(lambda self: self.window.next_msn > 5)
    @rule()
    def end(self) -> None:
        self.segmenter.on_state(StreamState.ENDED)
        self.ended = True

    @invariant()
    def what_was_said_stays_true(self) -> None:
        if self.window.targets is None or not self.window.segments:
            return
        text = self.playlist.text(False).plain.decode()
        head = [line for line in text.splitlines() if re.match("#EXT-X-(TARGETDUR|PART-INF|SERVER)", line)]
        if not self.ended:
            assert self.head in ([], head)
            self.head = head
        sequence = int(re.findall(r"MEDIA-SEQUENCE:(\d+)", text)[0])
        discontinuities = int((re.findall(r"DISCONTINUITY-SEQUENCE:(\d+)", text) or ["0"])[0])
        assert sequence >= self.sequence
        assert discontinuities >= self.discontinuities
        self.sequence, self.discontinuities = sequence, discontinuities
        names = re.findall(r"^s(\d+)\.m4s", text, re.M)
        assert [int(name) for name in names] == list(range(sequence, sequence + len(names)))
        for duration, name in re.findall(r"#EXTINF:([\d.]+),\n(\S+)", text):
            assert self.lines.setdefault(name, duration) == duration
            body = self.window.segment(int(name[1:-4]))
            assert body is not None
            assert body.body is not None
            assert self.bytes.setdefault(name, body.body) == body.body
        numbers = [int(number) for number in re.findall(r'PART:.*"p(\d+)', text)]
        assert numbers == sorted(set(numbers))
        assert text.endswith("#EXT-X-ENDLIST\n") is self.ended

    @invariant()
    def a_delta_is_the_full_one_without_the_skipped(self) -> None:
        if self.window.targets is None or not self.window.segments:
            return
        full = self.playlist.text(False).plain.decode()
        delta = self.playlist.text(True).plain.decode()
        skip = re.search(r"#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)\n", delta)
        if skip is None:
            assert delta == full
            return
        rest = delta[skip.end() :]
        assert full.endswith(rest)
        assert full.count("#EXTINF") - rest.count("#EXTINF") == int(skip[1])


Playlist.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestPlaylist = Playlist.TestCase


@pytest.fixture
async def apart(clock: FakeClock, tmp_path: Path) -> Broadcast:
    air = Broadcast(clock, tmp_path / "spool", Profile(separate_audio=True))
    await air.publish()
    air.feed(frames(13.2))
    await air.close()
    return air


async def test_sound_apart_has_the_same_numbers_and_reports_on_the_other(apart: Broadcast) -> None:
    packager = apart.packagers.get(CHANNEL)
    assert packager is not None
    video = MediaPlaylist(packager.window, Name.VIDEO, INDEX_S).text(False).plain.decode()
    audio = MediaPlaylist(packager.window, Name.AUDIO, INDEX_S).text(False).plain.decode()
    names = re.compile(r"[sp]\d+\.m4s")
    assert names.findall(video) == names.findall(audio)
    assert 'RENDITION-REPORT:URI="../audio/index.m3u8",LAST-MSN=6,LAST-PART=1' in video
    assert 'RENDITION-REPORT:URI="../video/index.m3u8",LAST-MSN=6,LAST-PART=1' in audio
    target = float(re.findall(r"PART-TARGET=([\d.]+)", audio)[0])
    hold_back = float(re.findall(r"PART-HOLD-BACK=([\d.]+)", audio)[0])
    durations = [float(each) for each in re.findall(r"#EXT-X-PART:DURATION=([\d.]+)", audio)]
    assert max(durations) <= target
    assert hold_back >= 3 * target - 0.001
    assert sum(durations) == pytest.approx(6 + 1, abs=0.05)
    assert audio.count("INDEPENDENT=YES") == len(durations)


async def test_the_variants_say_what_the_stream_is(apart: Broadcast) -> None:
    packager = apart.packagers.get(CHANNEL)
    assert packager is not None
    peak, average = bandwidths(packager.window)
    assert peak >= average > 10_000
    text = render_variants(packager.window, True, lambda name: f"{name.value}/index.m3u8")
    assert f"BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}" in text
    assert 'URI="audio/index.m3u8"' in text
    assert text.endswith("video/index.m3u8\n")
    muxed = render_variants(packager.window, False, lambda name: f"{name.value}/index.m3u8")
    assert muxed.endswith("main/index.m3u8\n")
    assert "EXT-X-MEDIA:" not in muxed


async def test_a_part_without_the_rendition_is_a_gap(clock: FakeClock, tmp_path: Path) -> None:
    air = Broadcast(clock, tmp_path / "spool", Profile(separate_audio=True))
    await air.publish(BOTH)
    air.feed(pair for pair in frames(12) if pair[1].track == 2 or pair[0] < 6)
    packager = air.packagers.get(CHANNEL)
    assert packager is not None
    video = MediaPlaylist(packager.window, Name.VIDEO, INDEX_S).text(False).plain.decode()
    audio = MediaPlaylist(packager.window, Name.AUDIO, INDEX_S).text(False).plain.decode()
    assert "GAP=YES" in video
    assert "GAP=YES" not in audio
    await air.close()


async def test_both_forms_are_compressed_once(apart: Broadcast) -> None:
    packager = apart.packagers.get(CHANNEL)
    assert packager is not None
    playlist = MediaPlaylist(packager.window, Name.MAIN, INDEX_S)
    assert playlist.text(False) is playlist.text(False)
    assert playlist.text(False).gzip is playlist.text(False).gzip
    assert len(playlist.text(False).gzip) < len(playlist.text(False).plain) / 2
