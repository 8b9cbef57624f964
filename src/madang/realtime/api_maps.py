"""The server API's methods of maps: set and remove keys, read what there is and what changed, empty a map."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from madang.base.limits import REALTIME_MAP_PAGE
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo import text
from madang.realtime import api_requests as asked
from madang.realtime.channel import ChannelOptions, fits
from madang.realtime.core import Core
from madang.realtime.map_keys import complete
from madang.realtime.maps import KeyMode, KeyOptions, KeyPublished, MapFullError
from madang.realtime.ports import BAD_REQUEST, LIMIT_EXCEEDED, UNRECOVERABLE_POSITION
from madang.realtime.publication import NO_TAGS, Position, Publication

_MODES: Final = ("", "if_new", "if_exists")


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key's value, or a change of it. Data that are no JSON come as `b64data` in their place."""

    key: str
    data: msgspec.Raw = m.NONE
    tags: Mapping[str, str] = {}
    offset: int = 0
    removed: bool = False


class MapMethods:
    """One function per method, as `api_methods.Methods`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.by_name: Mapping[str, Callable[[Any], Awaitable[object]]] = {
            "map_publish": self.publish,
            "map_remove": self.remove,
            "map_read_state": self.read_state,
            "map_read_stream": self.read_stream,
            "map_stats": self.stats,
            "map_clear": self.clear,
        }

    def _options(self, channel: str) -> ChannelOptions:
        """Raises ReplyError 102, and 107 for a channel that is no map."""
        options = self._core.binding(channel).options
        if not options.is_map:
            raise BAD_REQUEST
        return options

    async def publish(self, request: asked.MapPublish) -> object:
        options = self._options(request.channel)
        data = asked.either(request.data, request.b64data)
        told = asked.either(request.stream_data, request.b64stream_data)
        if request.key_mode not in _MODES or not data or not fits(data, options):
            raise BAD_REQUEST
        how = KeyOptions(
            tags=request.tags or NO_TAGS,
            key_mode=cast(KeyMode, request.key_mode),
            idempotency_key=request.idempotency_key,
            version=request.version,
            version_epoch=request.version_epoch,
            delta=request.delta,
            stream_data=told,
        )
        how = complete(request.key, how, options)
        try:
            return _published(await self._core.maps.publish(request.channel, request.key, data, how))
        except MapFullError:
            raise LIMIT_EXCEEDED from None

    async def remove(self, request: asked.MapRemove) -> object:
        how = KeyOptions(tags=request.tags or NO_TAGS, idempotency_key=request.idempotency_key)
        how = complete(request.key, how, self._options(request.channel))
        return _published(await self._core.maps.remove(request.channel, request.key, how))

    async def read_state(self, request: asked.MapReadState) -> object:
        keeps, maps = self._options(request.channel).map.keeps, self._core.maps
        if request.key:
            page = await maps.entry(request.channel, request.key, keeps)
        else:
            page = await maps.state(request.channel, request.cursor, _limit(request.limit or -1), keeps)
        _check(page.top, request.revision_epoch)
        return {**_entries(page.entries, page.top), **({"cursor": page.cursor} if page.cursor else {})}

    async def read_stream(self, request: asked.MapReadStream) -> object:
        keeps = self._options(request.channel).map.keeps
        since = request.since_offset if request.since_offset or request.since_epoch else -1
        stretch = await self._core.maps.stream(
            request.channel, since, _limit(request.limit), keeps, reverse=request.reverse
        )
        _check(stretch.top, request.since_epoch)
        return _entries(stretch.publications, stretch.top)

    async def stats(self, request: asked.Channel) -> object:
        self._options(request.channel)
        return {"num_keys": await self._core.maps.count(request.channel)}

    async def clear(self, request: asked.Channel) -> object:
        self._options(request.channel)
        await self._core.maps.clear(request.channel)
        return m.Empty()


def _limit(asked_for: int) -> int:
    """Negative for as many as go."""
    return min(asked_for, REALTIME_MAP_PAGE) if asked_for >= 0 else REALTIME_MAP_PAGE


def _check(top: Position, epoch: str) -> None:
    if epoch and epoch != top.epoch:
        raise UNRECOVERABLE_POSITION


def _published(published: KeyPublished) -> object:
    found: dict[str, object] = {"offset": published.offset, "epoch": published.epoch}
    if published.reason:
        found |= {"suppressed": True, "suppress_reason": published.reason}
    return found


def _entries(publications: Sequence[Publication], top: Position) -> dict[str, object]:
    return {"entries": [_entry(each) for each in publications], "offset": top.offset, "epoch": top.epoch}


def _entry(publication: Publication) -> Entry:
    data = publication.data
    if data and not text.is_json(data):
        data = b'{"b64data":"%b"}' % b64encode(data)
    return Entry(
        key=publication.key,
        data=m.raw(data),
        tags=publication.tags,
        offset=publication.offset,
        removed=publication.removed,
    )
