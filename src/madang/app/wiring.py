"""Everything is put together here, and nowhere else: who implements which port, who listens where.

The order of `Yard.open` is the order of the house from the cellar up: store, control, hub, packaging,
delivery, doors. `close` goes back down.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from madang.api.app import Application, create_app
from madang.app import logs, starting
from madang.app.alarms import Alarms, free_bytes, nearly_full
from madang.app.assembled import (
    control_settings,
    fanout_settings,
    net_settings,
    payment_settings,
    poster_settings,
    realtime_settings,
    webrtc_settings,
)
from madang.app.brokers import broker
from madang.app.chatting import Chatting
from madang.app.clock import SystemClock
from madang.app.feed import FeedRoute
from madang.app.grpc_doors import open_grpc
from madang.app.kept import keep, recall
from madang.app.keys import Endpoint
from madang.app.metrics import Metrics, StreamNumbers
from madang.app.operations import Operations
from madang.app.profiles import SiteGate
from madang.app.reloading import Reloading
from madang.app.sections import Settings
from madang.app.tasks import Tasks
from madang.app.tls import Certificate
from madang.base.limits import REALTIME_PROXY_AT_ONCE
from madang.base.secret import Secret
from madang.control import Control
from madang.control.rights import Scope
from madang.delivery.http.dash import DashRoute
from madang.delivery.http.desks import Desks
from madang.delivery.http.errands import Errands
from madang.delivery.http.flv import Doors, FlvRoute
from madang.delivery.http.grants import Grants
from madang.delivery.http.hls import HlsRoute
from madang.delivery.http.poster import PosterRoute
from madang.delivery.http.visitors import Visitors
from madang.delivery.rtmp.play import RtmpPlay
from madang.delivery.whep.play import WhepPlay
from madang.hub.attendance import Attendance
from madang.hub.audience import Audience
from madang.hub.gate import PublishGate
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.ingest.rtmp.session import RtmpIngest
from madang.ingest.whip.door import WhipIngest
from madang.net.fanout.counters import FanoutCounters
from madang.net.ground import Ground
from madang.net.http.lifespan import Lifespan
from madang.net.http.routes import Route
from madang.net.http.server import HttpServer
from madang.net.listeners import Binding, Door
from madang.net.outbound import Outbound
from madang.net.rtmp.server import RtmpServer
from madang.net.webrtc.port import WebRtcPort
from madang.net.webrtc.relays import Relays
from madang.net.webrtc.signalling import SignallingRoute
from madang.net.websocket import WebSockets
from madang.packaging.cmaf.packagers import Packagers
from madang.packaging.cmaf.spool import Spool
from madang.packaging.flv.rendering import Renderings
from madang.packaging.flv.tags import tag_pieces
from madang.packaging.rtmp.chunks import chunk_pieces
from madang.packaging.rtp.rendering import Renderings as RtpRenderings
from madang.payments.providers import providers
from madang.realtime.channel import ChannelOptions
from madang.realtime.doors import PREFIXES as CROWD_PREFIXES
from madang.realtime.doors import Doors as CrowdDoors
from madang.realtime.engine import Engine
from madang.realtime.proxies import Proxies
from madang.realtime.server_api import PREFIX as SERVER_API_PREFIX
from madang.realtime.server_api import ServerApi
from madang.realtime.sockets import CrowdSocket
from madang.store.bans import SqlBans
from madang.store.folder import Holder, held, make_folder, tell
from madang.store.sql import SqlStore
from madang.transcoding.poster import Posters
from madang.transcoding.transcoder import MediaTranscoder

if TYPE_CHECKING:
    from madang.realtime.grpc_doors import GrpcDoors

_log = structlog.get_logger()
_GOODBYE = "The server restarts: come back in a moment."
RECONNECT_S = 1.0
"""How long a drain leaves publishers alone who were asked to reconnect."""
ANSWERS_S = 1.0
"""How long a drain waits for answers under way."""


class Yard:
    """The server, wired. Implements `lifecycle.Served`."""

    http: HttpServer
    application: Application

    def __init__(
        self, settings: Settings, reloading: Reloading, store: SqlStore, stack: contextlib.AsyncExitStack
    ) -> None:
        self.settings = settings
        self._store = store
        self._reloading = reloading
        self.clock = SystemClock()
        self.metrics = Metrics()
        self.certificate: Certificate | None = None
        self._stack = stack
        self._tasks = Tasks()
        self._grpc: GrpcDoors | None = None
        self._alarms = Alarms(self.clock, self._standing)
        self.control = Control(
            store, settings.data.dir, self.clock, os.urandom, control_settings(settings), store.url.drivername
        )
        self.control.server.unsafe = tuple(name for name, _ in settings.unsafe_settings())
        self._wire_hub()
        self._wire_delivery()
        self._wire_crowd()

    def _wire_hub(self) -> None:
        self.registry = Registry(self.clock, os.urandom, self.control.observer)
        self.sounds = MediaTranscoder(self.clock)
        self.registry.transcoder = self.sounds
        self.audience = Audience()
        self.control.attach_hub(self.registry, self.audience)
        self.attendance = Attendance(self.control.play_gate, self.audience, self.clock, os.urandom)
        self.spool = Spool(self.settings.data.dir / "spool")
        self.packagers = Packagers(self.registry, self.clock, self.spool)
        self.posters = Posters(self.registry, self.clock, poster_settings(self.settings))

    def _wire_delivery(self) -> None:
        loop = asyncio.get_running_loop()
        gate = self.control.play_gate
        fanout = fanout_settings(self.settings)
        self.tags = Renderings(tag_pieces, loop, fanout, FanoutCounters())
        self.chunks = Renderings(chunk_pieces, loop, fanout, FanoutCounters())
        self.ground = Ground(net_settings(self.settings), self.clock)
        self.sockets = WebSockets(self.ground.sweeper, self.ground.counters)
        self.errands = Errands(self._tasks.spawn)
        self.desks = Desks(self.packagers)
        self.grants = Grants(gate, self.clock, os.urandom)
        self.visitors = Visitors(self.audience, self.clock, os.urandom)
        gate_in = SiteGate(self.control.publish_gate, self.settings)
        self.ingest = RtmpIngest(gate_in, self.registry, self.clock)
        play = RtmpPlay(gate, self.registry, self.attendance, self.chunks)
        self.rtmp = RtmpServer(self.ground, self.ingest, play)
        self._wire_webrtc(gate_in)
        self.operations = Operations(self.metrics, self.settings.metrics, self._degraded, self._may_scrape)

    def _wire_webrtc(self, gate_in: PublishGate) -> None:
        self.webrtc = WebRtcPort(self.ground, webrtc_settings(self.settings))
        self.packets = RtpRenderings()
        self.whip = WhipIngest(gate_in, self.registry, self.webrtc, self.clock)
        self.whep = WhepPlay(
            self.control.play_gate, self.registry, self.attendance, self.packets, self.webrtc
        )
        webrtc = self.settings.webrtc
        relays = Relays(webrtc.ice_servers, webrtc.turn_secret, self.clock)
        self.whip_route = SignallingRoute("whip", self.whip.open, self._tasks.spawn, relays)
        self.whep_route = SignallingRoute("whep", self.whep.open, self._tasks.spawn, relays)

    def _wire_crowd(self) -> None:
        settings = realtime_settings(self.settings)
        ground, control = self.ground, self.control
        self.outbound = Outbound(net_settings(self.settings), ground.counters)
        self.crowd = Engine(settings, self.clock, os.urandom, ground.sweeper, self._tasks.spawn)
        self.crowd.use(broker(self.settings, self.clock, os.urandom), self.outbound, control.tickets.secret)
        self.backends = Outbound(
            net_settings(self.settings), ground.counters, keeps=True, at_once=REALTIME_PROXY_AT_ONCE
        )
        self.crowd.bans = SqlBans(self._store)
        self.proxies = Proxies(self.crowd.core, self.backends, control.tickets)
        self.proxies.bind()
        self.crowd.bind("madang_live", ChannelOptions(allow_subscribe_for_client=True), gate=control.rooms)
        control.tickets.allow_anonymous = settings.allow_anonymous
        control.after_change(self.crowd.recheck)
        sockets = WebSockets(ground.sweeper, ground.counters, 0, CrowdSocket)
        control.webhooks.fetch = self.outbound.fetch
        self.chatting = Chatting(
            self._store, control, self.crowd, self.clock, self.audience, self.settings.chat.enabled
        )
        self.chatting.configure(self.settings)
        self.chatting.extras.paid.provide(
            providers(payment_settings(self.settings), self.outbound, self.clock, os.urandom)
        )
        self.crowd_doors = CrowdDoors(self.crowd, sockets, ground.proxies)
        self.server_api = ServerApi(self.crowd)

    def _routes(self) -> list[tuple[str, Route]]:
        gate = self.control.play_gate
        doors = Doors(self.errands, self.sockets)
        flv = FlvRoute(gate, self.registry, self.attendance, self.tags, doors)
        hls = HlsRoute(gate, self.desks, self.grants, self.errands, self.visitors)
        dash = DashRoute(gate, self.desks, self.grants, self.errands, self.visitors)
        poster = PosterRoute(gate, self.posters, self.errands)
        feed = FeedRoute(self.control, self.sockets, self.errands)
        operations = [(prefix, self.operations) for prefix in Operations.PREFIXES]
        crowd: list[tuple[str, Route]] = [(prefix, self.crowd_doors) for prefix in CROWD_PREFIXES]
        crowd.append((SERVER_API_PREFIX, self.server_api))
        live = [("/live/", route) for route in (hls, dash, flv, poster)]
        signalling = [
            (prefix, route)
            for prefix in ("/live/", "/rtc/v1/")
            for route in (self.whip_route, self.whep_route)
        ]
        return [*live, *crowd, *signalling, ("/api/v1/events/ws", feed), *operations]

    @classmethod
    async def open(cls, reloading: Reloading) -> "Yard":
        """Everything up to the doors. Raises StoreError, TlsError, SecretError with sentences."""
        settings = reloading.settings
        make_folder(settings.data.dir)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(held(settings.data.dir))
            store = await SqlStore.open(settings.data.database.reveal(), settings.data.dir)
            stack.push_async_callback(store.close)
            yard = cls(settings, reloading, store, stack)
            stack.push_async_callback(yard.posters.close)
            stack.push_async_callback(yard.sounds.close)
            stack.push_async_callback(yard._tasks.close)
            await yard.control.start()
            stack.push_async_callback(yard.control.close)
            stack.push_async_callback(yard.outbound.close)
            stack.push_async_callback(yard.backends.close)
            stack.push_async_callback(yard.crowd.close)
            await yard.crowd.start()
            stack.push_async_callback(yard.chatting.close)
            await yard.chatting.start()
            await stack.enter_async_context(yard.ground)
            stack.callback(yard.webrtc.close)
            app = yard.application = create_app(
                yard.control, chat=yard.chatting.open_chat, extras=yard.chatting.extras
            )
            state = await stack.enter_async_context(Lifespan(app))
            yard.http = HttpServer(yard.ground, yard._routes(), app, state)
            yard._wire_tls()
            yard._wire_metrics()
            stack.callback(yard.metrics.lag.watch(asyncio.get_running_loop()))
            yard._stack = stack.pop_all()
        return yard

    def _wire_tls(self) -> None:
        tls = self.settings.tls
        if tls.certificate is not None and tls.key is not None:
            self.certificate = Certificate((tls.certificate, tls.key), self.clock, self.ground.renew_tls)

    def _wire_metrics(self) -> None:
        count = self.metrics.count
        count("app", self._reloading.counters)
        count("net", self.ground.counters)
        count("rtmp", self.rtmp.counters)
        count("ingest", self.ingest.counters, protocol="rtmp")
        count("ingest", self.whip.counters, protocol="whip")
        count("webrtc", self.webrtc.counters)
        count("hub", self.registry.counters)
        count("control", self.control.counters)
        count("realtime", self.crowd.counters)
        count("chat", self.chatting.chat.counters)
        count("posters", self.posters.counters)
        count("audio", self.sounds.counters)
        count("pictures", self.sounds.pictures)
        count("fanout", self.tags.counters, format="flv")
        count("fanout", self.chunks.counters, format="rtmp")
        gauge = self.metrics.gauge
        gauge("connections", "Open connections of all doors.", lambda: len(self.ground.crowd))
        gauge("webrtc_sessions", "WebRTC peers, on both ways.", lambda: len(self.webrtc.sessions))
        gauge("websockets", "Open websockets.", lambda: len(self.sockets.open))
        gauge("realtime_connections", "Realtime connections.", lambda: len(self.crowd.core.guests))
        gauge("realtime_channels", "Realtime channels with subscribers.", lambda: len(self.crowd.core.rooms))
        gauge("chat_rooms", "Chat rooms that are open.", lambda: len(self.chatting.chat.rooms))
        gauge("holds", "Requests that are held.", lambda: self.http.holds)
        gauge("spool_bytes", "Bytes of the DVR spool.", lambda: self.spool.bytes)
        data = self.settings.data.dir
        gauge("data_free_bytes", "Room on the disk of the data directory.", lambda: free_bytes(data))
        if self.certificate is not None:
            gauge("certificate_left_seconds", "Until the certificate expires.", self.certificate.left_s)
        self.metrics.streams(self._stream_numbers)

    def _stream_numbers(self) -> list[StreamNumbers]:
        now = self.clock.monotonic()
        return [
            StreamNumbers(
                stream.lease.name,
                stream.state is StreamState.LIVE,
                self.audience.count(channel, now),
                stream.bytes_in,
            )
            for channel, stream in self.registry.streams.items()
        ]

    async def _may_scrape(self, bearer: str) -> bool:
        actor = await self.control.authenticate_bearer(Secret(bearer), "")
        return actor is not None and actor.allows(Scope.METRICS_READ)

    def _standing(self) -> list[str]:
        """What the operator left so, or must see to in time."""
        standing = [sentence for _, sentence in self.settings.unsafe_settings()]
        if self.certificate is not None and (alarm := self.certificate.alarm()):
            standing.append(alarm)
        if nearly_full(self.settings.data.dir):
            standing.append(f"The disk of {self.settings.data.dir} is nearly full: make room.")
        return standing

    def _degraded(self) -> list[str]:
        wrong = self._standing()
        if self.ground.crowded:
            wrong.append("File descriptors ran out: new connections wait.")
        if self.ground.crowd.full:
            wrong.append("There is no room for more connections: new ones are refused.")
        if self.control.server.database_away:
            wrong.append(
                "The database is not to be read or written: streams go on, what happens is written later."
            )
        if self.spool.failing:
            wrong.append("Segments are not kept for seeking: the disk is full or slow.")
        return wrong

    # --- lifecycle.Served --------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take up what the run before left, then open the doors: RTMP first, so that ready means all."""
        self.registry.restore(recall(self._kept_file, self.clock.wall()))
        self.packagers.clean()
        self._tasks.spawn(self.control.run())
        self._tasks.spawn(self.chatting.run())
        tls = self.certificate.context if self.certificate else None
        rtmp = [
            (place, await self.ground.listen(_binding(place, "--rtmp"), self.rtmp.accept))
            for place in self.settings.rtmp.listen
        ]
        await self._listen_webrtc()
        http = [
            (place, await self.http.listen(_binding(place, "--http"))) for place in self.settings.http.listen
        ]
        for place in self.settings.http.control_listen:
            await self.http.listen(_binding(place, "control_listen under [http]", reserved=True))
        if tls is not None:
            for place in self.settings.rtmp.tls_listen:
                await self.ground.listen(_binding(place, "tls_listen under [rtmp]"), self.rtmp.accept, tls)
            for place in self.settings.http.tls_listen:
                await self.http.listen(_binding(place, "tls_listen under [http]"), tls)
        self._grpc = await open_grpc(self.settings, self.crowd, self.crowd_doors)
        if any(place.port == 0 for place, _ in (*rtmp, *http)):
            self._learn_ports(rtmp, http)
        doors = (str(places[0]) for places in (self.settings.http.listen, self.settings.rtmp.listen))
        tell(self.settings.data.dir, Holder(os.getpid(), *doors))
        self.operations.ready = True
        self._tasks.spawn(self._load_behind())

    def _learn_ports(self, rtmp: list[tuple[Endpoint, Door]], http: list[tuple[Endpoint, Door]]) -> None:
        """The system chose a port: every address that is shown from now on has it."""
        chosen = {
            name: getattr(self.settings, name).model_copy(
                update={"listen": tuple(Endpoint(place.host, door.port) for place, door in doors)}
            )
            for name, doors in (("rtmp", rtmp), ("http", http))
        }
        self.settings = self._reloading.settings = self.settings.model_copy(update=chosen)
        self.control.settings = control_settings(self.settings)

    async def _load_behind(self) -> None:
        await self.application.warm()
        await starting.load_the_rest()

    async def _listen_webrtc(self) -> None:
        udp, tcp = self.settings.webrtc.listen, self.settings.webrtc.tcp_listen
        if udp is not None or tcp is not None:
            await self.webrtc.listen(
                _binding(udp, "listen under [webrtc]") if udp is not None else None,
                _binding(tcp, "tcp_listen under [webrtc]") if tcp is not None else None,
            )

    def sweep(self) -> None:
        """Once a second."""
        now = self.clock.monotonic()
        self.registry.sweep(now)
        self.audience.sweep(now)
        self.attendance.sweep()
        self.packagers.sweep()
        self._alarms.sweep()
        self.crowd.sweep()
        self.posters.sweep()
        self.desks.sweep()
        self.whip.sweep()
        self.whep.sweep()
        self.whip_route.sweep()
        self.whep_route.sweep()

    def reload(self) -> None:
        """SIGHUP: the settings, and with them the certificate; what is bad keeps the old."""
        self._reloading.reload(self._apply)

    def _apply(self, settings: Settings) -> None:
        self.settings = settings
        logs.configure(settings.log)
        self.control.settings = control_settings(settings)
        realtime = realtime_settings(settings)
        self.crowd.core.configure(realtime)
        self.proxies.bind()
        self.control.tickets.allow_anonymous = realtime.allow_anonymous
        self.ground.proxies.replace(net_settings(settings).trusted_proxies)
        tls = settings.tls
        if self.certificate is not None and tls.certificate is not None and tls.key is not None:
            good = self.certificate.reload((tls.certificate, tls.key))
            self._reloading.counters.reload_failures += not good

    async def drain(self) -> None:
        """Nobody new; publishers and viewers are told to come back; what continues is written down."""
        self.operations.ready = False
        self.ground.close_doors()
        asked = self.rtmp.ask_to_reconnect(_GOODBYE)
        if asked:
            # E-RTMP v2: the old server goes on for a moment, while the client connects anew.
            await asyncio.sleep(RECONNECT_S)
        kept = self.registry.close()
        keep(self._kept_file, kept)
        await self.sounds.settle()
        await self.packagers.close()
        self.crowd.drain()
        if self._grpc is not None:
            await self._grpc.close()
        self.sockets.drain()
        self.http.drain()
        await self.control.close()
        self.webrtc.close()
        await self.rtmp.close()
        await self.http.close(ANSWERS_S)
        _log.info("drained", streams=len(kept), asked_to_reconnect=asked)

    async def close(self) -> None:
        """Release everything, whatever state it is in."""
        if self._grpc is not None:
            await self._grpc.close()
        await self._stack.aclose()

    @property
    def _kept_file(self) -> Path:
        return self.settings.data.dir / "streams.kept"


def _binding(place: Endpoint, option: str, reserved: bool = False) -> Binding:
    return Binding(place.host, place.port, option, reserved=reserved)
