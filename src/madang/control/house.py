"""What the server sees to at its start, and what the command line asks: first admin, demo, keys by name."""

import msgspec

from madang.base.ids import UserId
from madang.base.limits import LOGIN_LINK_S
from madang.base.roles import ChannelRole, SiteRole, Visibility
from madang.control.accounts import Accounts
from madang.control.channels import Channels
from madang.control.clerk import Clerk
from madang.control.errors import NotFound
from madang.control.keys import Keys, KeyValue
from madang.control.links import Issued, Links
from madang.control.names import skeleton
from madang.control.records import Account, Channel, Preset
from madang.control.vault import SecretError

FIRST_CHANNEL = "main"
DEMO_CHANNEL = "demo"
ADMIN = "admin"


class NewChannel(msgspec.Struct, kw_only=True):
    """A channel to be made, as `Channels.create` wants it."""

    slug: str
    name: str | None = None
    title: str = ""
    category: str = ""
    description: str = ""
    visibility: Visibility = Visibility.PUBLIC
    preset: Preset = "standard"


class FirstRun(msgspec.Struct, frozen=True, kw_only=True):
    """What the terminal shows at the start."""

    link: str
    """Token of the admin's one-time link, for `Urls.login_link`; empty once there is an admin."""
    channel: str
    """Slug of the first admin's channel; empty when that was deleted."""
    key: str
    """A stream key of that channel; empty when there is none that works."""


class House:
    """Use-cases without a signed-in actor: whoever may start the program may do them."""

    def __init__(
        self, clerk: Clerk, accounts: Accounts, links: Links, channels: Channels, keys: Keys
    ) -> None:
        self._clerk = clerk
        self._accounts = accounts
        self._links = links
        self._channels = channels
        self._keys = keys

    def check_secret(self) -> None:
        """SecretError when the newest stream key was made under another secret than the one that is there."""
        newest = self._clerk.directory.newest_key()
        if newest is not None and not self._keys.opens(newest):
            raise SecretError(
                "The secret file is not the one that this database was made with: bring it back from a "
                "backup. If it is lost for good, `madang key create CHANNEL` begins anew; "
                "what was made under the old one is void: stream keys, tokens, sessions, webhooks."
            )

    async def ensure_first_run(self) -> FirstRun:
        """While nobody is admin: a fresh one-time link, and a channel with a key that waits for the admin."""
        admins = self._clerk.directory.admins()
        channel = await self._first_channel(admins)
        link = "" if admins else (await self._first_link(channel)).token
        key = await self._working_key(channel) if channel else ""
        return FirstRun(link=link, channel=channel.slug if channel else "", key=key)

    async def _first_channel(self, admins: list[Account]) -> Channel | None:
        owners: set[UserId | None] = {admin.id for admin in admins} or {None}
        own = [c for c in self._clerk.directory.channels() if c.owner in owners and c.slug != DEMO_CHANNEL]
        if own:
            return min(own, key=lambda channel: channel.id)
        if admins or any(True for _ in self._clerk.directory.accounts()):
            return None
        return await self.create_channel(FIRST_CHANNEL, "Main")

    async def _first_link(self, channel: Channel | None) -> Issued:
        issued = self._links.issue(
            "first",
            LOGIN_LINK_S,
            role=SiteRole.ADMIN,
            channel=channel.id if channel and channel.owner is None else None,
            channel_role=ChannelRole.OWNER,
        )
        async with self._clerk.store.write() as work:
            await work.links.delete(kind="first")
            await work.links.add(issued.link)
        return issued

    async def _working_key(self, channel: Channel) -> str:
        now = self._clerk.clock.wall()
        usable = [key for key in self._clerk.directory.keys_of(channel.id) if key.usable(now)]
        usable = [key for key in usable if self._keys.opens(key)]
        if usable:
            return self._keys.open(usable[-1])
        if channel.owner is not None:
            return ""
        return (await self._keys.create(None, channel, "OBS")).value

    async def ensure_demo(self) -> KeyValue:
        """The demo's own channel, and a key of it."""
        channel = self._clerk.directory.channel_by_name(DEMO_CHANNEL)
        if channel is None:
            await self._channels.create(
                None,
                NewChannel(
                    slug=DEMO_CHANNEL,
                    name="Demo",
                    title="A moving picture with a running clock",
                    description="A test broadcast, published by RTMP as OBS would.",
                ),
            )
            channel = self.channel(DEMO_CHANNEL)
        now = self._clerk.clock.wall()
        for key in self._clerk.directory.keys_of(channel.id):
            if key.usable(now) and self._keys.opens(key):
                return KeyValue(key, self._keys.open(key))
        return await self._keys.create(None, channel, "demo")

    async def ensure_admin(self, password: str) -> bool:
        """An admin named `admin` with this password, while there is none; whether it was made."""
        if self._clerk.directory.admins():
            return False
        await self.ensure_first_run()
        hashed = await self._accounts.passwords.hash(password)
        account = self._accounts.made(ADMIN, ADMIN, SiteRole.ADMIN)
        account = msgspec.structs.replace(account, password_hash=hashed)
        async with self._clerk.change() as work:
            await work.accounts.delete(skeleton=account.skeleton)
            await work.accounts.add(account)
            await work.links.delete(kind="first")
            for channel in await work.channels.find(owner=None):
                if channel.slug != DEMO_CHANNEL:
                    await work.channels.put(msgspec.structs.replace(channel, owner=account.id))
            await self._clerk.note(work, "account.first_admin", None, None, account=account.id)
        return True

    # --- the command line

    def channel(self, reference: str) -> Channel:
        """By slug or id; NotFound."""
        found = self._clerk.directory.channel_at(reference)
        if found is None:
            raise NotFound("channel")
        return found

    async def create_channel(self, slug: str, name: str | None = None) -> Channel:
        """A channel of the first admin; of nobody while there is none."""
        channel = await self._channels.create(None, NewChannel(slug=slug, name=name))
        admins = self._clerk.directory.admins()
        if admins:
            channel = msgspec.structs.replace(channel, owner=admins[0].id)
            async with self._clerk.change() as work:
                await work.channels.put(channel)
        return channel

    async def create_key(self, channel: str, name: str = "") -> KeyValue:
        """A new stream key; works at once in a server that runs on the same data."""
        return await self._keys.create(None, self.channel(channel), name)

    async def revoke_key(self, channel: str, key: str) -> None:
        """By id, or by the first letters of its mask."""
        found = self.channel(channel)
        keys = self._clerk.directory.keys_of(found.id)
        matching = [k for k in keys if k.id == key or (k.mask == f"{key[:4]}…" and k.revoked_at is None)]
        if len(matching) != 1:
            raise NotFound("stream key")
        await self._keys.revoke(None, found, matching[0].id)

    async def delete_channel(self, channel: str) -> None:
        await self._channels.delete(None, self.channel(channel), self.channel(channel).slug)

    async def recovery_link(self, user: str) -> Issued:
        """A one-time link for an account, by name or id; while nobody is admin, the first one's link anew."""
        directory = self._clerk.directory
        if directory.admins() or directory.account(user) or directory.account_by_skeleton(skeleton(user)):
            return await self._links.recover(None, user)
        return await self._first_link(await self._first_channel([]))

    async def invitation_link(self, role: SiteRole, lifetime_s: float) -> Issued:
        """An invitation made at the machine itself."""
        issued = self._links.issue("invitation", lifetime_s, role=role)
        async with self._clerk.store.write() as work:
            await work.links.add(issued.link)
        return issued
