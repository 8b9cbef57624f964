"""HLS as a player meets it: doors, sessions, media playlists by every directive, parts and segments."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import AUDIO, CHANNEL, NAME, Broadcast, frames

from madang.base.limits import HOLD_S_MAX
from madang.hub.gate import PlayGrant, Profile
from madang.net.http.routes import Answer, Growing, Hold


@pytest.fixture
async def air(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Broadcast]:
    broadcast = Broadcast(clock, tmp_path / "spool")
    await broadcast.publish()
    yield broadcast
    await broadcast.close()


def header(answer: Answer, name: bytes) -> bytes:
    return dict(answer.headers).get(name, b"")


def text(answer: object) -> str:
    assert isinstance(answer, Answer), answer
    assert answer.status == 200, answer.body
    return answer.body.decode()


async def test_the_door_waits_for_the_second_keyframe_and_names_the_broadcast(air: Broadcast) -> None:
    door = air.ask("/live/yard/index.m3u8")
    assert isinstance(door, Hold)
    air.feed(frames(1.9))
    assert door.answer is None
    air.feed(frames(2.3, 1.9))
    assert isinstance(door.answer, Answer)
    body = text(door.answer)
    assert 'CODECS="avc1.4d401e,mp4a.40.2"' in body
    assert "RESOLUTION=640x360" in body
    assert "FRAME-RATE=30.000" in body
    assert header(door.answer, b"Cache-Control") == b"no-store"
    assert header(door.answer, b"Access-Control-Allow-Origin") == b"*"
    stream = air.registry.get(CHANNEL)
    assert stream is not None
    assert re.search(rf"^{stream.broadcast}/main/index\.m3u8\?s=[0-9a-z]+$", body, re.M)


async def test_sound_alone_is_shown_with_its_first_whole_segment(air: Broadcast) -> None:
    """A playlist of parts alone is empty to plain players."""
    assert air.publication is not None
    air.publication.tracks((AUDIO,))
    door = air.ask("/live/yard/index.m3u8")
    air.feed(frames(1.8, tracks=(AUDIO,)))
    assert isinstance(door, Hold) and door.answer is None
    air.feed(frames(2.2, 1.8, tracks=(AUDIO,)))
    text(door.answer)
    assert "#EXTINF" in text(air.ask(await air.enter()))


async def test_short_gops_wait_for_their_whole_segment(air: Broadcast) -> None:
    door = air.ask("/live/yard/index.m3u8")
    air.feed(frames(1.5, gop=15))
    assert isinstance(door, Hold) and door.answer is None
    air.feed(frames(2.2, 1.5, gop=15))
    text(door.answer)
    assert "#EXTINF" in text(air.ask(await air.enter()))


@pytest.mark.parametrize("agent", ["Lavf/63.1.102", "VLC/3.0.21 LibVLC/3.0.21", "GStreamer souphttpsrc 1.24"])
async def test_obs_default_gop_opens_by_parts_and_waits_for_who_reads_none(
    air: Broadcast, agent: str
) -> None:
    """250 frames: parts after two and a half seconds, the whole segment when the GOP ends."""
    air.feed(frames(3, gop=250))
    url = await air.enter()
    shown = text(air.ask(url))
    assert "#EXT-X-PART:" in shown and "#EXTINF" not in shown
    held = air.ask(url, headers={b"user-agent": agent.encode()})
    assert isinstance(held, Hold)
    air.feed(frames(8.2, 3, gop=250))
    assert held.answer is None
    air.feed(frames(8.6, 8.2, gop=250))
    assert "#EXTINF" in text(held.answer)
    assert "#EXTINF" in text(air.ask(url, headers={b"user-agent": agent.encode()}))


async def test_each_way_in_leads_to_the_same_broadcast(air: Broadcast) -> None:
    air.feed(frames(5))
    index = await air.enter()
    dvr = await air.enter("dvr.m3u8")
    short = text(air.ask("/live/yard.m3u8")).splitlines()[-1]
    assert dvr.split("?")[0] == index.split("?")[0].replace("index", "dvr")
    assert f"/live/{short}".split("?")[0] == index.split("?")[0]


async def test_sessions_are_minted_per_viewer_and_counted_by_playlists(air: Broadcast) -> None:
    air.feed(frames(5))
    first, second = await air.enter(), await air.enter()
    assert first != second
    assert air.audience.count(CHANNEL, air.clock.monotonic()) == 0
    for url in (first, first, second):
        text(air.ask(url))
    assert air.audience.count(CHANNEL, air.clock.monotonic()) == 2


async def test_playlist_names_objects_that_are_there(air: Broadcast) -> None:
    air.feed(frames(9.2))
    url = await air.enter()
    body = text(air.ask(url))
    base = url.rpartition("/")[0]
    names = re.findall(r'(?:URI="|^)((?:s|p|i)\d+\.(?:m4s|mp4))', body, re.M)
    hint = re.search(r'PRELOAD-HINT:TYPE=PART,URI="(p\d+\.m4s)"', body)
    assert hint is not None
    assert len(names) > 10
    for name in names:
        answer = air.ask(f"{base}/{name}")
        if name == hint[1]:
            assert isinstance(answer, Hold)
        else:
            assert isinstance(answer, Answer)
            assert answer.status == 200
            assert header(answer, b"Content-Type") == b"video/mp4"
            assert b"immutable" in header(answer, b"Cache-Control")


async def test_parts_make_up_their_segment_byte_by_byte(air: Broadcast) -> None:
    air.feed(frames(7))
    url = await air.enter()
    base = url.rpartition("/")[0]
    body = text(air.ask(url))
    parts, checked = [], 0
    for line in body.splitlines():
        part = re.search(r'#EXT-X-PART:.*URI="(p\d+\.m4s)"', line)
        if part:
            answer = air.ask(f"{base}/{part[1]}")
            assert isinstance(answer, Answer)
            parts.append(answer.body)
        elif line.startswith("s"):
            whole = air.ask(f"{base}/{line}")
            assert isinstance(whole, Answer)
            assert whole.body == b"".join(parts)
            parts, checked = [], checked + 1
    assert checked >= 2


async def test_a_hinted_part_is_held_until_it_is_whole(air: Broadcast) -> None:
    air.feed(frames(5))
    url = await air.enter()
    hint = re.search(r'PRELOAD-HINT:TYPE=PART,URI="(p\d+\.m4s)"', text(air.ask(url)))
    assert hint is not None
    held = air.ask(f"{url.rpartition('/')[0]}/{hint[1]}")
    assert isinstance(held, Hold)
    assert held.answer is None
    air.feed(frames(5.5, 5))
    assert isinstance(held.answer, Answer)
    assert held.answer.status == 200
    assert held.answer is air.ask(f"{url.rpartition('/')[0]}/{hint[1]}")


async def test_a_hint_survives_the_end_of_its_segment(air: Broadcast) -> None:
    """Parts are numbered through, so the hint is right whatever the publisher's next keyframe decides."""
    air.feed(frames(5))
    url = await air.enter()
    base = url.rpartition("/")[0]
    for step in range(12):
        hint = re.search(r'PRELOAD-HINT:TYPE=PART,URI="(p\d+\.m4s)"', text(air.ask(url)))
        assert hint is not None
        held = air.ask(f"{base}/{hint[1]}")
        air.feed(frames(5.5 + step * 0.5, 5 + step * 0.5, gop=[9, 60, 7, 15][step % 4]))
        assert isinstance(held, Hold)
        assert isinstance(held.answer, Answer)
        assert held.answer.status == 200


class TestReload:
    """rfc8216bis section 6.2.5.2, and row A53 of the attacks."""

    @pytest.fixture
    async def url(self, air: Broadcast) -> str:
        # Segments 0..3 are whole, segment 4 has parts 0 and 1 (a keyframe each 2 s from 0 to 8).
        air.feed(frames(9))
        return (await air.enter()).partition("?")[0]

    def last(self, air: Broadcast, url: str) -> tuple[int, int]:
        body = text(air.ask(url))
        sequence = re.search(r"MEDIA-SEQUENCE:(\d+)", body)
        assert sequence is not None
        whole = len(re.findall(r"^s\d+", body, re.M))
        open_parts = len(re.findall(r"EXT-X-PART:", body.rpartition("\ns")[2]))
        return int(sequence[1]) + whole, open_parts

    async def test_what_is_there_is_answered_at_once(self, air: Broadcast, url: str) -> None:
        assert self.last(air, url) == (4, 2)
        for query in ("_HLS_msn=0", "_HLS_msn=3", "_HLS_msn=3&_HLS_part=1", "_HLS_msn=4&_HLS_part=0"):
            assert isinstance(air.ask(f"{url}?{query}"), Answer), query

    async def test_older_than_the_window_is_the_whole_playlist(self, air: Broadcast, url: str) -> None:
        assert text(air.ask(f"{url}?_HLS_msn=0&_HLS_part=99")) == text(air.ask(url))

    @pytest.mark.parametrize(
        ("query", "arrives"),
        [
            # A part comes with its last frame, a segment with the keyframe behind it.
            ("_HLS_msn=4&_HLS_part=2", 9.467),
            ("_HLS_msn=4&_HLS_part=3", 9.967),
            ("_HLS_msn=4", 10.0),
            ("_HLS_msn=5", 12.0),
            ("_HLS_msn=5&_HLS_part=0", 10.467),
            ("_HLS_msn=4&_HLS_part=4", 10.467),
            ("_HLS_msn=4&_HLS_part=5", 10.467),
        ],
    )
    async def test_what_comes_is_waited_for(
        self, air: Broadcast, url: str, query: str, arrives: float
    ) -> None:
        held = air.ask(f"{url}?{query}")
        assert isinstance(held, Hold)
        assert held.deadline_s == 6
        when = None
        for at, frame in frames(13, 9):
            air.feed(iter([(at, frame)]))
            if held.answer is not None and when is None:
                when = at
        assert when is not None
        assert when == pytest.approx(arrives, abs=0.001)
        assert isinstance(held.answer, Answer)

    @pytest.mark.parametrize(
        "query",
        ["_HLS_msn=7", "_HLS_msn=99999999999", "_HLS_msn=4&_HLS_part=9", "_HLS_msn=5&_HLS_part=7",
         "_HLS_part=1", "_HLS_msn=x", "_HLS_msn=-1", "_HLS_msn=1&_HLS_part=", "_HLS_msn=1e3",
         "_HLS_msn=" + "9" * 40, "_HLS_msn=%34"],
    )  # fmt: skip
    async def test_what_cannot_be_met_is_400_and_not_kept(self, air: Broadcast, url: str, query: str) -> None:
        answer = air.ask(f"{url}?{query}")
        assert isinstance(answer, Answer)
        assert answer.status == 400
        assert header(answer, b"Cache-Control") == b"no-store"

    async def test_the_end_answers_all_at_once_and_ignores_directives(self, air: Broadcast, url: str) -> None:
        held = [air.ask(f"{url}?_HLS_msn=5"), air.ask(f"{url}?_HLS_msn=4&_HLS_part=3")]
        base = url.rpartition("/")[0]
        hinted = re.findall(r"HINT.*(p\d+\.m4s)", text(air.ask(url)))[0]
        hint = air.ask(f"{base}/{hinted}")
        assert air.publication is not None
        air.publication.end("bye")
        for hold in held:
            assert isinstance(hold, Hold)
            body = text(hold.answer)
            assert body.endswith("#EXT-X-ENDLIST\n")
            assert "PRELOAD-HINT" not in body
            assert "CAN-BLOCK-RELOAD" not in body
        assert isinstance(hint, Hold)
        assert isinstance(hint.answer, Answer)
        assert text(air.ask(f"{url}?_HLS_msn=99&_HLS_skip=YES")).endswith("#EXT-X-ENDLIST\n")

    async def test_a_hold_that_is_given_up_is_forgotten(self, air: Broadcast, url: str) -> None:
        desk = air.desks.of(air.gate.grants[NAME])
        assert desk is not None
        held = [air.ask(f"{url}?_HLS_msn=5") for _ in range(50)]
        held.append(air.ask(f"{url.rpartition('/')[0]}/p18.m4s"))
        assert len(desk.waiting) == 51
        for hold in held:
            assert isinstance(hold, Hold)
            assert hold.deadline_s <= HOLD_S_MAX
            assert hold.gone is not None
            hold.gone(hold)
        assert len(desk.waiting) == 0


async def test_delta_updates_skip_what_is_old_and_nothing_else(air: Broadcast) -> None:
    air.feed(frames(41))
    url = (await air.enter()).partition("?")[0]
    full = text(air.ask(url)).splitlines()
    delta = text(air.ask(url + "?_HLS_skip=YES")).splitlines()
    skip = next(line for line in delta if line.startswith("#EXT-X-SKIP"))
    count = int(skip.partition("=")[2])
    assert count == 14  # of 20 segments of 2 s, those before the last 12 s
    head = delta.index(skip)
    assert delta[:head] == full[:head]
    kept = delta[head + 1 :]
    assert full[-len(kept) :] == kept
    assert sum("#EXTINF" in line for line in full) - sum("#EXTINF" in line for line in delta) == count


async def test_tags_tell_versions_and_objects_apart(air: Broadcast) -> None:
    air.feed(frames(9))
    url = (await air.enter()).partition("?")[0]
    base = url.rpartition("/")[0]
    first = [await air.get(each) for each in (url, url + "?_HLS_skip=YES", url.replace("index", "dvr"))]
    air.feed(frames(9.5, 9))
    later = await air.get(url)
    objects = [await air.get(f"{base}/{name}") for name in ("s1.m4s", "s2.m4s", "p3.m4s", "i0.mp4")]
    tags = [answer.etag for answer in (*first, later, *objects)]
    assert len(set(tags)) == len(tags)
    assert all(re.fullmatch(rb'"[!#-~]+"', tag) for tag in tags)
    assert (await air.get(url)).etag == later.etag


async def test_index_lists_a_minute_and_dvr_the_window(clock: FakeClock, tmp_path: Path) -> None:
    air = Broadcast(clock, tmp_path / "spool", Profile(dvr_window_s=120))
    await air.publish()
    air.feed(frames(200))
    url = (await air.enter()).partition("?")[0]
    index, dvr = text(air.ask(url)), text(air.ask(url.replace("index", "dvr")))
    assert 29 <= index.count("#EXTINF") <= 30
    assert 59 <= dvr.count("#EXTINF") <= 61
    oldest = re.findall(r"^s(\d+)", dvr, re.M)[0]
    base = url.rpartition("/")[0]
    answer = await air.get(f"{base}/s{oldest}.m4s")  # long out of memory
    assert answer.status == 200
    assert answer.body[4:8] == b"moof"
    assert (await air.get(f"{base}/s{int(oldest) - 3}.m4s")).status == 404
    await air.close()


class TestUnknown:
    @pytest.mark.parametrize(
        "path",
        ["/", "/live/", "/live/yard", "/live/yard.flv", "/live/yard/whep", "/api/v1/channels",
         "/live/Yard.m3u8", "/live/../index.m3u8", "/live/yard/index.m3u",
         "/live//index.m3u8", "/other/yard/index.m3u8"],
    )  # fmt: skip
    async def test_not_ours_is_left_to_others(self, air: Broadcast, path: str) -> None:
        assert air.ask(path) is None

    @pytest.mark.parametrize(
        "tail",
        ["main/p9999.m4s", "main/s9999.m4s", "main/i7.mp4", "main/x1.m4s", "main/p.m4s", "main/p01.m4s",
         "other/p1.m4s", "main/p-1.m4s", "main/p١.m4s", "main/p" + "9" * 30 + ".m4s", "main/", "main/s1.mp5",
         "main/S1.m4s"],
    )  # fmt: skip
    async def test_unknown_objects_are_404_and_not_kept(self, air: Broadcast, tail: str) -> None:
        air.feed(frames(5))
        base = (await air.enter()).rpartition("/main/")[0]
        answer = air.ask(f"{base}/{tail}")
        assert isinstance(answer, Answer)
        assert answer.status == 404
        assert header(answer, b"Cache-Control") == b"no-store"

    async def test_nobody_live_and_no_such_channel_look_the_same(
        self, clock: FakeClock, tmp_path: Path
    ) -> None:
        air = Broadcast(clock, tmp_path / "spool")
        offline, unknown = await air.get("/live/yard/index.m3u8"), await air.get("/live/nobody/index.m3u8")
        assert offline.status == unknown.status == 404
        assert offline.body == unknown.body
        await air.close()

    async def test_another_broadcast_of_the_channel_is_404(self, air: Broadcast) -> None:
        air.feed(frames(5))
        assert (await air.get("/live/yard/0000000000000000/main/index.m3u8")).status == 404

    async def test_methods(self, air: Broadcast) -> None:
        air.feed(frames(5))
        url = await air.enter()
        options, post = air.ask(url, "OPTIONS"), air.ask(url, "POST")
        assert isinstance(options, Answer)
        assert isinstance(post, Answer)
        assert (options.status, post.status) == (204, 405)
        assert isinstance(air.ask(url, "HEAD"), Answer)


class TestPrivate:
    @pytest.fixture
    async def inside(self, air: Broadcast) -> str:
        air.gate.grants[NAME] = PlayGrant(channel=CHANNEL, name=NAME, private=True, subject="ana")
        air.feed(frames(5))
        text_ = text(await air.get(f"/live/{NAME}/index.m3u8?token=ticket"))
        return f"/live/{NAME}/{text_.splitlines()[-1]}"

    async def test_without_a_right_there_is_nothing(self, air: Broadcast, inside: str) -> None:
        assert (await air.get(f"/live/{NAME}/index.m3u8")).status == 404
        assert (await air.get(f"/live/{NAME}/index.m3u8?token=forged")).status == 404
        public = re.sub(r"/~[^/]+", "", inside)
        assert (await air.get(public)).status == 404
        assert (await air.get(re.sub(r"/~[^/]+", "/~" + "0" * 26, inside))).status == 404

    async def test_children_inherit_the_right_by_their_path(self, air: Broadcast, inside: str) -> None:
        assert "/~" in inside
        body = text(air.ask(inside))
        assert '"/' not in body
        for name in ("i0.mp4", "s0.m4s", "p0.m4s"):
            answer = air.ask(inside.rpartition("/")[0] + "/" + name)
            assert isinstance(answer, Answer)
            assert answer.status == 200
            assert header(answer, b"Cache-Control").startswith(b"private")

    async def test_playlists_are_kept_by_nobody(self, air: Broadcast, inside: str) -> None:
        answer = air.ask(inside)
        assert isinstance(answer, Answer)
        assert header(answer, b"Cache-Control") == b"no-store"

    async def test_a_revocation_reaches_those_who_wait(self, air: Broadcast, inside: str) -> None:
        held = air.ask(inside + "&_HLS_msn=3")
        hint = re.findall(r"HINT.*(p\d+\.m4s)", text(air.ask(inside)))[0]
        part = air.ask(inside.rpartition("/")[0] + "/" + hint)
        assert isinstance(held, Hold)
        assert isinstance(part, Hold)
        air.gate.revoked.add("ana")
        air.desks.sweep()
        for hold in (held, part):
            assert isinstance(hold.answer, Answer)
            assert hold.answer.status == 404
        assert (await air.get(inside)).status == 404

    async def test_a_right_of_another_channel_opens_nothing(self, air: Broadcast, inside: str) -> None:
        assert (await air.get(inside.replace("/live/yard/", "/live/other/"))).status == 404

    async def test_an_expired_right_is_over(self, air: Broadcast) -> None:
        air.feed(frames(5))
        until = air.clock.wall() + 5
        air.gate.grants[NAME] = PlayGrant(
            channel=CHANNEL, name=NAME, private=True, subject="ana", expires_at=until
        )
        body = text(await air.get(f"/live/{NAME}/index.m3u8?token=ticket"))
        url = f"/live/{NAME}/{body.splitlines()[-1]}"
        assert (await air.get(url)).status == 200
        air.clock.advance(6)  # type: ignore[attr-defined]
        assert (await air.get(url)).status == 404


async def test_a_renamed_channel_sends_its_viewers_on(air: Broadcast) -> None:
    air.feed(frames(5))
    air.gate.grants["oldyard"] = PlayGrant(channel=CHANNEL, name=NAME)
    answer = await air.get("/live/oldyard/dvr.m3u8?token=a%20b")
    assert answer.status == 302
    assert header(answer, b"Location") == b"/live/yard/dvr.m3u8?token=a%20b"


async def test_the_open_segment_grows_for_those_who_ask_for_it(air: Broadcast) -> None:
    air.feed(frames(9))
    base = (await air.enter()).rpartition("/main/")[0]
    growing = air.ask(f"{base}/video/s4.m4s")
    assert isinstance(growing, Growing)
    assert growing is air.ask(f"{base}/video/s4.m4s")
    assert len(growing.pieces) == 2
    ahead = air.ask(f"{base}/video/s5.m4s")
    assert isinstance(ahead, Hold)
    air.feed(frames(11, 9))
    assert growing.done
    whole = air.ask(f"{base}/video/s4.m4s")
    assert isinstance(whole, Answer)
    assert whole.body == b"".join(growing.pieces)
    assert isinstance(ahead.answer, Growing)


async def test_a_desk_that_closes_leaves_nobody_waiting(clock: FakeClock, tmp_path: Path) -> None:
    air = Broadcast(clock, tmp_path / "spool", Profile(package_on_demand=True))
    await air.publish()
    air.packagers.get(CHANNEL)
    air.feed(frames(9))
    base = (await air.enter()).rpartition("/main/")[0]
    growing = air.ask(f"{base}/video/s4.m4s")
    held = [air.ask(f"{base}/main/index.m3u8?_HLS_msn=5"), air.ask(f"{base}/video/s5.m4s")]
    held.append(air.ask(f"{base}/main/p18.m4s"))
    desk = air.desks.of(air.gate.grants[NAME])
    assert desk is not None
    desk.close()
    assert isinstance(growing, Growing)
    assert growing.done
    assert len(desk.waiting) == 0
    for hold in held:
        assert isinstance(hold, Hold)
        assert isinstance(hold.answer, Answer)
    await air.close()


async def test_the_reconnect_is_one_playlist_with_a_discontinuity(air: Broadcast) -> None:
    air.feed(frames(5))
    url = await air.enter()
    before = re.findall(r"^(s\d+\.m4s)", text(air.ask(url)), re.M)
    held = air.ask(url + "&_HLS_msn=3&_HLS_part=0")
    assert isinstance(held, Hold)
    assert air.publication is not None
    air.publication.lost("flap")
    air.clock.advance(4)  # type: ignore[attr-defined]
    await air.publish()
    air.feed(frames(13, 10))
    body = text(air.ask(url))
    assert held.answer is not None
    names = re.findall(r"^(s\d+\.m4s)", body, re.M)
    assert names[: len(before)] == before
    assert body.count("#EXT-X-DISCONTINUITY\n") == 1
    assert body.count("#EXT-X-MAP") == 1
    dates = re.findall(r"DATE-TIME:(\S+)Z", body)
    assert dates == sorted(dates)


async def test_a_thousand_names_start_nothing(air: Broadcast) -> None:
    """A54: who asks for what is not there starts neither a packager nor a task that stays."""
    air.feed(frames(3))
    before = len(air.packagers._packagers)
    for number in range(1000):
        assert (await air.get(f"/live/name{number}/index.m3u8")).status == 404
    assert len(air.packagers._packagers) == before
    assert not air.tasks
