"""Signed events out: each webhook reads its channel's events in order, from its own place.

A batch that is not taken is sent again after 1, 2, 4 .. seconds, at most an hour; nothing behind it is sent
before. After three days without success the webhook is switched off, and its place stays.
"""

import asyncio
import base64
import fnmatch
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from madang.base.errors import Bug, Overloaded
from madang.base.limits import WEBHOOK_BATCH, WEBHOOK_S, WEBHOOKS_AT_ONCE, WEBHOOKS_PER_CHANNEL
from madang.control.clerk import Clerk
from madang.control.errors import Conflict, Invalid, NotFound
from madang.control.names import clean_text
from madang.control.ports import Work
from madang.control.records import Channel, Place, Told, Webhook, WebhookCursor
from madang.control.rights import Actor
from madang.net.outbound import Call, OutboundError, Reply, parse_url

TICK_S: Final = 1.0
BACKOFF_S_MAX: Final = 3600.0
CLAIM_S: Final = 2 * WEBHOOK_S
"""How long one server has a batch to itself, where several deliver."""
GIVE_UP_S: Final = 3 * 86_400.0
KINDS: Final = (
    *("stream.began", "stream.lost", "stream.resumed", "stream.ended"),
    *("chat.message", "chat.counts", "chat.delete", "chat.clear", "chat.settings", "chat.role"),
    *("chat.ban", "chat.unban", "chat.timeout", "chat.ban_ip", "chat.unban_ip", "chat.shadow"),
    *("chat.unshadow", "chat.pin", "chat.unpin", "chat.approved", "chat.denied"),
    *("paid.received", "paid.shown", "paid.removed", "paid.refunded", "paid.disputed"),
    *("poll.ended", "webhook.test"),
)
_SEAL: Final = "webhook "
_log = structlog.get_logger()
Fetch = Callable[[Call], Awaitable[Reply]]


class Made(msgspec.Struct, frozen=True):
    """A webhook and its secret, which is told once."""

    webhook: Webhook
    secret: str


class Webhooks:
    """Management, and the loop that delivers."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self.fetch: Fetch | None = None
        """How requests leave the house; set by the wiring. Without it nothing is delivered."""
        self.shared = False
        """Other servers deliver from the same database: whoever comes first has a batch to itself."""
        self._busy: set[str] = set()
        self._seen: dict[str, Place] = {}
        self._turns = asyncio.Semaphore(WEBHOOKS_AT_ONCE)

    # --- management

    async def of_channel(self, channel: Channel) -> list[tuple[Webhook, WebhookCursor]]:
        """With how their deliveries stand."""
        async with self._clerk.store.read() as work:
            found = await work.webhooks.find(channel=channel.id)
            return [(hook, await self._cursor(work, hook)) for hook in sorted(found, key=lambda w: w.id)]

    async def _cursor(self, work: Work, hook: Webhook) -> WebhookCursor:
        found = await work.webhook_cursors.get(hook.id, hook.channel or "")
        return found or WebhookCursor(webhook=hook.id, room=hook.channel or "")

    async def create(
        self, actor: Actor | None, channel: Channel, url: str, kinds: Sequence[str], note: str = ""
    ) -> Made:
        """From now on `url` is told of events of these kinds (`chat.*` and `*` match many)."""
        clerk = self._clerk
        self._check(url, kinds)
        secret = "whsec_" + base64.urlsafe_b64encode(clerk.entropy(24)).decode()
        name = clerk.new_id()
        hook = Webhook(
            id=name,
            channel=channel.id,
            url=url,
            sealed=clerk.vault.seal(secret.encode(), _SEAL + name),
            kinds=sorted(set(kinds)),
            note=clean_text(note, 200),
            enabled=True,
            created_at=clerk.clock.wall(),
            created_by=actor.account if actor else None,
        )
        place = await clerk.store.events.end(channel.id)
        async with clerk.store.write() as work:
            if await work.webhooks.count(channel=channel.id) >= WEBHOOKS_PER_CHANNEL:
                raise Conflict("too_many_webhooks", f"A channel has at most {WEBHOOKS_PER_CHANNEL} webhooks.")
            await work.webhooks.add(hook)
            await work.webhook_cursors.add(
                WebhookCursor(webhook=name, room=channel.id, outbox_seq=place.outbox, log_seq=place.log)
            )
            await clerk.note(work, "webhook.created", actor, channel.id, webhook=name)
        return Made(hook, secret)

    def _check(self, url: str, kinds: Sequence[str]) -> None:
        try:
            parse_url(url)
        except OutboundError as error:
            raise Invalid("bad_url", "This is no address that can be called.", "url") from error
        for kind in kinds:
            if not any(fnmatch.fnmatchcase(known, kind) for known in KINDS):
                raise Invalid("no_such_kind", "There are no such events.", "kinds")

    async def find(self, channel: Channel, webhook: str) -> Webhook:
        async with self._clerk.store.read() as work:
            found = await work.webhooks.get(webhook)
        if found is None or found.channel != channel.id:
            raise NotFound("webhook")
        return found

    async def change(
        self,
        actor: Actor,
        hook: Webhook,
        url: str | None = None,
        kinds: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """What is None stays; switching on again goes on where it stopped."""
        changed = msgspec.structs.replace(
            hook,
            url=hook.url if url is None else url,
            kinds=hook.kinds if kinds is None else sorted(set(kinds)),
            enabled=hook.enabled if enabled is None else enabled,
        )
        self._check(changed.url, changed.kinds)
        async with self._clerk.store.write() as work:
            await work.webhooks.put(changed)
            cursor = await self._cursor(work, hook)
            await self._put(work, msgspec.structs.replace(cursor, attempts=0, next_at=0.0))
            await self._clerk.note(work, "webhook.changed", actor, hook.channel, webhook=hook.id)
        return changed

    async def delete(self, actor: Actor | None, hook: Webhook) -> None:
        async with self._clerk.store.write() as work:
            await work.webhook_cursors.delete(webhook=hook.id)
            await work.webhooks.delete(id=hook.id)
            await self._clerk.note(work, "webhook.deleted", actor, hook.channel, webhook=hook.id)

    async def replay(self, actor: Actor | None, hook: Webhook, since: float) -> None:
        """Tell again everything from a moment on, in the same order and with the same ids."""
        place = await self._clerk.store.events.before(hook.channel or "", since)
        async with self._clerk.store.write() as work:
            cursor = await self._cursor(work, hook)
            back = msgspec.structs.replace(
                cursor, outbox_seq=place.outbox, log_seq=place.log, attempts=0, next_at=0.0
            )
            await self._put(work, back)
            await self._clerk.note(work, "webhook.replayed", actor, hook.channel, webhook=hook.id)

    async def test(self, hook: Webhook) -> tuple[int, str]:
        """Send one test event now; the status it was answered with, and what went wrong."""
        now = self._clerk.clock.wall()
        told = Told(id=self._clerk.new_id(), kind="webhook.test", at=now, data={"webhook": hook.id})
        return await self._send(hook, [told])

    async def _put(self, work: Work, cursor: WebhookCursor) -> None:
        await work.webhook_cursors.delete(webhook=cursor.webhook, room=cursor.room)
        await work.webhook_cursors.add(cursor)

    # --- delivery

    async def run(self) -> None:
        """Until cancelled: look once a second, deliver what is due."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await asyncio.sleep(TICK_S)
                try:
                    due = await self.due()
                except (Overloaded, OSError):
                    continue
                for hook, cursor in due:
                    self._busy.add(hook.id)
                    tasks.create_task(self._deliver(hook, cursor))

    async def due(self) -> list[tuple[Webhook, WebhookCursor]]:
        """Webhooks that may be told something now."""
        if self.fetch is None:
            return []
        now = self._clerk.clock.wall()
        busy = set(self._busy)  # one that ends while we look has moved a place that we do not see yet
        async with self._clerk.store.read() as work:
            hooks = [h for h in await work.webhooks.find(enabled=True) if h.id not in busy]
            cursors = {c.webhook: c for c in await work.webhook_cursors.find()} if hooks else {}
        found = [(h, cursors.get(h.id) or WebhookCursor(webhook=h.id, room=h.channel or "")) for h in hooks]
        return [(hook, cursor) for hook, cursor in found if cursor.next_at <= now]

    async def _deliver(self, hook: Webhook, cursor: WebhookCursor) -> None:
        try:
            async with self._turns:
                await self.deliver(hook, cursor)
        except (Overloaded, OSError) as error:
            _log.warning("webhook_waits", webhook=hook.id, reason=str(error))
        finally:
            self._busy.discard(hook.id)

    async def deliver(self, hook: Webhook, cursor: WebhookCursor) -> WebhookCursor:
        """Tell the next batch; the place moves on once it was answered well."""
        place = Place(outbox=cursor.outbox_seq, log=cursor.log_seq)
        messages = _wants(hook, "chat.message")
        found = await self._clerk.store.events.since(cursor.room, place, WEBHOOK_BATCH, messages=messages)
        if not found:
            return cursor
        wanted = [told for told in found if _wants(hook, told.kind)]
        if wanted and self.shared and not await self._claim(cursor):
            return cursor
        status, fault = await self._send(hook, wanted) if wanted else (200, "")
        now = self._clerk.clock.wall()
        if fault:
            moved = self._failed(cursor, status, fault, now)
        else:
            moved = msgspec.structs.replace(
                cursor,
                outbox_seq=found[-1].outbox,
                log_seq=found[-1].log,
                attempts=0,
                next_at=0.0,
                delivered=cursor.delivered + len(wanted),
                last_at=now if wanted else cursor.last_at,
                last_status=status if wanted else cursor.last_status,
                last_error="",
            )
        async with self._clerk.store.write() as work:
            known = await work.webhook_cursors.get(hook.id, cursor.room)
            hook_now = await work.webhooks.get(hook.id)
            if hook_now is None or not _stands(known, cursor) or (fault and hook_now != hook):
                return known or cursor  # what failed is an address that was changed meanwhile
            await self._put(work, moved)
            if fault and _waited_s(moved.attempts) > GIVE_UP_S:
                await work.webhooks.alter(hook.id, enabled=False)
                await self._clerk.note(work, "webhook.given_up", None, hook.channel, webhook=hook.id)
        return moved

    async def _claim(self, cursor: WebhookCursor) -> bool:
        """Whether nobody else tells this batch now; who dies over it leaves it to the others in a while."""
        taken = msgspec.structs.replace(cursor, next_at=self._clerk.clock.wall() + CLAIM_S)
        seen = {name: getattr(cursor, name) for name in ("outbox_seq", "log_seq", "next_at")}
        try:
            async with self._clerk.store.write() as work:
                cursors, key = work.webhook_cursors, {"webhook": cursor.webhook, "room": cursor.room}
                known = await cursors.get(cursor.webhook, cursor.room)
                if known is not None and not await cursors.delete(**key, **seen):
                    return False
                await cursors.add(taken)
        except Conflict:
            return False
        return True

    def _failed(self, cursor: WebhookCursor, status: int, fault: str, now: float) -> WebhookCursor:
        wait_s = _wait_s(cursor.attempts)
        return msgspec.structs.replace(
            cursor,
            attempts=cursor.attempts + 1,
            next_at=now + wait_s,
            last_status=status,
            last_error=fault[:200],
        )

    async def _send(self, hook: Webhook, events: Sequence[Told]) -> tuple[int, str]:
        """One signed request; its status, and what went wrong (empty for a 2xx)."""
        if self.fetch is None:
            return 0, "nothing leaves this house"
        try:
            secret = self._clerk.vault.unseal(hook.sealed, _SEAL + hook.id)
        except Bug:
            return 0, "made under a secret that is lost: make it anew"
        lines = [
            {"id": told.id, "kind": told.kind, "at": round(told.at * 1000), "data": told.data}
            for told in events
        ]
        body = msgspec.json.encode({"webhook": hook.id, "channel": hook.channel, "events": lines})
        headers = {
            "content-type": "application/json",
            "x-madang-delivery": events[-1].id,
            "x-madang-signature": sign(secret, body, int(self._clerk.clock.wall())),
        }
        call = Call(
            url=hook.url, method="POST", headers=headers, body=body, deadline_s=WEBHOOK_S, follow=False
        )
        try:
            reply = await self.fetch(call)
        except OutboundError as error:
            return 0, error.code
        return reply.status, "" if 200 <= reply.status < 300 else f"answered {reply.status}"


def _wait_s(attempts: int) -> float:
    """How long after so many failures in a row the next one may come."""
    return min(2.0 ** min(attempts, 30), BACKOFF_S_MAX)


def _waited_s(attempts: int) -> float:
    """How long a batch has waited that failed so often."""
    return sum(map(_wait_s, range(attempts)))


def _stands(known: WebhookCursor | None, begun: WebhookCursor) -> bool:
    """Whether the place is the one from which a batch was told: a replay may have moved it meanwhile."""
    return known is None or (known.outbox_seq, known.log_seq) == (begun.outbox_seq, begun.log_seq)


def sign(secret: bytes, body: bytes, at: int) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 of `<seconds>.<body>`, so that old requests show their age."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _wants(hook: Webhook, kind: str) -> bool:
    return any(fnmatch.fnmatchcase(kind, wanted) for wanted in hook.kinds)
