"""The control plane, assembled: one object that the API, the gates and the command line share."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from urllib.parse import urlsplit

from madang.base.clock import Clock
from madang.base.errors import Overloaded
from madang.base.roles import ChannelRole
from madang.base.secret import Secret
from madang.control.abandoned import NOTE_S, load_name
from madang.control.accounts import Accounts
from madang.control.admission import KeyGate
from madang.control.book import Book
from madang.control.channels import Channels
from madang.control.chatters import Chatters
from madang.control.clerk import Clerk
from madang.control.crowd import RoomGate, Tickets
from madang.control.events import Events
from madang.control.follows import Follows
from madang.control.house import House
from madang.control.idempotency import Answers
from madang.control.joining import Joining
from madang.control.keys import Keys
from madang.control.links import Links
from madang.control.live import Live
from madang.control.play import ViewGate
from madang.control.ports import Store
from madang.control.rights import Actor
from madang.control.server import Server
from madang.control.settings import Settings
from madang.control.tokens import Tokens
from madang.control.urls import Urls, base_of, host_of
from madang.control.users import Users
from madang.control.vault import Vault, load_secret
from madang.control.webhooks import Webhooks
from madang.hub.audience import Audience
from madang.hub.registry import Registry

SECRET_FILE = "secret"
NODE_FILE = "node"
_TICK_S = 1.0
_FORGET_EVERY_S = 600.0
_AGAIN_S = 1.0
log = logging.getLogger("madang.control")


class Control:
    """Use-cases by noun, the gates that the hub asks, and the loop that keeps them true.

    Made before the registry, whose observer is `observer`; `attach_hub` closes the circle."""

    def __init__(
        self,
        store: Store,
        data_dir: Path,
        clock: Clock,
        entropy: Callable[[int], bytes],
        settings: Settings,
        database: str = "sqlite",
    ) -> None:
        vault = Vault(load_secret(data_dir / SECRET_FILE, entropy), entropy)
        self.settings = settings
        self._clerk = clerk = Clerk(store, vault, clock, entropy, settings)
        self.counters = clerk.counters
        self.directory = clerk.directory
        self.feed = clerk.feed
        self.book = Book(clerk)
        self.accounts = Accounts(clerk)
        self.links = Links(clerk, self.accounts)
        self.joining = Joining(clerk, self.accounts)
        self.users = Users(clerk, self.accounts, self.joining)
        self.follows = Follows(clerk)
        self.chatters = Chatters(clerk, self.follows)
        self.webhooks = Webhooks(clerk)
        self.channels = Channels(clerk)
        self.keys = Keys(clerk)
        self.tokens = Tokens(clerk)
        self.events = Events(clerk)
        self.answers = Answers(clerk)
        self.publish_gate = KeyGate(clerk, self.book.record)
        self.play = ViewGate(clerk, self.accounts)
        self.tickets = Tickets(clerk, self.accounts)
        self.rooms = RoomGate(clerk, self.play)
        self.desks = RoomGate(clerk, self.play, ChannelRole.MANAGER)
        self.live = Live(clerk, self.book, self.publish_gate, load_name(data_dir / NODE_FILE, entropy))
        self.server = Server(clerk, self.live, self.book, data_dir, database)
        self.house = House(clerk, self.accounts, self.links, self.channels, self.keys)
        self._join()

    def _join(self) -> None:
        """What one noun tells another, which does not know it."""
        self.channels.is_live = self.live.place
        self.channels.ended.append(self.live.end_channel)
        self.keys.revoked.append(self.live.end_key)
        self.feed.holds = self.play.holds
        self.feed.is_signed_in = self.accounts.is_signed_in
        self._clerk.after_change += [self.feed.recheck, self.live.recheck]

    @property
    def play_gate(self) -> ViewGate:
        """Implements `hub.gate.PlayGate`."""
        return self.play

    @property
    def observer(self) -> Live:
        """Implements `hub.registry.StreamObserver`."""
        return self.live

    def after_change(self, call: Callable[[], None]) -> None:
        """Have this called whenever accounts, roles, channels or sessions have changed."""
        self._clerk.after_change.append(call)

    def secret_of(self, purpose: str) -> bytes:
        """A key of this installation for one purpose of another room."""
        return self._clerk.vault.key(purpose)

    def attach_hub(self, registry: Registry, audience: Audience) -> None:
        """The hub that this control plane looks at and commands."""
        self.live.attach_hub(registry, audience)

    async def start(self) -> None:
        """Read the directory: gates answer from now on."""
        await self._clerk.refresh()

    async def run(self) -> None:
        """Until cancelled: follow other processes, write facts, tick each second."""
        with contextlib.suppress(Overloaded, OSError):
            await self.live.settle()
        async with asyncio.TaskGroup() as tasks:
            own = self._tick, self._follow, self._forget, self._watch
            for work in (self.book.run, *own, self.webhooks.run):
                tasks.create_task(_lasting(work))

    async def close(self) -> None:
        """Bring the last facts into the database."""
        await self.book.close()

    async def _tick(self) -> None:
        clock = self._clerk.clock
        due = clock.monotonic() + _TICK_S
        while True:
            await asyncio.sleep(max(0.0, due - clock.monotonic()))
            now = clock.monotonic()
            self.server.tick(now - due)
            self.live.tick()
            self.feed.tick()
            due = max(due + _TICK_S, now)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll_s)
            try:
                await self.follow()
            except (Overloaded, OSError, TimeoutError):
                self.server.unread = True  # what is in memory goes on (F13)
            else:
                self.server.unread = False

    async def follow(self) -> None:
        """Take over what other processes changed."""
        await self._clerk.refresh()

    async def look_again(self) -> None:
        """Before a channel is called unknown: what the command line just made is found at once."""
        await self._clerk.look_again()

    async def _forget(self) -> None:
        while True:
            try:
                now = self._clerk.clock.wall()
                async with self._clerk.store.write() as work:
                    await work.forget(now, now - self.settings.keep_events_s)
            except (Overloaded, OSError):
                pass  # the next round does it
            await asyncio.sleep(_FORGET_EVERY_S)

    async def _watch(self) -> None:
        """Broadcasts of servers that are gone end."""
        while True:
            await asyncio.sleep(NOTE_S)
            with contextlib.suppress(Overloaded, OSError):
                await self.live.abandoned.look()

    # --- who calls, and by which address

    async def authenticate_session(self, cookie: Secret, peer: str) -> Actor | None:
        """Who a session cookie belongs to."""
        return await self.accounts.authenticate(cookie, peer)

    async def authenticate_bearer(self, bearer: Secret, peer: str) -> Actor | None:
        """Who an API token acts for."""
        return await self.tokens.authenticate(bearer, peer)

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` is ours: the public URL's, or of the host that was asked (A16, A18)."""
        if not origin:
            return False
        parts = urlsplit(origin)
        public = urlsplit(self.settings.public_url)
        own = f"{public.scheme}://{public.netloc}" if public.netloc else ""
        return origin == own or (parts.scheme in ("http", "https") and bool(host) and parts.netloc == host)

    def urls(self, asked: str) -> Urls:
        """Addresses as the outside knows them; `asked` is `scheme://host:port` of the request."""
        settings = self.settings
        parts = urlsplit(asked)
        base = (settings.public_url or base_of(parts.scheme, parts.netloc)).rstrip("/")
        port = "" if settings.rtmp_port == 1935 else f":{settings.rtmp_port}"
        rtmp = (settings.rtmp_public_url or f"rtmp://{host_of(base)}{port}").rstrip("/")
        rtmps = settings.rtmps_public_url.rstrip("/")
        app = settings.rtmp_app
        return Urls(base, _with_app(rtmp, app), _with_app(rtmps, app) if rtmps else None)


async def _lasting(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Until cancelled. A failure of ours is written down and does not take the others along: rights that
    are taken away must bite whatever else is broken."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("work of the control plane failed, and begins again")
            await asyncio.sleep(_AGAIN_S)


def _with_app(url: str, app: str) -> str:
    return url if urlsplit(url).path.strip("/") else f"{url}/{app}"
