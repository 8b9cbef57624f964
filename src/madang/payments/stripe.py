"""Stripe Checkout: a session is made, the payer goes to its page, a signed webhook or the return says when.

https://docs.stripe.com/api/checkout/sessions, https://docs.stripe.com/webhooks (v1 signatures). Amounts are
in the smallest unit, as ours; KRW has no decimals there either.
"""

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from madang.base.limits import PAYMENT_SIGNATURE_S
from madang.chat.ports import Bill, Heard, Payment, PaymentFault, Window
from madang.net.outbound import Call
from madang.payments.answers import Fetches, ask, inner, number, text
from madang.payments.settings import PaymentSettings

VERSION: Final = "2024-06-20"
_SESSION_S: Final = 1_800
_HEARD: Final = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
)


class Stripe:
    """Implements `chat.ports.PaymentProvider` and `Traces`. Our payment id is the session's."""

    name = "stripe"
    currencies: tuple[str, ...] = ("USD", "KRW")
    origins: tuple[str, ...] = ()

    def __init__(self, outbound: Fetches, settings: PaymentSettings, wall: Callable[[], float]) -> None:
        self._outbound, self._settings, self._wall = outbound, settings, wall
        self.test = settings.stripe_key.reveal().startswith(("sk_test_", "rk_test_"))

    async def begin(self, bill: Bill) -> Window:
        if bill.payment:
            known = await self._session(bill.payment)
            if text(known, "status") == "open":
                return Window(url=text(known, "url"), payment=bill.payment)
        form = {
            "mode": "payment",
            "client_reference_id": bill.order,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": bill.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(bill.amount),
            "line_items[0][price_data][product_data][name]": bill.title,
            "metadata[order]": bill.order,
            "payment_intent_data[metadata][order]": bill.order,
            "success_url": f"{bill.page}?back=1",
            "cancel_url": f"{bill.page}?back=0",
            "expires_at": str(int(self._wall()) + _SESSION_S),
        }
        key = f"{bill.order}-{bill.payment or 'first'}"
        session = await self._post("/v1/checkout/sessions", form, key)
        if not text(session, "id") or not text(session, "url"):
            raise PaymentFault("unreachable", "a session without id or url")
        return Window(url=text(session, "url"), payment=text(session, "id"))

    async def confirm(self, bill: Bill, query: Mapping[str, str]) -> Payment:
        """Whatever the query says, the session is asked."""
        found = await self.fetch(bill)
        if found is None:
            raise PaymentFault("unknown", "no session was begun")
        return found

    async def fetch(self, bill: Bill) -> Payment | None:
        return _payment(await self._session(bill.payment)) if bill.payment else None

    async def refund(self, bill: Bill, reason: str) -> Payment:
        session = await self._session(bill.payment)
        intent = inner(session, "payment_intent")
        form = {"payment_intent": text(intent, "id"), "metadata[reason]": reason}
        answer = await self._post("/v1/refunds", form, f"{bill.order}-refund")
        if text(answer, "status") not in ("succeeded", "pending"):
            raise PaymentFault("refused", f"refund is {text(answer, 'status')}")
        paid = _payment(session)
        return msgspec.structs.replace(paid, state="refunded", refunded=paid.amount)

    def hear(self, headers: Mapping[str, str], body: bytes, now: float) -> Heard | None:
        self._verify(headers.get("stripe-signature", ""), body, now)
        try:
            event = msgspec.json.decode(body)
        except msgspec.DecodeError:
            raise PaymentFault("signature", "a signed body without JSON") from None
        if not isinstance(event, dict):
            return None
        kind, about = text(event, "type"), inner(inner(event, "data"), "object")
        if kind in _HEARD:
            return Heard(payment=text(about, "id"), order=text(about, "client_reference_id"))
        # A charge has the metadata of its payment intent, a dispute has none of them: only the intent's id.
        order, intent = text(inner(about, "metadata"), "order"), text(about, "payment_intent")
        if kind == "charge.refunded":
            return Heard(order=order, payment=intent)
        if kind == "charge.dispute.created":
            return Heard(order=order, payment=intent, state="disputed")
        if kind == "charge.dispute.closed" and text(about, "status") == "won":
            return Heard(order=order, payment=intent, state="undisputed")
        return None

    async def trace(self, payment: str) -> str:
        """The order that a payment intent was made for."""
        if not payment.startswith("pi_"):
            return ""
        path = f"/v1/payment_intents/{quote(payment, safe='')}"
        try:
            intent = await self._send(Call(self._settings.stripe_url + path, headers=self._headers()))
        except PaymentFault as fault:
            if fault.code == "unknown":
                return ""
            raise
        return text(inner(intent, "metadata"), "order")

    def _verify(self, header: str, body: bytes, now: float) -> None:
        parts = [part.split("=", 1) for part in header.split(",")[:20] if "=" in part]
        moments = [value for name, value in parts if name.strip() == "t"]
        if not moments or not moments[0].isascii() or not moments[0].isdigit() or len(moments[0]) > 12:
            raise PaymentFault("signature", "no time in the signature")
        secret = self._settings.stripe_webhook_secret.reveal()
        if not secret:
            raise PaymentFault("config", "payments.stripe_webhook_secret is not set")
        wanted = hmac.new(secret.encode(), moments[0].encode() + b"." + body, sha256).hexdigest()
        given = [value for name, value in parts if name.strip() == "v1"]
        if not any(hmac.compare_digest(wanted.encode(), value.encode()) for value in given):
            raise PaymentFault("signature", "the signature is of another secret or body")
        if abs(now - int(moments[0])) > PAYMENT_SIGNATURE_S:
            raise PaymentFault("signature", "the signature is too old")

    async def _session(self, session: str) -> dict[str, Any]:
        path = f"/v1/checkout/sessions/{quote(session, safe='')}?expand[]=payment_intent.latest_charge"
        return await self._send(Call(self._settings.stripe_url + path, headers=self._headers()))

    async def _post(self, path: str, form: Mapping[str, str], key: str) -> dict[str, Any]:
        headers = {
            **self._headers(),
            "content-type": "application/x-www-form-urlencoded",
            "idempotency-key": key,
        }
        body = urlencode(form).encode()
        return await self._send(
            Call(self._settings.stripe_url + path, method="POST", headers=headers, body=body)
        )

    def _headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self._settings.stripe_key.reveal()}",
            "stripe-version": VERSION,
        }

    async def _send(self, call: Call) -> dict[str, Any]:
        status, answer = await ask(self._outbound, call)
        if status == 200:
            return answer
        error = inner(answer, "error")
        code = "unknown" if status == 404 else "config" if status in (401, 403) else "refused"
        raise PaymentFault(code, text(error, "code") or text(error, "type") or f"status {status}")


def _payment(session: Mapping[str, Any]) -> Payment:
    """What a session says. Paid is what `payment_status` calls paid, and nothing else."""
    paid = text(session, "payment_status") == "paid"
    charge = inner(inner(session, "payment_intent"), "latest_charge")
    refunded = max(0, number(charge, "amount_refunded"))
    state = "paid" if paid else "expired" if text(session, "status") == "expired" else "open"
    if paid and charge.get("refunded") is True:
        state = "refunded"
    return Payment(
        payment=text(session, "id"),
        order=text(session, "client_reference_id"),
        amount=number(session, "amount_total"),
        currency=text(session, "currency").upper(),
        state=state,
        refunded=refunded,
        test=session.get("livemode") is False,
    )
