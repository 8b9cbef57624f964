"""Who may do what to whom in a room."""

from madang.base.roles import ChannelRole
from madang.chat import refusals, rights
from madang.chat.members import Member
from madang.chat.room import Room

REASON_LETTERS = 500


def demand(member: Member, right: str, room: Room) -> None:
    """Refuse whoever has not this right."""
    if right not in rights.abilities(member.role, muted=room.ban_of(member.user) is not None):
        raise refusals.sign_in() if member.is_guest else refusals.forbidden()


class Target:
    """Whom a deed is about: somebody who is here, was here, or is known by an id alone."""

    __slots__ = ("member", "name", "role", "user")

    def __init__(self, room: Room, user: str) -> None:
        self.member = room.members.named(user) or room.members.get(user)
        self.user, self.name, self.role = user, user, ChannelRole.GUEST
        if self.member is not None:
            self.user, self.name, self.role = self.member.user, self.member.name, self.member.role
        else:
            self._find(room, user)

    def _find(self, room: Room, user: str) -> None:
        identity = room.yard.identity
        account = user.removeprefix("madang.u.") if user.startswith("madang.u.") else ""
        person = identity.person(account) if account else identity.person_named(user.removeprefix("@"))
        if person is not None:
            self.user, self.name = f"madang.u.{person.id}", person.display_name
            self.role = identity.standing(person.id, room.channel).role


def shortened(reason: str) -> str:
    """As much of a reason as is kept."""
    return reason[:REASON_LETTERS]
