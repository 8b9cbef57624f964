"""One command, one answer: who asks first must connect; the rest is looked up here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Raw

from madang.base.limits import REALTIME_HISTORY
from madang.protocols.centrifugo import codes
from madang.protocols.centrifugo import messages as m
from madang.realtime.broker import HistoryQuery
from madang.realtime.channel import ChannelOptions
from madang.realtime.connecting import Hello, connect, refresh
from madang.realtime.core import Core
from madang.realtime.driving import settle
from madang.realtime.map_keys import change
from madang.realtime.ports import (
    BAD_REQUEST,
    METHOD_NOT_FOUND,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    UNRECOVERABLE_POSITION,
    Disconnect,
    PublishReply,
    PublishRequest,
    RpcRequest,
)
from madang.realtime.publication import Position, Publication, PublishOptions
from madang.realtime.publishing import check
from madang.realtime.sending import CONNECTING, OPEN
from madang.realtime.session import Session
from madang.realtime.subscribing import sub_refresh, subscribe, unsubscribe

_BAD = Disconnect(*codes.BAD_REQUEST)


async def answer(core: Core, hello: Hello, session: Session, command: m.Command) -> None:
    """Raises ReplyError, Disconnect and BrokerError."""
    asked = next((name for name in m.REQUESTS if getattr(command, name) is not None), "")
    if session.state != OPEN:
        if session.state != CONNECTING or command.connect is None:
            raise _BAD
        await connect(core, session, command.id, command.connect, hello)
    elif asked == "connect":
        raise _BAD
    elif asked == "send":
        raise Disconnect(*codes.NOT_AVAILABLE)
    elif asked == "ping":
        raise NOT_AVAILABLE
    elif asked:
        await _ANSWERS[asked](core, session, command.id, getattr(command, asked))
    else:
        raise METHOD_NOT_FOUND


async def publish(core: Core, session: Session, number: int, request: m.PublishRequest) -> None:
    if request.type:
        await change(core, session, number, request)
        return
    channel, data = request.channel, bytes(request.data)
    binding = core.binding(channel)
    if binding.options.subscription_type != "stream":
        raise BAD_REQUEST  # they have ways of their own
    check(core, session, request, binding.options)
    reply = PublishReply()
    handler = binding.handler
    if handler is not None and handler.does.publish:
        await settle()
        reply = await handler.publish(PublishRequest(caller=session.caller, channel=channel, data=data))
    elif not _may(session, channel, _publishing(binding.options)):
        raise PERMISSION_DENIED
    if not reply.done:
        how = PublishOptions(
            info=session.info(channel),
            skip_history=reply.skip_history,
            tags=reply.tags,
            idempotency_key=reply.idempotency_key,
            version=reply.version,
            version_epoch=reply.version_epoch,
            delta=reply.delta or binding.options.delta_publish,
            retention=binding.options.retention,
        )
        await core.broker.publish(channel, data if reply.data is None else reply.data, how)
    session.reply(m.Reply(number, publish=m.Empty()))


_Rights = tuple[bool, bool, bool]
"""Of clients, of anonymous ones, and of subscribers."""


def _publishing(options: ChannelOptions) -> _Rights:
    return (
        options.allow_publish_for_client,
        options.allow_publish_for_anonymous,
        options.allow_publish_for_subscriber,
    )


def _may(session: Session, channel: str, rights: _Rights) -> bool:
    client, anonymous, subscriber = rights
    if client and (session.caller.user or anonymous):
        return True
    return subscriber and channel in session.subscriptions and bool(session.caller.user or anonymous)


def _check_presence(core: Core, session: Session, channel: str) -> None:
    options = core.binding(channel).options
    if not options.presence:
        raise NOT_AVAILABLE
    rights = (
        options.allow_presence_for_client,
        options.allow_presence_for_anonymous,
        options.allow_presence_for_subscriber,
    )
    if not _may(session, channel, rights):
        raise PERMISSION_DENIED


async def presence(core: Core, session: Session, number: int, request: m.ChannelRequest) -> None:
    _check_presence(core, session, request.channel)
    present = await core.broker.presence(request.channel)
    told = {
        client: m.ClientInfo(
            info.user, info.client, session.wire.data(info.conn_info), session.wire.data(info.chan_info)
        )
        for client, info in present.items()
    }
    session.reply(m.Reply(number, presence=m.PresenceResult(told)))


async def presence_stats(core: Core, session: Session, number: int, request: m.ChannelRequest) -> None:
    _check_presence(core, session, request.channel)
    stats = await core.broker.presence_stats(request.channel)
    session.reply(m.Reply(number, presence_stats=m.PresenceStatsResult(stats.clients, stats.users)))


async def history(core: Core, session: Session, number: int, request: m.HistoryRequest) -> None:
    channel = request.channel
    options = core.binding(channel).options
    if not options.has_history or not core.broker.keeps_history:
        raise NOT_AVAILABLE
    rights = (
        options.allow_history_for_client,
        options.allow_history_for_anonymous,
        options.allow_history_for_subscriber,
    )
    if not _may(session, channel, rights):
        raise PERMISSION_DENIED
    since = request.since
    if request.reverse and since is not None and since.offset == 0:
        raise BAD_REQUEST
    limit = REALTIME_HISTORY if request.limit < 0 else min(request.limit, REALTIME_HISTORY)
    position = Position(since.offset, since.epoch) if since is not None else None
    query = HistoryQuery(limit=limit, since=position, reverse=request.reverse)
    stretch = await core.broker.history(channel, query, options.retention)
    top = stretch.top
    if since is not None and since.epoch and since.epoch != top.epoch:
        raise UNRECOVERABLE_POSITION
    listed = _listed(core, session, channel, stretch.publications, top)
    session.reply(m.Reply(number, history=m.HistoryResult(listed, top.epoch, top.offset)))


def _listed(
    core: Core, session: Session, channel: str, publications: Sequence[Publication], top: Position
) -> Raw:
    wire = session.wire
    if not publications:
        return wire.listed(())
    key = "history", channel, wire.binary, publications[0].offset, publications[-1].offset, top
    return core.share(key, lambda: wire.listed([wire.encode(each) for each in publications]))


async def rpc(core: Core, session: Session, number: int, request: m.RpcRequest) -> None:
    if not core.rpc:
        raise NOT_AVAILABLE
    matching = [prefix for prefix in core.rpc if request.method.startswith(prefix)]
    if not matching:
        raise METHOD_NOT_FOUND
    handler = core.rpc[max(matching, key=len)]
    await settle()
    data = await handler.rpc(
        RpcRequest(caller=session.caller, method=request.method, data=bytes(request.data))
    )
    session.reply(m.Reply(number, rpc=m.RpcResult(session.wire.data(data))))


_ANSWERS: Final[Mapping[str, Callable[[Core, Session, int, Any], Awaitable[None]]]] = {
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "publish": publish,
    "presence": presence,
    "presence_stats": presence_stats,
    "history": history,
    "rpc": rpc,
    "refresh": refresh,
    "sub_refresh": sub_refresh,
}
