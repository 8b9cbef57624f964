"""After any mix of deeds, broken connections and nodes that died, who recovered sees what they see who never
left."""

import asyncio
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import FakeClock
from tests.harness.chatroom import Chat, another, chatroom
from tests.unit.store.rows_of import channel

from madang.base.limits import CHAT_LEASE_S
from madang.base.roles import ChannelRole
from madang.chat.ports import Place
from madang.realtime.ports import ReplyError

PEOPLE = 3
UNTOLD = ("say", "edit", "delete", "ban", "clear", "pin", "slow")
person = st.integers(0, PEOPLE - 1)
message = st.integers(0, 40)
say = st.tuples(st.just("say"), person, st.integers(1, 4))
deed = st.one_of(
    say,
    say,
    say,
    st.tuples(st.just("edit"), person, message),
    st.tuples(st.just("delete"), message, st.just(0)),
    st.tuples(st.just("delete"), message, st.just(0)),
    st.tuples(st.just("ban"), person, st.just(0)),
    st.tuples(st.just("unban"), person, st.just(0)),
    st.tuples(st.just("clear"), st.just(0), st.just(0)),
    st.tuples(st.just("pin"), message, st.just(0)),
    st.tuples(st.just("slow"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("drop"), person, st.just(0)),
    st.tuples(st.just("back"), person, st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
    st.tuples(st.just("together"), person, message),
    st.tuples(st.just("outage"), st.integers(0, 6), message),
)
"""In a room of one node. An outage is the broker's, between a commit and what was to be told, or amid it."""
crash = st.tuples(st.just("crash"), st.integers(0, 6), message)
deed_of_two = st.one_of(deed, deed, deed, deed, st.tuples(st.just("move"), st.just(0), st.just(0)), crash)
"""In a room of two: it moves, and the one that runs it dies between a commit and what it would have told."""


class Scene:
    """Three viewers who come and go, a manager who moderates, and a witness who never leaves."""

    def __init__(self, chat: Chat, other: Chat) -> None:
        self.chat, self.other = chat, other
        self.said: list[tuple[str, int]] = []
        self.count = 0
        self.texts: dict[str, list[str]] = {}

    async def begin(self, kept: int) -> None:
        self.chat.crowd.kept = self.other.crowd.kept = kept
        self.witness = await self.other.client("witness")
        self.manager = await self.chat.client("manager", ChannelRole.MANAGER)
        nodes = (self.chat, self.other)
        self.people = [await nodes[n % 2].client(f"person{n}") for n in range(PEOPLE)]

    async def do(self, name: str, one: int, two: int) -> None:
        """A deed; what the room refuses is refused to everybody alike."""
        try:
            await getattr(self, f"_{name}")(one, two)
        except ReplyError as error:
            assert error.number != 100

    async def _say(self, one: int, two: int) -> None:
        for _ in range(two):
            self.chat.wait(301 if self.count % 7 == 6 else 31)
            self.count += 1
            last = self.said[-1][0] if self.said else ""
            text, nonce = f"text {self.count}", f"n{self.count}"
            sent = await self.people[one].say(text, nonce=nonce, reply_to=last)
            self.said.append((sent["id"], one))
            self.texts[sent["id"]] = [text]

    async def _edit(self, one: int, two: int) -> None:
        mine = [name for name, who in self.said if who == one]
        if mine:
            self.chat.wait(1)
            self.count += 1
            name, text = mine[two % len(mine)], f"edited {self.count}"
            self.texts[name].append(text)
            await self.people[one].call("edit", id=name, text=text)

    async def _delete(self, one: int, two: int) -> None:
        if self.said:
            await self.manager.call("delete", id=self.said[one % len(self.said)][0])

    async def _ban(self, one: int, two: int) -> None:
        await self.manager.call("ban", user=self.people[one].user)

    async def _unban(self, one: int, two: int) -> None:
        await self.manager.call("unban", user=self.people[one].user)

    async def _clear(self, one: int, two: int) -> None:
        await self.manager.call("clear")

    async def _pin(self, one: int, two: int) -> None:
        if self.said:
            await self.manager.call("pin", id=self.said[one % len(self.said)][0])

    async def _slow(self, one: int, two: int) -> None:
        self.chat.wait(11)
        await self.manager.call("settings", slow_s=one)

    async def _drop(self, one: int, two: int) -> None:
        self.people[one].drop()

    async def _back(self, one: int, two: int) -> None:
        if self.people[one]._hear is None:
            await self.people[one].join(recover=True)

    async def _restart(self, one: int, two: int) -> None:
        """The room is forgotten and opened again from the log, as on another node."""
        if self.other is not self.chat:
            await self._move(one, two)
            return
        self.chat.rooms._rooms.clear()
        room = await self.chat.room()
        for client in (self.witness, self.manager, *self.people):
            if client._hear is not None:
                room.members.enter(client.caller, self.chat.clock.wall())

    async def _move(self, one: int, two: int) -> None:
        """Who runs the room sleeps for longer than its lease lasts."""
        first, second = self.chat, self.other
        if second.leases.holds(second.channel):
            first, second = second, first
        second.clock.advance(CHAT_LEASE_S + 1)
        await second.room()
        assert not first.leases.holds(first.channel)

    async def _crash(self, one: int, two: int) -> None:
        """It commits, and tells nobody; another takes over."""
        await self._untold(one, two % PEOPLE, 0)
        await self._move(0, 0)

    async def _outage(self, one: int, two: int) -> None:
        leader = await self._untold(one, two % PEOPLE, two // 8)
        await leader.rooms.tick()

    async def _untold(self, one: int, two: int, spared: int) -> Chat:
        """A deed of which the broker tells but the first `spared` parts; who led the room."""
        two_nodes = self.other is not self.chat
        other_leads = two_nodes and self.other.leases.holds(self.other.channel)
        leader = self.other if other_leads else self.chat
        self.chat.wait(31)
        leader.crowd.broken, leader.crowd.spared = True, spared
        try:
            await getattr(self, f"_{UNTOLD[one]}")(two, 1)
        except ReplyError:
            pass
        finally:
            leader.crowd.broken = False
        return leader

    async def _together(self, one: int, two: int) -> None:
        """Somebody speaks while they are banned."""
        self.chat.wait(31)
        self.count += 1
        said = self.people[one].say(f"text {self.count}")
        await asyncio.gather(said, self._ban(one, 0), return_exceptions=True)

    def _nothing_told_that_is_gone(self) -> None:
        """Neither history nor a new snapshot has a text that was deleted."""
        gone = [m["id"] for m in self.witness.view.messages.values() if m.get("deleted")]
        stream = self.chat.crowd.stream(f"madang_chat:{self.chat.channel}")
        for text in (text for name in gone for text in self.texts.get(name, ())):
            quoted = f'"{text}"'.encode()
            assert not [item for item in stream.items if quoted in item.data]

    async def end(self) -> None:
        """Everybody is back; all see the same, and so does who comes only now."""
        for client in self.people:
            if client._hear is None:
                await client.join(recover=True)
        self._nothing_told_that_is_gone()
        newcomer = await self.chat.client("newcomer")
        seen = self.witness.view.visible()
        for client in (*self.people, self.manager, newcomer):
            assert client.view.visible() == seen
            for part in ("settings", "poll", "paid", "goal"):
                assert client.view.state[part] == self.witness.view.state[part]
            pins = [pin["id"] for pin in client.view.state["pins"]]
            assert pins == [pin["id"] for pin in self.witness.view.state["pins"]]


@pytest.mark.parametrize(("kept", "nodes"), [(300, 1), (6, 1), (300, 2)])
def test_who_recovered_sees_what_the_witness_sees(tmp_path: Path, kept: int, nodes: int) -> None:
    clock, place = FakeClock(), count()

    async def play(chat: Chat, other: Chat, deeds: list[tuple[str, int, int]]) -> None:
        name = f"01room{next(place)}"
        async with chat.store.write() as work:
            await work.channels.add(channel(name, id=name))
        chat.people.places[name] = Place(id=name, slug=name, name=name)
        chat.channel = other.channel = name
        scene = Scene(chat, other)
        await scene.begin(kept)
        for deed in deeds:
            await scene.do(*deed)
        await scene.end()

    with asyncio.Runner() as runner:
        room = chatroom(tmp_path, clock)
        other = chat = runner.run(room.__aenter__())
        beside = another(chat)
        if nodes == 2:
            other = runner.run(beside.__aenter__())

        examples = max(40, settings().max_examples) // nodes

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(deed if nodes == 1 else deed_of_two, min_size=12, max_size=50))
        def playing(deeds: list[tuple[str, int, int]]) -> None:
            runner.run(play(chat, other, deeds))

        try:
            playing()
        finally:
            if nodes == 2:
                runner.run(beside.__aexit__(None, None, None))
            runner.run(room.__aexit__(None, None, None))
