"""Stripe and Toss Payments, as far as they are HTTP: a real server is paid by stand-ins that check what it
sends, and hears their webhooks; whatever comes twice, at once, late or forged, money counts once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.harness.server import Server, running
from tests.harness.takers import StripeTaker, TossTaker, environment, takers
from tests.harness.talker import signed_in

CHANNEL = "/channels/main"


class Till:
    """A server that takes money, and what a payer and a manager do there by REST."""

    def __init__(self, server: Server, http: httpx.Client, stripe: StripeTaker, toss: TossTaker) -> None:
        self.stripe, self.toss, self._http = stripe, toss, http
        self._api = f"{server.http}/api/v1"
        http.headers["X-Madang"] = "1"
        self._orders = 0

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self._http.post(self._api + path, json=body)

    def get(self, path: str) -> httpx.Response:
        return self._http.get(self._api + path)

    def order(self, provider: str, amount: int, text: str) -> str:
        self._orders += 1
        currency = "USD" if provider == "stripe" else "KRW"
        wish = {"amount": amount, "currency": currency, "provider": provider, "text": text}
        made = self.post(f"{CHANNEL}/superchat/orders", nonce=f"n{self._orders}", **wish)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def window(self, order: str) -> dict[str, Any]:
        opened = self.post(f"/pay/{order}/window")
        assert opened.status_code == 200, opened.text
        found: dict[str, Any] = opened.json()
        return found

    def confirm(self, order: str, **query: str) -> httpx.Response:
        return self.post(f"/pay/{order}/confirm", query=query)

    def state(self, order: str) -> tuple[str, str]:
        found = self.get(f"/pay/{order}").json()
        return found["state"], found["reason"]

    def hear(self, provider: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """A webhook, from somebody without a session."""
        url = f"{self._api}/payments/{provider}/webhook"
        return httpx.post(url, content=body, headers=headers, timeout=30).status_code

    def hear_stripe(self, kind: str, about: dict[str, Any], **how: Any) -> int:
        return self.hear("stripe", *self.stripe.event(kind, about, **how))

    def said(self, text: str) -> int:
        """How many messages of the room have this text."""
        items = self.get(f"{CHANNEL}/chat/messages?limit=100").json()["items"]
        return sum(item.get("text") == text for item in items)

    def lines(self, order: str) -> list[str]:
        """The order's movements in the ledger."""
        rows = self.get(f"{CHANNEL}/superchat/ledger.csv").text.splitlines()
        return [",".join(row.split(",")[1:4]) for row in rows if order in row]


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    folder = tmp_path_factory.mktemp("takers")
    with (
        takers() as (stripe, toss),
        running(folder / "data", environment=environment(stripe, toss)) as server,
        signed_in(server) as http,
    ):
        yield Till(server, http, stripe, toss)


def all_at_once(*deeds: Any) -> list[Any]:
    """The answers of all, begun at one moment."""
    begin = threading.Barrier(len(deeds))

    def run(deed: Any) -> Any:
        begin.wait(30)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(run, deeds))


# --- Stripe


def test_stripes_return_and_webhooks_at_once_are_one_payment(till: Till) -> None:
    order = till.order("stripe", 1250, "by card")
    window = till.window(order)
    assert window["url"].startswith("https://checkout.stripe.com/")
    assert till.window(order) == window, "the session that is open is opened again"
    name = window["url"].rpartition("/")[2]
    session = till.stripe.sessions[name]
    assert (session["amount_total"], session["currency"]) == (1250, "usd")
    assert till.confirm(order).json()["state"] == "created", "nothing was paid yet"
    completed = "checkout.session.completed"
    assert till.hear_stripe(completed, session) == 204
    assert till.state(order)[0] == "created", "completed is not paid"
    till.stripe.pay(name)
    answers = all_at_once(
        lambda: till.confirm(order, session_id="cs_other").json()["state"],
        *[lambda: till.hear_stripe(completed, session) for _ in range(4)],
        lambda: till.confirm(order).json()["state"],
    )
    assert answers == ["shown", 204, 204, 204, 204, "shown"]
    assert till.said("by card") == 1 and till.lines(order) == ["payment,12.50,USD"]


def test_forged_and_replayed_events_are_refused(till: Till) -> None:
    order = till.order("stripe", 500, "forged")
    name = till.window(order)["url"].rpartition("/")[2]
    till.stripe.pay(name)
    about = till.stripe.sessions[name]
    body, headers = till.stripe.event("checkout.session.completed", about)
    assert till.hear("stripe", body) == 400
    assert till.hear("stripe", body.replace(b"\n", b""), headers) == 400, "the raw body is what is signed"
    assert till.hear_stripe("checkout.session.completed", about, secret="whsec_other") == 400
    assert till.hear_stripe("checkout.session.completed", about, age_s=600) == 400
    assert till.state(order)[0] == "created"
    assert till.hear("stripe", body, headers) == 204
    assert till.state(order)[0] == "shown"


@pytest.mark.parametrize(
    "wrong", [{"amount_total": 1}, {"currency": "krw"}, {"client_reference_id": "another"}]
)
def test_a_session_that_is_not_the_orders_shows_nothing(till: Till, wrong: dict[str, Any]) -> None:
    order = till.order("stripe", 700, "wrong")
    name = till.window(order)["url"].rpartition("/")[2]
    till.stripe.pay(name, **wrong)
    assert till.confirm(order).json()["state"] == "failed"
    assert till.state(order) == ("failed", "mismatch")
    assert till.said("wrong") == 0 and till.lines(order) == []


def test_a_session_that_ran_out_and_money_that_came_late(till: Till) -> None:
    order = till.order("stripe", 800, "late")
    name = till.window(order)["url"].rpartition("/")[2]
    till.stripe.expire(name)
    assert till.hear_stripe("checkout.session.expired", till.stripe.sessions[name]) == 204
    assert till.state(order)[0] == "expired"
    assert till.post(f"/pay/{order}/window").status_code == 409
    till.stripe.pay(name)
    event = "checkout.session.async_payment_succeeded"
    assert till.hear_stripe(event, till.stripe.sessions[name]) == 204
    assert till.state(order)[0] == "shown" and till.said("late") == 1


def test_stripe_pays_back_once(till: Till) -> None:
    order = till.order("stripe", 900, "back")
    name = till.window(order)["url"].rpartition("/")[2]
    till.stripe.pay(name)
    assert till.confirm(order).json()["state"] == "shown"
    charge = till.stripe.sessions[name]["payment_intent"]["latest_charge"]
    charge["amount_refunded"] = 250
    all_at_once(*[lambda: till.hear_stripe("charge.refunded", charge)] * 2)
    assert till.state(order)[0] == "shown" and till.said("back") == 1
    assert till.lines(order) == ["payment,9.00,USD", "refund,-2.50,USD"]
    path = f"{CHANNEL}/superchat/orders/{order}/refund"
    first, second = all_at_once(
        lambda: till.post(path, reason="asked").status_code,
        lambda: till.post(path, reason="asked").status_code,
    )
    assert 200 in (first, second) and {first, second} <= {200, 409}
    assert charge["refunded"] and till.hear_stripe("charge.refunded", charge) == 204
    assert till.state(order)[0] == "refunded" and till.said("back") == 0
    assert till.lines(order) == ["payment,9.00,USD", "refund,-2.50,USD", "refund,-6.50,USD"]


def test_a_disputed_payment_comes_down_and_back(till: Till) -> None:
    order = till.order("stripe", 1100, "disputed")
    name = till.window(order)["url"].rpartition("/")[2]
    till.stripe.pay(name)
    till.confirm(order)
    about = {
        "object": "dispute",
        "charge": "ch_1",
        "payment_intent": f"pi_{name}",
        "metadata": {},
        "status": "needs_response",
    }
    assert till.hear_stripe("charge.dispute.created", about) == 204
    assert till.state(order)[0] == "disputed" and till.said("disputed") == 0
    assert till.hear_stripe("charge.dispute.closed", about | {"status": "won"}) == 204
    assert till.lines(order) == ["payment,11.00,USD", "dispute,-11.00,USD", "dispute_won,11.00,USD"]
    strange = about | {"payment_intent": "pi_of_another_shop"}
    assert till.hear_stripe("charge.dispute.created", strange) == 204, "not ours"


def test_a_provider_that_is_down_loses_nothing(till: Till) -> None:
    order = till.order("stripe", 600, "patience")
    till.stripe.down = True
    assert till.post(f"/pay/{order}/window").status_code == 503
    till.stripe.down = False
    name = till.window(order)["url"].rpartition("/")[2]
    till.stripe.pay(name)
    till.stripe.down = True
    assert till.confirm(order).status_code == 503
    body, headers = till.stripe.event("checkout.session.completed", till.stripe.sessions[name])
    assert till.hear("stripe", body, headers) == 503, "so that it is sent again"
    till.stripe.down = False
    assert till.hear("stripe", body, headers) == 204
    assert till.state(order)[0] == "shown" and till.said("patience") == 1


# --- Toss Payments


def authorised(till: Till, order: str, amount: int | None = None) -> str:
    """The payer's side: the window's script is given our amount, or one that the browser made up."""
    window = till.window(order)
    assert window["script"] == f"{till.toss.url}/v2/standard" and window["url"] == ""
    settings = window["settings"]
    assert settings["orderId"] == order and settings["currency"] == "KRW"
    return till.toss.authorise(order, settings["amount"] if amount is None else amount)


def test_tosss_return_and_hints_at_once_are_one_payment(till: Till) -> None:
    order = till.order("toss", 5_000, "토스로")
    key = authorised(till, order)
    hint = till.toss.event(key)
    assert till.hear("toss", hint) == 204
    assert till.state(order)[0] == "created", "what is authorised is not taken yet"
    answers = all_at_once(
        lambda: till.confirm(order, paymentKey=key, orderId=order, amount="1").json()["state"],
        *[lambda: till.hear("toss", hint) for _ in range(4)],
    )
    assert answers == ["shown", 204, 204, 204, 204]
    assert till.confirm(order, paymentKey=key).json()["state"] == "shown"
    assert till.said("토스로") == 1 and till.lines(order) == ["payment,5000,KRW"]


def test_a_browser_that_names_another_amount_pays_nothing(till: Till) -> None:
    order = till.order("toss", 50_000, "싸게")
    key = authorised(till, order, 100)
    assert till.confirm(order, paymentKey=key, orderId=order, amount="100").json()["state"] == "failed"
    assert till.toss.payments[key]["status"] == "IN_PROGRESS" and till.said("싸게") == 0
    assert till.state(order) == ("failed", "INVALID_REQUEST")


def test_a_payment_of_another_order_pays_nothing(till: Till) -> None:
    cheap, dear = till.order("toss", 1_000, ""), till.order("toss", 50_000, "남의 돈으로")
    key = authorised(till, cheap)
    assert till.confirm(cheap, paymentKey=key).json()["state"] == "shown"
    assert till.confirm(dear, paymentKey=key, orderId=dear, amount="50000").status_code in (200, 409)
    assert till.state(dear)[0] != "shown" and till.said("남의 돈으로") == 0
    # Whatever a hint says of itself, the payment is asked about.
    forged = till.toss.event(key).replace(cheap.encode(), dear.encode())
    assert till.hear("toss", forged) == 204
    assert till.state(dear)[0] != "shown" and till.lines(dear) == []


def test_a_confirmation_whose_answer_was_lost_is_found_by_its_hint(till: Till) -> None:
    order = till.order("toss", 2_000, "늦은 답")
    key = authorised(till, order)
    till.toss.payments[key]["status"] = "DONE"  # confirmed by us, and the line broke before the answer
    assert till.hear("toss", till.toss.event(key)) == 204
    assert till.state(order)[0] == "shown"
    assert till.confirm(order, paymentKey=key).json()["state"] == "shown"
    assert till.lines(order) == ["payment,2000,KRW"]


def test_toss_pays_back_also_where_it_was_cancelled_there(till: Till) -> None:
    ours, theirs = till.order("toss", 3_000, "환불"), till.order("toss", 3_100, "취소")
    for order in (ours, theirs):
        assert till.confirm(order, paymentKey=authorised(till, order)).json()["state"] == "shown"
    refunded = till.post(f"{CHANNEL}/superchat/orders/{ours}/refund", reason="부탁")
    assert refunded.json()["state"] == "refunded", refunded.text
    key = next(key for key, each in till.toss.payments.items() if each["orderId"] == theirs)
    for left, status, state in ((2_000, "PARTIAL_CANCELED", "shown"), (0, "CANCELED", "refunded")):
        till.toss.payments[key] |= {"status": status, "balanceAmount": left}
        assert till.hear("toss", till.toss.event(key)) == 204
        assert till.state(theirs)[0] == state
    assert till.said("환불") == 0 and till.said("취소") == 0
    assert till.lines(theirs) == ["payment,3100,KRW", "refund,-1100,KRW", "refund,-2000,KRW"]


def test_a_window_that_was_closed(till: Till) -> None:
    order = till.order("toss", 1_500, "")
    till.window(order)
    back = till.confirm(order, code="PAY_PROCESS_CANCELED", message="취소되었습니다")
    assert back.json()["state"] == "failed" and till.state(order) == ("failed", "PAY_PROCESS_CANCELED")
    assert till.confirm(order, paymentKey=authorised(till, order)).json()["state"] == "shown"
