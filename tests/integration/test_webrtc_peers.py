"""Publishers and players that people have: ffmpeg's whip muxer, and aiortc both ways; and what comes out by
every other way."""

import asyncio
import json
import re
import subprocess
import time
from array import array
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from tests.harness import gstreamer
from tests.harness.patience import wait_until
from tests.harness.player import complaints, listed_by_dash, play, play_dash, settled_in_hls
from tests.harness.publisher import FFMPEG, publishing
from tests.harness.server import Server, running

from madang.base.limits import PENDING_SESSIONS_PER_IP

PATIENCE_S = 40.0
SDP = {"Content-Type": "application/sdp"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = 'trusted_proxies = ["127.0.0.1"]'
    with running(tmp_path_factory.mktemp("webrtc") / "data", config=config) as server:
        yield server


def ffmpeg(url: str, key: str, *extra: str) -> "subprocess.Popen[bytes]":
    """ffmpeg's own WHIP muxer, as its users call it."""
    return subprocess.Popen(
        [FFMPEG, "-hide_banner", "-loglevel", "error", "-re",
         "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30",
         "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
         "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline",
         "-pix_fmt", "yuv420p", "-g", "30", "-c:a", "libopus", "-ac", "2",
         *extra, "-f", "whip", "-authorization", key, url],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def stop(process: "subprocess.Popen[bytes]") -> str:
    """Press q; what it complained about."""
    try:
        _, said = process.communicate(b"q", timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
    return said.decode(errors="replace")


def comes_out(server: Server, name: str) -> None:
    """By every way, with picture and sound, and without an error line; all at the same time. The sound may
    join the picture a moment after that went on the air, and is waited for."""
    live = f"{server.http}/live/{name}"
    wait_until(lambda: listed_by_dash(f"{live}/manifest.mpd", {"video", "audio"}), PATIENCE_S)
    wait_until(lambda: settled_in_hls(f"{live}/index.m3u8"), PATIENCE_S)
    ways = (f"{live}/index.m3u8", f"{live}.flv", f"{server.rtmp}/{name}")
    with ThreadPoolExecutor(2 * len(ways) + 1) as pool:
        dash = pool.submit(play_dash, f"{live}/manifest.mpd")
        # Longer than the pictures since the last keyframe, which come at once and before their sound.
        seen = {url: pool.submit(play, url, 6.0) for url in ways}
        said = {url: pool.submit(complaints, url, 2.0) for url in ways}
    assert {url: each.result() for url, each in said.items()} == dict.fromkeys(ways, "")
    found = {"dash": dash.result(), **{url: each.result() for url, each in seen.items()}}
    for way, played in found.items():
        assert played.backwards == 0 and played.decoded > 40, (way, played)
        # Who plays FLV and RTMP has said nothing of Opus.
        sound = "opus" if way.endswith(("m3u8", "dash")) else "aac"
        assert played.codecs == {"video": "h264", "audio": sound}, way


@pytest.mark.parametrize("role", ["passive", "active"])
def test_ffmpeg_publishes_and_comes_out_by_every_way(server: Server, role: str) -> None:
    """By default ffmpeg waits for our ClientHello; `dtls_active` turns that round."""
    name = f"ff-{role}"
    key = server.channel(name)
    extra = ("-whip_flags", "dtls_active") if role == "active" else ()
    process = ffmpeg(f"{server.http}/live/{name}/whip", key, *extra)
    try:
        server.wait_for(name, "live", PATIENCE_S)
        if role == "passive":
            wait_until(lambda: "audio" in play(f"{server.http}/live/{name}.flv", 0.5).codecs, PATIENCE_S)
            comes_out(server, name)
    finally:
        said = stop(process)
    server.wait_for(name, "offline", PATIENCE_S)
    assert "refused" not in said.lower()


@pytest.mark.needs("gstreamer")
def test_gstreamer_publishes_and_plays(server: Server, tmp_path: Path) -> None:
    key = server.channel("gst")
    publisher = gstreamer.peer(tmp_path, "publish", f"{server.http}/live/gst/whip", key, 4 * PATIENCE_S)
    try:
        server.wait_for("gst", "live", PATIENCE_S)
        player = gstreamer.peer(tmp_path, "play", f"{server.http}/live/gst/whep", "", PATIENCE_S)
        told, said = player.communicate(timeout=2 * PATIENCE_S)
        played = json.loads(told or "{}")
        assert played.get("state") == "connected", said
        assert min(played["decoded"].values()) >= 30, played
    finally:
        told, said = publisher.communicate(timeout=PATIENCE_S)
    assert json.loads(told)["state"] == "connected", said
    server.wait_for("gst", "offline", PATIENCE_S)


class Peer:
    """An aiortc peer connection and its session."""

    def __init__(self, base: str) -> None:
        self.connection = RTCPeerConnection()
        self.base = base
        self.location = ""
        self.shown: dict[str, str] = {}

    async def post(self, path: str, key: str = "") -> httpx.Response:
        offer = await self.connection.createOffer()
        await self.connection.setLocalDescription(offer)
        self.shown = {"Authorization": f"Bearer {key}"} if key else {}
        sdp = self.connection.localDescription.sdp
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            answer = await client.post(self.base + path, content=sdp.encode(), headers=SDP | self.shown)
        if answer.status_code == 201:
            self.location = answer.headers["location"]
            await self.connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        return answer

    async def close(self) -> None:
        if self.location:
            async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
                ended = await client.delete(self.base + self.location, headers=self.shown)
                assert ended.status_code == 200
        await self.connection.close()


@pytest.fixture
async def peer(server: Server) -> AsyncIterator[Peer]:
    peer = Peer(server.http)
    yield peer
    await peer.connection.close()


def prefer(connection: RTCPeerConnection, mime: str) -> None:
    """Offer one video codec alone."""
    for transceiver in connection.getTransceivers():
        if transceiver.kind == "video":
            every = RTCRtpSender.getCapabilities("video").codecs
            transceiver.setCodecPreferences([codec for codec in every if codec.mimeType == mime])


async def until(server: Server, name: str, state: str) -> None:
    await asyncio.to_thread(server.wait_for, name, state, PATIENCE_S)


@pytest.mark.parametrize("mime", ["video/H264", "video/VP8"])
async def test_aiortc_publishes(server: Server, peer: Peer, mime: str) -> None:
    name = mime.partition("/")[2].lower()
    key = await asyncio.to_thread(server.channel, name)
    peer.connection.addTrack(VideoStreamTrack())
    peer.connection.addTrack(AudioStreamTrack())
    prefer(peer.connection, mime)
    answer = await peer.post(f"/live/{name}/whip", key)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"].startswith('"') and answer.headers["content-type"] == "application/sdp"
    await until(server, name, "live")
    url = f"{server.http}/live/{name}/index.m3u8"

    def comes_out(url: str, sound: str) -> bool:
        """The sound may join the picture a moment later, or be there before it is made anew."""
        played = play(url, 1.0)
        assert played.codecs == {"video": "h264", "audio": sound} and played.decoded > 10, played
        return True

    await asyncio.to_thread(wait_until, lambda: comes_out(url, "opus"), PATIENCE_S)
    if mime == "video/VP8":  # which no player of FLV knows, and browsers play none out of MP4
        flv = f"{server.http}/live/{name}.flv"
        await asyncio.to_thread(wait_until, lambda: comes_out(flv, "aac"), PATIENCE_S)
    await peer.close()
    await until(server, name, "offline")


async def decoded(track: MediaStreamTrack, count: int) -> list[Any]:
    async with asyncio.timeout(PATIENCE_S):
        return [await track.recv() for _ in range(count)]


async def test_aiortc_plays_an_rtmp_stream_with_its_sound(server: Server, peer: Peer) -> None:
    key = await asyncio.to_thread(server.channel, "played")
    with publishing(f"{server.rtmp}/{key}"):
        await until(server, "played", "live")
        tracks: dict[str, MediaStreamTrack] = {}
        peer.connection.on("track", lambda track: tracks.setdefault(track.kind, track))
        peer.connection.addTransceiver("video", direction="recvonly")
        peer.connection.addTransceiver("audio", direction="recvonly")
        answer = await peer.post("/rtc/v1/whep/?app=live&stream=played")
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"].startswith("/live/played/whep/")
        pictures = await decoded(tracks["video"], 10)
        assert (pictures[-1].width, pictures[-1].height) == (640, 360)
        sounds = await decoded(tracks["audio"], 60)
        loudest = max(max(array("h", bytes(frame.planes[0]))) for frame in sounds[20:])
        assert loudest > 500
        await asyncio.to_thread(wait_until, lambda: server.channel_json("played")["live"]["viewers"] == 1)
        layer = answer.headers["link"].partition(">")[0][1:]
        async with httpx.AsyncClient(base_url=server.http, timeout=PATIENCE_S) as client:
            sizes = (await client.get(layer)).json()
            assert list(sizes.values())[0]["active"] == [{"id": "best", "width": 640, "height": 360}]
            assert (await client.post(layer, json={"encodingId": "best"})).status_code == 204
            assert code(await client.post(layer, json={"encodingId": "q"})) == (422, "unprocessable")
        await peer.close()


async def test_a_publisher_who_comes_back_continues_the_broadcast(server: Server) -> None:
    """For those who watch by every other way as well: one of them never goes."""
    key = await asyncio.to_thread(server.channel, "back")
    first, second = Peer(server.http), Peer(server.http)
    flv = f"{server.http}/live/back.flv"
    try:
        for each in (first, second):
            each.connection.addTrack(VideoStreamTrack())
            each.connection.addTrack(AudioStreamTrack())
            prefer(each.connection, "video/H264")
        assert (await first.post("/live/back/whip", key)).status_code == 201
        await until(server, "back", "live")
        await asyncio.to_thread(wait_until, lambda: "audio" in play(flv, 0.5).codecs, PATIENCE_S)
        before = (await asyncio.to_thread(server.channel_json, "back"))["live"]["broadcast_id"]
        stays = asyncio.create_task(asyncio.to_thread(complaints, flv, 12.0))
        await asyncio.to_thread(wait_until, lambda: server.channel_json("back")["live"]["viewers"] >= 1)
        await first.connection.close()
        await until(server, "back", "reconnecting")
        assert (await second.post("/live/back/whip", key)).status_code == 201
        await until(server, "back", "live")
        after = (await asyncio.to_thread(server.channel_json, "back"))["live"]["broadcast_id"]
        assert after == before
        await asyncio.to_thread(comes_out, server, "back")
        assert await stays == ""
        await second.close()
        await until(server, "back", "offline")
    finally:
        await first.connection.close()
        await second.connection.close()


async def test_who_is_sent_away_is_told(server: Server, peer: Peer) -> None:
    await asyncio.to_thread(server.channel, "closed")
    peer.connection.addTrack(AudioStreamTrack())
    answer = await peer.post("/live/closed/whip", "not-the-key")
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.text)["type"] == "no_such_key"


def offer_of(name: str) -> bytes:
    """What a real peer once offered."""
    return (Path(__file__).parents[1] / "captures" / "sdp" / f"{name}.sdp").read_bytes()


PLAY, CAMERA = offer_of("chromium-play"), offer_of("chromium-publish")
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
CANDIDATE = (
    "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host\r\n"
)


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and type of a problem, which every refusal is."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code and problem["detail"]
    return answer.status_code, str(problem["type"])


def test_each_refusal_is_provoked(server: Server) -> None:
    """RFC 9725, and the WHEP draft: every answer of the table in docs/2-features/webrtc.md."""
    key = server.channel("answers")
    server.channel("dark")
    bearer = SDP | {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=server.http, timeout=PATIENCE_S) as client:

        def post(path: str, offer: bytes, headers: dict[str, str] = SDP) -> tuple[int, str]:
            return code(client.post(path, content=offer, headers=headers))

        whip, whep = "/live/answers/whip", "/live/answers/whep"
        for door, headers in ((whip, bearer), (whep, SDP)):
            assert post(door, b"v=0\r\n", headers) == (400, "malformed_sdp")
            assert post(door, PLAY, headers | {"Content-Type": "application/json"}) == (415, "wrong_type")
            huge = client.post(door, content=b"v" * 70_000, headers=headers)
            assert huge.headers["content-type"] == "application/problem+json"
            assert huge.status_code == huge.json()["status"] == 413
            asked = client.put(door, content=PLAY, headers=headers)
            assert code(asked) == (405, "wrong_method") and "POST" in asked.headers["allow"]
            found = client.options(door)
            assert (found.status_code, found.headers["accept-post"]) == (200, "application/sdp")
        assert post(whip, CAMERA) == (401, "no_such_key")
        assert post(whip, CAMERA, SDP | {"Authorization": "Bearer other"}) == (401, "no_such_key")
        unacceptable = (
            re.sub(rb"(a=rtpmap:\d+) [^/]+/", rb"\1 something/", CAMERA),
            CAMERA.replace(b"a=group:BUNDLE", b"a=group:LS"),
            CAMERA.replace(b"a=rtcp-mux\r\n", b""),
            CAMERA.replace(b"UDP/TLS/RTP/SAVPF", b"RTP/AVPF"),
            CAMERA.replace(b"a=sendonly", b"a=recvonly").replace(b"a=sendrecv", b"a=recvonly"),
        )
        for offer in unacceptable:
            assert post(whip, offer, bearer) == (406, "unacceptable"), offer
        assert post("/live/nobody/whep", PLAY) == (404, "not_found")
        dark = client.post("/live/dark/whep", content=PLAY, headers=SDP)
        assert code(dark) == (409, "not_live") and dark.headers["retry-after"]
        made = client.post(whip, content=CAMERA, headers=bearer)
        assert made.status_code == 201
        session, tag = made.headers["location"], made.headers["etag"]
        ufrag = re.search(rb"a=ice-ufrag:(\S+)", CAMERA)
        assert ufrag is not None

        def patch(words: tuple[str, str], headers: dict[str, str]) -> httpx.Response:
            body = CANDIDATE.format(*words)
            if not words[1]:
                body = body.replace("a=ice-pwd:\r\n", "")
            return client.patch(session, content=body, headers=FRAGMENT | bearer | FRAGMENT | headers)

        same, fresh = (ufrag[1].decode(), "p" * 24), ("fresh", "q" * 24)
        assert code(patch(same, {})) == (428, "precondition_required")
        assert code(patch(same, {"If-Match": '"other"'})) == (412, "precondition_failed")
        assert code(patch(("fresh", ""), {"If-Match": "*"})) == (422, "unprocessable")
        assert code(patch(same, {"If-Match": tag} | SDP)) == (415, "wrong_type")
        assert code(patch(same, {"If-Match": tag, "Authorization": "Bearer other"})) == (401, "not_yours")
        assert patch(same, {"If-Match": tag}).status_code == 204
        again = patch(fresh, {"If-Match": "*"})
        assert again.status_code == 200 and again.headers["etag"] not in ("", tag)
        assert "a=ice-ufrag:" in again.text and "a=ice-pwd:" in again.text
        assert code(patch(same, {"If-Match": tag})) == (412, "precondition_failed")
        assert code(client.delete(session)) == (401, "not_yours")
        assert client.delete(session, headers=bearer).status_code == 200
        assert code(client.delete(session, headers=bearer)) == (404, "not_found")


def test_who_is_one_too_many_is_told_when_to_come_back(server: Server) -> None:
    key = server.channel("taken")
    with publishing(f"{server.rtmp}/{key}"), httpx.Client(base_url=server.http, timeout=PATIENCE_S) as client:
        server.wait_for("taken", "live", PATIENCE_S)
        shown = SDP | {"Authorization": f"Bearer {key}"}
        answer = client.post("/live/taken/whip", content=CAMERA, headers=shown)
        assert code(answer) == (409, "busy") and answer.headers["retry-after"]
        # A55: viewers of one address that never come; loopback itself is not counted. On a machine so slow
        # that the first of them have been given up when the last asks, more have to ask.
        flood = SDP | {"X-Forwarded-For": "203.0.113.9"}
        deadline, let_in = time.monotonic() + 2 * PATIENCE_S, 0
        answer = client.post("/live/taken/whep", content=PLAY, headers=flood)
        while answer.status_code == 201 and time.monotonic() < deadline:
            let_in += 1
            answer = client.post("/live/taken/whep", content=PLAY, headers=flood)
        assert code(answer) == (503, "overloaded") and answer.headers["retry-after"]
        assert let_in >= PENDING_SESSIONS_PER_IP
        assert client.post("/live/taken/whep", content=PLAY, headers=SDP).status_code == 201
    server.wait_for("taken", "offline", PATIENCE_S)


def test_offers_of_any_shape_leave_the_server_standing(server: Server) -> None:
    """A47, A55: garbage by the hundred, and a good answer behind it."""
    began = time.monotonic()
    bodies = [
        b"",
        b"v=0\r\n",
        b"\xff" * 500,
        b"v=0\r\n" + b"m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 500,
        b"a=" * 30_000,
    ]
    with httpx.Client(timeout=PATIENCE_S) as client:
        for number in range(200):
            answer = client.post(
                f"{server.http}/live/nobody/whep", content=bodies[number % len(bodies)], headers=SDP
            )
            assert answer.status_code == 400, (number, answer.status_code, answer.text)
        huge = client.post(f"{server.http}/live/nobody/whep", content=b"v" * 100_000, headers=SDP)
        assert huge.status_code == 413
    assert httpx.get(f"{server.http}/healthz", timeout=PATIENCE_S).status_code == 200
    print(f"200 broken offers in {time.monotonic() - began:.1f} s")
