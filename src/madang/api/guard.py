"""The door of every route: who calls, with which right, on which channel; none starts without one."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request

from madang.api.callers import actor_of, peer_of, play_token_of
from madang.base.roles import ChannelRole
from madang.control import Control
from madang.control.errors import Forbidden, NotFound, Unauthenticated
from madang.control.records import Channel
from madang.control.rights import Actor, Right, Scope
from madang.control.urls import Urls


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a route gets: the use-cases, and who calls."""

    control: Control
    urls: Urls
    actor: Actor | None
    peer: str

    @property
    def signed_in(self) -> Actor:
        """The actor, where the guard made sure that there is one."""
        if self.actor is None:
            raise Unauthenticated()
        return self.actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCall(Call):
    """A call about one channel."""

    channel: Channel
    role: ChannelRole


class Guard:
    """Lets in whoever has `right`. An API token also needs `scope`; without one the route is for sessions."""

    def __init__(self, right: Right, scope: Scope | None = None, *, recent: bool = False) -> None:
        self.right = right
        self.scope = scope
        self.recent = recent
        """Whether the password must have been given in the last minutes (API tokens have scopes instead)."""

    async def __call__(self, request: Request) -> Call:
        actor = await self._caller(request)
        control: Control = request.app.state.control
        return Call(control=control, urls=control.urls(_base(request)), actor=actor, peer=peer_of(request))

    async def _caller(self, request: Request) -> Actor | None:
        actor = await actor_of(request)
        control: Control = request.app.state.control
        if self.right is Right.PUBLIC:
            return actor if actor is not None and actor.allows(self.scope) else None
        if actor is None:
            if self.right is Right.WATCH:
                return None
            raise Unauthenticated()
        self._admit(actor, control)
        return actor

    def _admit(self, actor: Actor, control: Control) -> None:
        if not actor.allows(self.scope):
            needed = self.scope.value if self.scope else "a session"
            raise Forbidden("scope", f"This token may not do this; it takes {needed}.")
        if self.right is Right.ADMIN and not actor.is_admin:
            raise Forbidden()
        if self.recent and actor.scopes is None and not control.accounts.password_is_recent(actor):
            raise Forbidden("password_required", "Give your password again first.")


class ChannelGuard(Guard):
    """Lets in whoever has `right` in the channel of the path; a private channel is not told to strangers."""

    async def __call__(  # type: ignore[override]
        self,
        request: Request,
        channel: Annotated[str, Path(max_length=64, description="The channel's slug or id.")],
    ) -> ChannelCall:
        control: Control = request.app.state.control
        try:
            found, role = await self._require(request, channel)
        except NotFound:
            # Made a moment ago elsewhere? What is hidden takes the same time as what is not there.
            await control.look_again()
            found, role = await self._require(request, channel)
        return ChannelCall(
            control=control,
            urls=control.urls(_base(request)),
            actor=await self._caller(request),
            peer=peer_of(request),
            channel=found,
            role=role,
        )

    async def _require(self, request: Request, channel: str) -> tuple[Channel, ChannelRole]:
        control: Control = request.app.state.control
        try:
            actor = await self._caller(request)
        except Unauthenticated:
            control.channels.require(None, channel, Right.WATCH)
            raise
        try:
            return control.channels.require(actor, channel, self.right)
        except NotFound:
            if not await self._token_opens(request, channel):
                raise
            return control.house.channel(channel), ChannelRole.GUEST

    async def _token_opens(self, request: Request, channel: str) -> bool:
        """Whether a play token lets its bearer see this private channel."""
        control: Control = request.app.state.control
        token = play_token_of(request)
        return self.right is Right.WATCH and await control.play.opens(channel, token, peer_of(request))


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
