"""What the server does to connections of users on this node, whichever node was asked for it."""

import logging
from typing import cast

import msgspec

from madang.base.errors import PeerError
from madang.protocols.centrifugo import codes
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code
from madang.realtime import nodes
from madang.realtime.ask import Ask
from madang.realtime.banned import Banned
from madang.realtime.broker import BrokerError
from madang.realtime.core import Core
from madang.realtime.entering import enter
from madang.realtime.people import Guest
from madang.realtime.ports import Disconnect, Refreshed, Target
from madang.realtime.publication import Publication
from madang.realtime.session import Session

log = logging.getLogger(__name__)


class Commanding:
    """Performs what nodes tell each other about users."""

    def __init__(self, core: Core, banned: Banned) -> None:
        self._core = core
        self._banned = banned

    def perform(self, told: nodes.AnyTold) -> None:
        """Everything that waits for nothing."""
        if isinstance(told, nodes.DisconnectTold):
            for guest in self._targets(told.target):
                guest.disconnect(Code(told.code, told.reason))
        elif isinstance(told, nodes.UnsubscribeTold):
            for guest in self._targets(told.target):
                _unsubscribe(guest, told)
        elif isinstance(told, nodes.RefreshTold):
            for guest in self._targets(told.target):
                _refresh(cast(Session, guest), told.refreshed)
        elif isinstance(told, nodes.BlockTold | nodes.RevokeTold):
            self._ban(told)
        elif isinstance(told, nodes.PollTold):
            self._core.polls.publish(told.channel, told.value, told.epoch)
        elif isinstance(told, nodes.EmulationTold) and told.session in self._core.sessions:
            self._core.sessions[told.session].receive(told.data)

    def _ban(self, told: nodes.BlockTold | nodes.RevokeTold) -> None:
        self._banned.take(told)
        if isinstance(told, nodes.RevokeTold):
            for guest in tuple(self._core.guests.values()):
                if guest.caller.token_id == told.token_id:
                    guest.disconnect(codes.STATE_INVALIDATED)

    async def subscribe(self, told: nodes.SubscribeTold) -> None:
        """Raises ReplyError, Disconnect, BrokerError."""
        core, binding = self._core, self._core.binding(told.channel)
        for guest in self._targets(told.target):
            session = cast(Session, guest)
            if told.channel in session.subscriptions:
                continue
            since = told.recover
            request = m.SubscribeRequest(told.channel)
            if since is not None:
                request = m.SubscribeRequest(
                    told.channel, recover=True, recoverable=True, offset=since[0], epoch=since[1]
                )
            missed: list[Publication] = []
            ask = Ask(request=request, subscription=told.subscription, server_side=True, missed=missed)
            try:
                result = await enter(core, session, binding, told.channel, ask)
            except Disconnect:
                if session.is_open and told.channel not in session.subscriptions:
                    raise
                continue  # it went, or subscribed, while the broker was asked
            push = m.Subscribe(
                result.recoverable, result.epoch, result.offset, result.positioned, result.data
            )
            session.push(m.Push(told.channel, subscribe=push))
            for publication in missed:
                session.send(session.wire.publication(told.channel, publication))

    async def subscribe_quietly(self, told: nodes.SubscribeTold) -> None:
        """The same for another node, which does not wait."""
        try:
            await self.subscribe(told)
        except (PeerError, BrokerError) as error:
            log.warning("realtime: a subscription of another node failed: %s", error)

    def _targets(self, target: Target) -> list[Guest]:
        found = self._core.of_user(target.user)
        if target.client:
            found = [guest for guest in found if guest.caller.client == target.client]
        if target.session:
            found = [guest for guest in found if guest.session == target.session]
        return [guest for guest in found if guest.caller.client not in target.spare]


def _unsubscribe(guest: Guest, told: nodes.UnsubscribeTold) -> None:
    for channel in [told.channel] if told.channel else guest.channels:
        guest.end_subscription(channel, Code(told.code, told.reason))


def _refresh(session: Session, refreshed: Refreshed) -> None:
    if refreshed.expired:
        session.disconnect(codes.CONNECTION_EXPIRED)
        return
    session.expires_at = expires_at = refreshed.expires_at
    if refreshed.info is not None:
        session.caller = msgspec.structs.replace(session.caller, info=refreshed.info)
    session.arm()
    ttl = session.ttl(expires_at) if expires_at else 0
    session.push(m.Push(refresh=m.RefreshPush(bool(expires_at), ttl)))
