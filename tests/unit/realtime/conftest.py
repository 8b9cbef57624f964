"""A crowd in memory: an engine, its sweeper moved by hand, and visitors whose transports keep what is
written."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from itertools import count
from typing import Any

import jwt
import pytest
from tests.conftest import FakeClock

from madang.base.secret import Secret
from madang.net.counters import NetCounters
from madang.net.deadlines import NEVER, NOWHERE, Sweeper
from madang.net.outbound import Outbound
from madang.net.settings import NetSettings
from madang.protocols.centrifugo import binary
from madang.protocols.centrifugo.codes import Code
from madang.protocols.websocket.receiver import Message, Receiver
from madang.realtime import wires
from madang.realtime.channel import ChannelOptions
from madang.realtime.commands import answer
from madang.realtime.connecting import Hello
from madang.realtime.engine import Engine
from madang.realtime.gate import Caller
from madang.realtime.memory import MemoryBroker
from madang.realtime.publication import PublishOptions
from madang.realtime.session import Session
from madang.realtime.settings import RealtimeSettings, TokenSettings
from madang.realtime.wires import Wire

HMAC = "a secret of at least thirty-two letters"
OWN = "another secret of thirty-two letters, ours"
OPEN = ChannelOptions(
    presence=True,
    join_leave=True,
    history_size=400,
    history_ttl_s=300.0,
    allow_recovery=True,
    allow_positioning=True,
    allowed_delta_types=("fossil",),
    delta_publish=True,
    allow_tags_filter=True,
    allow_subscribe_for_client=True,
    allow_subscribe_for_anonymous=True,
    allow_publish_for_client=True,
    allow_publish_for_anonymous=True,
    allow_presence_for_client=True,
    allow_presence_for_anonymous=True,
    allow_history_for_client=True,
    allow_history_for_anonymous=True,
)
NAMESPACES = {
    "open": OPEN,
    "plain": ChannelOptions(allow_subscribe_for_client=True, allow_subscribe_for_anonymous=True),
    "shed": ChannelOptions(allow_subscribe_for_client=True, allow_subscribe_for_anonymous=True, shed=True),
    "closed": ChannelOptions(history_size=10, history_ttl_s=60.0, presence=True),
}


class Pipe:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


class Wired:
    """A link without a socket."""

    def __init__(self) -> None:
        self.pipe = Pipe()
        self.deadline = NEVER
        self.bucket = NOWHERE
        self.ended: Code | None = None
        self.reads = True
        self.acked: int | None = None
        self.session: Session | None = None

    @property
    def transport(self) -> Pipe:
        return self.pipe

    def end(self, code: Code) -> None:
        self.ended = code

    def acked_bytes(self) -> int | None:
        return self.acked

    def refuse(self, number: int) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def on_deadline(self) -> None:
        assert self.session is not None
        self.session.on_deadline()


class Visitor:
    """A client: says commands as JSON and hears replies and pushes."""

    def __init__(self, yard: "Yard", wire: Wire, peer: str) -> None:
        self.yard = yard
        self.link = Wired()
        caller = Caller(
            client=f"client-{next(yard.numbers)}",
            user="",
            peer=peer,
            transport=wire.transport,
            encoding=wire.encoding,
        )
        handle = partial(answer, yard.engine.core, Hello())
        self.session = Session(yard.engine.core, self.link, wire, caller, handle)
        self.link.session = self.session
        self._receiver = Receiver(1 << 24, masked=False)
        self._read = 0
        self._ids = count(1)

    @property
    def ended(self) -> int:
        """The disconnect's number; 0 while it is connected."""
        return self.link.ended.number if self.link.ended is not None else 0

    def heard(self) -> list[dict[str, Any]]:
        """What came since the last look."""
        written = b"".join(self.link.pipe.written[self._read :])
        self._read = len(self.link.pipe.written)
        found: list[dict[str, Any]] = []
        for event in self._receiver.feed(written):
            assert isinstance(event, Message)
            if isinstance(event.data, str):
                found += [json.loads(line) for line in event.data.split("\n")]
            else:
                found += [{"binary": body} for body in binary.split(event.data)]
        return found

    def pushes(self) -> list[dict[str, Any]]:
        return [each["push"] for each in self.heard() if "push" in each]

    async def publications(self) -> list[Any]:
        """Data of the publications that came since the last look."""
        await self.yard.settle()
        return [push["pub"]["data"] for push in self.pushes() if "pub" in push]

    async def ask(self, **request: Any) -> dict[str, Any]:
        """A command and its reply; other things that were heard are dropped."""
        number = next(self._ids)
        self.session.on_message(json.dumps({"id": number, **request}))
        await self.yard.settle()
        return next((each for each in self.heard() if each.get("id") == number), {})

    async def connect(self, **request: Any) -> dict[str, Any]:
        return await self.ask(connect=request)

    async def subscribe(self, channel: str, **request: Any) -> dict[str, Any]:
        return await self.ask(subscribe={"channel": channel, **request})


class Yard:
    """The engine and what it stands on."""

    def __init__(self, clock: FakeClock, settings: RealtimeSettings) -> None:
        self.clock = clock
        self.sweeper = Sweeper()
        self.tasks: set[asyncio.Task[None]] = set()
        self.numbers = count(1)
        seeds = count(1)
        self.engine = Engine(
            settings, clock, lambda size: next(seeds).to_bytes(size, "big"), self.sweeper, self._spawn
        )
        self.broker = MemoryBroker(clock, lambda size: next(seeds).to_bytes(size, "big"))
        self.outbound = Outbound(NetSettings(), NetCounters())
        self.engine.use(self.broker, self.outbound, Secret(OWN))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def visitor(self, wire: Wire = wires.SOCKET_TEXT, peer: str = "192.0.2.1") -> Visitor:
        return Visitor(self, wire, peer)

    async def guest(self, user: str = "", **claims: Any) -> Visitor:
        """A visitor who is connected."""
        visitor = self.visitor()
        reply = await visitor.connect(**({"token": self.token(user, **claims)} if user else {}))
        assert "connect" in reply, (reply, visitor.ended)
        return visitor

    async def member(self, channel: str, user: str = "", **request: Any) -> Visitor:
        """A visitor who is connected and subscribed."""
        visitor = await self.guest(user)
        reply = await visitor.subscribe(channel, **request)
        assert "subscribe" in reply, (reply, visitor.ended)
        return visitor

    def token(self, user: str, **claims: Any) -> str:
        return jwt.encode({"sub": user, **claims}, HMAC, "HS256")

    async def publish(self, channel: str, *items: Any, **options: Any) -> None:
        for item in items:
            await self.engine.publish(channel, json.dumps(item).encode(), PublishOptions(**options))

    async def settle(self) -> None:
        """Let the loop do what is due now."""
        for _ in range(6):
            await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        """For clocks, deadlines and expiries alike."""
        left = seconds
        while left > 0:
            step = min(left, 1.0)
            self.clock.advance(step)
            self.sweeper.advance(step)
            left -= step


@pytest.fixture
def settings() -> RealtimeSettings:
    return RealtimeSettings(
        token=TokenSettings(hmac_secret=Secret(HMAC)), namespaces=NAMESPACES, allow_anonymous=True
    )


Make = Callable[[RealtimeSettings], Yard]


@pytest.fixture
async def make(clock: FakeClock) -> AsyncIterator[Make]:
    """Makes yards with settings of their own."""
    made: list[Yard] = []

    def build(settings: RealtimeSettings) -> Yard:
        made.append(Yard(clock, settings))
        return made[-1]

    yield build
    for yard in made:
        for task in yard.tasks:
            task.cancel()
        if yard.tasks:
            await asyncio.wait(yard.tasks)
        for room in yard.engine.core.rooms.values():
            room.close()


@pytest.fixture
async def yard(make: Make, settings: RealtimeSettings) -> Yard:
    made = make(settings)
    await made.engine.start()
    return made
