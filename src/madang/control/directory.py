"""Accounts, channels, members and keys in memory: read by every gate without a database (F13)."""

from collections.abc import Callable, Iterator

from madang.base.ids import ChannelId, KeyId, UserId
from madang.base.roles import ChannelRole, SiteRole, Visibility
from madang.base.texts import looks
from madang.control.errors import NotFound
from madang.control.ports import Store, Work
from madang.control.records import Account, Channel, Member, StreamKey


class Directory:
    """A picture of the database's slow half, drawn again whenever its change counter moved."""

    def __init__(self, store: Store, now: Callable[[], float] = lambda: 0.0) -> None:
        self.version = -1
        self._store = store
        self._now = now
        """Seconds since 1970-01-01 UTC: some roles end by themselves."""
        self._accounts: dict[UserId, Account] = {}
        self._names: dict[str, UserId] = {}
        self._channels: dict[ChannelId, Channel] = {}
        self._slugs: dict[str, ChannelId] = {}
        self._members: dict[ChannelId, dict[UserId, Member]] = {}
        self._keys: dict[str, StreamKey] = {}
        self._key_digests: dict[KeyId, str] = {}

    async def read(self, version: int) -> None:
        """Read all of it; `version` is the counter from before."""
        async with self._store.read() as work:
            await self._read(work)
        self.version = version

    async def _read(self, work: Work) -> None:
        accounts = await work.accounts.find()
        channels = await work.channels.find()
        slugs = await work.slugs.find()
        members = await work.members.find()
        keys = await work.keys.find()
        self._accounts = {account.id: account for account in accounts}
        self._names = {account.skeleton: account.id for account in accounts}
        self._channels = {channel.id: channel for channel in channels}
        self._slugs = {row.slug: row.channel for row in slugs}
        self._members = {}
        for member in members:
            self._members.setdefault(member.channel, {})[member.account] = member
        self._keys = {key.digest: key for key in keys}
        self._key_digests = {key.id: key.digest for key in keys}

    # --- accounts

    def account(self, account: str | None) -> Account | None:
        return self._accounts.get(UserId(account)) if account else None

    def need_account(self, account: str) -> Account:
        found = self.account(account)
        if found is None:
            raise NotFound("user")
        return found

    def account_by_skeleton(self, skeleton: str) -> Account | None:
        return self.account(self._names.get(skeleton))

    def accounts(self) -> list[Account]:
        return sorted(self._accounts.values(), key=lambda account: account.id)

    def admins(self) -> list[Account]:
        """Admins who can sign in."""
        return [a for a in self.accounts() if a.role is SiteRole.ADMIN and not a.disabled]

    # --- channels

    def channel(self, channel: str) -> Channel | None:
        """By id."""
        return self._channels.get(ChannelId(channel))

    def channel_by_name(self, name: str) -> Channel | None:
        """By slug, present or former."""
        found = self._slugs.get(name)
        return self._channels.get(found) if found is not None else None

    def channel_at(self, reference: str) -> Channel | None:
        """By slug first, then by id."""
        return self.channel_by_name(reference) or self.channel(reference)

    def channels(self) -> Iterator[Channel]:
        return iter(self._channels.values())

    def public_channels(self) -> list[Channel]:
        return [channel for channel in self.channels() if channel.visibility is Visibility.PUBLIC]

    def looks(self) -> dict[str, ChannelId]:
        """What the channels' names look like."""
        return {looks(channel.name): channel.id for channel in self.channels()}

    def channels_of(self, account: UserId) -> list[tuple[Channel, ChannelRole]]:
        """Channels in which an account has a role, its own first."""
        roles = [(channel, self.role(account, channel.id)) for channel in self.channels()]
        own = [(channel, role) for channel, role in roles if role is not ChannelRole.GUEST]
        return sorted(own, key=lambda pair: (pair[1].rank, pair[0].id))

    def role(self, account: UserId, channel: ChannelId) -> ChannelRole:
        """What an account is in a channel; `guest` without a role, and while it is disabled."""
        holder, found = self._accounts.get(account), self._channels.get(channel)
        if holder is None or holder.disabled or found is None:
            return ChannelRole.GUEST
        if found.owner == account:
            return ChannelRole.OWNER
        member = self.member(channel, account)
        return member.role if member is not None else ChannelRole.GUEST

    def member(self, channel: str, account: str) -> Member | None:
        """Somebody's role in a channel while it lasts; owners have none here."""
        member = self._members.get(ChannelId(channel), {}).get(UserId(account))
        return member if member is not None and self._lasts(member) else None

    def _lasts(self, member: Member) -> bool:
        return member.until is None or self._now() < member.until

    def members(self, channel: ChannelId) -> list[Member]:
        return [member for member in self._members.get(channel, {}).values() if self._lasts(member)]

    # --- keys

    def key_by_digest(self, digest: str) -> StreamKey | None:
        return self._keys.get(digest)

    def key(self, key: str) -> StreamKey | None:
        digest = self._key_digests.get(KeyId(key))
        return self._keys.get(digest) if digest is not None else None

    def keys_of(self, channel: ChannelId) -> list[StreamKey]:
        """The newest first."""
        own = [key for key in self._keys.values() if key.channel == channel]
        return sorted(own, key=lambda key: key.id, reverse=True)

    def newest_key(self) -> StreamKey | None:
        """Of all channels, revoked ones too."""
        return max(self._keys.values(), key=lambda key: key.id, default=None)

    def channel_by_mask(self, mask: str) -> ChannelId | None:
        """The one channel that has a key which begins like this; a typing mistake belongs to its studio."""
        found = {key.channel for key in self._keys.values() if key.mask == mask}
        return found.pop() if len(found) == 1 else None

    def put_channel(self, channel: Channel) -> None:
        """A channel as it is now, before the next refresh."""
        self._channels[channel.id] = channel
        self._slugs[channel.slug] = channel.id
