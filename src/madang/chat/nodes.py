"""Rooms over several nodes: whatever is done in a room reaches the node that runs it, and people who are
connected elsewhere are in it all the same.

A node takes any command; it does it where it holds the room's lease, and else asks the one that does. Nodes
say every few seconds that they live, which rooms they run, and how many people of each room they have.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec
import structlog

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_FORWARD_S, CHAT_LEASE_S, CHAT_ROSTER
from madang.chat.leases import ElsewhereError, Leases
from madang.chat.ports import DeposedError, Fenced
from madang.chat.questions import (
    Changed,
    Do,
    Enter,
    Here,
    Keep,
    Left,
    News,
    Part,
    People,
    Post,
    Present,
    Question,
    TakeDown,
    encode,
    read_news,
    read_people,
    read_question,
)
from madang.chat.room import Room
from madang.chat.rooms import Rooms
from madang.realtime.broker import BrokerError
from madang.realtime.gate import Caller
from madang.realtime.ports import INTERNAL, Neighbourhood, NobodyListensError, ReplyError

T = TypeVar("T")
Answer = Callable[[Room, Any], Awaitable[bytes]]
TOPIC: Final = "chat"
HEARTBEAT_S: Final = CHAT_LEASE_S / 3
_SILENT_S: Final = CHAT_LEASE_S + 2
"""A node that was not heard for so long is gone, and so are its people."""
_AGAIN_S: Final = 0.25
_NOT_HERE, _FENCED = 1, 2
"""Between nodes alone: the room is another's; a demand was not met."""
_NEWS: Final = 1000
_UNEVEN: Final = 3
_AWAY = (ReplyError, Overloaded, BrokerError, OSError)
_log = structlog.get_logger()


class _Guests:
    """The people of one room who are connected to one other node."""

    __slots__ = ("callers", "uneven", "viewers")

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.uneven = 0
        """How often in a row that node counted otherwise."""
        self.viewers = 0


class Nodes:
    """Of one node, for all its rooms."""

    def __init__(self, rooms: Rooms, leases: Leases, neighbours: Neighbourhood) -> None:
        self.rooms, self.leases = rooms, leases
        self.answers: dict[type, Answer] = {}
        """By kind of question, for rooms that are run here."""
        self.changed: list[Callable[[Changed], None]] = []
        """Called when another node changed what is kept in memory."""
        self._neighbours = neighbours
        self._clock = rooms.yard.clock
        self._here: dict[str, dict[str, tuple[Caller, str]]] = {}
        """People who are connected to this node, by room and client, and the nicknames they chose."""
        self._guests: dict[str, dict[str, _Guests]] = {}
        """People who are connected elsewhere, by room that runs here and node."""
        self._heard: dict[str, float] = {}
        self._gone: deque[tuple[str, str, str]] = deque()
        self._pulls: deque[tuple[str, str]] = deque()
        self._news: deque[Changed] = deque(maxlen=_NEWS)
        self._beat_at = float("-inf")
        neighbours.on_question(TOPIC, self._answer)
        neighbours.on_news(TOPIC, self._hear)
        rooms.yard.leases = leases
        rooms.opened.append(self._opened)
        rooms.closed.append(self._closed)
        rooms.is_used = self._is_used
        self._viewers = rooms.viewers
        rooms.viewers = self.viewers

    # --- doing it wherever the room is

    async def anywhere(
        self, channel: str, here: Callable[[Room], Awaitable[T]], there: Callable[[str, float], Awaitable[T]]
    ) -> T:
        """`here` in the room where this node runs it, else `there` with the node that does and the seconds
        that are left. Error 100 when neither was possible in time; what was refused is refused."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CHAT_FORWARD_S
        while True:
            left_s = deadline - loop.time()
            try:
                return await here(await self.rooms.open(channel))
            except DeposedError:
                self.rooms.give_up(channel)
            except ElsewhereError as elsewhere:
                try:
                    return await self._there(elsewhere.node, left_s, there)
                except NobodyListensError:
                    self.leases.nobody_listens(elsewhere.node)
                except ReplyError as error:
                    if error.number != _NOT_HERE:
                        raise
                    self.leases.doubt(channel)
            except (Overloaded, BrokerError) as error:
                raise INTERNAL from error
            if left_s < 2 * _AGAIN_S:
                raise INTERNAL
            await asyncio.sleep(_AGAIN_S)

    async def _there(self, node: str, left_s: float, there: Callable[[str, float], Awaitable[T]]) -> T:
        result = await there(node, left_s)
        self.leases.heard(node)
        return result

    async def ask(self, node: str, question: Question, within_s: float) -> bytes:
        """Ask the node that runs a room."""
        try:
            return await self._neighbours.ask(node, TOPIC, encode(question), within_s)
        except ReplyError as error:
            if error.number == _FENCED:
                raise Fenced(error.message) from None
            raise

    async def done(
        self, question: Post | TakeDown | Part | Keep, here: Callable[[Room], Awaitable[None]]
    ) -> None:
        """Something that has no answer, wherever the room is."""

        async def there(node: str, within_s: float) -> None:
            await self.ask(node, question, within_s)

        await self.anywhere(question.channel, here, there)

    # --- who is here

    def entered(self, channel: str, caller: Caller, nick: str) -> None:
        """Somebody of this node is in a room."""
        self._here.setdefault(channel, {})[caller.client] = caller, nick

    def left(self, channel: str, caller: Caller) -> None:
        """Must not wait: the node that runs the room hears of it soon."""
        people = self._here.get(channel)
        if people is None or people.pop(caller.client, None) is None:
            return
        if not people:
            del self._here[channel]
        if not self.leases.holds(channel) and len(self._gone) < CHAT_ROSTER:
            self._gone.append((channel, caller.user, caller.client))

    def nick(self, channel: str, caller: Caller) -> str | None:
        """The nickname that somebody of this node entered a room with; None for who is not in it."""
        found = self._here.get(channel, {}).get(caller.client)
        return found[1] if found is not None else None

    def renamed(self, channel: str, caller: Caller, nick: str) -> None:
        if self.nick(channel, caller) is not None:
            self._here[channel][caller.client] = caller, nick

    def viewers(self, channel: str) -> int:
        """Of all nodes."""
        others = self._guests.get(channel, {}).values()
        return self._viewers(channel) + sum(guests.viewers for guests in others)

    def admit(self, room: Room, caller: Caller, nick: str, node: str = "") -> None:
        """Somebody whom a node let in is in the room, if they were not yet."""
        if not caller.client:
            return
        member = room.members.get(caller.user)
        if member is None or caller.client not in member.clients:
            room.members.enter(caller, self._clock.wall(), nick)
        if node:
            guests = self._guests.setdefault(room.channel, {}).setdefault(node, _Guests())
            if len(guests.callers) < CHAT_ROSTER:
                guests.callers[caller.client] = caller

    def _opened(self, room: Room) -> Awaitable[None]:
        """A room that came to this node finds this node's people in it."""
        for caller, nick in self._here.get(room.channel, {}).values():
            self.admit(room, caller, nick)
        return _nothing()

    def _closed(self, channel: str) -> None:
        self._guests.pop(channel, None)

    def _is_used(self, channel: str) -> bool:
        return any(guests.callers for guests in self._guests.get(channel, {}).values())

    # --- what other nodes ask and say

    async def _answer(self, sender: str, data: bytes) -> bytes:
        question = read_question(data)
        if isinstance(question, People):
            return encode(list(self._here.get(question.channel, {}).values())[:CHAT_ROSTER])
        try:
            room = await self.rooms.open(question.channel)
            if isinstance(question, Do) or (isinstance(question, Enter) and not question.desk):
                self.admit(room, question.caller, question.nick, sender)
            return await self.answers[type(question)](room, question)
        except ElsewhereError:
            raise ReplyError(_NOT_HERE, "not here") from None
        except DeposedError:
            self.rooms.give_up(question.channel)
            raise ReplyError(_NOT_HERE, "not here") from None
        except Fenced as error:
            raise ReplyError(_FENCED, str(error)) from None
        except (Overloaded, BrokerError) as error:
            raise INTERNAL from error

    def _hear(self, sender: str, data: bytes) -> None:
        try:
            news = read_news(data)
        except msgspec.MsgspecError:
            return  # of another version of the server
        self._heard[sender] = self._clock.monotonic()
        if isinstance(news, Here):
            self.leases.listed(sender, news.led)
            self._compare(sender, news.present)
        elif isinstance(news, Changed):
            for tell in self.changed:
                tell(news)
        elif self.leases.holds(news.channel):
            self._leave(news.channel, sender, news.people)

    def _compare(self, node: str, present: Mapping[str, Present]) -> None:
        """What we know of a node's people, beside what it counts itself."""
        for channel in self.leases.led:
            counted = present.get(channel)
            known = self._guests.get(channel, {}).get(node)
            if counted is None and known is None:
                continue
            guests = self._guests.setdefault(channel, {}).setdefault(node, _Guests())
            guests.viewers = counted.viewers if counted else 0
            people = counted.people if counted else 0
            guests.uneven = guests.uneven + 1 if people != len(guests.callers) else 0
            if guests.uneven >= _UNEVEN or (people and not guests.callers):
                guests.uneven = 0
                if (channel, node) not in self._pulls:
                    self._pulls.append((channel, node))

    def _leave(self, channel: str, node: str, people: Iterable[tuple[str, str]]) -> None:
        room, guests = self.rooms.known(channel), self._guests.get(channel, {}).get(node)
        for _, client in people:
            caller = guests.callers.pop(client, None) if guests is not None else None
            if room is not None and caller is not None:
                room.members.leave(caller)

    # --- time

    async def run(self) -> None:
        """Until cancelled."""
        reason = ""
        while True:
            await asyncio.sleep(_AGAIN_S * 2)
            try:
                await self.tick()
                reason = ""
            except _AWAY as error:
                if str(error) != reason:
                    reason = str(error)
                    _log.warning("chat_nodes_do_not_hear_each_other", reason=reason)

    async def tick(self) -> None:
        """Leases last longer, others hear of us, rooms whose node died are taken over."""
        now = self._clock.monotonic()
        if now - self._beat_at >= HEARTBEAT_S:  # first: leases last longer whether others hear us or not
            self._beat_at = now
            await self._beat()
        await self._say_who_left()
        await self._say_news()
        self._forget(now)
        while self._pulls:
            await self._pull(*self._pulls.popleft())
        for channel in [name for name in self._here if self._wants_opening(name)]:
            await self._take_over(channel)

    def _wants_opening(self, channel: str) -> bool:
        """Nobody runs it, or we do, and could not open it when we took it."""
        ours = self.leases.holds(channel) and self.rooms.known(channel) is None
        return ours or self.leases.is_open(channel)

    async def _beat(self) -> None:
        try:
            lost = await self.leases.renew()
        except Overloaded as error:
            lost = []
            _log.warning("chat_leases_not_renewed", reason=str(error))
        for channel in lost:
            self.rooms.give_up(channel)
        present = {
            channel: Present(len(people), self._viewers(channel)) for channel, people in self._here.items()
        }
        await self._say(Here(tuple(self.leases.led), present))

    def _forget(self, now: float) -> None:
        for node in [node for node, heard in self._heard.items() if now - heard > _SILENT_S]:
            del self._heard[node]
            for channel, nodes in self._guests.items():
                if (guests := nodes.get(node)) is not None:
                    self._leave(channel, node, [(c.user, c.client) for c in guests.callers.values()])
                    del nodes[node]

    async def _pull(self, channel: str, node: str) -> None:
        """Ask a node for its people in a room that runs here."""
        try:
            found = read_people(await self.ask(node, People(channel), CHAT_FORWARD_S))
        except NobodyListensError:
            return
        room = self.rooms.known(channel)
        if room is None:
            return
        here = {caller.client for caller, _ in found}
        known = self._guests.get(channel, {}).get(node)
        gone = [c for client, c in known.callers.items() if client not in here] if known is not None else []
        self._leave(channel, node, [(caller.user, caller.client) for caller in gone])
        for caller, nick in found:
            self.admit(room, caller, nick, node)

    async def _take_over(self, channel: str) -> None:
        """Nobody says that they run a room in which there are people of ours."""
        try:
            await self.rooms.open(channel)
        except (ElsewhereError, *_AWAY):
            return

    async def _say_who_left(self) -> None:
        while self._gone:
            by_channel: dict[str, list[tuple[str, str]]] = {}
            for _ in range(min(len(self._gone), _NEWS)):
                channel, user, client = self._gone.popleft()
                by_channel.setdefault(channel, []).append((user, client))
            for channel, people in by_channel.items():
                await self._say(Left(channel, tuple(people)))

    async def _say_news(self) -> None:
        while self._news:
            news = self._news.popleft()
            try:
                await self._say(news)
            except BaseException:
                self._news.appendleft(news)
                raise

    async def _say(self, news: News) -> None:
        await self._neighbours.say(TOPIC, encode(news))

    def spread(self, kind: str, channel: str = "") -> None:
        """Rules changed here: other nodes hear of it soon."""
        self._news.append(Changed(kind, channel))

    async def close(self) -> None:
        """Give back the rooms that are run here: others take them at once."""
        self.leases.stop()
        try:
            await self.leases.release(self.leases.led)
            await self._say(Here((), {}))
        except _AWAY as error:
            _log.warning("chat_leases_not_released", reason=str(error))


async def _nothing() -> None:
    return None


def answered(do: Callable[[Room, Any], Awaitable[None]]) -> Answer:
    """What has no answer but that it was done."""

    async def done(room: Room, question: Any) -> bytes:
        await do(room, question)
        return b""

    return done
