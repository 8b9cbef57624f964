"""Toss Payments: its script opens the window on the order's page, we confirm with our own amount.

https://docs.tosspayments.com/reference. Webhooks of payments are not signed: they are hints, after which the
payment is fetched and compared.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from madang.chat.ports import Bill, Heard, Payment, PaymentFault, Window
from madang.net.outbound import Call
from madang.payments.answers import Fetches, ask, inner, number, text
from madang.payments.settings import PaymentSettings

_STATES: Final = {
    "DONE": "paid",
    "CANCELED": "refunded",
    "PARTIAL_CANCELED": "paid",
    "ABORTED": "failed",
    "EXPIRED": "expired",
    "READY": "open",
    "IN_PROGRESS": "open",
    "WAITING_FOR_DEPOSIT": "open",
}
_UNKNOWN: Final = ("NOT_FOUND_PAYMENT", "NOT_FOUND_PAYMENT_SESSION", "NOT_FOUND")
_DONE_ALREADY: Final = ("ALREADY_PROCESSED_PAYMENT", "ALREADY_CANCELED_PAYMENT")


class Toss:
    """Implements `chat.ports.PaymentProvider`. Our payment id is the payment key, known on the return."""

    name = "toss"
    currencies: tuple[str, ...] = ("KRW",)

    def __init__(self, outbound: Fetches, settings: PaymentSettings) -> None:
        self._outbound, self._settings = outbound, settings
        self.test = settings.toss_key.reveal().startswith("test_")
        script = urlsplit(settings.toss_script)
        self.origins: tuple[str, ...] = (f"{script.scheme}://{script.netloc}", "https://*.tosspayments.com")

    async def begin(self, bill: Bill) -> Window:
        return Window(
            script=self._settings.toss_script,
            settings={
                "clientKey": self._settings.toss_client_key,
                "orderId": bill.order,
                "orderName": bill.title,
                "amount": bill.amount,
                "currency": bill.currency,
                "successUrl": f"{bill.page}?back=1",
                "failUrl": f"{bill.page}?back=0",
            },
        )

    async def confirm(self, bill: Bill, query: Mapping[str, str]) -> Payment:
        """The query brings the payment's key. The amount is that of the order, whatever the query says."""
        key = query.get("paymentKey", "")
        if query.get("code") or not key:
            found = await self.fetch(bill)
            if found is None:
                raise PaymentFault("refused", query.get("code", "")[:60] or "no payment was made")
            return found
        body = msgspec.json.encode({"paymentKey": key[:200], "orderId": bill.order, "amount": bill.amount})
        status, answer = await self._send("POST", "/v1/payments/confirm", body, f"{bill.order}-{key}"[:300])
        if status == 200:
            return _payment(answer)
        if text(answer, "code") in _DONE_ALREADY:
            found = await self.fetch(bill)
            if found is not None:
                return found
        raise _fault(status, answer)

    async def fetch(self, bill: Bill) -> Payment | None:
        path = (
            f"/v1/payments/{quote(bill.payment, safe='')}"
            if bill.payment
            else f"/v1/payments/orders/{quote(bill.order, safe='')}"
        )
        status, answer = await self._send("GET", path)
        if status == 200:
            return _payment(answer)
        if status == 404 or text(answer, "code") in _UNKNOWN:
            return None
        raise _fault(status, answer)

    async def refund(self, bill: Bill, reason: str) -> Payment:
        path = f"/v1/payments/{quote(bill.payment, safe='')}/cancel"
        body = msgspec.json.encode({"cancelReason": reason or "refund"})
        status, answer = await self._send("POST", path, body, f"{bill.order}-refund")
        if status == 200:
            return _payment(answer)
        if text(answer, "code") in _DONE_ALREADY:
            found = await self.fetch(bill)
            if found is not None:
                return found
        raise _fault(status, answer)

    def hear(self, headers: Mapping[str, str], body: bytes, now: float) -> Heard | None:
        """A hint: nothing of it is believed but which order to ask about."""
        try:
            event = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return None
        about = inner(event, "data") if isinstance(event, dict) else {}
        order = text(about, "orderId") or (text(event, "orderId") if isinstance(event, dict) else "")
        return Heard(order=order[:64]) if order else None

    async def _send(
        self, method: str, path: str, body: bytes = b"", key: str = ""
    ) -> tuple[int, dict[str, Any]]:
        secret = b64encode(f"{self._settings.toss_key.reveal()}:".encode()).decode()
        headers = {"authorization": f"Basic {secret}"}
        if method == "POST":
            headers |= {"content-type": "application/json", "idempotency-key": key}
        url = self._settings.toss_url + path
        return await ask(self._outbound, Call(url, method=method, headers=headers, body=body))


def _fault(status: int, answer: Mapping[str, Any]) -> PaymentFault:
    return PaymentFault("config" if status in (401, 403) else "refused", text(answer, "code") or str(status))


def _payment(answer: Mapping[str, Any]) -> Payment:
    total, left = number(answer, "totalAmount"), number(answer, "balanceAmount")
    return Payment(
        payment=text(answer, "paymentKey"),
        order=text(answer, "orderId"),
        amount=total,
        currency=text(answer, "currency"),
        state=_STATES.get(text(answer, "status"), "open"),
        refunded=max(0, total - left) if left >= 0 else 0,
        reason=text(inner(answer, "failure"), "code"),
    )
