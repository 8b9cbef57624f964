"""What each method of the server API does with the crowd, and its result in Centrifugo's words.

Whoever holds a key may read everything and write everywhere but into the server's own namespaces (103).
"""

import asyncio
import math
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from madang import __version__
from madang.base.limits import REALTIME_POLL_KEY_BYTES, REALTIME_REASON_BYTES, REALTIME_SLICE
from madang.protocols.centrifugo import codes, text
from madang.protocols.centrifugo import messages as m
from madang.realtime import api_requests as asked
from madang.realtime import wires
from madang.realtime.api_maps import MapMethods
from madang.realtime.api_requests import either
from madang.realtime.broker import HistoryQuery
from madang.realtime.channel import ChannelOptions, fits, is_built_in
from madang.realtime.engine import Engine
from madang.realtime.gate import ServerSubscription
from madang.realtime.poll_items import Value
from madang.realtime.ports import (
    BAD_REQUEST,
    METHOD_NOT_FOUND,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    UNRECOVERABLE_POSITION,
    Connection,
    Refreshed,
    ReplyError,
    Target,
)
from madang.realtime.publication import NO_TAGS, Position, Publication, Published, PublishOptions

Rpc = Callable[[bytes], Awaitable[bytes]]
_WIRE: Final = wires.SOCKET_TEXT
_DONE: Final = m.Empty()
_COUNTS: Final = msgspec.json.Decoder(dict[str, int])
_CONNECTIONS: Final = msgspec.json.Decoder(list[Connection])


class Form:
    """How data look in results: JSON."""

    def data(self, data: bytes) -> Raw:
        return _json(data)

    def publications(self, publications: Sequence[Publication]) -> Raw:
        return text.list_publications([_encoded(each) for each in publications])


class Methods:
    """One function per method: a request in, a result out; ReplyError for errors of the API."""

    def __init__(self, engine: Engine, form: Form | None = None) -> None:
        self._form = form or Form()
        self._engine = engine
        self._core = engine.core
        self._rpc: dict[str, Rpc] = {}
        self._methods: Mapping[str, Callable[[Any], Awaitable[object]]] = {
            "publish": self.publish,
            "broadcast": self.broadcast,
            "subscribe": self.subscribe,
            "unsubscribe": self.unsubscribe,
            "disconnect": self.disconnect,
            "refresh": self.refresh,
            "presence": self.presence,
            "presence_stats": self.presence_stats,
            "history": self.history,
            "history_remove": self.history_remove,
            "channels": self.channels,
            "info": self.info,
            "rpc": self.rpc,
            "connections": self.connections,
            "block_user": self.block_user,
            "unblock_user": self.unblock_user,
            "revoke_token": self.revoke_token,
            "invalidate_user_tokens": self.invalidate_user_tokens,
            "shared_poll_publish": self.shared_poll_publish,
            **MapMethods(engine.core).by_name,
            **dict.fromkeys(asked.ABSENT, self.absent),
        }

    def bind_rpc(self, method: str, rpc: Rpc) -> None:
        """Answer `rpc` with this name: parameters in, data out, both JSON."""
        self._rpc[method] = rpc

    async def perform(self, method: str, request: msgspec.Struct) -> object:
        return await self._methods[method](request)

    async def absent(self, request: asked.Nothing) -> object:
        raise NOT_AVAILABLE

    # --- channels ------------------------------------------------------------------------------------

    def _writable(self, channel: str) -> ChannelOptions:
        """The options of a channel that may be written to. Raises ReplyError 102, 103 and 107."""
        if is_built_in(channel):
            raise PERMISSION_DENIED
        return self._core.binding(channel).options

    def _check_publication(self, channel: str, data: bytes) -> None:
        options = self._writable(channel)
        if options.subscription_type != "stream" or not fits(data, options):
            raise BAD_REQUEST

    async def publish(self, request: asked.Publish) -> object:
        data = _data(request)
        self._check_publication(request.channel, data)
        return _position(await self._engine.publish(request.channel, data, _how(request)))

    async def broadcast(self, request: asked.Broadcast) -> object:
        data, how, channels = _data(request), _how(request), request.channels
        if not channels:
            raise BAD_REQUEST
        responses: list[dict[str, object]] = []
        for start in range(0, len(channels), REALTIME_SLICE):
            if start:
                await asyncio.sleep(0)
            responses += await self._broadcast(channels[start : start + REALTIME_SLICE], data, how)
        return {"responses": responses}

    async def _broadcast(
        self, channels: list[str], data: bytes, how: PublishOptions
    ) -> list[dict[str, object]]:
        refused: dict[int, ReplyError] = {}
        for index, channel in enumerate(channels):
            try:
                self._check_publication(channel, data)
            except ReplyError as error:
                refused[index] = error
        open_ones = [channel for index, channel in enumerate(channels) if index not in refused]
        published = iter(await self._engine.broadcast(open_ones, data, how))
        outcomes = [refused[index] if index in refused else next(published) for index in range(len(channels))]
        return [
            {"error": told(each)} if isinstance(each, ReplyError) else {"result": _position(each)}
            for each in outcomes
        ]

    async def shared_poll_publish(self, request: asked.SharedPollPublish) -> object:
        options, data = self._writable(request.channel), either(request.data, request.b64data)
        is_whole = request.version > 0 and bool(data) and 0 < len(request.key) <= REALTIME_POLL_KEY_BYTES
        if options.subscription_type != "shared_poll" or not is_whole or not fits(data, options):
            raise BAD_REQUEST
        if not options.shared_poll.publish_enabled:
            raise NOT_AVAILABLE
        await self._engine.publish_poll(
            request.channel, Value(request.key, data, request.version), request.epoch
        )
        return _DONE

    async def history(self, request: asked.History) -> object:
        options = self._core.binding(request.channel).options
        if not options.has_history or not self._core.broker.keeps_history:
            raise NOT_AVAILABLE
        since = request.since
        if request.reverse and since is not None and since.offset == 0:
            raise BAD_REQUEST
        position = Position(since.offset, since.epoch) if since is not None else None
        query = HistoryQuery(limit=max(request.limit, -1), since=position, reverse=request.reverse)
        stretch = await self._engine.history(request.channel, query)
        if since is not None and since.epoch and since.epoch != stretch.top.epoch:
            raise UNRECOVERABLE_POSITION
        listed = self._form.publications(stretch.publications)
        return m.HistoryResult(listed, stretch.top.epoch, stretch.top.offset)

    async def history_remove(self, request: asked.Channel) -> object:
        options = self._writable(request.channel)
        if not options.has_history or not self._core.broker.keeps_history:
            raise NOT_AVAILABLE
        await self._engine.remove_history(request.channel)
        return _DONE

    def _check_presence(self, channel: str) -> None:
        if not self._core.binding(channel).options.presence:
            raise NOT_AVAILABLE

    async def presence(self, request: asked.Channel) -> object:
        self._check_presence(request.channel)
        present = await self._engine.presence(request.channel)
        return m.PresenceResult(
            {
                client: m.ClientInfo(
                    info.user, info.client, self._form.data(info.conn_info), self._form.data(info.chan_info)
                )
                for client, info in present.items()
            }
        )

    async def presence_stats(self, request: asked.Channel) -> object:
        self._check_presence(request.channel)
        stats = await self._engine.presence_stats(request.channel)
        return m.PresenceStatsResult(stats.clients, stats.users)

    # --- connections of users ------------------------------------------------------------------------

    async def subscribe(self, request: asked.Subscribe) -> object:
        self._writable(request.channel)
        override = request.override or asked.Override()
        subscription = ServerSubscription(
            info=either(request.info, request.b64info),
            data=either(request.data, request.b64data),
            presence=_value(override.presence),
            join_leave=_value(override.join_leave),
            force_push_join_leave=_value(override.force_push_join_leave),
            force_recovery=_value(override.force_recovery),
            force_positioning=_value(override.force_positioning),
            expires_at=request.expire_at,
        )
        since = request.recover_since
        recover = Position(since.offset, since.epoch) if since is not None else None
        await self._engine.subscribe(_target(request), request.channel, subscription, recover)
        return _DONE

    async def unsubscribe(self, request: asked.Unsubscribe) -> object:
        self._writable(request.channel)
        await self._engine.unsubscribe(_target(request), request.channel)
        return _DONE

    async def disconnect(self, request: asked.Disconnect) -> object:
        code, reason = codes.FORCE_DISCONNECT
        given = request.disconnect
        if given is not None and given.code:
            code, reason = given.code, given.reason
        if not 3000 <= code <= 4999 or len(reason.encode()) > REALTIME_REASON_BYTES:
            raise BAD_REQUEST
        target = _target(request, tuple(request.whitelist))
        await self._engine.disconnect(target, code, reason)
        return _DONE

    async def refresh(self, request: asked.Refresh) -> object:
        info = bytes(request.info) or None
        refreshed = Refreshed(expired=request.expired, expires_at=request.expire_at, info=info)
        await self._engine.refresh(_target(request), refreshed)
        return _DONE

    async def block_user(self, request: asked.Block) -> object:
        await self._engine.block(request.user, request.expire_at or math.inf)
        return _DONE

    async def unblock_user(self, request: asked.Unblock) -> object:
        await self._engine.block(request.user, 0)
        return _DONE

    async def revoke_token(self, request: asked.Revoke) -> object:
        await self._engine.revoke_token(request.uid, request.expire_at or math.inf)
        return _DONE

    async def invalidate_user_tokens(self, request: asked.Invalidate) -> object:
        if request.channel:
            raise NOT_AVAILABLE  # one by one for subscription tokens: they are short-lived
        before = request.issued_before or self._core.clock.wall()
        await self._engine.revoke_tokens(request.user, before, request.expire_at or math.inf)
        return _DONE

    # --- the server ----------------------------------------------------------------------------------

    async def channels(self, request: asked.Channels) -> object:
        counts: dict[str, int] = {}
        for said in (await self._engine.survey("channels", request.pattern)).values():
            for name, count in _COUNTS.decode(said).items():
                counts[name] = counts.get(name, 0) + count
        return {"channels": {name: {"num_clients": count} for name, count in counts.items()}}

    async def info(self, request: asked.Nothing) -> object:
        answers = await self._engine.survey("info")
        own = self._engine.node
        nodes = [
            {"uid": node, "name": node, **_COUNTS.decode(said)} for node, said in sorted(answers.items())
        ]
        return {"nodes": [{**one, "version": __version__} if one["uid"] == own else one for one in nodes]}

    async def connections(self, request: asked.Connections) -> object:
        if request.expression:
            raise NOT_AVAILABLE
        found: dict[str, object] = {}
        for said in (await self._engine.survey("connections", f"{request.user}\n")).values():
            for one in _CONNECTIONS.decode(said):
                found[one.caller.client] = _connection(one)
        return {"connections": found}

    async def rpc(self, request: asked.Rpc) -> object:
        rpc = self._rpc.get(request.method)
        if rpc is None:
            raise METHOD_NOT_FOUND
        return m.RpcResult(self._form.data(await rpc(bytes(request.params))))


def told(error: ReplyError) -> dict[str, object]:
    """An error as the API writes it."""
    return {"code": error.number, "message": error.message}


def _data(request: asked.Publication) -> bytes:
    data = either(request.data, request.b64data)
    if not data:
        raise BAD_REQUEST
    return data


def _how(request: asked.Publication) -> PublishOptions:
    return PublishOptions(
        tags=request.tags or NO_TAGS,
        skip_history=request.skip_history,
        idempotency_key=request.idempotency_key,
        version=request.version,
        version_epoch=request.version_epoch,
        delta=request.delta,
    )


def _position(published: Published) -> object:
    return {"offset": published.offset, "epoch": published.epoch} if published.offset else _DONE


def _target(request: asked.Whom, spare: tuple[str, ...] = ()) -> Target:
    return Target(user=request.user, client=request.client, session=request.session, spare=spare)


def _value(boxed: asked.Boxed | None) -> bool | None:
    return None if boxed is None else boxed.value


def _json(data: bytes) -> Raw:
    """Data as a field, where they are JSON; bytes of a binary client are left out."""
    return m.raw(data) if data and text.is_json(data) else m.NONE


def _encoded(publication: Publication) -> bytes:
    """A publication of the history; data that are no JSON come as `b64data` in its place."""
    info = publication.info
    if info is not None:
        chan, conn = bytes(_json(info.chan_info)), bytes(_json(info.conn_info))
        info = msgspec.structs.replace(info, chan_info=chan, conn_info=conn)
        publication = msgspec.structs.replace(publication, info=info)
    if text.is_json(publication.data):
        return _WIRE.encode(publication)
    encoded = b'{"b64data":"%b"}' % b64encode(publication.data)
    return _WIRE.encode(msgspec.structs.replace(publication, data=encoded))


def _connection(one: Connection) -> dict[str, object]:
    caller = one.caller
    state: dict[str, object] = {"channels": {channel: {} for channel in one.channels}}
    if caller.meta and text.is_json(caller.meta):
        state["meta"] = Raw(caller.meta)
    return {
        "app_name": caller.name,
        "app_version": caller.version,
        "transport": caller.transport,
        "protocol": caller.encoding,
        "user": caller.user,
        "state": state,
    }
