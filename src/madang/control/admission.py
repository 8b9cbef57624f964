"""May this key publish? Decided from memory, by HMAC, in one time for unknown and wrong (A29, F13)."""

import asyncio
from collections.abc import Callable

import msgspec

from madang.base.errors import Overloaded, Refused
from madang.base.ids import ChannelId, KeyId
from madang.base.limits import KEY_FAILURE_DELAY_S, KEY_FAILURES_PER_MINUTE, KICK_REFUSAL_S
from madang.control.attempts import Attempts
from madang.control.clerk import Clerk
from madang.control.keys import digest_of, mask
from madang.control.records import Channel, Happening, StreamKey
from madang.hub.gate import Lease, Profile, PublishRequest

_DATABASE_S = 2.0
_NO_SUCH_KEY = "No such stream key. Copy it again from the studio."
_PRESETS = {
    "standard": Profile(),
    "low": Profile(part_s=0.2),
}


class KeyGate:
    """Implements `hub.gate.PublishGate`."""

    def __init__(self, clerk: Clerk, record: Callable[[Happening], None]) -> None:
        self._clerk = clerk
        self._record = record
        self._failures = Attempts(KEY_FAILURES_PER_MINUTE)
        self._refused: dict[KeyId, tuple[float, str, str]] = {}

    async def admit(self, request: PublishRequest) -> Lease:
        """The lease for a key, or for a channel name and a key. Raises Refused and Overloaded."""
        started = self._clerk.clock.monotonic()
        try:
            return await self._decide(request)
        except Refused as refusal:
            if refusal.code in ("no_such_key", "revoked"):
                await self._take_time(request.peer, started)
            raise

    async def _decide(self, request: PublishRequest) -> Lease:
        value = request.key.reveal() or request.name
        key = await self._find(digest_of(self._clerk.vault, value[:256]))
        channel = self._clerk.directory.channel(key.channel) if key is not None else None
        if key is None or channel is None or not self._is_named(request, value, channel):
            self._tell_failure(request, value, key, "no_such_key")
            raise Refused("no_such_key", f"no such key {mask(value)}", _NO_SUCH_KEY)
        if not key.usable(self._clerk.clock.wall()):
            self._tell_failure(request, value, key, "revoked")
            raise Refused("revoked", f"key {key.mask} was revoked", "This stream key was revoked.")
        self._refuse_kicked(key)
        self._clerk.counters.keys_admitted += 1
        return Lease(
            channel=channel.id,
            name=channel.slug,
            key=key.id,
            profile=profile_of(channel),
            peer=request.peer,
            door=request.door,
            user_agent=request.user_agent,
        )

    def _is_named(self, request: PublishRequest, value: str, channel: Channel) -> bool:
        if not request.name or request.name == value:
            return True
        named = self._clerk.directory.channel_by_name(request.name)
        return named is not None and named.id == channel.id

    async def _find(self, digest: str) -> StreamKey | None:
        """From memory; on a miss from the database, where another process may just have made it."""
        found = self._clerk.directory.key_by_digest(digest)
        if found is not None:
            return found
        try:
            async with asyncio.timeout(_DATABASE_S), self._clerk.store.read() as work:
                rows = await work.keys.find(digest=digest)
            if rows:
                async with asyncio.timeout(_DATABASE_S):
                    await self._clerk.refresh()
        except (TimeoutError, OSError) as error:
            raise Overloaded("database is slow", "The server is busy; try again.", 2) from error
        return self._clerk.directory.key_by_digest(digest)  # it may have been revoked since those rows

    async def _take_time(self, peer: str, started: float) -> None:
        """Answer a refusal no sooner than the floor, and later still after many failures of one address."""
        now = self._clerk.clock.monotonic()
        many = self._failures.wait_s(peer, now) > 0
        self._failures.failed(peer, now)
        floor_s = self._clerk.settings.refusal_floor_s + (KEY_FAILURE_DELAY_S if many else 0.0)
        await asyncio.sleep(max(0.0, started + floor_s - now))

    def _tell_failure(self, request: PublishRequest, value: str, key: StreamKey | None, reason: str) -> None:
        """`someone tried key ab12… from 1.2.3.4: no such key`, in the studio it concerns, else for admins."""
        self._clerk.counters.keys_refused += 1
        happening = self._clerk.happening("key.attempt_failed", None, self._concerned(request, value, key))
        data = {"mask": mask(value), "reason": reason, "door": request.door}
        happening = msgspec.structs.replace(happening, peer=request.peer, data=data)
        self._clerk.feed.happened(happening)
        self._record(happening)

    def _concerned(self, request: PublishRequest, value: str, key: StreamKey | None) -> ChannelId | None:
        directory = self._clerk.directory
        named = directory.channel_by_name(request.name) if request.name else None
        if named is not None:
            return named.id
        if key is not None:
            return key.channel
        return directory.channel_by_mask(mask(value))

    # --- keys that must stay away

    def refuse(self, key: KeyId, code: str, told: str) -> None:
        """Refuse a key for KICK_REFUSAL_S: encoders come back after two seconds by themselves."""
        now = self._clerk.clock.monotonic()
        self._refused = {k: entry for k, entry in self._refused.items() if entry[0] > now}
        self._refused[key] = (now + KICK_REFUSAL_S, code, told)

    def _refuse_kicked(self, key: StreamKey) -> None:
        until, _, told = self._refused.get(key.id, (0.0, "", ""))
        left_s = until - self._clerk.clock.monotonic()
        if left_s > 0:
            self._clerk.counters.keys_kept_away += 1
            raise Refused("kicked", f"key {key.mask} is refused", f"{told} Come back in {int(left_s) + 1} s.")


def profile_of(channel: Channel) -> Profile:
    """How the channel wants its streams treated."""
    return msgspec.structs.replace(
        _PRESETS.get(channel.preset, _PRESETS["standard"]),
        dvr_window_s=float(channel.dvr_window_s),
        reconnect_window_s=float(channel.reconnect_window_s),
    )
