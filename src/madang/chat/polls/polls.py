"""Polls of rooms: made by managers, voted on once, counted live, kept."""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec

from madang.base import limits
from madang.base.clock import Clock
from madang.chat import refusals, rights
from madang.chat.ports import (
    Cell,
    Change,
    Demand,
    DeposedError,
    Drop,
    Fenced,
    Log,
    Put,
    Query,
    Set,
    TextFilter,
)
from madang.chat.superchat.door import Door, Guest
from madang.chat.superchat.words import encode

TABLE: Final = "polls"
VOTES: Final = "poll_votes"
_PAGE: Final = 5_000
_SHOWN_S: Final = 60.0
"""How long the result of an ended poll stays in the room."""


class PollWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a manager asks."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.POLL_LETTERS)]
    choices: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=limits.POLL_CHOICE_LETTERS)], ...],
        msgspec.Meta(min_length=2, max_length=limits.POLL_CHOICES),
    ]
    duration_s: Annotated[int, msgspec.Meta(ge=10, le=limits.POLL_S)] | None = None
    """None: until it is ended by hand."""


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """A poll as everybody sees it. Moments are milliseconds since 1970."""

    id: str
    title: str
    choices: tuple[str, ...]
    counts: tuple[int, ...]
    votes: int
    state: str
    """`open` or `ended`."""
    created_at: int
    ends_at: int | None
    ended_at: int | None


class Running:
    """A poll that is open: its voters and their counts."""

    def __init__(self, poll: Poll) -> None:
        self.poll = poll
        self.voters: dict[str, int] = {}
        self.counts = [0] * len(poll.choices)
        self.told = -1
        """How many votes everybody has heard of. A vote counts when it is committed."""

    def shown(self) -> Poll:
        return msgspec.structs.replace(self.poll, counts=tuple(self.counts), votes=sum(self.counts))


class Polls:
    """The use-cases of polls, for all rooms; one poll is open in a room."""

    def __init__(
        self, log: Log, door: Door, judge: TextFilter, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._log, self._door, self._judge, self._clock, self._new_id = log, door, judge, clock, new_id
        self._running: dict[str, Running] = {}
        self._beginning: set[str] = set()
        """Channels whose poll is on its way into the log."""
        self._fading: dict[str, float] = {}

    def drop(self, channel: str) -> None:
        """Another node runs the room now."""
        self._running.pop(channel, None)
        self._fading.pop(channel, None)

    async def load(self, channel: str = "") -> None:
        """Take up what was open when the server stopped, in one room or in all."""
        where: dict[str, Cell] = {"state": "open"}
        if channel:
            where["channel"] = channel
        for row in await self._log.find(Query(table=TABLE, where=where, limit=_PAGE)):
            running = Running(_poll_of(row))
            above: str | None = None
            while True:
                query = Query(table=VOTES, where={"poll": row["id"]}, newest=False, above=above, limit=_PAGE)
                votes = await self._log.find(query)
                for vote in votes:
                    running.voters[vote["user_id"]] = vote["choice"]
                    running.counts[vote["choice"]] += 1
                if len(votes) < _PAGE:
                    break
                above = votes[-1]["id"]
            self._running[row["channel"]] = running

    def current(self, channel: str) -> bytes:
        """The open poll as JSON, for a room's snapshot."""
        running = self._running.get(channel)
        return encode(running.shown() if running else None)

    async def create(self, guest: Guest, channel: str, wish: PollWish) -> Poll:
        if not rights.moderates(guest.role):
            raise refusals.forbidden()
        if channel in self._running or channel in self._beginning:
            raise refusals.conflict("open")
        if len(set(wish.choices)) != len(wish.choices) or not all(choice.strip() for choice in wish.choices):
            raise refusals.invalid("choices")
        if not all(self._judge.judge(channel, text).passes for text in (wish.title, *wish.choices)):
            raise refusals.filtered()
        now = self._now()
        poll = Poll(
            id=self._new_id(),
            title=wish.title.strip(),
            choices=tuple(choice.strip() for choice in wish.choices),
            counts=(0,) * len(wish.choices),
            votes=0,
            state="open",
            created_at=now,
            ends_at=now + wish.duration_s * 1000 if wish.duration_s else None,
            ended_at=None,
        )
        self._beginning.add(channel)
        try:
            await self._door.happen(channel, [Put(TABLE, _row_of(channel, poll, guest.author.id))])
        finally:
            self._beginning.discard(channel)
        self._running[channel] = Running(poll)
        await self._tell(channel, poll)
        return poll

    async def vote(self, guest: Guest, channel: str, poll: str, choice: int) -> None:
        """Once per identity; late votes are refused by the server's clock."""
        if "poll" not in guest.can or not (await self._door.settings(channel)).polls:
            raise refusals.off()
        running = self._running.get(channel)
        if running is None or running.poll.id != poll or self._is_over(running):
            raise refusals.conflict("ended")
        if not 0 <= choice < len(running.counts):
            raise refusals.invalid("choice")
        user = guest.author.id
        if user in running.voters:
            raise refusals.conflict("voted")
        if len(running.voters) >= limits.POLL_VOTES:
            raise refusals.conflict("full")
        running.voters[user] = choice
        row: dict[str, Cell] = {"id": self._new_id(), "poll": poll, "user_id": user, "choice": choice}
        try:
            await self._door.happen(channel, [Put(VOTES, row)])
        except BaseException:
            del running.voters[user]
            raise
        running.counts[choice] += 1

    async def end(self, guest: Guest, channel: str, poll: str) -> Poll:
        if not rights.moderates(guest.role):
            raise refusals.forbidden()
        running = self._running.get(channel)
        if running is None or running.poll.id != poll:
            raise refusals.conflict("ended")
        return await self._end(channel, running)

    async def history(self, channel: str, before: str | None, limit: int) -> list[Poll]:
        """Newest first."""
        query = Query(table=TABLE, where={"channel": channel}, below=before, limit=limit)
        found = [_poll_of(row) for row in await self._log.find(query)]
        running = self._running.get(channel)
        return [running.shown() if running and poll.id == running.poll.id else poll for poll in found]

    async def forget(self, channel: str, poll: str) -> None:
        """Take an ended poll of this channel (A24) out of the history."""
        if not await self._log.find(Query(table=TABLE, where={"id": poll, "channel": channel}, limit=1)):
            raise refusals.not_found()
        ended = Demand(TABLE, {"id": poll, "channel": channel, "state": "ended"})
        gone = [Drop(VOTES, {"poll": poll}), Drop(TABLE, {"id": poll, "channel": channel})]
        try:
            await self._door.commit(channel, [ended, *gone])
        except Fenced:
            raise refusals.conflict("open") from None

    async def tick(self) -> None:
        """Counts that changed are told, polls whose time is over end, results fade."""
        for channel, running in list(self._running.items()):
            if self._running.get(channel) is not running:
                continue  # ended while another one was told
            if self._is_over(running):
                with suppress(DeposedError):  # whoever runs the room now ends it
                    await self._end(channel, running)
            elif running.told != (shown := running.shown()).votes:
                await self._tell(channel, shown)
                running.told = shown.votes
        now = self._clock.monotonic()
        for channel, until in list(self._fading.items()):
            if now >= until:
                if channel not in self._running:
                    await self._tell(channel, None)
                if self._fading.get(channel) == until:
                    del self._fading[channel]

    async def _end(self, channel: str, running: Running) -> Poll:
        if self._running.get(channel) is running:
            del self._running[channel]
        try:
            # Votes that were accepted are behind us in the log, and count.
            await self._door.happen(channel, [])
            ended = await self._close(channel, running)
        except DeposedError:
            raise
        except Fenced:
            raise refusals.conflict("ended") from None
        except BaseException:
            self._running.setdefault(channel, running)
            raise
        self._fading[channel] = self._clock.monotonic() + _SHOWN_S
        await self._tell(channel, ended)
        return ended

    async def _close(self, channel: str, running: Running) -> Poll:
        ended = msgspec.structs.replace(running.shown(), state="ended", ended_at=self._now())
        values: dict[str, Cell] = {
            "state": "ended",
            "ended_at": ended.ended_at,
            "counts": encode(ended.counts).decode(),
        }
        event: dict[str, Cell] = {
            "id": self._new_id(),
            "kind": "poll.ended",
            "room": channel,
            "at": self._clock.wall(),
            "data": encode({"poll": ended.id, "title": ended.title, "votes": ended.votes}).decode(),
        }
        changes: list[Change] = [
            Demand(TABLE, {"id": ended.id, "state": "open"}),
            Set(TABLE, {"id": ended.id}, values),
            Put("outbox", event),
        ]
        await self._door.happen(channel, changes)
        return ended

    async def _tell(self, channel: str, poll: Poll | None) -> None:
        await self._door.set_part(channel, "poll", encode(poll))

    def _is_over(self, running: Running) -> bool:
        return running.poll.ends_at is not None and self._now() >= running.poll.ends_at

    def _now(self) -> int:
        return int(self._clock.wall() * 1000)


def _row_of(channel: str, poll: Poll, by: str) -> dict[str, Cell]:
    return {
        "id": poll.id,
        "channel": channel,
        "title": poll.title,
        "choices": encode(poll.choices).decode(),
        "counts": encode(poll.counts).decode(),
        "state": poll.state,
        "by_user": by,
        "created_at": poll.created_at,
        "ends_at": poll.ends_at,
        "ended_at": poll.ended_at,
    }


def _poll_of(row: dict[str, Any]) -> Poll:
    counts = msgspec.json.decode(row["counts"], type=tuple[int, ...])
    choices = msgspec.json.decode(row["choices"], type=tuple[str, ...])
    named = {name: row[name] for name in ("id", "title", "state", "created_at", "ends_at", "ended_at")}
    return Poll(**named, choices=choices, counts=counts, votes=sum(counts))
