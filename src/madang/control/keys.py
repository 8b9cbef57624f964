"""Stream keys: 160 bits of chance, looked up by HMAC, kept sealed so that they can be revealed."""

from collections.abc import Callable

import msgspec

from madang.base.errors import Bug
from madang.base.events import Plain
from madang.base.ids import ChannelId, KeyId, encode_id
from madang.base.limits import KEYS_PER_CHANNEL
from madang.control.clerk import Clerk
from madang.control.errors import Conflict, NotFound
from madang.control.names import clean_text
from madang.control.ports import Work
from madang.control.records import Channel, Page, StreamKey
from madang.control.rights import Actor
from madang.control.vault import Vault

_KEY_BYTES = 20
_MASK_LETTERS = 4
NAME_LETTERS = 40


class KeyValue(msgspec.Struct, frozen=True):
    """A key together with its value."""

    key: StreamKey
    value: str


def mask(value: str) -> str:
    """What may be shown of a key: its first four letters."""
    return value[:_MASK_LETTERS] + "…"


def digest_of(vault: Vault, value: str) -> str:
    """What a key is looked up by."""
    return vault.digest("stream key", value)


class Keys:
    """Several named keys per channel."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self.revoked: list[Callable[[ChannelId, KeyId], None]] = []
        """Called when a key ends at once: a broadcast that runs on it must end."""

    async def list(self, channel: Channel, cursor: str | None, limit: int) -> Page[StreamKey]:
        """The newest first, revoked ones too."""
        async with self._clerk.store.read() as work:
            return await work.keys.page(cursor, limit, channel=channel.id)

    def make(
        self, channel: ChannelId, name: str, actor: Actor | None, replaces: KeyId | None = None
    ) -> KeyValue:
        """A new key, not yet written."""
        value = encode_id(self._clerk.entropy(_KEY_BYTES))
        key = KeyId(self._clerk.new_id())
        made = StreamKey(
            id=key,
            channel=channel,
            name=clean_text(name, NAME_LETTERS) or "OBS",
            mask=mask(value),
            digest=digest_of(self._clerk.vault, value),
            sealed=self._clerk.vault.seal(value.encode(), key),
            created_at=self._clerk.clock.wall(),
            created_by=actor.account if actor else None,
            replaces=replaces,
        )
        return KeyValue(made, value)

    async def create(self, actor: Actor | None, channel: Channel, name: str) -> KeyValue:
        """A new key; works at once, in every process."""
        made = self.make(channel.id, name, actor)
        async with self._clerk.change() as work:
            await self._refuse_more(work, channel)
            await work.keys.add(made.key)
            await self._clerk.note(
                work, "key.created", actor, channel.id, key=made.key.id, mask=made.key.mask
            )
        return made

    async def _refuse_more(self, work: Work, channel: Channel) -> None:
        now = self._clerk.clock.wall()
        usable = [key for key in await work.keys.find(channel=channel.id) if key.usable(now)]
        if len(usable) >= KEYS_PER_CHANNEL:
            raise Conflict("too_many_keys", f"A channel has at most {KEYS_PER_CHANNEL} keys.")

    async def _find(self, work: Work, channel: Channel, key: str) -> StreamKey:
        found = await work.keys.find(id=key, channel=channel.id)
        if not found:
            raise NotFound("stream key")
        return found[0]

    async def rename(self, actor: Actor, channel: Channel, key: str, name: str) -> StreamKey:
        async with self._clerk.change() as work:
            found = await self._find(work, channel, key)
            changed = msgspec.structs.replace(found, name=clean_text(name, NAME_LETTERS) or found.name)
            await work.keys.put(changed)
            await self._clerk.note(work, "key.renamed", actor, channel.id, key=key, name=changed.name)
        return changed

    async def reveal(self, actor: Actor, channel: Channel, key: str) -> KeyValue:
        """The value of a key that still works; written to the audit."""
        async with self._clerk.store.write() as work:
            found = await self._find(work, channel, key)
            if not found.usable(self._clerk.clock.wall()):
                raise Conflict("key_ended", "This key was revoked or has expired.")
            if not self.opens(found):
                raise Conflict("key_sealed", "This key was made under a secret that is lost: rotate it.")
            await self._clerk.note(work, "key.revealed", actor, channel.id, key=key, mask=found.mask)
        return KeyValue(found, self.open(found))

    def open(self, key: StreamKey) -> str:
        """The value of a key."""
        return self._clerk.vault.unseal(key.sealed, key.id).decode()

    def opens(self, key: StreamKey) -> bool:
        """Whether the value can be read: not when it was sealed under a secret that is lost."""
        try:
            self.open(key)
        except Bug:
            return False
        return True

    async def rotate(self, actor: Actor, channel: Channel, key: str, overlap_s: int) -> KeyValue:
        """A new key in the place of this one, which lives on for `overlap_s`."""
        now = self._clerk.clock.wall()
        async with self._clerk.change() as work:
            old = await self._find(work, channel, key)
            if not old.usable(now):
                raise Conflict("key_ended", "This key was revoked or has expired.")
            made = self.make(channel.id, old.name, actor, old.id)
            expires_at = now + overlap_s if old.expires_at is None else min(old.expires_at, now + overlap_s)
            await work.keys.put(msgspec.structs.replace(old, expires_at=expires_at))
            await work.keys.add(made.key)
            note: dict[str, Plain] = {"key": key, "mask": old.mask, "by": made.key.id, "overlap_s": overlap_s}
            await self._clerk.note(work, "key.rotated", actor, channel.id, **note)
        if overlap_s == 0:
            self._tell_revoked(channel.id, old.id)
        return made

    async def revoke(self, actor: Actor | None, channel: Channel, key: str) -> None:
        """End a key at once, and the broadcast that runs on it."""
        async with self._clerk.change() as work:
            found = await self._find(work, channel, key)
            if found.revoked_at is None:
                now = self._clerk.clock.wall()
                await work.keys.put(msgspec.structs.replace(found, revoked_at=now))
                await self._clerk.note(work, "key.revoked", actor, channel.id, key=key, mask=found.mask)
        self._tell_revoked(channel.id, found.id)

    def _tell_revoked(self, channel: ChannelId, key: KeyId) -> None:
        for tell in self.revoked:
            tell(channel, key)
