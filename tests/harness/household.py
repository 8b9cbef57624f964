"""The control plane over a database in a temporary folder, with a hub and a clock that stands."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from tests.conftest import FakeClock

from madang.base.ids import ChannelId, UserId
from madang.base.roles import ChannelRole, SiteRole
from madang.control import Control, Settings, passwords
from madang.control.house import NewChannel
from madang.control.names import skeleton
from madang.control.records import Account, Channel, Member
from madang.control.rights import Actor
from madang.hub.audience import Audience
from madang.hub.registry import Registry
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.store import sql
from madang.store.sql import SqlStore

PASSWORD = "correct horse battery"


VIDEO = Track(id=1, codec=Codec.H264, timescale=90_000, config=b"\x01", width=1280, height=720)


@dataclass
class Household:
    """What tests play with."""

    control: Control
    store: SqlStore
    registry: Registry
    audience: Audience
    clock: FakeClock
    folder: Path

    async def account(self, name: str, role: SiteRole = SiteRole.MEMBER) -> Actor:
        """An account with PASSWORD, and its actor (without a session)."""
        account = Account(
            id=UserId(f"{name}-id"),
            name=name,
            skeleton=skeleton(name),
            display_name=name,
            display_skeleton=skeleton(name),
            role=role,
            password_hash=cheap_hash(),
            created_at=self.clock.wall(),
        )
        async with self.store.write() as work:
            await work.accounts.add(account)
        await self.control.follow()
        return Actor(
            account=account.id, name=name, role=role, password_at=self.clock.wall(), peer="192.0.2.9"
        )

    async def channel(self, slug: str, owner: Actor | None = None, **more: Any) -> Channel:
        """A channel of `owner`."""
        made = await self.control.channels.create(None, NewChannel(slug=slug, **more))
        if owner is not None:
            made = msgspec.structs.replace(made, owner=owner.account)
            async with self.store.write() as work:
                await work.channels.put(made)
            await self.control.follow()
        return made

    async def member(self, channel: Channel, who: Actor, role: ChannelRole) -> None:
        """Give a role."""
        row = Member(channel=channel.id, account=who.account, role=role, since=self.clock.wall())
        async with self.store.write() as work:
            await work.members.add(row)
        await self.control.follow()

    def now(self, channel: Channel) -> Channel:
        """The channel as it is now."""
        found = self.control.directory.channel(ChannelId(channel.id))
        assert found is not None
        return found

    async def publish(self, key: str, peer: str = "192.0.2.7") -> Any:
        """A publisher that sent its first frame; returns the publication and what it was told."""
        from madang.base.secret import Secret
        from madang.hub.gate import PublishRequest

        request = PublishRequest(door="rtmp", name="", key=Secret(key), peer=peer, user_agent="OBS")
        lease = await self.control.publish_gate.admit(request)
        told: list[tuple[str, str]] = []
        publication = await self.registry.publish(lease, lambda code, sentence: told.append((code, sentence)))
        publication.tracks((VIDEO,))
        publication.frame(Frame(1, 0, 0, True, b"\x00\x00\x00\x01\x65"))
        return publication, told


def cheap_hash() -> str:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


_empty_database = b""


async def empty_database(folder: Path) -> None:
    """An empty database as a copy of the first one: making its tables takes longer than most tests."""
    global _empty_database
    file = folder / "madang.db"
    if file.exists():
        return
    if not _empty_database:
        await (await SqlStore.open("", folder)).close()
        _empty_database = file.read_bytes()
    file.write_bytes(_empty_database)


@asynccontextmanager
async def household(folder: Path, clock: FakeClock, **settings: Any) -> AsyncIterator[Household]:
    """A control plane that is started; its loop is not: tests call what the loop would call."""
    monkey = pytest.MonkeyPatch()
    monkey.setattr(sql, "PRAGMAS", ("journal_mode=WAL", "synchronous=OFF", "foreign_keys=ON"))
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    monkey.setattr(passwords, "_hasher", lambda: cheap)
    passwords._nobodys_hash.cache_clear()
    await empty_database(folder)
    store = await SqlStore.open("", folder)
    chosen = Settings(**{"refusal_floor_s": 0.0, **settings})
    control = Control(store, folder, clock, os.urandom, chosen)
    registry, audience = Registry(clock, os.urandom, control.observer), Audience()
    control.attach_hub(registry, audience)
    await control.start()
    try:
        yield Household(control, store, registry, audience, clock, folder)
    finally:
        await control.close()
        await store.close()
        monkey.undo()
        passwords._nobodys_hash.cache_clear()
