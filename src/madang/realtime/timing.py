"""A connection's time, one deadline for all of it: pings and their answers, and when it and its subscriptions
expire."""

import logging

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_SLOWEST_BYTES, REALTIME_TTL_S
from madang.protocols.centrifugo import codes
from madang.protocols.centrifugo.codes import Code
from madang.realtime.broker import BrokerError
from madang.realtime.core import Core
from madang.realtime.driving import settle
from madang.realtime.gate import Caller
from madang.realtime.ports import RefreshReply
from madang.realtime.receiving import Receiving
from madang.realtime.sending import CLOSED, NEVER, OPEN, Link
from madang.realtime.subscription import Subscription
from madang.realtime.wires import Wire

log = logging.getLogger(__name__)


class Timing(Receiving):
    """The timers of a session."""

    __slots__ = ("_acked", "_ping_at", "client_refresh", "expires_at", "pings", "subscriptions")

    def __init__(self, core: Core, link: Link, wire: Wire, caller: Caller) -> None:
        super().__init__(core, link, wire, caller)
        self.subscriptions: dict[str, Subscription] = {}
        self.expires_at = 0.0
        """Seconds since 1970-01-01 UTC; 0 for never."""
        self.client_refresh = True
        self.pings = True
        """Pings are of the protocol; False where the transport has its own."""
        self._ping_at = NEVER
        self._acked = 0
        """What the peer had taken when its life was looked at last."""
        core.sweeper.expire(link, core.settings.stale_s)

    def end_subscription(self, channel: str, code: Code) -> None:
        """From the server's side, telling the client."""
        raise AssertionError

    def begin_pings(self) -> None:
        core = self._core
        every = core.settings.ping_s
        if every:
            # Those who come together are not all pinged together.
            self._ping_at = core.sweeper.now + every / 2 + (len(core.guests) * 0.618) % 1 * every / 2
        self.arm()

    def arm(self) -> None:
        """Set the one deadline of the connection to whatever comes first."""
        core = self._core
        first = min(self._ping_at, self._pong_by)
        if self.expires_at:
            first = min(first, self._expiry())
        for subscription in self.subscriptions.values():
            if subscription.expires_at:
                first = min(first, self._expiry_of(subscription))
        core.sweeper.expire(self._link, max(first - core.sweeper.now, 0.0))

    def _expiry(self) -> float:
        """In the sweeper's time; clients have a while to refresh."""
        grace_s = self._core.settings.expired_s if self.client_refresh else 0.0
        return self._core.sweeper.now + self.expires_at - self._core.clock.wall() + grace_s

    def _expiry_of(self, subscription: Subscription) -> float:
        core = self._core
        grace_s = core.settings.expired_subscription_s if subscription.client_refresh else 0.0
        return core.sweeper.now + subscription.expires_at - core.clock.wall() + grace_s

    def ttl(self, expires_at: float) -> int:
        """Whole seconds until then, as clients are told; at most a year."""
        return max(min(int(expires_at - self._core.clock.wall()), int(REALTIME_TTL_S)), 1)

    def on_deadline(self) -> None:
        """Called through the link, by the sweeper."""
        if self.state == CLOSED:
            return
        if self.state != OPEN:
            self.disconnect(codes.STALE)
            return
        now = self._core.sweeper.now
        if now >= self._pong_by:
            if not self._reads(has_all=False):
                self.disconnect(codes.NO_PONG)
                return
            self._pong_by = now + self._core.settings.pong_s
        if self.expires_at and self._expiry() <= now:
            self._expire()
        for channel, subscription in tuple(self.subscriptions.items()):
            if subscription.expires_at and self._expiry_of(subscription) <= now:
                self._expire_subscription(channel, subscription)
        if self.is_open and now >= self._ping_at:
            self._ping(now)
        if self.is_open:
            self.arm()

    def _ping(self, now: float) -> None:
        settings = self._core.settings
        self._ping_at = now + settings.ping_s
        answers = bool(settings.pong_s) and self.wire.answers
        if self.held:  # who has unread frames needs no ping: what it takes of them says that it lives
            if not self._reads(has_all=True):
                self.disconnect(codes.NO_PONG)
        elif not answers and self._takes_nothing():
            self.disconnect(codes.NO_PONG)
        elif self._pong_by == NEVER:  # else one is on its way
            self.send(self.wire.ping)
            if answers:
                self._pong_by = now + settings.pong_s
                self._acked = self._link.acked_bytes() or 0

    def _takes_nothing(self) -> bool:
        """Of who answers no pings: whether all that was written since the last one is still on its way."""
        acked = self._link.acked_bytes()
        before, self._acked = self._acked, -1 if acked is None else acked
        return acked is not None and acked == before

    def _reads(self, *, has_all: bool) -> bool:
        """Whether the peer has taken some of what waits for it since this was asked; `has_all` where nothing
        does."""
        acked = self._link.acked_bytes()
        if acked is None:
            return has_all
        before, self._acked = self._acked, acked
        return acked - before >= REALTIME_SLOWEST_BYTES

    # --- expiry --------------------------------------------------------------------------------------

    def _expire(self) -> None:
        if self.client_refresh or self._core.refresher is None:
            self.disconnect(codes.CONNECTION_EXPIRED)
            return
        self.expires_at = 0.0
        self._core.run(self._refresh(None))

    def _expire_subscription(self, channel: str, subscription: Subscription) -> None:
        if not subscription.client_refresh:
            subscription.expires_at = 0.0
            self._core.run(self._refresh(channel))
        elif subscription.server_side:
            self.disconnect(codes.SUBSCRIPTION_EXPIRED)
        else:
            self.end_subscription(channel, codes.UNSUBSCRIBE_EXPIRED)

    async def _refresh(self, channel: str | None) -> None:
        """Ask the handler that let them in whether the connection (None) or a subscription may go on."""
        await settle()
        try:
            reply = await self._ask(channel)
        except (PeerError, BrokerError) as error:
            log.info("realtime: a refresh of %s failed: %s", self.caller.client, error)
            self.disconnect(codes.SERVER_ERROR)
            return
        except Exception:
            self._core.counters.handler_errors += 1
            log.exception("realtime: a refresh of %s failed", self.caller.client)
            self.disconnect(codes.SERVER_ERROR)
            return
        if self.state == OPEN:
            self._refreshed(channel, reply)
        if self.is_open:
            self.arm()

    async def _ask(self, channel: str | None) -> RefreshReply:
        core = self._core
        if channel is None:
            assert core.refresher is not None
            return await core.refresher.refresh(self.caller)
        handler = core.handler_of(channel)
        if handler is None or not handler.does.sub_refresh:
            return RefreshReply(expired=True)  # other settings than it began with
        return await handler.sub_refresh(self.caller, channel)

    def _refreshed(self, channel: str | None, reply: RefreshReply) -> None:
        """A refresh may change what others see, and what the backend knows."""
        if channel is not None:
            subscription = self.subscriptions.get(channel)
            if reply.expired:
                self.end_subscription(channel, codes.UNSUBSCRIBE_EXPIRED)
            elif subscription is not None:
                subscription.expires_at = reply.expires_at
                subscription.info = subscription.info if reply.info is None else reply.info
        elif reply.expired:
            self.disconnect(codes.CONNECTION_EXPIRED)
        else:
            self.expires_at = reply.expires_at
            caller = self.caller
            info = caller.info if reply.info is None else reply.info
            meta = caller.meta if reply.meta is None else reply.meta
            self.caller = msgspec.structs.replace(caller, info=info, meta=meta)
