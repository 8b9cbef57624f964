"""State changes as they happen, for pages: one JSON message to each who may see it, rendered once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from madang.base.errors import Overloaded
from madang.base.ids import ChannelId
from madang.base.limits import FEED_VIEWERS
from madang.base.roles import ChannelRole, Visibility
from madang.control.directory import Directory
from madang.control.errors import NotFound
from madang.control.records import Channel, Happening
from madang.control.rights import Actor, Right, may_watch, permits

Send = Callable[[bytes], None]
Detach = Callable[[], None]
_encode = msgspec.json.encode


class _Viewer:
    """One open page: the home page, or one channel's pages; its studio part only with the rights for it."""

    __slots__ = ("actor", "channel", "close", "send")

    def __init__(
        self, send: Send, actor: Actor | None, channel: ChannelId | None, close: Callable[[], None]
    ) -> None:
        self.send = send
        self.actor = actor
        self.channel = channel
        self.close = close


class EventFeed:
    """Transport-free: `send` puts one message into a connection and must neither block nor raise.

    Messages are JSON objects with a `type`: `hello` (a snapshot), `stream` (began, lost, resumed, ended),
    `viewers`, `channel` (created, updated, deleted), and for studios `studio` (health and rates, each
    second) and `event` (a line of the log)."""

    def __init__(self, directory: Directory) -> None:
        self.snapshot: Callable[[ChannelId], Mapping[str, Any]] = lambda channel: {"state": "offline"}
        """The live facts of a channel, for `hello`; set by the live use-case."""
        self._directory = directory
        self._home: set[_Viewer] = set()
        self._rooms: dict[ChannelId, set[_Viewer]] = {}

    def __len__(self) -> int:
        return len(self._home) + sum(len(room) for room in self._rooms.values())

    def attach(
        self,
        send: Send,
        viewer: Actor | None,
        channel: str | None,
        close: Callable[[], None] = lambda: None,
    ) -> Detach:
        """Follow one channel (by slug or id), or everything that the home page shows.

        `hello` is sent before this returns; `close` is called when the right to watch ends. Raises NotFound
        for a channel that the viewer may not watch, and Overloaded beyond FEED_VIEWERS."""
        if len(self) >= FEED_VIEWERS:
            raise Overloaded("feed is full", "Too many pages are open; try again.", 5)
        found = self._watchable(viewer, channel) if channel is not None else None
        page = _Viewer(send, viewer, found.id if found else None, close)
        room = self._rooms.setdefault(found.id, set()) if found else self._home
        room.add(page)
        send(_encode(self._hello(viewer, found)))
        return lambda: self._detach(page)

    def _detach(self, page: _Viewer) -> None:
        if page.channel is None:
            self._home.discard(page)
        elif page.channel in self._rooms:
            self._rooms[page.channel].discard(page)
            if not self._rooms[page.channel]:
                del self._rooms[page.channel]

    def _watchable(self, viewer: Actor | None, reference: str) -> Channel:
        found = self._directory.channel_at(reference)
        if found is None or not self._may_watch(viewer, found):
            raise NotFound("channel")
        return found

    def _may_watch(self, viewer: Actor | None, channel: Channel) -> bool:
        return may_watch(viewer, self._role(viewer, channel), channel)

    def _role(self, viewer: Actor | None, channel: Channel) -> ChannelRole:
        return self._directory.role(viewer.account, channel.id) if viewer else ChannelRole.GUEST

    def _hello(self, viewer: Actor | None, channel: Channel | None) -> dict[str, Any]:
        shown = [channel] if channel else self._shown_at_home(viewer)
        return {"type": "hello", "channels": [self._line(one) for one in shown]}

    def _shown_at_home(self, viewer: Actor | None) -> list[Channel]:
        own = {channel.id for channel, _ in self._directory.channels_of(viewer.account)} if viewer else set()
        everyone = [c for c in self._directory.channels() if c.visibility is Visibility.PUBLIC or c.id in own]
        return [channel for channel in everyone if self.snapshot(channel.id)["state"] != "offline"]

    def _line(self, channel: Channel) -> dict[str, Any]:
        return {"id": channel.id, "slug": channel.slug, **self.snapshot(channel.id)}

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
        line = {"id": channel.id, "slug": channel.slug, "name": channel.name, "title": channel.title}
        texts = {"category": channel.category, "visibility": channel.visibility.value}
        self._tell(channel, {"type": "channel", "event": event, **line, **texts})

    def studio(self, channel: ChannelId, facts: Mapping[str, Any]) -> None:
        """Health and rates of a live stream, for its studio."""
        found = self._directory.channel(channel)
        if found is not None and channel in self._rooms:
            self._send(self._studio_of(found), {"type": "studio", "id": channel, **facts})

    def happened(self, happening: Happening) -> None:
        """A line of the log, for the studio it belongs to; one that belongs nowhere is for admins."""
        message = {"type": "event", **{f: getattr(happening, f) for f in happening.__struct_fields__}}
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
                if found is None or not self._may_watch(page.actor, found):
                    self._detach(page)
                    page.close()
        for page in self._home:
            page.actor = self._still(page.actor)

    def _still(self, actor: Actor | None) -> Actor | None:
        account = self._directory.account(actor.account) if actor else None
        if actor is None or account is None or account.disabled:
            return None
        return actor if account.role is actor.role else msgspec.structs.replace(actor, role=account.role)

    def _studio_of(self, channel: Channel) -> list[_Viewer]:
        room = self._rooms.get(channel.id, ())
        return [p for p in room if permits(p.actor, self._role(p.actor, channel), channel, Right.STUDIO)]

    def _tell(self, channel: Channel, message: Mapping[str, Any]) -> None:
        pages: list[_Viewer] = list(self._rooms.get(channel.id, ()))
        if channel.visibility is Visibility.PUBLIC:
            pages.extend(self._home)
        else:
            pages.extend(p for p in self._home if self._role(p.actor, channel) is not ChannelRole.GUEST)
        self._send(pages, message)

    def _send(self, pages: Iterable[_Viewer], message: Mapping[str, Any]) -> None:
        encoded = _encode(message)
        for page in list(pages):
            page.send(encoded)
