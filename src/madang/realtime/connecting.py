"""The commands connect and refresh: who is there, what the server subscribes it to, and for how long."""

import msgspec

from madang import __version__
from madang.protocols.centrifugo import codes
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code
from madang.realtime.ask import Ask
from madang.realtime.channel import NAMESPACE_BOUNDARY, USER_BOUNDARY
from madang.realtime.core import USER_NAMESPACE, Core
from madang.realtime.driving import settle
from madang.realtime.entering import enter
from madang.realtime.gate import ConnectReply, ConnectRequest, ServerSubscription
from madang.realtime.jwks import KeySetError
from madang.realtime.people import Carried
from madang.realtime.ports import BAD_REQUEST, EXPIRED, INTERNAL, TOKEN_EXPIRED, Disconnect, ReplyError
from madang.realtime.sending import CLOSED
from madang.realtime.session import Session
from madang.realtime.tokens import OWN_ISSUER, ConnectionToken, TokenError


class Hello(msgspec.Struct, frozen=True):
    """What the transport knows about a connection when it connects."""

    headers: tuple[tuple[str, str], ...] = ()
    emulated: bool = False
    """Commands come by `/emulation`: the client must know session and node."""


def personal_channel(user: str) -> str:
    """The channel of our own user's connections."""
    return f"{USER_NAMESPACE}{NAMESPACE_BOUNDARY}{USER_BOUNDARY}{user}"


async def connect(core: Core, session: Session, number: int, request: m.ConnectRequest, hello: Hello) -> None:
    """Answer a connect. Raises ReplyError and Disconnect."""
    reply = await _identify(core, session, request, hello)
    if 0 < reply.expires_at <= core.clock.wall():
        raise EXPIRED
    await _check(core, session, reply)
    caller = msgspec.structs.replace(
        session.caller,
        user=reply.user,
        info=reply.info,
        meta=reply.meta,
        claim=reply.claim,
        issuer=reply.issuer,
        token_id=reply.token_id,
        name=request.name[:64],
        version=request.version[:64],
    )
    session.caller = caller
    carried = _carried(core, request, hello)
    if carried.headers or carried.emulated:
        core.carried[caller.client] = carried
    if core.gate is not None and not core.gate.holds(caller):
        raise Disconnect(*codes.FORCE_DISCONNECT)
    if hello.emulated or session.wire.bare:
        session.session = core.entropy(16).hex()
    session.begin()
    session.expires_at = reply.expires_at
    # Who brings a token of ours fetches the next one from us.
    session.client_refresh = core.refresher is None or reply.issuer == OWN_ISSUER
    subscriptions = await _subscribe(core, session, reply, request)
    if session.state == CLOSED:
        return
    if core.settings.single_connection and reply.user and reply.issuer != OWN_ISSUER:
        core.keep_alone(caller)
    if reply.expires_at:
        session.arm()
    wire, result = session.wire, _result(core, session, reply, subscriptions, hello)
    if wire.bare:
        session.send_first(wire.push(m.Push(connect=result)))
    else:
        session.send_first(wire.reply(m.Reply(number, connect=result)))


async def _identify(core: Core, session: Session, request: m.ConnectRequest, hello: Hello) -> ConnectReply:
    if request.token:
        token = await verify(core, request.token)
        if not token.user and core.settings.disallow_anonymous_tokens:
            raise Disconnect(*codes.PERMISSION_DENIED)
        if core.is_blocked(token.user):
            raise Disconnect(*codes.FORCE_DISCONNECT)
        if core.is_revoked(token.token_id, token.user, token.issued_at):
            raise TOKEN_EXPIRED  # clients ask their backend for another one
        return ConnectReply(
            user=token.user,
            info=token.info,
            meta=token.meta,
            claim=token.claim,
            issuer=token.issuer,
            token_id=token.token_id,
            expires_at=token.expires_at,
            subscriptions=dict(token.subscriptions),
        )
    if core.gate is not None:
        await settle()
        carried = _carried(core, request, hello)
        asked = ConnectRequest(
            caller=session.caller,
            data=bytes(request.data),
            headers=carried.headers,
            emulated=carried.emulated,
            name=request.name[:64],
            version=request.version[:64],
            channels=tuple(request.subs),
        )
        reply = await core.gate.connect(asked)
        if core.is_blocked(reply.user):
            raise Disconnect(*codes.FORCE_DISCONNECT)
        return reply
    if core.settings.allow_anonymous:
        return ConnectReply(user="")
    raise Disconnect(*NO_CREDENTIALS)


def _carried(core: Core, request: m.ConnectRequest, hello: Hello) -> Carried:
    if not core.emulated:
        return Carried(hello.headers)
    said = ((name.lower(), value) for name, value in request.headers.items())
    # A line break in a header would begin another one.
    emulated = tuple((name, value) for name, value in said if name in core.emulated and value.isprintable())
    return Carried(hello.headers, emulated)


NO_CREDENTIALS = Code(codes.BAD_REQUEST.number, "no credentials")


async def verify(core: Core, token: str) -> ConnectionToken:
    """A connection token. Raises ReplyError 109 and 100, Disconnect 3500."""
    try:
        return await core.tokens.connection(token)
    except TokenError as error:
        if error.code == "expired":
            raise TOKEN_EXPIRED from None
        raise Disconnect(*codes.INVALID_TOKEN) from None
    except KeySetError:
        raise INTERNAL from None


async def _check(core: Core, session: Session, reply: ConnectReply) -> None:
    settings = core.settings
    if session.state == CLOSED:
        raise Disconnect(*codes.CONNECTION_CLOSED)
    if core.draining:
        raise Disconnect(*codes.SHUTDOWN)
    most = settings.connections_per_user
    if most and reply.user and len(core.users.get(reply.user, ())) >= most:
        raise Disconnect(*codes.CONNECTION_LIMIT)
    if len(reply.subscriptions) > settings.channels_per_connection:
        raise Disconnect(*codes.CHANNEL_LIMIT)


async def _subscribe(
    core: Core, session: Session, reply: ConnectReply, request: m.ConnectRequest
) -> dict[str, m.SubscribeResult]:
    """The server's own subscriptions, recovered where the client asks for it."""
    wanted = dict(reply.subscriptions)
    settings, user = core.settings, reply.user
    if settings.user_personal_channel and user:
        namespace = settings.user_personal_channel_namespace
        prefix = namespace + NAMESPACE_BOUNDARY if namespace else ""
        wanted.setdefault(f"{prefix}{USER_BOUNDARY}{user}", ServerSubscription())
    if reply.issuer == OWN_ISSUER:
        wanted.setdefault(personal_channel(user), ServerSubscription())
    results: dict[str, m.SubscribeResult] = {}
    if len(wanted) > 1 and not core.broker.in_process:
        session.pause()  # what the first channel brings waits for the reply, which names the channel
    for channel, subscription in wanted.items():
        asked = _continuing(request.subs.get(channel, m.SubscribeRequest()))
        try:
            binding = core.binding(channel)
            ask = Ask(
                request=asked,
                subscription=subscription,
                server_side=True,
                claimed=channel in reply.subscriptions,
                client_refresh=binding.client_refresh,
            )
            results[channel] = await enter(core, session, binding, channel, ask)
        except ReplyError as error:
            raise Disconnect(codes.BAD_REQUEST.number, error.message) from None
    return results


def _continuing(asked: m.SubscribeRequest) -> m.SubscribeRequest:
    """A server-side subscription with recovery asks for as much continuity as its namespace gives."""
    return msgspec.structs.replace(asked, recoverable=asked.recoverable or asked.recover)


def _result(
    core: Core,
    session: Session,
    reply: ConnectReply,
    subscriptions: dict[str, m.SubscribeResult],
    hello: Hello,
) -> m.ConnectResult:
    settings = core.settings
    refreshes = bool(reply.expires_at) and session.client_refresh
    return m.ConnectResult(
        client=session.caller.client,
        version=__version__,
        expires=refreshes,
        ttl=session.ttl(reply.expires_at) if refreshes else 0,
        data=session.wire.data(reply.data),
        subs=subscriptions,
        ping=int(settings.ping_s) if session.pings else 0,
        pong=bool(settings.pong_s) and session.pings and not session.wire.bare,
        session=session.session,
        node=core.node if hello.emulated else "",
        time=int(core.clock.wall() * 1000) if settings.connect_time else 0,
    )


async def refresh(core: Core, session: Session, number: int, request: m.RefreshRequest) -> None:
    """Answer a refresh with a new token. Raises ReplyError and Disconnect."""
    if not request.token:
        raise BAD_REQUEST
    if not session.client_refresh:
        raise Disconnect(*codes.BAD_REQUEST)
    try:
        token = await verify(core, request.token)
    except ReplyError as error:
        if error is TOKEN_EXPIRED:
            raise Disconnect(*codes.CONNECTION_EXPIRED) from None
        raise
    caller = session.caller
    if token.user != caller.user:
        raise Disconnect(*codes.INVALID_TOKEN)
    holds = core.gate is None or core.gate.holds(caller)
    if not holds or core.is_blocked(token.user):
        raise Disconnect(*codes.FORCE_DISCONNECT)
    if core.is_revoked(token.token_id, token.user, token.issued_at):
        raise Disconnect(*codes.STATE_INVALIDATED)
    if token.subscriptions and set(token.subscriptions) != _claimed(session):
        raise Disconnect(*codes.INSUFFICIENT_STATE)
    session.caller = msgspec.structs.replace(
        caller, info=token.info, meta=token.meta, claim=token.claim, token_id=token.token_id
    )
    session.expires_at = token.expires_at
    session.arm()
    ttl = session.ttl(token.expires_at) if token.expires_at else 0
    result = m.RefreshResult(caller.client, __version__, bool(token.expires_at), ttl)
    session.reply(m.Reply(number, refresh=result))


def _claimed(session: Session) -> set[str]:
    return {channel for channel, each in session.subscriptions.items() if each.claimed}
