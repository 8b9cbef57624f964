"""Commands of shared polls: subscribe, track keys with a backend's signature, and let go of them."""

from collections.abc import Sequence

import msgspec

from madang.base.limits import REALTIME_POLL_KEY_BYTES, REALTIME_POLL_KEYS
from madang.protocols.centrifugo import messages as m
from madang.realtime.ask import Ask
from madang.realtime.core import Binding, Core
from madang.realtime.entering import FOSSIL, enter
from madang.realtime.poll_items import Change, Tracking, Wanted
from madang.realtime.ports import BAD_REQUEST, LIMIT_EXCEEDED, NOT_AVAILABLE, PERMISSION_DENIED
from madang.realtime.publication import Publication
from madang.realtime.session import Session
from madang.realtime.shared_poll import Poll
from madang.realtime.signatures import check


async def subscribe(
    core: Core, session: Session, binding: Binding, channel: str, ask: Ask
) -> m.SubscribeResult:
    """Enter like any other channel, without a stream: data come with the keys. Raises as `enter` does, and
    ReplyError 108 where there is no backend, or the connection cannot track."""
    if session.wire.bare:
        raise NOT_AVAILABLE
    core.polls.open(channel)
    delta = ask.request.delta == FOSSIL and FOSSIL in binding.options.allowed_delta_types
    plain = msgspec.structs.replace(
        ask,
        request=m.SubscribeRequest(channel, join_leave=ask.request.join_leave),
        subscription=msgspec.structs.replace(ask.subscription, force_recovery=False, force_positioning=False),
        filter=None,
    )
    result = await enter(core, session, binding, channel, plain)
    poll = core.polls.open(channel)
    session.subscriptions[channel].tracked = poll, poll.enter(session, delta=delta)
    return msgspec.structs.replace(result, type=m.SHARED_POLL, delta=delta, epoch=poll.epoch)


async def track(core: Core, session: Session, number: int, request: m.SubRefreshRequest) -> None:
    poll, tracking = _tracked(session, request.channel)
    wanted = _signed(core, session, request)
    if not wanted:
        raise BAD_REQUEST
    dropped = set(request.untrack)
    more = sum(1 for key in wanted if key not in tracking.keys and key not in dropped)
    freed = sum(1 for key in dropped if key in tracking.keys)
    if len(tracking.keys) - freed + more > poll.found.options.max_keys_per_connection:
        raise LIMIT_EXCEEDED
    if core.polls.budget.keys + more > REALTIME_POLL_KEYS:
        raise LIMIT_EXCEEDED
    known = poll.track(tracking, [each for key, each in wanted.items() if key not in dropped])
    poll.untrack(tracking, dropped)
    expiry = min((each.expires_at for each in wanted.values() if each.expires_at), default=0.0)
    left_s = min(int(expiry - core.clock.wall()), session.ttl(expiry)) if expiry else 0
    items = session.wire.items([_encoded(session, tracking, each) for each in known])
    session.reply(m.Reply(number, sub_refresh=m.SubRefreshResult(bool(expiry), max(left_s, 0), items)))


async def untrack(core: Core, session: Session, number: int, request: m.SubRefreshRequest) -> None:
    if not request.untrack:
        raise BAD_REQUEST
    poll, tracking = _tracked(session, request.channel)
    poll.untrack(tracking, request.untrack)
    session.reply(m.Reply(number, sub_refresh=m.SubRefreshResult()))


def _tracked(session: Session, channel: str) -> tuple[Poll, Tracking]:
    """Raises ReplyError 103 without a subscription, and 107 for one of another type."""
    subscription = session.subscriptions.get(channel)
    if subscription is None:
        raise PERMISSION_DENIED
    if subscription.tracked is None:
        raise BAD_REQUEST
    return subscription.tracked


def _signed(core: Core, session: Session, request: m.SubRefreshRequest) -> dict[str, Wanted]:
    """The keys of all batches, each of them signed. Of a key that is in several, the last one counts. Raises
    ReplyError 103, 107 and 109."""
    settings, now = core.settings.shared_poll, core.clock.wall()
    whom = session.caller.user, request.channel
    wanted: dict[str, Wanted] = {}
    for batch in request.track:
        keys = [item.key for item in batch.items]
        _check_keys(keys)
        expires_at = check(settings, batch.signature, keys, whom, now)
        wanted.update((item.key, Wanted(item.key, item.version, expires_at)) for item in batch.items)
    return wanted


def _check_keys(keys: Sequence[str]) -> None:
    if not all(0 < len(key) <= REALTIME_POLL_KEY_BYTES for key in keys):
        raise BAD_REQUEST


def _encoded(session: Session, tracking: Tracking, known: Change) -> bytes:
    publication = Publication(data=known.data, key=known.key, version=known.version)
    return session.wire.encode(publication, b"" if tracking.delta else None)
