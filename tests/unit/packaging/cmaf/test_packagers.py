"""The life of packagers: memory and disk, on demand, after the end, across a restart."""

import asyncio
import re
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import AUDIO, CHANNEL, Broadcast, frames

from madang.base.limits import PACKAGER_IDLE_S, PACKAGER_KEPT_S, PACKAGER_MEMORY_S
from madang.codecs import registry
from madang.hub.gate import Profile
from madang.media.track import Codec
from madang.packaging.cmaf.packager import Packager

VP8_KEYFRAME = bytes.fromhex("1003009d012a40016800")
"""The head of a keyframe of 320 by 104."""


async def on_air(clock: FakeClock, folder: Path, profile: Profile | None = None) -> Broadcast:
    air = Broadcast(clock, folder, profile or Profile())
    await air.publish()
    return air


def packager(air: Broadcast) -> Packager:
    found = air.packagers.get(CHANNEL)
    assert found is not None
    return found


async def test_memory_keeps_the_last_seconds_and_the_disk_the_window(
    clock: FakeClock, tmp_path: Path
) -> None:
    air = await on_air(clock, tmp_path, Profile(dvr_window_s=100))
    for second in range(0, 160, 2):
        air.feed(frames(second + 2, second))
        await asyncio.sleep(0)
        if second % 20 == 0:
            await asyncio.sleep(0.02)
    window = packager(air).window
    in_memory = [segment for segment in window.segments if segment.body is not None]
    assert sum(segment.duration for segment in in_memory) <= PACKAGER_MEMORY_S + 25
    closed = [segment for segment in window.segments if segment.closed]
    assert [segment.msn for segment in in_memory] == [segment.msn for segment in closed][-len(in_memory) :]
    assert 100 <= sum(segment.duration for segment in window.segments) <= 104
    for segment in list(window.segments)[:3]:
        assert segment.body is None
        body = await packager(air).read(segment.msn)
        assert len(body) == segment.size
    await air.close()
    files = {path.name for path in packager(air).folder.glob("*.m4s")}
    assert len(files) <= 52


async def test_a_segment_that_the_disk_refused_is_a_gap(
    clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    air = await on_air(clock, tmp_path)
    monkeypatch.setattr("madang.packaging.cmaf.spool.SPOOL_BYTES", 0)
    air.feed(frames(60))
    url = (await air.enter("dvr.m3u8")).partition("?")[0]
    body = (await air.get(url)).body.decode()
    gaps = re.findall(r"#EXT-X-GAP\n#EXTINF:2.0\d+,\n(s\d+\.m4s)", body)
    assert gaps
    assert gaps[0] == "s0.m4s"
    assert (await air.get(url.rpartition("/")[0] + "/s0.m4s")).status == 404
    assert "SegmentTimeline" not in (await air.get("/live/yard/manifest.mpd")).body.decode()
    await air.close()


async def test_on_demand_nothing_is_packaged_before_the_first_viewer(
    clock: FakeClock, tmp_path: Path
) -> None:
    air = await on_air(clock, tmp_path, Profile(package_on_demand=True))
    air.feed(frames(5.5))
    door = air.ask("/live/yard/index.m3u8")
    air.feed(frames(6.1, 5.5))  # the keyframe at 6 s, two seconds after the cached one
    assert getattr(door, "answer", None) is not None
    url = await air.enter()
    before = (await air.get(url)).body.decode()
    clock.advance(PACKAGER_IDLE_S + 1)
    air.packagers.sweep()
    air.feed(frames(40, 38))
    window = air.packagers._packagers[CHANNEL].window
    assert not window.segments
    held = air.ask("/live/yard/index.m3u8")
    air.feed(frames(44, 40))
    assert held is not None
    after = (await air.get(await air.enter())).body.decode()
    names = re.compile(r"[sp]\d+\.m4s")
    hinted = re.findall(r"HINT.*(p\d+\.m4s)", before)
    assert not (set(names.findall(before)) - set(hinted)) & set(names.findall(after))
    await air.close()


async def test_a_picture_that_has_to_be_made_anew_is_packaged_for_viewers_alone(
    clock: FakeClock, tmp_path: Path
) -> None:
    air = Broadcast(clock, tmp_path)
    await air.publish((registry.track(Codec.VP8, 1, VP8_KEYFRAME), AUDIO))
    kept = air.packagers._packagers[CHANNEL]
    assert kept.attached
    air.packagers.sweep()
    assert not kept.attached
    assert packager(air) is kept and kept.attached
    air.packagers.sweep()
    assert kept.attached
    clock.advance(PACKAGER_IDLE_S + 1)
    air.packagers.sweep()
    assert not kept.attached
    await air.close()


async def test_an_ended_broadcast_stays_for_its_viewers_and_goes(clock: FakeClock, tmp_path: Path) -> None:
    air = await on_air(clock, tmp_path)
    air.feed(frames(6))
    url = await air.enter()
    folder = packager(air).folder
    assert air.publication is not None
    air.publication.end("bye")
    air.packagers.sweep()
    clock.advance(PACKAGER_KEPT_S - 1)
    air.packagers.sweep()
    air.desks.sweep()
    assert (await air.get(url)).body.decode().endswith("#EXT-X-ENDLIST\n")
    assert (await air.get("/live/yard/index.m3u8")).status == 404
    clock.advance(2)
    air.packagers.sweep()
    air.desks.sweep()
    assert (await air.get(url)).status == 404
    await air.close()
    assert not folder.exists()


async def test_the_next_broadcast_takes_the_place_at_once(clock: FakeClock, tmp_path: Path) -> None:
    air = await on_air(clock, tmp_path)
    air.feed(frames(6))
    url = await air.enter()
    assert air.publication is not None
    air.publication.end("bye")
    air.base = clock.monotonic()
    await air.publish()
    air.feed(frames(3))
    second = await air.enter()
    assert second.split("/")[3] != url.split("/")[3]
    assert (await air.get(url)).status == 404
    await air.close()


@pytest.mark.parametrize("away_s", [3.0, 15.0])
async def test_a_restart_continues_the_same_playlist(clock: FakeClock, tmp_path: Path, away_s: float) -> None:
    air = await on_air(clock, tmp_path)
    air.feed(frames(9))
    url = (await air.enter()).partition("?")[0]
    before = (await air.get(url)).body.decode()
    first_bytes = (await air.get(url.rpartition("/")[0] + "/s1.m4s")).body
    kept = air.registry.close()
    await air.close()

    clock.advance(away_s)
    again = Broadcast(clock, tmp_path)
    again.registry.restore(kept)
    again.packagers.clean()
    waiting = (await again.get(url)).body.decode()
    assert re.findall(r"^s\d+", waiting, re.M)[:4] == re.findall(r"^s\d+", before, re.M)[:4]
    assert "ENDLIST" not in waiting
    assert (await again.get(url.rpartition("/")[0] + "/s1.m4s")).body == first_bytes
    await again.publish()
    again.feed(frames(5))
    body = (await again.get(url)).body.decode()
    assert re.findall(r"^s(\d+)", body, re.M) == [str(n) for n in range(7)]
    assert body.count("#EXT-X-DISCONTINUITY\n") == 1
    for promise in ("TARGETDURATION", "PART-INF", "SERVER-CONTROL"):
        line = re.search(rf"^#EXT-X-{promise}.*$", before, re.M)
        assert line is not None
        assert line[0] in body
    numbers = [int(number) for number in re.findall(r"[^\w]p(\d+)\.m4s", body)]
    assert numbers == sorted(set(numbers))
    await again.close()
    assert not list(tmp_path.glob("*/window.part"))


async def test_a_restart_with_lost_files_lists_gaps(clock: FakeClock, tmp_path: Path) -> None:
    air = await on_air(clock, tmp_path)
    air.feed(frames(9))
    url = (await air.enter()).partition("?")[0]
    folder = packager(air).folder
    kept = air.registry.close()
    await air.close()
    (folder / "1.m4s").write_bytes(b"torn")
    again = Broadcast(clock, tmp_path)
    again.registry.restore(kept)
    body = (await again.get(url)).body.decode()
    assert re.findall(r"#EXT-X-GAP\n#EXTINF.*\n(\S+)", body) == ["s1.m4s"]
    await again.close()


async def test_a_state_that_cannot_be_read_begins_anew(clock: FakeClock, tmp_path: Path) -> None:
    air = await on_air(clock, tmp_path)
    air.feed(frames(9))
    folder = packager(air).folder
    kept = air.registry.close()
    await air.close()
    (folder / "window").write_bytes(b"\xc1 nonsense")
    again = Broadcast(clock, tmp_path)
    again.registry.restore(kept)
    await again.publish()
    again.feed(frames(5))
    assert (await again.get(await again.enter())).status == 200
    await again.close()
