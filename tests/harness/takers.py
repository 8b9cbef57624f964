"""Stand-ins for Stripe and Toss Payments: HTTP servers that keep sessions and payments as the real ones do,
look at every header that they would look at, and call back."""

import contextlib
import hmac
import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, dict[str, Any]]
STRIPE_KEY, STRIPE_SECRET = "sk_test_4eC39HqLyjWD", "whsec_b07f2c1e"
TOSS_KEY, TOSS_CLIENT_KEY = "test_sk_zXLkKEypNArW", "test_ck_D5GePWvyJnrK"
SCRIPT = """
window.TossPayments = (clientKey) => ({
  payment: ({ customerKey }) => ({
    requestPayment: async (wish) => {
      const asked = new URLSearchParams({ clientKey, customerKey, wish: JSON.stringify(wish) });
      location.assign(`%s/window?${asked}`);
    },
  }),
});
window.TossPayments.ANONYMOUS = "ANONYMOUS";
"""
"""Of the provider's script, what its documentation promises; its window is a page that pays at once."""


class Taker:
    """What both have in common: a thread that answers, and answers kept by idempotency key."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        """What a real provider would have complained about."""
        self.down = False
        self._kept: dict[str, tuple[bytes, Answer]] = {}
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._serve(self)

            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *words: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        page = self.page(request.path)
        if page is not None:
            kind, content = page
            if kind == "location":
                request.send_response(303)
                request.send_header("location", content)
                content = ""
            else:
                request.send_response(200)
                request.send_header("content-type", kind)
        else:
            with self._lock:
                status, answer = self._answer(request.command, request.path, headers, body)
            content = json.dumps(answer)
            request.send_response(status)
            request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(content.encode())))
        request.end_headers()
        request.wfile.write(content.encode())

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.down:
            return 503, {}
        if not self.knows(headers):
            return 401, self.refusal("UNAUTHORIZED_KEY")
        key = headers.get("idempotency-key", "")
        if method == "POST" and not key:
            self.faults.append(f"{path} without an idempotency key")
        if key in self._kept:
            before, answer = self._kept[key]
            if before != path.encode() + body:
                self.faults.append(f"{path}: the key {key} was used for something else")
                return 400, self.refusal("idempotency_error")
            return answer
        answer = self.act(method, path, headers, body)
        if key:
            self._kept[key] = path.encode() + body, answer
        return answer

    def page(self, path: str) -> tuple[str, str] | None:
        """What browsers get."""
        return None

    def knows(self, headers: dict[str, str]) -> bool:
        raise AssertionError

    def refusal(self, code: str) -> dict[str, Any]:
        raise AssertionError

    def act(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        raise AssertionError


class StripeTaker(Taker):
    """Checkout sessions, refunds, signed events. https://docs.stripe.com/api"""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, dict[str, Any]] = {}

    def knows(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {STRIPE_KEY}" and "stripe-version" in headers

    def refusal(self, code: str) -> dict[str, Any]:
        return {"error": {"type": "invalid_request_error", "code": code}}

    def act(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        if method == "POST" and headers.get("content-type") != "application/x-www-form-urlencoded":
            return 400, self.refusal("parameter_unknown")
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if (method, parts.path) == ("POST", "/v1/checkout/sessions"):
            return self._begin(form)
        if (method, parts.path) == ("POST", "/v1/refunds"):
            return self._refund(form)
        name = unquote(parts.path.rpartition("/")[2])
        if parts.path.startswith("/v1/payment_intents/"):
            intents = [each["payment_intent"] for each in self.sessions.values() if each["payment_intent"]]
            found = next((each for each in intents if each["id"] == name), None)
            return (200, found) if found else (404, self.refusal("resource_missing"))
        session = self.sessions.get(name)
        if session is None:
            return 404, self.refusal("resource_missing")
        whole = "payment_intent.latest_charge" in parse_qs(parts.query).get("expand[]", [])
        intent = session["payment_intent"]
        return 200, session | {"payment_intent": intent if whole or intent is None else intent["id"]}

    def _begin(self, form: dict[str, str]) -> Answer:
        amount = int(form["line_items[0][price_data][unit_amount]"])
        name = f"cs_test_{len(self.sessions) + 1}"
        if amount < 50 or int(form["expires_at"]) < time.time() + 1_700:
            return 400, self.refusal("amount_too_small")
        self.sessions[name] = {
            "id": name,
            "object": "checkout.session",
            "url": f"https://checkout.stripe.com/c/pay/{name}",
            "client_reference_id": form["client_reference_id"],
            "amount_total": amount * int(form["line_items[0][quantity]"]),
            "currency": form["line_items[0][price_data][currency]"],
            "status": "open",
            "payment_status": "unpaid",
            "livemode": False,
            "payment_intent": None,
            "metadata": {"order": form["metadata[order]"]},
        }
        return 200, self.sessions[name]

    def _refund(self, form: dict[str, str]) -> Answer:
        for session in self.sessions.values():
            intent = session["payment_intent"]
            if intent is not None and intent["id"] == form["payment_intent"]:
                charge = intent["latest_charge"]
                charge |= {"refunded": True, "amount_refunded": charge["amount"]}
                return 200, {"object": "refund", "status": "succeeded"}
        return 404, self.refusal("resource_missing")

    # --- what its payer and its bank do

    def pay(self, session: str, **more: Any) -> None:
        """The card was charged; `more` are fields that say something else than was asked for."""
        paid = self.sessions[session]
        order = {"order": paid["client_reference_id"]}
        charge = {"amount": paid["amount_total"], "refunded": False, "amount_refunded": 0, "metadata": order}
        intent = {"id": f"pi_{session}", "latest_charge": charge, "metadata": order}
        paid |= {"status": "complete", "payment_status": "paid", "payment_intent": intent} | more

    def expire(self, session: str) -> None:
        self.sessions[session] |= {"status": "expired"}

    def event(
        self, kind: str, about: dict[str, Any], *, age_s: float = 0, secret: str = STRIPE_SECRET
    ) -> tuple[bytes, dict[str, str]]:
        """A webhook's body and headers: an HMAC over the moment and the raw body."""
        body = json.dumps({"object": "event", "type": kind, "data": {"object": about}}, indent=1).encode()
        moment = int(time.time() - age_s)
        mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
        return body, {"stripe-signature": f"t={moment},v1={mac}", "content-type": "application/json"}


class TossTaker(Taker):
    """Payments that our server confirms; events without a signature. https://docs.tosspayments.com/reference"""

    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, dict[str, Any]] = {}

    def knows(self, headers: dict[str, str]) -> bool:
        secret = b64encode(f"{TOSS_KEY}:".encode()).decode()
        return headers.get("authorization") == f"Basic {secret}"

    def refusal(self, code: str) -> dict[str, Any]:
        return {"code": code, "message": "잘못된 요청입니다."}

    def page(self, path: str) -> tuple[str, str] | None:
        parts = urlsplit(path)
        if parts.path == "/v2/standard":
            return "text/javascript", SCRIPT % self.url
        if parts.path != "/window":
            return None
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        wish = json.loads(query["wish"])
        if query["clientKey"] != TOSS_CLIENT_KEY:
            return "location", f"{wish['failUrl']}&code=INVALID_CLIENT_KEY"
        key = self.authorise(wish["orderId"], wish["amount"]["value"])
        back = f"paymentKey={key}&orderId={wish['orderId']}&amount={wish['amount']['value']}"
        return "location", f"{wish['successUrl']}&{back}"

    def act(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = [unquote(part) for part in urlsplit(path).path.split("/")[1:]]
        if method == "GET":
            found = self._find(parts)
            return (200, found) if found else (404, self.refusal("NOT_FOUND_PAYMENT"))
        if headers.get("content-type") != "application/json":
            return 400, self.refusal("INVALID_REQUEST")
        asked = json.loads(body)
        if parts == ["v1", "payments", "confirm"]:
            return self._confirm(asked)
        payment = self.payments.get(parts[2])
        if payment is None or not asked.get("cancelReason"):
            return 404, self.refusal("NOT_FOUND_PAYMENT")
        if payment["status"] == "CANCELED":
            return 400, self.refusal("ALREADY_CANCELED_PAYMENT")
        payment |= {"status": "CANCELED", "balanceAmount": 0}
        return 200, payment

    def _find(self, parts: list[str]) -> dict[str, Any] | None:
        if parts[2] == "orders":
            mine = [each for each in self.payments.values() if each["orderId"] == parts[3]]
            return mine[-1] if mine else None
        return self.payments.get(parts[2])

    def _confirm(self, asked: dict[str, Any]) -> Answer:
        payment = self.payments.get(asked["paymentKey"])
        if payment is None:
            return 404, self.refusal("NOT_FOUND_PAYMENT_SESSION")
        if payment["status"] == "DONE":
            return 400, self.refusal("ALREADY_PROCESSED_PAYMENT")
        if payment["status"] != "IN_PROGRESS":
            return 400, self.refusal("REJECT_CARD_COMPANY")
        if (asked["orderId"], asked["amount"]) != (payment["orderId"], payment["totalAmount"]):
            return 400, self.refusal("INVALID_REQUEST")
        payment |= {"status": "DONE"}
        return 200, payment

    def authorise(self, order: str, amount: int) -> str:
        """Somebody paid in the window, for an amount that their browser named; nothing is taken yet."""
        key = f"tgen_{len(self.payments) + 1}"
        self.payments[key] = {
            "paymentKey": key,
            "orderId": order,
            "status": "IN_PROGRESS",
            "totalAmount": amount,
            "balanceAmount": amount,
            "currency": "KRW",
        }
        return key

    def event(self, payment: str) -> bytes:
        """A webhook's body; whoever knows the address may send one like it."""
        told = {"eventType": "PAYMENT_STATUS_CHANGED", "data": self.payments[payment]}
        return json.dumps(told).encode()


@contextlib.contextmanager
def takers() -> Iterator[tuple[StripeTaker, TossTaker]]:
    """Both, each on a port of its own."""
    stripe, toss = StripeTaker(), TossTaker()
    try:
        yield stripe, toss
        assert stripe.faults == [] and toss.faults == []
    finally:
        stripe.close()
        toss.close()


def environment(stripe: StripeTaker, toss: TossTaker) -> dict[str, str]:
    """The variables of a server that takes money by them."""
    return {
        "MADANG_PAYMENTS__STRIPE_KEY": STRIPE_KEY,
        "MADANG_PAYMENTS__STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
        "MADANG_PAYMENTS__STRIPE_URL": stripe.url,
        "MADANG_PAYMENTS__TOSS_KEY": TOSS_KEY,
        "MADANG_PAYMENTS__TOSS_CLIENT_KEY": TOSS_CLIENT_KEY,
        "MADANG_PAYMENTS__TOSS_URL": toss.url,
        "MADANG_PAYMENTS__TOSS_SCRIPT": f"{toss.url}/v2/standard",
        "MADANG_OUTBOUND_ALLOW": "127.0.0.1",
    }
