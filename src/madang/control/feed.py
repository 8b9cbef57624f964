"""State changes as they happen, for pages: one JSON message to each who may see it, rendered once."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from madang.base.errors import Overloaded
from madang.base.ids import ChannelId
from madang.base.limits import FEED_VIEWERS
from madang.base.roles import ChannelRole, Visibility
from madang.control.counters import ControlCounters
from madang.control.directory import Directory
from madang.control.errors import NotFound
from madang.control.records import Channel, Happening
from madang.control.rights import Actor, Right, may_watch, permits
from madang.hub.gate import PlayGrant

Send = Callable[[bytes], None]
Detach = Callable[[], None]
_encode = msgspec.json.encode
_PASS = 500
"""Pages that are told in one go; the loop does other work before the next ones (5 µs each)."""
_BEAT = _encode({"type": "beat"})
_BEAT_EVERY = 20
"""Each page hears something at least every so many seconds."""


class _Viewer:
    """One open page: the home page, or one channel's pages; its studio part only with the rights for it."""

    __slots__ = ("actor", "channel", "close", "grant", "phase", "send")

    def __init__(self, send: Send, actor: Actor | None, close: Callable[[], None]) -> None:
        self.send = send
        self.actor = actor
        self.close = close
        self.channel: ChannelId | None = None
        self.grant: PlayGrant | None = None
        """What a play token was worth: the only right of a page without an account."""
        self.phase = 0


_Room = dict[_Viewer, None]
"""Pages in the order in which they came."""


class EventFeed:
    """Transport-free: `send` puts one message into a connection and must neither block nor raise.

    Messages are JSON objects with a `type`: `hello` (a snapshot), `stream` (began, lost, resumed, ended),
    `viewers`, `channel` (created, updated, deleted), `beat` (nothing, so that silence means a dead
    connection), and for studios `studio` (health and rates, each second) and `event` (a line of the log).
    Times are RFC 3339 in UTC."""

    def __init__(self, directory: Directory, counters: ControlCounters) -> None:
        self.snapshot: Callable[[ChannelId], Mapping[str, Any]] = lambda channel: {"state": "offline"}
        """The live facts of a channel, for `hello`; set by the live use-case."""
        self.holds: Callable[[PlayGrant], bool] = lambda grant: False
        """Whether a play token's grant still holds; set by the control plane."""
        self.is_signed_in: Callable[[Actor], bool] = lambda actor: True
        """Whether an actor's session is still there; set by the control plane."""
        self._directory = directory
        self._counters = counters
        self._home: _Room = {}
        self._rooms: dict[ChannelId, _Room] = {}
        self._count = 0
        self._granted: _Room = {}
        self._phase = 0
        self._telling: deque[tuple[Sequence[_Viewer], bytes]] = deque()
        """Messages under way, and how many pages have heard the first of them."""
        self._place = 0
        self._turn: asyncio.Handle | None = None

    def __len__(self) -> int:
        return self._count

    def attach(
        self,
        send: Send,
        viewer: Actor | None,
        channel: str | None,
        close: Callable[[], None] = lambda: None,
        grant: PlayGrant | None = None,
    ) -> Detach:
        """Follow one channel (by slug or id), or everything that the home page shows.

        `hello` is sent before this returns; `close` is called when the right to watch ends. `grant` is that
        of a play token. Raises NotFound for a channel that the viewer may not watch, and Overloaded beyond
        FEED_VIEWERS."""
        if self._count >= FEED_VIEWERS:
            raise Overloaded("feed is full", "Too many pages are open; try again.", 5)
        page = _Viewer(send, viewer, close)
        page.grant = grant
        found = self._watchable(page, channel) if channel is not None else None
        page.channel = found.id if found else None
        self._count += 1
        self._counters.feed_opened += 1
        page.phase = self._count % _BEAT_EVERY
        room = self._rooms.setdefault(found.id, {}) if found else self._home
        room[page] = None
        if grant is not None:
            self._granted[page] = None
        send(_encode(self._hello(viewer, found)))
        return lambda: self._detach(page)

    def _detach(self, page: _Viewer) -> None:
        room = self._home if page.channel is None else self._rooms.get(page.channel, {})
        if page not in room:
            return
        del room[page]
        self._count -= 1
        self._granted.pop(page, None)
        if page.channel is not None and not room:
            del self._rooms[page.channel]

    def _watchable(self, page: _Viewer, reference: str) -> Channel:
        found = self._directory.channel_at(reference)
        if found is None or not self._may_watch(page, found):
            raise NotFound("channel")
        return found

    def _may_watch(self, page: _Viewer, channel: Channel) -> bool:
        if may_watch(page.actor, self._role(page.actor, channel), channel):
            return True
        grant = page.grant
        return grant is not None and grant.channel == channel.id and self.holds(grant)

    def _role(self, viewer: Actor | None, channel: Channel) -> ChannelRole:
        return self._directory.role(viewer.account, channel.id) if viewer else ChannelRole.GUEST

    def _hello(self, viewer: Actor | None, channel: Channel | None) -> dict[str, Any]:
        """With the texts of a sole channel: a page whose own are older reads it again."""
        if channel:
            return {"type": "hello", "channels": [{**self._line(channel), **_texts(channel)}]}
        return {"type": "hello", "channels": [self._line(one) for one in self._shown_at_home(viewer)]}

    def _shown_at_home(self, viewer: Actor | None) -> list[Channel]:
        own = {channel.id for channel, _ in self._directory.channels_of(viewer.account)} if viewer else set()
        everyone = [c for c in self._directory.channels() if c.visibility is Visibility.PUBLIC or c.id in own]
        return [channel for channel in everyone if self.snapshot(channel.id)["state"] != "offline"]

    def _line(self, channel: Channel) -> dict[str, Any]:
        return {"id": channel.id, "slug": channel.slug, **_dated(self.snapshot(channel.id))}

    # --- what is told

    def stream(self, event: str, channel: ChannelId) -> None:
        """A stream began, was lost, resumed, or ended."""
        found = self._directory.channel(channel)
        if found is not None:
            self._tell(found, {"type": "stream", "event": event, **self._line(found)})

    def viewers(self, counts: Mapping[ChannelId, int]) -> None:
        """Viewer counts that changed in the last second."""
        for channel, count in counts.items():
            found = self._directory.channel(channel)
            if found is not None:
                message = {"type": "viewers", "id": channel, "slug": found.slug, "viewers": count}
                self._tell(found, message)

    def channel(self, event: str, channel: Channel) -> None:
        """A channel was created, updated or deleted: pages that show it read it again."""
        line = {"id": channel.id, "slug": channel.slug, **_texts(channel)}
        self._tell(channel, {"type": "channel", "event": event, **line})

    def follows(self, channel: ChannelId) -> bool:
        """Whether a page of the channel is open, which may be its studio."""
        return channel in self._rooms

    def studio(self, channel: ChannelId, facts: Mapping[str, Any]) -> None:
        """Health and rates of a live stream, for its studio."""
        found = self._directory.channel(channel)
        if found is not None and channel in self._rooms:
            self._send(self._studio_of(found), {"type": "studio", "id": channel, **facts})

    def happened(self, happening: Happening) -> None:
        """A line of the log, for the studio it belongs to; one that belongs nowhere is for admins."""
        message = {"type": "event", **_dated(msgspec.structs.asdict(happening))}
        message["channel_id"] = message.pop("channel")
        if happening.channel is not None:
            found = self._directory.channel(happening.channel)
            self._send(self._studio_of(found) if found else (), message)
        else:
            pages = [*self._home, *(page for room in self._rooms.values() for page in room)]
            self._send([page for page in pages if page.actor and page.actor.is_admin], message)

    def recheck(self) -> None:
        """Rights changed: whoever may no longer watch is let go (A33)."""
        for channel, room in list(self._rooms.items()):
            found = self._directory.channel(channel)
            for page in list(room):
                page.actor = self._still(page.actor)
                if found is None or not self._may_watch(page, found):
                    self._let_go(page)
        for page in self._home:
            page.actor = self._still(page.actor)

    def _let_go(self, page: _Viewer) -> None:
        self._detach(page)
        page.close()

    def tick(self) -> None:
        """Once a second: play tokens end, and a part of the pages hears that we are still here."""
        for page in list(self._granted):
            channel = self._directory.channel(page.channel or "")
            if channel is None or not self._may_watch(page, channel):
                self._let_go(page)
        self._phase = (self._phase + 1) % _BEAT_EVERY
        pages = [*self._home, *(page for room in self._rooms.values() for page in room)]
        self._deliver([page for page in pages if page.phase == self._phase], _BEAT)

    def _still(self, actor: Actor | None) -> Actor | None:
        account = self._directory.account(actor.account) if actor else None
        if actor is None or account is None or account.disabled or not self.is_signed_in(actor):
            return None
        return actor if account.role is actor.role else msgspec.structs.replace(actor, role=account.role)

    def _studio_of(self, channel: Channel) -> list[_Viewer]:
        room = self._rooms.get(channel.id, {})
        return [p for p in room if permits(p.actor, self._role(p.actor, channel), channel, Right.STUDIO)]

    def _tell(self, channel: Channel, message: Mapping[str, Any]) -> None:
        pages: list[_Viewer] = list(self._rooms.get(channel.id, {}))
        if channel.visibility is Visibility.PUBLIC:
            pages.extend(self._home)
        else:
            pages.extend(p for p in self._home if self._role(p.actor, channel) is not ChannelRole.GUEST)
        self._send(pages, message)

    def _send(self, pages: Sequence[_Viewer], message: Mapping[str, Any]) -> None:
        if pages:
            self._deliver(pages, _encode(message))

    def _deliver(self, pages: Sequence[_Viewer], encoded: bytes) -> None:
        """Tell `_PASS` pages now and the others in later turns of the loop, whatever is told next behind
        them: each page hears everything in the order in which it came about."""
        self._telling.append((pages, encoded))
        if self._turn is None:
            self._go_on()

    def _go_on(self) -> None:
        self._turn = None
        left = _PASS
        while self._telling and left:
            pages, encoded = self._telling[0]
            told = pages[self._place : self._place + left]
            self._place += len(told)
            left -= len(told)
            if self._place == len(pages):
                self._telling.popleft()
                self._place = 0
            for page in told:
                page.send(encoded)
        if self._telling:
            self._turn = asyncio.get_running_loop().call_soon(self._go_on)


def _texts(channel: Channel) -> dict[str, str]:
    texts = {"name": channel.name, "title": channel.title, "category": channel.category}
    return {**texts, "visibility": channel.visibility.value}


def _dated(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Moments as RFC 3339, as the API writes them."""
    return {
        name: datetime.fromtimestamp(value, UTC)
        if name in ("at", "began_at") and value is not None
        else value
        for name, value in facts.items()
    }
