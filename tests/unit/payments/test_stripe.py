"""Stripe's wire: what is asked, what is believed, and which signatures are."""

import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from madang.base.secret import Secret
from madang.chat.ports import Bill, PaymentFault
from madang.net.outbound import Call, OutboundError, Reply
from madang.payments.settings import PaymentSettings
from madang.payments.stripe import Stripe

NOW = 1_790_000_000.0
SETTINGS = PaymentSettings(stripe_key=Secret("sk_test_1"), stripe_webhook_secret=Secret("whsec_1"))
BILL = Bill(
    order="order1", amount=1250, currency="USD", title="Super chat", page="https://m.example/pay/order1"
)
REFUNDED = {"refunded": True, "amount_refunded": 1250}


class Wire:
    """Answers in turn, and keeps what was asked."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []

    async def fetch(self, call: Call) -> Reply:
        self.calls.append(call)
        status, body = self.answers.pop(0)
        if status == 0:
            raise OutboundError("timeout", "no answer")
        return Reply(status, {}, body if isinstance(body, bytes) else msgspec.json.encode(body), call.url)


def session(**more: Any) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "url": "https://checkout.stripe.example/cs_1",
        "client_reference_id": "order1",
        "amount_total": 1250,
        "currency": "usd",
        "status": "open",
        "payment_status": "unpaid",
        "livemode": False,
    } | more


def stripe(wire: Wire) -> Stripe:
    return Stripe(wire, SETTINGS, lambda: NOW)


async def test_a_session_is_made_with_our_amount() -> None:
    wire = Wire((200, session()))
    window = await stripe(wire).begin(BILL)
    assert (window.url, window.payment) == ("https://checkout.stripe.example/cs_1", "cs_1")
    call = wire.calls[0]
    assert (call.method, call.url) == ("POST", "https://api.stripe.com/v1/checkout/sessions")
    assert call.headers["authorization"] == "Bearer sk_test_1"
    assert call.headers["idempotency-key"] == "order1-first"
    form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    assert form["line_items[0][price_data][unit_amount]"] == "1250"
    assert form["line_items[0][price_data][currency]"] == "usd"
    assert form["client_reference_id"] == "order1" and form["mode"] == "payment"
    assert form["expires_at"] == str(int(NOW) + 1800)


async def test_an_open_session_is_opened_again() -> None:
    wire = Wire((200, session()))
    window = await stripe(wire).begin(msgspec.structs.replace(BILL, payment="cs_1"))
    assert window.payment == "cs_1" and wire.calls[0].method == "GET"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"status": "complete", "payment_status": "paid"}, "paid"),
        ({"status": "complete", "payment_status": "unpaid"}, "open"),
        ({"status": "complete", "payment_status": "no_payment_required"}, "open"),
        ({"status": "expired"}, "expired"),
        ({"payment_status": "paid", "payment_intent": {"latest_charge": REFUNDED}}, "refunded"),
        ({}, "open"),
    ],
)  # fmt: skip
async def test_paid_is_what_payment_status_calls_paid(said: dict[str, Any], state: str) -> None:
    found = await stripe(Wire((200, session(**said)))).fetch(msgspec.structs.replace(BILL, payment="cs_1"))
    assert found is not None
    assert (found.state, found.order, found.amount, found.currency) == (state, "order1", 1250, "USD")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((0, b""), "unreachable"),
        ((500, {}), "unreachable"),
        ((200, b"<html>"), "unreachable"),
        ((200, []), "unreachable"),
        ((401, {"error": {"type": "invalid_request_error"}}), "config"),
        ((404, {"error": {"code": "resource_missing"}}), "unknown"),
        ((400, {"error": {"code": "amount_too_small"}}), "refused"),
    ],
)
async def test_what_else_may_be_answered(answer: tuple[int, Any], code: str) -> None:
    with pytest.raises(PaymentFault) as fault:
        await stripe(Wire(answer)).fetch(msgspec.structs.replace(BILL, payment="cs_1"))
    assert fault.value.code == code


async def test_a_refund_names_the_payment_intent() -> None:
    paid = session(payment_status="paid", payment_intent={"id": "pi_1"})
    wire = Wire((200, paid), (200, {"status": "succeeded"}))
    back = await stripe(wire).refund(msgspec.structs.replace(BILL, payment="cs_1"), "asked")
    assert (back.state, back.refunded) == ("refunded", 1250)
    assert b"payment_intent=pi_1" in wire.calls[1].body
    assert wire.calls[1].headers["idempotency-key"] == "order1-refund"


def signed(body: bytes, moment: float = NOW, secret: str = "whsec_1") -> dict[str, str]:
    mac = hmac.new(secret.encode(), f"{moment:.0f}.".encode() + body, sha256).hexdigest()
    return {"stripe-signature": f"t={moment:.0f},v1={'0' * 64},v1={mac}"}


def event(kind: str, **about: Any) -> bytes:
    return msgspec.json.encode({"type": kind, "data": {"object": about}})


def test_a_signed_webhook_names_its_order() -> None:
    body = event("checkout.session.completed", id="cs_1", client_reference_id="order1")
    heard = stripe(Wire()).hear(signed(body), body, NOW)
    assert heard is not None and (heard.payment, heard.order, heard.state) == ("cs_1", "order1", "")


@pytest.mark.parametrize(
    ("kind", "about", "state"),
    [
        ("charge.dispute.created", {"metadata": {"order": "order1"}}, "disputed"),
        ("charge.dispute.closed", {"metadata": {"order": "order1"}, "status": "won"}, "undisputed"),
        ("charge.refunded", {"metadata": {"order": "order1"}}, ""),
    ],
)
def test_disputes_and_refunds(kind: str, about: dict[str, Any], state: str) -> None:
    body = event(kind, **about)
    heard = stripe(Wire()).hear(signed(body), body, NOW)
    assert heard is not None and (heard.order, heard.state) == ("order1", state)


async def test_a_dispute_leads_to_its_order_by_the_payment_intent() -> None:
    body = event("charge.dispute.created", payment_intent="pi_1", metadata={})
    heard = stripe(Wire()).hear(signed(body), body, NOW)
    assert heard is not None and (heard.payment, heard.order, heard.state) == ("pi_1", "", "disputed")
    wire = Wire((200, {"id": "pi_1", "metadata": {"order": "order1"}}))
    assert await stripe(wire).trace("pi_1") == "order1"
    assert wire.calls[0].url == "https://api.stripe.com/v1/payment_intents/pi_1"
    assert await stripe(Wire()).trace("ch_1") == ""


def test_what_is_of_no_interest() -> None:
    for body in (event("customer.created"), b"[]", event("charge.dispute.closed", status="lost")):
        assert stripe(Wire()).hear(signed(body), body, NOW) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"stripe-signature": ""},
        {"stripe-signature": "t=,v1=00"},
        {"stripe-signature": "t=x,v1=00"},
        {"stripe-signature": "v1=" + "0" * 64},
        {"stripe-signature": f"t={NOW:.0f}"},
        {"stripe-signature": f"t={NOW:.0f},v1=é"},
        signed(b"another body"),
        signed(b"{}", secret="whsec_2"),
        signed(b"{}", NOW - 301),
        signed(b"{}", NOW + 301),
    ],
)
def test_forged_and_replayed_webhooks(headers: dict[str, str]) -> None:
    with pytest.raises(PaymentFault) as fault:
        stripe(Wire()).hear(headers, b"{}", NOW)
    assert fault.value.code == "signature"


def test_without_a_webhook_secret_nothing_is_believed() -> None:
    bare = Stripe(Wire(), PaymentSettings(stripe_key=Secret("sk_live_1")), lambda: NOW)
    with pytest.raises(PaymentFault) as fault:
        bare.hear(signed(b"{}", secret=""), b"{}", NOW)
    assert fault.value.code == "config" and bare.test is False
