"""Who is connected to this node: by client, by user, and by the session that emulation names."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from madang.realtime.gate import Caller
from madang.realtime.group import Member

Headers = tuple[tuple[str, str], ...]


class Carried(msgspec.Struct, frozen=True):
    """Headers that belong to a connection: of its HTTP request, and those that the client said itself."""

    headers: Headers = ()
    emulated: Headers = ()


class Guest(Member, Protocol):
    """A connection, as the core knows it."""

    caller: Caller
    since: float
    session: str

    @property
    def channels(self) -> Sequence[str]: ...

    def recheck(self) -> None: ...

    def receive(self, data: bytes) -> None:
        """Commands that came by another request."""
        ...


class People:
    """All connections of this node that have said who they are."""

    def __init__(self) -> None:
        self.guests: dict[str, Guest] = {}
        """By client id."""
        self.carried: dict[str, Carried] = {}
        """What was said in headers that belong to connections, by client id, while they last."""
        self.sessions: dict[str, Guest] = {}
        """Those reached by emulation, by session id."""
        self.users: dict[str, dict[str, Guest]] = {}

    def enter(self, guest: Guest) -> None:
        caller = guest.caller
        self.guests[caller.client] = guest
        self.users.setdefault(caller.user, {})[caller.client] = guest
        if guest.session:
            self.sessions[guest.session] = guest

    def leave(self, guest: Guest) -> None:
        caller = guest.caller
        self.carried.pop(caller.client, None)
        if self.guests.pop(caller.client, None) is None:
            return
        same = self.users.get(caller.user)
        if same is not None:
            same.pop(caller.client, None)
            if not same:
                del self.users[caller.user]
        self.sessions.pop(guest.session, None)

    def of_user(self, user: str) -> list[Guest]:
        return list(self.users.get(user, {}).values())
