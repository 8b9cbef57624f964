"""A chat without sockets: the real log and the real rooms, a crowd with history and listeners in memory."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import FakeClock
from tests.harness.household import empty_database

from madang.base.errors import Overloaded
from madang.base.roles import ChannelRole
from madang.base.texts import looks, skeleton
from madang.chat.chat import Chat as ChatServer
from madang.chat.leases import Leases
from madang.chat.nodes import Nodes
from madang.chat.ports import LetPass, Person, Place, Standing, TextFilter
from madang.chat.pump import Pump
from madang.chat.room import Room, Yard
from madang.realtime.broker import BrokerError, HistoryQuery, Stretch
from madang.realtime.gate import Caller
from madang.realtime.ports import Joined, NobodyListensError, RpcRequest, SubscribeRequest
from madang.realtime.publication import DEFAULT, Position, Publication, Published, PublishOptions
from madang.store import sql
from madang.store.chatlog import ChatLog
from madang.store.sql import SqlStore

YARD = "01yard"
KEPT = 300
Hear = Callable[[dict[str, Any]], None]


class People:
    """Who is who, as a test wants it."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.roles: dict[tuple[str, str], Standing] = {}
        self.places = {YARD: Place(id=YARD, slug="yard", name="Yard")}
        self.followed: dict[tuple[str, str], float] = {}
        self.granted: list[tuple[str, str, str, Standing | None]] = []

    def account(self, name: str, role: ChannelRole = ChannelRole.VIEWER, channel: str = YARD) -> str:
        """A person of this name and role; their user."""
        account = f"{name}-id"
        self.people[account] = Person(id=account, name=name, display_name=name)
        self.roles[account, channel] = Standing(role)
        return f"madang.u.{account}"

    def person(self, account: str) -> Person | None:
        return self.people.get(account)

    def person_named(self, name: str) -> Person | None:
        return next((p for p in self.people.values() if skeleton(p.name) == skeleton(name)), None)

    def place(self, channel: str) -> Place | None:
        return self.places.get(channel)

    def standing(self, account: str, channel: str) -> Standing:
        return self.roles.get((account, channel), Standing(ChannelRole.VIEWER))

    def is_taken(self, wanted: str) -> bool:
        return any(wanted in (looks(p.name), looks(p.display_name)) for p in self.people.values())

    def holders(self, channel: str) -> Sequence[tuple[Person, Standing]]:
        return [(self.people[a], s) for (a, c), s in self.roles.items() if c == channel]

    async def followed_at(self, account: str, channel: str) -> float | None:
        return self.followed.get((account, channel))

    async def grant(self, actor: str, channel: str, account: str, standing: Standing | None) -> None:
        self.granted.append((actor, channel, account, standing))
        self.roles[account, channel] = standing or Standing(ChannelRole.VIEWER)


@dataclass
class _Stream:
    items: list[Publication] = field(default_factory=list)
    top: int = 0
    keys: set[str] = field(default_factory=set)
    hearers: list[Hear] = field(default_factory=list)


class Street:
    """Nodes that hear each other at once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Neighbour] = {}


class Neighbour:
    """Implements `realtime.ports.Neighbourhood` for one node of a street."""

    alone = False

    def __init__(self, street: Street, name: str) -> None:
        self.street, self.name = street, name
        self.dead = False
        self.asked = 0
        self._answer: Any = None
        self._hear: Any = None
        street.nodes[name] = self

    def on_question(self, topic: str, answer: Any) -> None:
        self._answer = answer

    def on_news(self, topic: str, hear: Any) -> None:
        self._hear = hear

    async def ask(self, node: str, topic: str, data: bytes, within_s: float) -> bytes:
        other = self.street.nodes.get(node)
        if other is None or other.dead:
            raise NobodyListensError(node)
        self.asked += 1
        return bytes(await other._answer(self.name, data))

    async def say(self, topic: str, data: bytes) -> None:
        for other in self.street.nodes.values():
            if other is not self and not other.dead and not self.dead:
                other._hear(self.name, data)


class MemoryCrowd:
    """Of `realtime.ports.Crowd`, what chat uses: publications in order, redaction, recovery by offset."""

    node = "test"

    def __init__(self) -> None:
        self.kept = KEPT
        self.broken = False
        """Publishes nothing: this node dies right after its commits, or the broker is away."""
        self.spared = 0
        """How many calls it still answers before it is."""
        self.streams: dict[str, _Stream] = {}
        self.personal: list[tuple[str, dict[str, Any]]] = []
        self.weights: list[PublishOptions] = []
        self.rechecks = 0

    def stream(self, channel: str) -> _Stream:
        return self.streams.setdefault(channel, _Stream())

    def _ask(self) -> None:
        if self.broken and self.spared <= 0:
            raise BrokerError("broken")
        self.spared -= 1

    async def publish(self, channel: str, data: bytes, options: PublishOptions = DEFAULT) -> Published:
        self._ask()
        stream = self.stream(channel)
        if options.idempotency_key and options.idempotency_key in stream.keys:
            known = next((p.offset for p in stream.items if options.idempotency_key.encode() in p.data), 0)
            return Published(known, "epoch", True)
        if options.idempotency_key:
            stream.keys.add(options.idempotency_key)
        self.weights.append(options)
        stream.top += 1
        stream.items.append(Publication(data=data, offset=stream.top))
        del stream.items[: -self.kept]
        for hear in list(stream.hearers):
            hear(msgspec.json.decode(data))
        return Published(stream.top, "epoch")

    async def publish_to_user(self, user: str, data: bytes, options: PublishOptions = DEFAULT) -> Published:
        self._ask()
        self.personal.append((user, msgspec.json.decode(data)))
        return Published()

    async def redact(self, channel: str, offset: int, data: bytes) -> bool:
        self._ask()
        stream = self.stream(channel)
        for place, item in enumerate(stream.items):
            if item.offset == offset:
                stream.items[place] = Publication(data=data, offset=offset)
                return True
        return False

    async def history(self, channel: str, query: HistoryQuery) -> Stretch:
        self._ask()
        stream = self.stream(channel)
        return Stretch(list(stream.items), Position(stream.top, "epoch"))

    def recheck(self) -> None:
        self.rechecks += 1

    def subscribers(self, channel: str) -> int:
        return len(self.stream(channel).hearers)

    def told(self, user: str) -> list[dict[str, Any]]:
        return [event for whom, event in self.personal if whom == user]


class View:
    """What a client shows, by the rules of docs/4-api/chat.md and nothing else."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.state: dict[str, Any] = {}
        self.offset = 0

    def snapshot(self, data: dict[str, Any]) -> None:
        for name in ("settings", "pins", "counts", "poll", "paid", "goal", "cut"):
            self.state[name] = data[name]
        if "messages" in data:
            self.messages = {message["id"]: message for message in data["messages"]}

    def apply(self, event: dict[str, Any]) -> None:
        kind = event["t"]
        if kind == "message":
            self.messages[event["id"]] = event
        elif kind == "edit" and event["id"] in self.messages:
            self.messages[event["id"]] |= {k: event[k] for k in ("text", "edited_at")}
        elif kind == "delete":
            for name in event["ids"]:
                if name in self.messages:
                    self.messages[name]["deleted"] = True
        elif kind in ("purge", "clear"):
            if kind == "clear":
                self.state["cut"] = event["through"]
            for message in self.messages.values():
                mine = kind == "clear" or message.get("user", {}).get("id") == event["user"]
                if mine and message["seq"] <= event["through"] and message["kind"] != "paid":
                    message["deleted"] = True
        elif kind in ("pins", "settings", "poll", "goal"):
            self.state[kind] = event[kind]
        elif kind == "paid":
            self.state["paid"] = event["entries"]

    def visible(self) -> list[tuple[int, str, str]]:
        """The newest hundred that may be seen: place, id, text."""
        shown = [m for m in self.messages.values() if not m.get("deleted")]
        return sorted((m["seq"], m["id"], m["text"]) for m in shown)[-100:]


class Client:
    """Somebody with a connection."""

    def __init__(self, chat: "Chat", user: str, peer: str, claim: bytes = b"") -> None:
        self.chat = chat
        chat.count += 1
        self.caller = Caller(client=f"c{chat.count}", user=user, peer=peer, claim=claim)
        self.view = View()
        self.snapshot: dict[str, Any] = {}
        self._hear: Hear | None = None

    async def join(self, nick: str = "", *, recover: bool = False) -> "Client":
        """Subscribe, as a client that was here before or as a new one."""
        channel = f"madang_chat:{self.chat.channel}"
        data = msgspec.json.encode({"nick": nick})
        request = SubscribeRequest(caller=self.caller, channel=channel, data=data)
        reply = await self.chat.handler.subscribe(request)
        stream = self.chat.crowd.stream(channel)
        missed = [item for item in stream.items if item.offset > self.view.offset]
        recovered = recover and len(missed) == stream.top - self.view.offset
        since = reply.since.offset if reply.since is not None else stream.top
        assert reply.snapshot is not None
        self.snapshot = msgspec.json.decode(reply.snapshot(Joined(recovered, stream.top, "epoch")))
        self.view.snapshot(self.snapshot)
        for item in missed if recovered else stream.items:
            if recovered or item.offset > since:
                self.view.apply(msgspec.json.decode(item.data))
        self.view.offset = stream.top
        self._hear = self._on
        stream.hearers.append(self._hear)
        return self

    def _on(self, event: dict[str, Any]) -> None:
        self.view.apply(msgspec.json.decode(msgspec.json.encode(event)))
        self.view.offset += 1

    def drop(self) -> None:
        """The connection breaks."""
        channel = f"madang_chat:{self.chat.channel}"
        if self._hear is not None:
            self.chat.crowd.stream(channel).hearers.remove(self._hear)
            self._hear = None
        self.chat.handler.unsubscribed(self.caller, channel)

    async def call(self, method: str, **data: Any) -> Any:
        body = msgspec.json.encode({"channel": self.chat.channel, **data})
        request = RpcRequest(caller=self.caller, method=f"chat.{method}", data=body)
        return msgspec.json.decode(await self.chat.handler.rpc(request))

    async def say(self, text: str, **more: Any) -> Any:
        return await self.call("send", text=text, **more)

    @property
    def user(self) -> str:
        return self.caller.user


class Faulty:
    """A log that can be switched off."""

    def __init__(self, log: ChatLog) -> None:
        self.log = log
        self.away = False

    def commit(self, changes: Any, done: Any) -> None:
        if self.away:
            done(Overloaded("away"))
        else:
            self.log.commit(changes, done)

    async def find(self, query: Any) -> Any:
        return await self.log.find(query)

    async def claim(self, claim: Any) -> Any:
        if self.away:
            raise Overloaded("away")
        return await self.log.claim(claim)

    async def renew(self, node: str, until: int) -> Any:
        if self.away:
            raise Overloaded("away")
        return await self.log.renew(node, until)

    async def release(self, node: str, channels: Any) -> None:
        await self.log.release(node, channels)


class Chat:
    """A whole chat over one database."""

    def __init__(
        self, log: ChatLog, clock: FakeClock, judge: TextFilter, beside: "Chat | None" = None
    ) -> None:
        self.store: SqlStore
        self.people = People() if beside is None else beside.people
        self.crowd = MemoryCrowd() if beside is None else copy(beside.crowd)
        self.log = Faulty(log)
        self.clock = clock
        self.judge = judge
        self.channel = YARD
        self.count = 0 if beside is None else 1000
        crowd: Any = self.crowd
        self.server = ChatServer(
            Yard(crowd, Pump(self.log), self.people, judge, clock, os.urandom), b"secret" * 6
        )
        self.pump, self.yard, self.rooms = self.server.pump, self.server.yard, self.server.rooms
        self.moderation, self.desk = self.server.moderation, self.server.desk
        self.handler, self.moderating = self.server.handler, self.server.moderators

    def share(self, street: Street, name: str) -> Nodes:
        """Be one of several nodes."""
        self.crowd.node = name
        self.neighbour = Neighbour(street, name)
        self.leases = Leases(self.log, self.clock, name)
        self.nodes = Nodes(self.rooms, self.leases, self.neighbour)
        self.server.share(self.nodes)
        return self.nodes

    async def room(self) -> Room:
        return await self.rooms.open(self.channel)

    async def client(
        self, name: str, role: ChannelRole = ChannelRole.VIEWER, peer: str = "", nick: str = ""
    ) -> Client:
        """An account of this role, or a guest, connected."""
        if role is ChannelRole.GUEST:
            return await Client(self, f"madang.g.{name}", peer).join(nick=nick or name)
        user = self.people.account(name, role, self.channel)
        return await Client(self, user, peer).join()

    def wait(self, seconds: float = 11.0) -> None:
        """Time goes by: rates are free again."""
        self.clock.advance(seconds)


@asynccontextmanager
async def another(chat: Chat) -> AsyncIterator[Chat]:
    """A second node beside the first: the same database and the same publications; both are shared."""
    log = ChatLog(chat.store)
    log.gather_s = 0.0
    made = Chat(log, chat.clock, chat.judge, chat)
    made.store = chat.store
    street = Street()
    for name, one in (("one", chat), ("two", made)):
        one.share(street, name)
    running = asyncio.create_task(made.pump.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])
        await log.close()


@asynccontextmanager
async def chatroom(folder: Path, clock: FakeClock, judge: TextFilter | None = None) -> AsyncIterator[Chat]:
    """A chat over SQLite, its pump running."""
    monkey = pytest.MonkeyPatch()
    monkey.setattr(sql, "PRAGMAS", ("journal_mode=WAL", "synchronous=OFF", "foreign_keys=ON"))
    await empty_database(folder)
    store = await SqlStore.open("", folder)
    from tests.unit.store.rows_of import channel

    async with store.write() as work:
        for name in (YARD, "01inn"):
            await work.channels.add(channel(name.removeprefix("01"), id=name))
    log = ChatLog(store)
    log.gather_s = 0.0
    chat = Chat(log, clock, judge or LetPass())
    chat.store = store
    chat.people.places["01inn"] = Place(id="01inn", slug="inn", name="Inn")
    running = asyncio.create_task(chat.pump.run())
    try:
        yield chat
    finally:
        running.cancel()
        await asyncio.wait([running])
        await log.close()
        await store.close()
        monkey.undo()
