"""A broadcast without sockets: made-up frames, the real hub and packagers, and their routes."""

import asyncio
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from madang.base.clock import Clock
from madang.base.errors import Refused
from madang.codecs import registry
from madang.delivery.http.dash import DashRoute
from madang.delivery.http.desks import Desks
from madang.delivery.http.errands import Errands
from madang.delivery.http.grants import Grants
from madang.delivery.http.hls import HlsRoute
from madang.delivery.http.visitors import Visitors
from madang.hub.audience import Audience
from madang.hub.gate import Lease, PlayGrant, PlayRequest, Profile
from madang.hub.publication import Publication
from madang.hub.registry import Registry
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.net.http.routes import Answer, Growing, Hold
from madang.packaging.cmaf.packagers import Packagers
from madang.packaging.cmaf.spool import Spool

# x264's records for 640x360 Main and AAC-LC of 48 kHz stereo.
AVC = bytes.fromhex("014d401effe10018674d401eeca05017fcb80880000003008000001e078b16cb01000468ce0fc8")
ASC = bytes.fromhex("1190")
VIDEO = registry.track(Codec.H264, 1, AVC)
AUDIO = registry.track(Codec.AAC, 2, ASC)
BOTH = (VIDEO, AUDIO)
CHANNEL = "c1"
NAME = "yard"


def frames(
    until: float, begin: float = 0.0, *, fps: float = 30.0, gop: int = 60, tracks: tuple[Track, ...] = BOTH
) -> Iterator[tuple[float, Frame]]:
    """(arrival, frame) of a clean stream between two moments, its video in RTMP's milliseconds."""
    found = []
    for track in tracks:
        step = 1 / fps if track.id == 1 else track.frame_samples / track.sample_rate
        for index in range(math.ceil(begin / step - 1e-6), math.ceil(until / step - 1e-6)):
            at = index * step
            ticks = round(at * 1000) * 90 if track.id == 1 else index * track.frame_samples
            body = f"{track.id}:{index};".encode() * (40 if track.id == 1 else 10)
            key = track.id != 1 or index % gop == 0
            found.append((at, Frame(track.id, ticks, ticks, key, len(body).to_bytes(4, "big") + body)))
    return iter(sorted(found, key=lambda pair: (pair[0], pair[1].track)))


class Request:
    """The head of a request."""

    def __init__(self, url: str, method: str = "GET", headers: dict[bytes, bytes] | None = None) -> None:
        self.path, _, query = url.partition("?")
        self.query = query.encode()
        self.method = method
        self.client = "192.0.2.1"
        self.secure = False
        self.host = "yard.example"
        self.http_1_0 = False
        self._headers = headers or {}

    def header(self, name: bytes) -> bytes:
        return self._headers.get(name, b"")


class Gate:
    """A play gate that knows what the test tells it."""

    def __init__(self) -> None:
        self.grants: dict[str, PlayGrant] = {NAME: PlayGrant(channel=CHANNEL, name=NAME)}
        self.revoked: set[str] = set()
        self.asked: list[PlayRequest] = []

    def peek(self, name: str) -> PlayGrant | None:
        grant = self.grants.get(name)
        return grant if grant and not grant.private else None

    async def admit(self, request: PlayRequest) -> PlayGrant:
        self.asked.append(request)
        await asyncio.sleep(0)
        grant = self.grants.get(request.name)
        if grant is None or (grant.private and request.token.reveal() != "ticket"):
            raise Refused("not_found", "no such channel")
        return grant

    def holds(self, grant: PlayGrant) -> bool:
        return grant.subject not in self.revoked


class Silent:
    """Observes streams and says nothing."""

    def began(self, stream: object) -> None: ...
    def lost(self, stream: object) -> None: ...
    def resumed(self, stream: object) -> None: ...
    def ended(self, stream: object, reason: str) -> None: ...
    def contested(self, stream: object, lease: Lease) -> None: ...


class Timer:
    def cancel(self) -> None: ...


@dataclass
class Broadcast:
    """One channel on the air: `feed` moves the clock along with the frames."""

    clock: Clock
    folder: Path
    profile: Profile = field(default_factory=Profile)

    def __post_init__(self) -> None:
        self.registry = Registry(self.clock, os.urandom, Silent(), lambda seconds, call: Timer())
        self.spool = Spool(self.folder)
        self.packagers = Packagers(self.registry, self.clock, self.spool)
        self.gate = Gate()
        self.audience = Audience()
        self.tasks: set[asyncio.Task[None]] = set()
        self.errands = Errands(self._spawn)
        self.desks = Desks(self.packagers)
        self.grants = Grants(self.gate, self.clock, os.urandom)
        visitors = Visitors(self.audience, self.clock, os.urandom)
        self.hls = HlsRoute(self.gate, self.desks, self.grants, self.errands, visitors)
        self.dash = DashRoute(self.gate, self.desks, self.grants, self.errands, visitors)
        self.publication: Publication | None = None
        self.base = self.clock.monotonic()

    def _spawn(self, work: object) -> None:
        task = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def publish(self, tracks: tuple[Track, ...] = BOTH) -> Publication:
        """A publisher with these tracks begins, or comes back."""
        lease = Lease(channel=CHANNEL, name=NAME, key="k", profile=self.profile)
        self.publication = await self.registry.publish(lease, lambda code, told: None)
        self.publication.tracks(tracks)
        return self.publication

    def feed(self, stream: Iterator[tuple[float, Frame]]) -> None:
        """Frames arrive at their time."""
        assert self.publication is not None
        for at, frame in stream:
            wait = self.base + at - self.clock.monotonic()
            if wait > 0:
                self.clock.advance(wait)  # type: ignore[attr-defined]
            self.publication.frame(frame)

    def ask(
        self, url: str, method: str = "GET", headers: dict[bytes, bytes] | None = None
    ) -> Answer | Hold | Growing | None:
        """What the routes say to a request, in the order in which the wiring asks them."""
        request = Request(url, method, headers)
        answer = self.hls.ask(request)
        return answer if answer is not None else self.dash.ask(request)

    async def get(self, url: str) -> Answer:
        """The answer, after whatever has to be waited for but the stream."""
        answer = self.ask(url)
        for _ in range(200):
            if not isinstance(answer, Hold) or answer.answer is not None:
                break
            await asyncio.sleep(0.001)
        answer = answer.answer if isinstance(answer, Hold) else answer
        assert isinstance(answer, Answer), f"{url} was answered by {answer!r}"
        return answer

    async def enter(self, door: str = "index.m3u8") -> str:
        """The URL of the media playlist that the multivariant playlist names first."""
        text = (await self.get(f"/live/{NAME}/{door}")).body.decode()
        uri = next(line for line in text.splitlines() if line and not line.startswith("#"))
        return f"/live/{NAME}/{uri}"

    async def close(self) -> None:
        await self.packagers.close()
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
