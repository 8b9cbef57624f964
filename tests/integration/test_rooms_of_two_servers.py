"""A chat room over two server processes, one PostgreSQL and one Redis: whoever is connected to either is in
the same room; the one that runs it is killed, and nothing that was acked is lost or said twice."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import websockets
from tests.harness import brokers, postgres
from tests.harness.patience import PATIENCE_S
from tests.harness.server import Server
from tests.harness.talker import (
    Refused,
    Talker,
    channel_of,
    connect,
    is_told_to_return,
    signed_in,
    token,
)

HEADERS = {"X-Madang": "1"}
GUESTS = 10
NUMBERS = itertools.count()


@contextlib.contextmanager
def two_servers(folder: Path, database: str, broker: str) -> Iterator[tuple[Server, Server]]:
    """One database, one broker, one secret."""
    config = f'[data]\ndatabase = "{database}"\n[realtime]\nbroker = "{broker}"\n'
    one, two = Server(folder / "one", config=config), Server(folder / "two", config=config)
    secret = secrets.token_hex(32)
    for server in (one, two):
        (server.data / "secret").write_text(secret)
    try:
        yield one.start(), two.start()
    finally:
        for server in (one, two):
            if server.process is not None and server.process.poll() is None:
                server.stop()


class Room:
    """What the test knows: the servers, the channel, and the admin's sessions with each."""

    def __init__(self, one: Server, two: Server, host: httpx.Client) -> None:
        self.one, self.two, self.host = one, two, host
        self.channel = channel_of(one)

    def log(self) -> list[dict[str, Any]]:
        page = self.rest(self.two, "GET", "chat/messages?limit=200")["items"]
        return [message for message in page if not message.get("deleted")]

    def rest(self, server: Server, method: str, path: str, **body: Any) -> Any:
        url = f"{server.http}/api/v1/channels/main/{path}"
        answer = self.host.request(method, url, json=body, headers=HEADERS)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


async def they_are_in_one_room(room: Room, yuna: Talker, mina: Talker, name: str) -> None:
    """Talk, moderation, a poll and rules, by the server that does not run the room and by the other."""
    channel = room.channel
    said = await mina.call("chat.send", channel=channel, text="안녕", nonce="n1")
    assert (await yuna.until("message"))["id"] == said["id"] == (await mina.until("message"))["id"]
    again = await mina.call("chat.send", channel=channel, text="안녕", nonce="n1")
    assert (again["id"], again["seq"]) == (said["id"], said["seq"])
    room.rest(room.two, "PUT", f"chat/bans/{name}", duration_s=300, reason="rude")
    assert (await yuna.until("purge"))["user"] == name
    assert (await mina.until("you"))["muted"]["word"] == "timed_out"
    with pytest.raises(Refused, match="timed_out:") as refused:
        await mina.call("chat.send", channel=channel, text="but why")
    assert refused.value.code == 1002
    await yuna.call("chat.unban", channel=channel, user=name)
    assert (await mina.until("you"))["muted"] is None
    made = room.rest(room.two, "POST", "polls", title="Encore?", choices=["Yes", "No"])
    await mina.call("poll.vote", channel=channel, id=made["id"], choice=0)
    while (poll := (await yuna.until("poll"))["poll"])["votes"] == 0:
        pass
    assert poll["counts"] == [1, 0]
    for server in (room.one, room.two):
        shown = room.rest(server, "GET", "chat")
        assert shown["poll"]["id"] == made["id"] and shown["messages"] == []
    room.rest(room.two, "POST", f"polls/{made['id']}/end")
    room.rest(
        room.one, "PUT", "filter", allow=[], lists=[{"name": "x", "words": ["spoiler"], "action": "refuse"}]
    )
    with pytest.raises(Refused, match="filtered"):
        await mina.call("chat.send", channel=channel, text="a spoiler")


class Guest:
    """Says its words, each until it is acked, coming back to the other server when its own is gone."""

    def __init__(self, room: Room, server: Server, number: int, words: int) -> None:
        self.room, self.server, self.number, self.words = room, server, number, words
        self.acked: dict[str, int] = {}
        with httpx.Client(timeout=30) as http:
            self.token = token(server, http)

    async def talk(self) -> None:
        talker: Talker | None = None
        async with asyncio.timeout(PATIENCE_S):
            while len(self.acked) < self.words:
                try:
                    talker = talker or await self._come()
                    await self._say(talker, len(self.acked))
                except Refused as error:
                    assert error.code in (100, 103, 429), error
                    if talker is not None and error.code == 103:
                        await talker.close()
                        talker = None
                    await asyncio.sleep(1)
                except (websockets.ConnectionClosed, websockets.InvalidHandshake, OSError):
                    talker = None
                await asyncio.sleep(0.05)
        if talker is not None:
            await talker.close()

    async def _say(self, talker: Talker, turn: int) -> None:
        nonce = f"{self.number} {turn}"
        sent = await talker.call("chat.send", channel=self.room.channel, text=f"word {nonce}", nonce=nonce)
        self.acked[sent["id"]] = sent["seq"]

    async def _come(self) -> Talker:
        if self.server.process is None or self.server.process.poll() is not None:
            self.server = self.room.two
        talker = await connect(self.server, self.room.host, self.token)
        try:
            await talker.enter(self.room.channel)
        except BaseException:
            await talker.close()
            raise
        return talker


async def under_load(room: Room, words: int, *deeds: Callable[[], object]) -> dict[str, int]:
    """Guests talk while the deeds are done, one after the other; every ack is in the log, once. Returns what
    was said meanwhile."""
    before = {message["id"] for message in room.log()}
    homes = itertools.cycle((room.one, room.two))
    guests = [Guest(room, next(homes), next(NUMBERS), words) for _ in range(GUESTS)]
    async with asyncio.TaskGroup() as tasks:
        for guest in guests:
            tasks.create_task(guest.talk())
        for deed in deeds:
            more = sum(len(guest.acked) for guest in guests) + (GUESTS if deed is deeds[0] else 0)
            async with asyncio.timeout(PATIENCE_S):
                while sum(len(guest.acked) for guest in guests) < more:
                    await asyncio.sleep(0.01)
            await asyncio.to_thread(deed)
            await asyncio.sleep(0.2)
    acked = {name: seq for guest in guests for name, seq in guest.acked.items()}
    assert len(acked) == GUESTS * words
    page = [message for message in room.log() if message["id"] not in before]
    log = {message["id"]: int(message["seq"]) for message in page}
    assert {name: log.get(name) for name in acked} == acked
    assert len({message["text"] for message in page}) == len(log)
    return log


async def what_they_share_goes_away(room: Room, database: postgres.Cluster, redis: brokers.Redis) -> None:
    """F13, F14: restarted while everybody talks. A server says so once, and once that it is back."""
    await under_load(room, 2, redis.kill, redis.start)
    await under_load(room, 2, database.stop, database.start)
    for server in (room.one, room.two):
        said = server.said()
        assert said.count("redis: not there") == said.count("redis: back after") == 1, said
        assert said.count("the broker failed") <= 1, said


async def what_nobody_heard_is_told(room: Room, guest: httpx.Client, redis: brokers.Redis) -> None:
    """F14: said while Redis is away, on the disk and never repeated: told to all when it is back."""
    talkers = [await connect(server, guest) for server in (room.one, room.two)]
    for talker in talkers:
        await talker.enter(room.channel)
    await asyncio.to_thread(redis.kill)
    for number, talker in enumerate(talkers):
        with pytest.raises(Refused) as refused:
            await talker.call("chat.send", channel=room.channel, text=f"into the dark {number}")
        assert refused.value.code == 100
    (kept,) = (m["text"] for m in room.log() if m["text"].startswith("into the dark"))
    await asyncio.to_thread(redis.start)
    for talker in talkers:
        await hears(talker, room.channel, kept)
        await talker.close()


async def hears(talker: Talker, channel: str, text: str) -> None:
    """Is told it, or that something was missed (2500: the other server was back at Redis earlier than one's
    own), whereupon one subscribes again, as Centrifugo's clients do, and finds it among the last messages."""
    said: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while text not in said:
            pushed = await talker.pushed()
            if is_told_to_return(pushed, channel):
                said = [message["text"] for message in await talker.again(channel)]
            event = pushed.get("pub", {}).get("data", {})
            if event.get("t") == "message":
                said.append(event["text"])


async def one_is_killed(room: Room, witness: Talker) -> None:
    """Under load; the witness is connected to the other, and never dropped."""

    def kill() -> None:
        assert room.one.process is not None
        room.one.process.kill()
        room.one.process.wait(15)

    log = await under_load(room, 4, kill)
    last = max(log, key=lambda name: log[name])
    seen: dict[str, int] = {}
    async with asyncio.timeout(PATIENCE_S):
        while last not in seen:
            pushed = await witness.pushed()
            if is_told_to_return(pushed, room.channel):
                seen = {one["id"]: one["seq"] for one in await witness.again(room.channel)}
            event = pushed.get("pub", {}).get("data", {})
            if event.get("t") == "message":
                assert event["seq"] > max(seen.values(), default=0), "one order for all, nothing twice"
                seen[event["id"]] = event["seq"]
    assert {name: seq for name, seq in seen.items() if name in log} == log


async def led_by(database: str) -> int:
    """How many have run the room so far, one after the other."""
    plain = await asyncpg.connect(database)
    try:
        return int(await plain.fetchval("SELECT fence FROM chat_rooms"))
    finally:
        await plain.close()


@pytest.mark.needs("postgres")
async def test_a_room_over_two_servers_and_the_death_of_one(tmp_path: Path) -> None:
    with postgres.cluster() as database, brokers.redis(keeps=True) as redis:
        plain = await asyncpg.connect(database.url("postgres"))
        await plain.execute("CREATE DATABASE madang")
        await plain.close()
        with (
            two_servers(tmp_path, database.url("madang"), redis.url) as (one, two),
            signed_in(one) as host,
            httpx.Client(timeout=30) as guest,
        ):
            room = Room(one, two, host)
            yuna, mina = await connect(one, host), await connect(two, guest)
            assert (await yuna.enter(room.channel))["data"]["you"]["role"] == "owner"
            snapshot = (await mina.enter(room.channel, data={"nick": "미나"}))["data"]
            assert snapshot["you"]["name"] == "미나" and snapshot["messages"] == []
            await they_are_in_one_room(room, yuna, mina, snapshot["you"]["id"])
            mina.pushes.clear()
            before = await led_by(database.url("madang"))
            await one_is_killed(room, mina)
            assert await led_by(database.url("madang")) == before + 1
            await mina.close()
            await asyncio.to_thread(one.start)
            await what_they_share_goes_away(room, database, redis)
            await what_nobody_heard_is_told(room, guest, redis)
