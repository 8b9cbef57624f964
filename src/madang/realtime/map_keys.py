"""Clients set and remove keys of maps: who may, which key it is, and what becomes of it."""

import msgspec

from madang.base.limits import REALTIME_MAP_KEY_BYTES, REALTIME_TAGS_BYTES
from madang.protocols.centrifugo import messages as m
from madang.realtime.channel import ChannelOptions
from madang.realtime.core import Binding, Core
from madang.realtime.driving import settle
from madang.realtime.maps import KeyOptions, MapFullError
from madang.realtime.ports import (
    BAD_REQUEST,
    LIMIT_EXCEEDED,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    KeyReply,
    KeyRequest,
)
from madang.realtime.publishing import check
from madang.realtime.session import Session


async def change(core: Core, session: Session, number: int, request: m.PublishRequest) -> None:
    """Answer a publish of a key. Raises ReplyError, Disconnect, BrokerError."""
    binding = core.binding(request.channel)
    if request.type != m.MAP_KEY or not binding.options.is_map:
        raise NOT_AVAILABLE
    if binding.options.subscription_type != "map":
        raise PERMISSION_DENIED  # who is there is the server's to say
    check(core, session, request, binding.options)
    reply = await _decided(session, request, binding)
    key = reply.key or _own(session, request.key, binding.options)
    how = complete(key, reply.options, binding.options)
    if request.removed:
        await core.maps.remove(request.channel, key, how)
    else:
        data = bytes(request.data) if reply.data is None else reply.data
        how = msgspec.structs.replace(how, info=session.info(request.channel))
        try:
            await core.maps.publish(request.channel, key, data, how)
        except MapFullError:
            raise LIMIT_EXCEEDED from None
    session.reply(m.Reply(number, publish=m.Empty()))


def complete(key: str, how: KeyOptions, options: ChannelOptions) -> KeyOptions:
    """What the namespace adds to how a key is changed. Raises ReplyError 107 for what is no key, and for tags
    that are too long."""
    if not key or len(key.encode("utf-8", "replace")) > REALTIME_MAP_KEY_BYTES:
        raise BAD_REQUEST
    if how.tags and sum(len(name) + len(value) for name, value in how.tags.items()) > REALTIME_TAGS_BYTES:
        raise BAD_REQUEST
    return msgspec.structs.replace(how, retention=options.map.keeps, delta=how.delta or options.delta_publish)


async def _decided(session: Session, request: m.PublishRequest, binding: Binding) -> KeyReply:
    """What the backend says, or else the namespace's options. Raises ReplyError and Disconnect."""
    decides, removed = binding.keys, request.removed
    if decides is not None and (decides.removes if removed else decides.publishes):
        await settle()
        asked = KeyRequest(
            caller=session.caller, channel=request.channel, key=request.key, data=bytes(request.data)
        )
        return await (decides.remove_key if removed else decides.publish_key)(asked)
    if not _may(session, request.channel, binding.options, removed):
        raise PERMISSION_DENIED
    return KeyReply()


def _may(session: Session, channel: str, options: ChannelOptions, removed: bool) -> bool:
    allowed = options.map
    if removed:
        client, subscriber = allowed.allow_remove_for_client, allowed.allow_remove_for_subscriber
        anonymous = allowed.allow_remove_for_anonymous
    else:
        client, subscriber = allowed.allow_publish_for_client, allowed.allow_publish_for_subscriber
        anonymous = allowed.allow_publish_for_anonymous
    if not session.caller.user and not anonymous:
        return False
    return client or (subscriber and channel in session.subscriptions)


def _own(session: Session, asked: str, options: ChannelOptions) -> str:
    """The key that a client means; a namespace may leave it no choice."""
    if options.map.client_key == "client_id":
        return session.caller.client
    return session.caller.user if options.map.client_key == "user_id" else asked
