"""A provider that moves no money: its window is a page of ours, where the visitor says how it goes."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from madang.base.ids import encode_id
from madang.base.limits import REHEARSALS
from madang.chat.ports import Bill, Heard, Payment, PaymentFault, Window

OUTCOMES: Final = ("paid", "failed", "expired")


class Rehearsal:
    """Implements `chat.ports.PaymentProvider`; remembers its payments until the server stops."""

    name = "rehearsal"
    currencies: tuple[str, ...] = ("KRW", "USD")
    origins: tuple[str, ...] = ()
    test = True

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._payments: OrderedDict[str, Payment] = OrderedDict()

    async def begin(self, bill: Bill) -> Window:
        known = self._payments.get(bill.payment)
        if known is None or known.state != "open":
            payment = encode_id(self._entropy(16))
            known = Payment(
                payment=payment,
                order=bill.order,
                amount=bill.amount,
                currency=bill.currency,
                state="open",
                test=True,
            )
            self._keep(known)
        return Window(url=f"/pay/rehearsal/{known.payment}", payment=known.payment)

    def look(self, payment: str) -> Payment | None:
        """For its page."""
        return self._payments.get(payment)

    def choose(self, payment: str, outcome: str) -> Payment:
        """How the rehearsal goes, once: what is decided stays."""
        known = self._payments.get(payment)
        if known is None or outcome not in OUTCOMES:
            raise PaymentFault("unknown", "no such rehearsal")
        if known.state == "open":
            reason = "" if outcome == "paid" else f"rehearsed: {outcome}"
            known = msgspec.structs.replace(known, state=outcome, reason=reason)
            self._keep(known)
        return known

    async def confirm(self, bill: Bill, query: Mapping[str, str]) -> Payment:
        found = self._payments.get(bill.payment)
        if found is None:
            raise PaymentFault("refused", "the rehearsal is forgotten")
        return found

    async def fetch(self, bill: Bill) -> Payment | None:
        return self._payments.get(bill.payment)

    async def refund(self, bill: Bill, reason: str) -> Payment:
        found = self._payments.get(bill.payment) or Payment(
            payment=bill.payment, order=bill.order, amount=bill.amount, currency=bill.currency, state="paid"
        )
        found = msgspec.structs.replace(found, state="refunded", refunded=found.amount, reason=reason)
        self._keep(found)
        return found

    def hear(self, headers: Mapping[str, str], body: bytes, now: float) -> Heard | None:
        raise PaymentFault("signature", "a rehearsal calls nobody")

    def _keep(self, payment: Payment) -> None:
        self._payments[payment.payment] = payment
        while len(self._payments) > REHEARSALS:
            self._payments.popitem(last=False)
