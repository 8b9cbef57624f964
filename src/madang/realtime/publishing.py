"""What a client may publish, whoever decides about the channel: data of its kind, and not too often."""

from madang.protocols.centrifugo import codes, text
from madang.protocols.centrifugo import messages as m
from madang.realtime.channel import ChannelOptions, fits
from madang.realtime.core import Core
from madang.realtime.ports import BAD_REQUEST, Disconnect, too_many
from madang.realtime.session import Session


def check(core: Core, session: Session, request: m.PublishRequest, options: ChannelOptions) -> None:
    """What is refused before anybody is asked. Raises ReplyError and Disconnect."""
    data, caller = bytes(request.data), session.caller
    if not (request.type and request.removed):  # a removed key of a map has no data
        if not data or not fits(data, options):
            raise BAD_REQUEST
        if not session.wire.binary and not text.is_json(data):
            raise Disconnect(*codes.INAPPROPRIATE_PROTOCOL)
    wait_s = core.publish_wait_s(request.channel, options, caller.user or caller.client)
    if wait_s > 0:
        core.counters.rate_limited += 1
        raise too_many(wait_s)
