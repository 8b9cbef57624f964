"""Who people are, for the rooms of the chat; has the shape of `chat.ports.Identity`."""

from collections.abc import Sequence

from madang.base.ids import ChannelId, UserId
from madang.base.people import Person, Place, Standing
from madang.base.roles import ChannelRole, SiteRole, Visibility
from madang.base.texts import looks, skeleton
from madang.control.clerk import Clerk
from madang.control.errors import NotFound
from madang.control.follows import Follows
from madang.control.records import Account, Member

_OWNER, _VIEWER = Standing(ChannelRole.OWNER), Standing(ChannelRole.VIEWER)


class Chatters:
    """Answers from the directory; what is not in it is asked of the store."""

    def __init__(self, clerk: Clerk, follows: Follows) -> None:
        self._clerk = clerk
        self._follows = follows
        self._taken: frozenset[str] | None = None
        self._version = -1

    def person(self, account: str) -> Person | None:
        found = self._clerk.directory.account(account)
        return _person(found) if found is not None and not found.disabled else None

    def person_named(self, name: str) -> Person | None:
        directory = self._clerk.directory
        found = directory.account_by_skeleton(skeleton(name))
        return self.person(found.id) if found is not None else None

    def place(self, channel: str) -> Place | None:
        found = self._clerk.directory.channel(channel)
        if found is None:
            return None
        private = found.visibility is Visibility.PRIVATE
        return Place(id=found.id, slug=found.slug, name=found.name, private=private)

    def standing(self, account: str, channel: str) -> Standing:
        directory = self._clerk.directory
        holder = directory.account(account)
        if holder is None or holder.disabled:
            return Standing(ChannelRole.GUEST)
        found = directory.channel(channel)
        if holder.role is SiteRole.ADMIN or (found is not None and found.owner == account):
            return _OWNER
        member = directory.member(channel, account)
        return Standing(member.role, member.until) if member is not None else _VIEWER

    def is_taken(self, wanted: str) -> bool:
        directory = self._clerk.directory
        if self._taken is None or directory.version != self._version:
            people = {looks(name) for a in directory.accounts() for name in (a.name, a.display_name)}
            self._taken = frozenset(people | directory.looks().keys())
            self._version = directory.version
        return wanted in self._taken

    def holders(self, channel: str) -> Sequence[tuple[Person, Standing]]:
        directory = self._clerk.directory
        found = directory.channel(channel)
        if found is None:
            return []
        owner = self.person(found.owner or "")
        held = [(owner, _OWNER)] if owner is not None else []
        for member in sorted(directory.members(found.id), key=lambda m: (m.role.rank, m.since)):
            person = self.person(member.account)
            if person is not None:
                held.append((person, Standing(member.role, member.until)))
        return held

    async def followed_at(self, account: str, channel: str) -> float | None:
        return await self._follows.followed_at(account, channel)

    async def grant(self, actor: str, channel: str, account: str, standing: Standing | None) -> None:
        """Give or take (None) a role; `actor` is a user of the chat, who was checked there."""
        directory, clerk = self._clerk.directory, self._clerk
        holder = directory.need_account(account)
        found = directory.channel(channel)
        if found is None or found.owner == account:
            raise NotFound("member")
        async with clerk.change() as work:
            await work.members.delete(channel=channel, account=account)
            if standing is not None:
                made = Member(
                    channel=ChannelId(channel),
                    account=UserId(holder.id),
                    role=standing.role,
                    since=clerk.clock.wall(),
                    until=standing.until,
                )
                await work.members.add(made)
            role = standing.role.value if standing is not None else "viewer"
            note = {"account": account, "role": role, "by": actor}
            await clerk.note(work, "member.changed", None, found.id, **note)


def _person(account: Account) -> Person:
    avatar = f"/api/v1/avatars/{account.id}/{account.avatar}.webp" if account.avatar else ""
    return Person(
        id=account.id,
        name=account.name,
        display_name=account.display_name,
        avatar=avatar,
        is_admin=account.role is SiteRole.ADMIN,
    )
