"""Toss Payments' wire: our own amount is confirmed, hints are fetched, keys stay in the header."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from tests.unit.payments.test_stripe import Wire

from madang.base.secret import Secret
from madang.chat.ports import Bill, PaymentFault
from madang.payments.settings import PaymentSettings
from madang.payments.toss import Toss

SETTINGS = PaymentSettings(toss_key=Secret("test_sk_1"), toss_client_key="test_ck_1")
BILL = Bill(
    order="order1", amount=5_000, currency="KRW", title="Super chat", page="https://m.example/pay/order1"
)


def answer(status: str = "DONE", **more: Any) -> dict[str, Any]:
    return {
        "paymentKey": "key1",
        "orderId": "order1",
        "status": status,
        "totalAmount": 5_000,
        "balanceAmount": 5_000,
        "currency": "KRW",
    } | more


def toss(wire: Wire) -> Toss:
    return Toss(wire, SETTINGS)


async def test_the_window_is_the_providers_script() -> None:
    window = await toss(Wire()).begin(BILL)
    assert window.script == "https://js.tosspayments.com/v2/standard" and window.url == ""
    assert window.settings["amount"] == 5_000 and window.settings["orderId"] == "order1"
    assert "test_sk_1" not in repr(window)


async def test_confirming_says_our_amount_whatever_the_browser_said() -> None:
    wire = Wire((200, answer()))
    paid = await toss(wire).confirm(BILL, {"paymentKey": "key1", "orderId": "order2", "amount": "1"})
    assert (paid.state, paid.payment, paid.amount) == ("paid", "key1", 5_000)
    call = wire.calls[0]
    assert (call.method, call.url) == ("POST", "https://api.tosspayments.com/v1/payments/confirm")
    assert msgspec.json.decode(call.body) == {"paymentKey": "key1", "orderId": "order1", "amount": 5_000}
    assert call.headers["authorization"] == "Basic " + b64encode(b"test_sk_1:").decode()
    assert call.headers["idempotency-key"] == "order1-key1"


async def test_what_was_confirmed_already_is_fetched() -> None:
    wire = Wire((400, {"code": "ALREADY_PROCESSED_PAYMENT"}), (200, answer()))
    assert (await toss(wire).confirm(BILL, {"paymentKey": "key1"})).state == "paid"
    assert wire.calls[1].url.endswith("/v1/payments/orders/order1")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((400, {"code": "REJECT_CARD_COMPANY", "message": "거절"}), "refused"),
        ((401, {"code": "UNAUTHORIZED_KEY"}), "config"),
        ((500, {}), "unreachable"),
        ((0, b""), "unreachable"),
    ],
)
async def test_confirmations_that_fail(said: tuple[int, Any], code: str) -> None:
    with pytest.raises(PaymentFault) as fault:
        await toss(Wire(said)).confirm(BILL, {"paymentKey": "key1"})
    assert fault.value.code == code


async def test_a_cancelled_window_is_a_refusal() -> None:
    wire = Wire((404, {"code": "NOT_FOUND_PAYMENT"}))
    with pytest.raises(PaymentFault) as fault:
        await toss(wire).confirm(BILL, {"code": "PAY_PROCESS_CANCELED", "message": "취소"})
    assert (fault.value.code, fault.value.reason) == ("refused", "PAY_PROCESS_CANCELED")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("DONE", "paid"),
        ("CANCELED", "refunded"),
        ("PARTIAL_CANCELED", "paid"),
        ("ABORTED", "failed"),
        ("EXPIRED", "expired"),
        ("WAITING_FOR_DEPOSIT", "open"),
        ("SOMETHING_NEW", "open"),
    ],
)
async def test_states(status: str, state: str) -> None:
    found = await toss(Wire((200, answer(status)))).fetch(BILL)
    assert found is not None and found.state == state


async def test_an_order_without_a_payment_has_none() -> None:
    assert await toss(Wire((404, {"code": "NOT_FOUND_PAYMENT"}))).fetch(BILL) is None


async def test_a_refund_cancels_the_payment() -> None:
    wire = Wire((200, answer("CANCELED", balanceAmount=0)))
    back = await toss(wire).refund(msgspec.structs.replace(BILL, payment="key/1"), "asked")
    assert (back.state, back.refunded) == ("refunded", 5_000)
    assert wire.calls[0].url == "https://api.tosspayments.com/v1/payments/key%2F1/cancel"


def test_a_webhook_is_a_hint() -> None:
    body = msgspec.json.encode(
        {
            "eventType": "PAYMENT_STATUS_CHANGED",
            "data": {"orderId": "order1", "status": "DONE", "totalAmount": 9},
        }
    )
    heard = toss(Wire()).hear({}, body, 0.0)
    assert heard is not None and (heard.order, heard.payment, heard.state) == ("order1", "", "")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"data": 1}', b'{"data": {"orderId": 5}}']
)
def test_hints_that_are_none(body: bytes) -> None:
    assert toss(Wire()).hear({}, body, 0.0) is None
