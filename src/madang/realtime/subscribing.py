"""The commands subscribe, unsubscribe and sub_refresh: who may enter a channel, and how."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from madang.base.errors import PeerError
from madang.protocols.centrifugo import codes, tags
from madang.protocols.centrifugo import messages as m
from madang.realtime import mapping, poll_commands
from madang.realtime.ask import Ask
from madang.realtime.channel import SubscriptionType, is_private, limited_users
from madang.realtime.core import Binding, Core
from madang.realtime.driving import settle
from madang.realtime.entering import enter
from madang.realtime.gate import Caller, ServerSubscription
from madang.realtime.jwks import KeySetError
from madang.realtime.ports import (
    ALREADY_SUBSCRIBED,
    BAD_REQUEST,
    EXPIRED,
    INTERNAL,
    LIMIT_EXCEEDED,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    TOKEN_EXPIRED,
    ChannelHandler,
    Disconnect,
    SubscribeRequest,
)
from madang.realtime.session import Session
from madang.realtime.tokens import SubscriptionToken, TokenError

Entrance = Callable[[Core, Session, Binding, str, Ask], Awaitable[m.SubscribeResult]]
_TYPES: Final[Mapping[SubscriptionType, int]] = {
    "stream": m.STREAM,
    "map": m.MAP,
    "map_clients": m.MAP_CLIENTS,
    "map_users": m.MAP_USERS,
    "shared_poll": m.SHARED_POLL,
}
_ENTRANCES: Final[Mapping[int, Entrance]] = {
    m.STREAM: enter,
    m.MAP: mapping.enter,
    m.MAP_CLIENTS: mapping.enter,
    m.MAP_USERS: mapping.enter,
    m.SHARED_POLL: poll_commands.subscribe,
}
"""How a subscription of each type begins, once the client is let in."""
_TRACKING: Final[Mapping[int, Callable[[Core, Session, int, m.SubRefreshRequest], Awaitable[None]]]] = {
    m.TRACK: poll_commands.track,
    m.UNTRACK: poll_commands.untrack,
}
"""What a sub_refresh does that is more than that: keys of shared polls."""


async def subscribe(core: Core, session: Session, number: int, request: m.SubscribeRequest) -> None:
    channel = request.channel
    binding = core.binding(channel)
    if channel in session.subscriptions:
        raise ALREADY_SUBSCRIBED
    if request.type != _TYPES[binding.options.subscription_type]:
        raise PERMISSION_DENIED
    going = mapping.continued(session, request) if binding.options.is_map else None
    ask = await _asked(core, session, binding, request) if going is None else going
    try:
        result = await _ENTRANCES[request.type](core, session, binding, channel, ask)
        _check_still(session, binding, channel)
    except BaseException:
        handler = binding.handler
        if handler is not None and handler.does.subscribe and channel not in session.subscriptions:
            handler.unsubscribed(session.caller, channel)  # it was let in, and never came
        raise
    session.reply(m.Reply(number, subscribe=result))
    for publication in ask.later:
        session.send(session.wire.publication(channel, publication))


def _check_still(session: Session, binding: Binding, channel: str) -> None:
    """Gates were asked again of everybody who was there: of who was on the way in now. Raises ReplyError."""
    gate = binding.gate
    if gate is not None and channel in session.subscriptions and not gate.holds(session.caller, channel):
        session.leave(channel)
        raise PERMISSION_DENIED


async def _asked(core: Core, session: Session, binding: Binding, request: m.SubscribeRequest) -> Ask:
    """Whether and how the connection may enter. Raises ReplyError and Disconnect."""
    if len(session.subscriptions) + len(session.flows or ()) >= core.settings.channels_per_connection:
        raise LIMIT_EXCEEDED
    chosen = _filter(binding, request)
    ask = await _admit(core, session, binding, request)
    if 0 < ask.subscription.expires_at <= core.clock.wall():
        raise EXPIRED
    if ask.filter is not None:
        chosen = ask.filter if chosen is None else m.FilterNode(op="and", nodes=(ask.filter, chosen))
    return Ask(
        request=request,
        subscription=ask.subscription,
        filter=chosen,
        snapshot=ask.snapshot,
        since=ask.since,
        later=[],
        client_refresh=ask.client_refresh,
    )


def _filter(binding: Binding, request: m.SubscribeRequest) -> m.FilterNode | None:
    if request.tf is None:
        return None
    if not binding.options.allow_tags_filter:
        raise BAD_REQUEST
    try:
        tags.check(request.tf)
    except PeerError:
        raise BAD_REQUEST from None
    return request.tf


async def _admit(core: Core, session: Session, binding: Binding, request: m.SubscribeRequest) -> Ask:
    """Who may subscribe, decided in the order of Centrifugo. Raises ReplyError and Disconnect."""
    caller, channel, options = session.caller, request.channel, binding.options
    if request.token:
        token = await _token(core, request.token)
        if (token.user, token.channel) != (caller.user, channel) or token.client not in ("", caller.client):
            raise Disconnect(*codes.INVALID_TOKEN)
        return Ask(request=request, subscription=token.subscription, client_refresh=binding.client_refresh)
    if is_private(channel):
        raise PERMISSION_DENIED
    users = limited_users(channel) if options.allow_user_limited_channels else None
    if users is not None and caller.user and caller.user in users:
        return Ask(request=request)
    if binding.gate is not None:
        await settle()
        await binding.gate.admit(caller, channel, bytes(request.data))
    handler = binding.handler
    if handler is not None and handler.does.subscribe:
        return await _handled(handler, caller, request)
    open_to_all = options.allow_subscribe_for_client and (
        caller.user or options.allow_subscribe_for_anonymous
    )
    if open_to_all and users is None:
        return Ask(request=request)
    raise PERMISSION_DENIED


async def _handled(handler: ChannelHandler, caller: Caller, request: m.SubscribeRequest) -> Ask:
    """What the namespace's handler says."""
    await settle()
    asked = SubscribeRequest(
        caller=caller, channel=request.channel, data=bytes(request.data), token=request.token
    )
    reply = await handler.subscribe(asked)
    told = ServerSubscription(
        info=reply.info,
        data=reply.data,
        presence=reply.presence,
        join_leave=reply.join_leave,
        force_push_join_leave=reply.force_push_join_leave,
        force_recovery=reply.force_recovery,
        force_positioning=reply.force_positioning,
        expires_at=reply.expires_at,
    )
    return Ask(
        request=request,
        subscription=told,
        filter=tags.parse(reply.filter) if reply.filter else None,
        snapshot=reply.snapshot,
        since=reply.since,
        client_refresh=not handler.does.sub_refresh,
    )


async def _token(core: Core, token: str) -> SubscriptionToken:
    try:
        return await core.subscription_tokens.subscription(token)
    except TokenError as error:
        raise TOKEN_EXPIRED if error.code == "expired" else PERMISSION_DENIED from None
    except KeySetError:
        raise INTERNAL from None


async def unsubscribe(core: Core, session: Session, number: int, request: m.ChannelRequest) -> None:
    core.binding(request.channel)
    session.leave(request.channel)
    session.reply(m.Reply(number, unsubscribe=m.Empty()))


async def sub_refresh(core: Core, session: Session, number: int, request: m.SubRefreshRequest) -> None:
    core.binding(request.channel)
    if request.type:
        track = _TRACKING.get(request.type)
        if track is None:
            raise NOT_AVAILABLE
        await track(core, session, number, request)
        return
    if not request.token:
        raise BAD_REQUEST
    subscription = session.subscriptions.get(request.channel)
    if subscription is None:
        raise PERMISSION_DENIED
    if not subscription.client_refresh:
        raise Disconnect(*codes.BAD_REQUEST)
    token, caller = await _token(core, request.token), session.caller
    if (token.user, token.channel) != (caller.user, request.channel):
        raise Disconnect(*codes.INVALID_TOKEN)
    if token.client not in ("", caller.client):
        raise Disconnect(*codes.INVALID_TOKEN)
    subscription.expires_at = expires_at = token.subscription.expires_at
    subscription.info = token.subscription.info
    session.arm()
    ttl = session.ttl(expires_at) if expires_at else 0
    session.reply(m.Reply(number, sub_refresh=m.SubRefreshResult(bool(expires_at), ttl)))
