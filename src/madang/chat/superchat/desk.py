"""Paid messages: settling what was paid, showing, taking down, paying back.

An order changes its state only in a commit that demands the state it had, so that a return and a webhook, or
two managers, never both win; the ledger's line stands in the same commit. What was paid is asked of the
provider, over a connection of ours.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from madang.base.clock import Clock
from madang.chat import refusals
from madang.chat.ports import (
    Bill,
    Cell,
    Change,
    Demand,
    Fenced,
    Log,
    Payment,
    PaymentFault,
    Put,
    Set,
    TextFilter,
    Window,
)
from madang.chat.superchat import orders, words
from madang.chat.superchat.boards import Boards
from madang.chat.superchat.door import Door, Note
from madang.chat.superchat.ordering import Ordering
from madang.chat.superchat.orders import Entry, Order
from madang.chat.superchat.tiers import TIERS
from madang.chat.superchat.tracing import Traces
from madang.realtime.ports import ReplyError

_log = structlog.get_logger()
Shown = Callable[[Order], None]


class SuperChat(Ordering):
    """The use-cases of paid messages, for all rooms."""

    def __init__(
        self, log: Log, door: Door, judge: TextFilter, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        super().__init__(log, door, judge, clock, new_id)
        self.boards = Boards(self, door, clock)
        self.on_shown: Shown = lambda order: None
        """Hears of each paid message that is shown: effects."""

    async def find(self, order: str) -> Order:
        found = await self.books.order(order)
        if found is None:
            raise refusals.not_found()
        return found

    # --- paying

    async def begin(self, order: Order, page: str) -> Window:
        """Open the provider's window for an order that waits for money."""
        if order.state not in orders.OPEN:
            raise refusals.conflict(order.state)
        window = await self._provider(order).begin(_bill(order, page))
        if window.payment and window.payment != order.payment:
            known = msgspec.structs.replace(order, payment=window.payment)
            if not await self._commit(order, _step(order, known)):
                raise refusals.conflict((await self.find(order.id)).state)
        return window

    async def confirm(self, order: Order, page: str, query: Mapping[str, str]) -> Order:
        """The payer is back. A paid order is answered as it is."""
        if order.state not in orders.OPEN and order.state != "expired":
            return order
        try:
            payment = await self._provider(order).confirm(_bill(order, page), query)
        except PaymentFault as fault:
            if fault.code != "refused":
                raise
            return await self._fail(order, fault.reason)
        return await self.settle(order, payment)

    async def hear(self, provider: str, headers: Mapping[str, str], body: bytes) -> bool:
        """A webhook: what it is about is fetched and compared. False for a provider that is not ours."""
        taker = self.providers.get(provider)
        if taker is None:
            return False
        heard = taker.hear(headers, body, self._clock.wall())
        if heard is None:
            return True
        order = await self.books.order(heard.order) if heard.order else None
        order = order or (await self.books.by_payment(provider, heard.payment) if heard.payment else None)
        if order is None and heard.payment and isinstance(taker, Traces):
            traced = await taker.trace(heard.payment)
            order = await self.books.order(traced) if traced else None
        if order is None or order.provider != provider:
            _log.warning("payment_of_no_order", provider=provider, order=heard.order[:64])
            return True
        if heard.state in ("disputed", "undisputed"):
            await self._dispute(order, won=heard.state == "undisputed")
        else:
            await self.refresh(order)
        return True

    async def refresh(self, order: Order) -> Order:
        """Ask the provider what became of an order."""
        payment = await self._provider(order).fetch(_bill(order, ""))
        return order if payment is None else await self.settle(order, payment)

    async def settle(self, order: Order, payment: Payment) -> Order:
        """Make of an order what its payment says; the amount, the currency and the number must be ours."""
        if payment.state == "open":
            return order
        if payment.state in ("failed", "expired"):
            return await self._fail(order, payment.reason, payment.state)
        if payment.state == "refunded":
            return await self._repaid(order, payment, "")
        if (payment.order, payment.amount, payment.currency) != (order.id, order.amount, order.currency):
            _log.error("payment_is_not_of_its_order", order=order.id, provider=order.provider)
            return await self._fail(order, "mismatch")
        while order.state in orders.OPEN or order.state == "expired":
            order = await self._paid(order, payment)
        return await self._paid_back_some(order, payment)

    async def _paid_back_some(self, order: Order, payment: Payment) -> Order:
        """A part of it was paid back at the provider's: the ledger says so, and what was shown stays."""
        while order.refunded < payment.refunded < order.amount and order.state in orders.HAS_MONEY:
            changed = msgspec.structs.replace(order, refunded=payment.refunded)
            line = self._line(changed, "refund", order.refunded - payment.refunded)
            changes = [*_step(order, changed), line, self._event("paid.refunded", changed)]
            if await self._commit(order, changes):
                await self.boards.tell_goal(order.channel)
                return changed
            order = await self.find(order.id)
        return order

    async def _paid(self, order: Order, payment: Payment) -> Order:
        now = self._now()
        verdict = self._verdict(order.channel, order.text)
        held = self.settings.hold or not verdict.passes
        text = order.text if held else verdict.text
        changed = msgspec.structs.replace(
            order,
            state="held" if held else "shown",
            payment=payment.payment,
            paid_at=now,
            text=text,
            reason=("filter" if not verdict.passes else "all") if held else "",
        )
        lines = [self._line(changed, "payment", order.amount)]
        return await self._hold(order, changed, lines) if held else await self._show(order, changed, lines)

    async def _hold(self, order: Order, changed: Order, lines: Sequence[Change]) -> Order:
        changes = [*_step(order, changed), *lines, self._event("paid.received", changed)]
        if not await self._commit(order, changes):
            return await self.find(order.id)
        await self._tell_held(changed)
        return changed

    async def _show(self, order: Order, changed: Order, lines: Sequence[Change]) -> Order:
        now = self._now()
        pin_s = TIERS[order.currency][order.tier - 1].pin_s
        shown = msgspec.structs.replace(
            changed,
            state="shown",
            shown_at=now,
            pinned_until=now + pin_s * 1000 if pin_s else None,
            message=self._new_id(),
            reason="",
        )
        paid = words.encode(words.paid_of(shown, test=self._is_test(shown)))
        note = Note(id=shown.message, author=words.author_of(shown), text=shown.text, paid=paid)
        changes = [*_step(order, shown), *lines, self._event("paid.shown", shown)]
        try:
            await self._door.post(shown.channel, note, changes)
        except Fenced:
            return await self.find(order.id)
        await self.boards.tell_ticker(shown.channel)
        await self.boards.tell_goal(shown.channel)
        self.on_shown(shown)
        return shown

    async def _fail(self, order: Order, reason: str, state: str = "failed") -> Order:
        if not order.may_become(state):
            return order
        changed = msgspec.structs.replace(order, state=state, reason=reason[:200])
        return changed if await self._commit(order, _step(order, changed)) else await self.find(order.id)

    async def _dispute(self, order: Order, *, won: bool) -> None:
        if won and order.state == "disputed":
            back = msgspec.structs.replace(order, state="removed", reason="dispute won")
            line = self._line(back, "dispute_won", order.left)
            await self._commit(order, [*_step(order, back), line])
        while not won and order.may_become("disputed"):
            changed = msgspec.structs.replace(order, state="disputed", pinned_until=None)
            line = self._line(changed, "dispute", -order.left)
            order = await self._take(order, changed, [line, self._event("paid.disputed", changed)], "")
        await self.boards.tell_goal(order.channel)

    # --- moderating

    async def approve(self, order: Order, by: str) -> Order:
        if order.state != "held":
            raise refusals.conflict(order.state)
        shown = await self._show(order, order, [])
        await self._tell_held(shown)
        if shown.state == "shown":
            await self._log_decision(shown, by, "approved")
        return shown

    async def remove(self, order: Order, by: str, reason: str) -> Order:
        """Take it down, or never show it; the money stays until it is paid back."""
        if not order.may_become("removed") or order.state == "disputed":
            raise refusals.conflict(order.state)
        changed = msgspec.structs.replace(order, state="removed", reason=reason[:200], pinned_until=None)
        return await self._take(order, changed, [self._event("paid.removed", changed)], by)

    async def remove_message(self, channel: str, message: str, by: str, reason: str) -> bool:
        """Somebody deletes a message of a room: whether it was a paid one that is shown."""
        order = await self.books.by_message(channel, message)
        if order is None or order.state != "shown":
            return False
        await self.remove(order, by, reason)
        return True

    async def refund(self, order: Order, by: str, reason: str) -> Order:
        """Pay it back by its provider; the ledger keeps both lines."""
        if not order.may_become("refunded") or order.paid_at is None:
            raise refusals.conflict(order.state)
        payment = await self._provider(order).refund(_bill(order, ""), reason[:200])
        return await self._repaid(order, payment, by)

    async def _repaid(self, order: Order, payment: Payment, by: str) -> Order:
        while order.may_become("refunded") and payment.state == "refunded":
            changed = msgspec.structs.replace(
                order, state="refunded", pinned_until=None, refunded=order.amount
            )
            lines = [self._event("paid.refunded", changed)]
            if order.state != "disputed":
                lines.insert(0, self._line(changed, "refund", -order.left, by))
            order = await self._take(order, changed, lines, by)
        return order

    async def _take(self, order: Order, changed: Order, lines: Sequence[Change], by: str) -> Order:
        """The order as it is then: another one where somebody else changed it first."""
        changes, shown = [*_step(order, changed), *lines], order.state == "shown"
        try:
            if shown:
                await self._door.take_down(order.channel, order.message, by, changes)
            else:
                await self._door.commit(order.channel, changes)
        except Fenced:
            return await self.find(order.id)
        if shown:
            await self.boards.tell_ticker(order.channel)
        else:
            await self._tell_held(changed)
            if by and order.state == "held":
                await self._log_decision(changed, by, "denied")
        await self.boards.tell_goal(order.channel)
        return changed

    # --- what nobody waits for

    async def reconcile(self) -> int:
        """Ask providers about orders that wait: the server may have been away when the money came. Those that
        nobody pays expire. How many changed."""
        changed, now = 0, self._now()
        for state in orders.OPEN:
            for order in await self.books.open_orders(state):
                changed += (await self._look_after(order, now)).state != state
        return changed

    async def _look_after(self, order: Order, now: int) -> Order:
        if order.provider not in self.providers:
            return order
        try:
            found = await self.refresh(order)
            if found.state == order.state and now - order.created_at > self.settings.open_s * 1000:
                return await self._fail(order, "", "expired")
        except (PaymentFault, ReplyError) as error:
            _log.warning("payment_not_reconciled", order=order.id, reason=str(error))
            return order
        return found

    # --- small parts

    async def _commit(self, order: Order, changes: Sequence[Change]) -> bool:
        """Whether the commit was ours: False when somebody else changed the order first."""
        try:
            await self._door.commit(order.channel, changes)
        except Fenced:
            return False
        return True

    async def _tell_held(self, order: Order) -> None:
        told = words.PaidHeld(
            order=order.id,
            state=order.state,
            user=words.author_of(order),
            text=order.text,
            paid=words.paid_of(order, test=self._is_test(order)),
            reason=order.reason,
        )
        await self._door.tell_moderators(order.channel, words.encode(told))

    async def _log_decision(self, order: Order, by: str, action: str) -> None:
        note = Note(id=order.message, author=words.author_of(order), text=order.text, paid=b"")
        await self._door.decided(order.channel, by, action, note)

    def _line(self, order: Order, kind: str, amount: int, by: str = "") -> Change:
        entry = Entry(
            id=self._new_id(),
            order=order.id,
            channel=order.channel,
            at=self._now(),
            kind=kind,
            amount=amount,
            currency=order.currency,
            provider=order.provider,
            payment=order.payment or "",
            by=by,
        )
        return Put(orders.LEDGER, orders.row_of(entry))

    def _event(self, kind: str, order: Order) -> Change:
        told = {
            "order": order.id,
            "state": order.state,
            "amount": order.amount,
            "refunded": order.refunded,
            "currency": order.currency,
            "tier": order.tier,
            "user": "" if order.anonymous else order.user,
            "text": order.text,
            "test": self._is_test(order),
        }
        return Put(
            "outbox",
            {
                "id": self._new_id(),
                "kind": kind,
                "room": order.channel,
                "at": self._clock.wall(),
                "data": words.encode(told).decode(),
            },
        )


def _step(order: Order, changed: Order) -> list[Change]:
    """The row's change, which happens only if nobody changed the state, or paid some back, before."""
    values = {
        name: value
        for name, value in orders.row_of(changed).items()
        if value != getattr(order, name, value) and name != "id"
    }
    here: dict[str, Cell] = {"id": order.id, "state": order.state, "refunded": order.refunded}
    return [Demand(orders.TABLE, here), Set(orders.TABLE, {"id": order.id}, values)]


def _bill(order: Order, page: str) -> Bill:
    return Bill(
        order=order.id,
        amount=order.amount,
        currency=order.currency,
        title="Super chat",
        page=page,
        payment=order.payment or "",
    )
