"""Paid messages: what may be paid for, orders, the page of one order, webhooks, and the managers' side."""

import csv
import io
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from madang.api.guard import Call, ChannelCall, ChannelGuard, Guard
from madang.api.paging import Cursor, Limit
from madang.api.problems import ProblemError
from madang.api.refused import as_problems
from madang.api.schemas.money import (
    Goal,
    GoalSet,
    ManagedOrder,
    ManagedOrderPage,
    Offer,
    OrderCreate,
    PaidOrder,
    PayReturn,
    PayWindow,
    Price,
    Provider,
    RankList,
    Reason,
    RehearsalOutcome,
    RehearsedPayment,
)
from madang.api.strict import StrictRoute, read_body
from madang.base.limits import PAYMENT_WEBHOOK_BYTES
from madang.chat.extras import Extras
from madang.chat.ports import Rehearses
from madang.chat.superchat import books, money
from madang.chat.superchat.ordering import Wish
from madang.chat.superchat.orders import Order
from madang.chat.superchat.tiers import MOST, STEP, TIERS
from madang.chat.words import Author
from madang.control import Control
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["paid messages"], route_class=StrictRoute)
hooks = APIRouter(prefix="/api/v1", tags=["paid messages"])
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC))]
Watcher = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHAT_READ))]
Payer = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHAT_WRITE))]
Manager = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHAT_MODERATE))]
Looker = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHAT_READ))]
Keeper = Annotated[ChannelCall, Depends(ChannelGuard(Right.OWN, Scope.CHAT_READ))]
Owner = Annotated[ChannelCall, Depends(ChannelGuard(Right.OWN, Scope.CHAT_MODERATE))]


class Hook(Guard):
    """Lets in programs that prove themselves by what they send: no session is read and none misused."""

    def __init__(self) -> None:
        super().__init__(Right.PUBLIC)

    async def _caller(self, request: Request) -> None:
        return None


OrderId = Annotated[str, Path(pattern=r"^[0-9a-z]{26}$", description="The order's id.")]


def extras_of(request: Request) -> Extras:
    """What rooms have beside talk; a server without chat has none."""
    extras: Extras | None = getattr(request.app.state, "extras", None)
    if extras is None:
        raise ProblemError(404, "off", "Chat is switched off on this server.")
    return extras


With = Annotated[Extras, Depends(extras_of)]


@router.get("/channels/{channel}/superchat")
async def get_offer(call: Watcher, extras: With) -> Offer:
    """What may be paid for here, by whom, and the channel's goal."""
    paid = extras.paid
    taken = {currency for provider in paid.providers.values() for currency in provider.currencies}
    with as_problems():
        enabled = (await extras.door.settings(call.channel.id)).paid
        goal = await paid.boards.goal(call.channel.id)
    prices = [
        Price(
            currency=currency,
            digits=money.DIGITS[currency],
            step=STEP[currency],
            most=MOST[currency],
            tiers=[msgspec.structs.asdict(tier) for tier in tiers],
        )
        for currency, tiers in TIERS.items()
        if currency in taken
    ]
    providers = [
        Provider(name=provider.name, currencies=list(provider.currencies), test=provider.test)
        for provider in paid.providers.values()
    ]
    return Offer(
        enabled=enabled and paid.settings.enabled and bool(providers),
        prices=prices,
        providers=providers,
        goal=None if goal is None else Goal.model_validate(goal),
    )


@router.post("/channels/{channel}/superchat/orders", status_code=201)
async def create_order(call: Payer, extras: With, body: OrderCreate) -> PaidOrder:
    """Order a paid message as the signed-in account; guests order by `paid.order` of the realtime server."""
    with as_problems():
        guest = await extras.guest(call.signed_in.account, call.channel.id)
        order = await extras.paid.order(guest, Wish(channel=call.channel.id, **body.model_dump()))
    return _shown(call.control, extras, order)


@router.get("/channels/{channel}/superchat/ranking")
async def get_ranking(
    call: Watcher, extras: With, days: Annotated[int, Query(ge=0, le=3660, description="0 for ever.")] = 7
) -> RankList:
    """Who gave most; whoever gave anonymously is not told of."""
    items = [msgspec.structs.asdict(rank) for rank in await extras.paid.boards.ranking(call.channel.id, days)]
    return RankList.model_validate({"items": items})


# --- the page of one order


@router.get("/pay/{order}")
async def get_order(call: Anyone, extras: With, order: OrderId) -> PaidOrder:
    """An order, for whoever has its address."""
    with as_problems():
        return _shown(call.control, extras, await extras.paid.find(order))


@router.post("/pay/{order}/window")
async def open_window(call: Anyone, extras: With, order: OrderId) -> PayWindow:
    """Begin to pay."""
    with as_problems():
        found = await extras.paid.find(order)
        window = await extras.paid.begin(found, call.urls.page(f"/pay/{order}"))
    return PayWindow(url=window.url, script=window.script, settings=dict(window.settings))


@router.post("/pay/{order}/confirm")
async def confirm_payment(call: Anyone, extras: With, order: OrderId, body: PayReturn) -> PaidOrder:
    """Back from the provider: it is asked what was paid. Repeating changes nothing."""
    with as_problems():
        found = await extras.paid.find(order)
        settled = await extras.paid.confirm(found, call.urls.page(f"/pay/{order}"), body.query)
    return _shown(call.control, extras, settled)


@router.get("/pay/rehearsal/{payment}")
async def get_rehearsal(call: Anyone, extras: With, payment: OrderId) -> RehearsedPayment:
    """A rehearsed payment, for its page."""
    found = _rehearsal(extras).look(payment)
    if found is None:
        raise ProblemError(404, "not_found", "This rehearsal is over.")
    written = money.written(found.amount, found.currency)
    return RehearsedPayment(
        order=found.order, amount=found.amount, currency=found.currency, written=written, state=found.state
    )


@router.post("/pay/rehearsal/{payment}")
async def choose_rehearsal(
    call: Anyone, extras: With, payment: OrderId, body: RehearsalOutcome
) -> RehearsedPayment:
    """Say how the rehearsal goes."""
    with as_problems():
        _rehearsal(extras).choose(payment, body.outcome)
    return await get_rehearsal(call, extras, payment)


@hooks.post("/payments/{provider}/webhook", status_code=204)
async def hear_provider(
    call: Annotated[Call, Depends(Hook())],
    request: Request,
    extras: With,
    provider: Annotated[str, Path(pattern=r"^[a-z]{1,20}$", description="The provider's name.")],
) -> None:
    """A payment provider's webhook. What it says is checked by its signature, or asked back."""
    body = await read_body(request, PAYMENT_WEBHOOK_BYTES)
    headers = {name.lower(): value for name, value in request.headers.items()}
    with as_problems():
        if not await extras.paid.hear(provider, headers, body):
            raise ProblemError(404, "not_found", "No such provider here.")


# --- the managers' side


@router.get("/channels/{channel}/superchat/orders")
async def list_orders(
    call: Looker,
    extras: With,
    state: Annotated[str, Query(pattern=r"^[a-z]{0,12}$", description="Only those in this state.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ManagedOrderPage:
    """Orders of the channel, the newest first."""
    found = await extras.paid.books.orders(call.channel.id, state, cursor, limit + 1)
    items = [_managed(call.control, extras, order) for order in found[:limit]]
    return ManagedOrderPage(items=items, next=items[-1].id if len(found) > limit else None)


@router.post("/channels/{channel}/superchat/orders/{order}/approve")
async def approve_order(call: Manager, extras: With, order: OrderId) -> ManagedOrder:
    """Show a paid message that waits."""
    with as_problems():
        done = await extras.paid.approve(await _of(call, extras, order), _actor(call))
    return _managed(call.control, extras, done)


@router.post("/channels/{channel}/superchat/orders/{order}/remove")
async def remove_order(call: Manager, extras: With, order: OrderId, body: Reason) -> ManagedOrder:
    """Take a paid message down, or never show it; the money stays until it is paid back."""
    with as_problems():
        done = await extras.paid.remove(await _of(call, extras, order), _actor(call), body.reason)
    return _managed(call.control, extras, done)


@router.post("/channels/{channel}/superchat/orders/{order}/refund")
async def refund_order(call: Owner, extras: With, order: OrderId, body: Reason) -> ManagedOrder:
    """Pay it back by its provider, and take it down."""
    with as_problems():
        done = await extras.paid.refund(await _of(call, extras, order), _actor(call), body.reason)
    return _managed(call.control, extras, done)


@router.put("/channels/{channel}/superchat/goal")
async def set_goal(call: Manager, extras: With, body: GoalSet) -> Goal:
    """What the channel collects for."""
    paid, known = extras.paid, await extras.paid.books.goal(call.channel.id)
    keeps = known is not None and not body.afresh and known.currency == body.currency
    since = known.since if known is not None and keeps else extras.now_ms()
    goal = books.Goal(title=body.title, amount=body.amount, currency=body.currency, since=since)
    with as_problems():
        await paid.boards.set_goal(call.channel.id, goal)
        return Goal.model_validate(await paid.boards.goal(call.channel.id))


@router.delete("/channels/{channel}/superchat/goal", status_code=204)
async def remove_goal(call: Manager, extras: With) -> None:
    """No goal any more."""
    with as_problems():
        await extras.paid.boards.set_goal(call.channel.id, None)


@router.get(
    "/channels/{channel}/superchat/ledger.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "One line for each movement, with a head."}},
)
async def export_ledger(call: Keeper, extras: With) -> Response:
    """The whole ledger as CSV, for the tax office and for spreadsheets."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(["at", "kind", "amount", "currency", "order", "provider", "payment", "by"])
    for entry in await extras.paid.books.entries(call.channel.id):
        amount = money.plain(entry.amount, entry.currency)
        row = [_moment(entry.at), entry.kind, amount, entry.currency, entry.order, entry.provider]
        write.writerow([*row, _harmless(entry.payment), entry.by])
    headers = {"Content-Disposition": f'attachment; filename="{call.channel.slug}-ledger.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _moment(at_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def _harmless(cell: str) -> str:
    """No cell of a foreign text begins a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _rehearsal(extras: Extras) -> Rehearses:
    provider = extras.paid.providers.get("rehearsal")
    if not isinstance(provider, Rehearses):
        raise ProblemError(404, "not_found", "There are no rehearsals here.")
    return provider


def _actor(call: Call) -> str:
    return f"madang.u.{call.signed_in.account}"


async def _of(call: ChannelCall, extras: Extras, order: str) -> Order:
    """An order of this channel alone (A24)."""
    found = await extras.paid.find(order)
    if found.channel != call.channel.id:
        raise ProblemError(404, "not_found", "No such order here.")
    return found


def _shown(control: Control, extras: Extras, order: Order) -> PaidOrder:
    return PaidOrder.model_validate(_fields(control, extras, order))


def _managed(control: Control, extras: Extras, order: Order) -> ManagedOrder:
    author = msgspec.json.decode(order.author, type=Author)
    more = {
        "user": order.user,
        "name": author.name,
        "payment": order.payment or "",
        "shown_at": order.shown_at,
        "pinned_until": order.pinned_until,
    }
    return ManagedOrder.model_validate(_fields(control, extras, order) | more)


def _fields(control: Control, extras: Extras, order: Order) -> dict[str, object]:
    channel = control.directory.channel(order.channel)
    provider = extras.paid.providers.get(order.provider)
    return {
        "id": order.id,
        "state": order.state,
        "channel": channel.slug if channel else "",
        "channel_name": channel.name if channel else "",
        "amount": order.amount,
        "currency": order.currency,
        "written": money.written(order.amount, order.currency),
        "tier": order.tier,
        "color": TIERS[order.currency][order.tier - 1].color,
        "text": order.text,
        "anonymous": order.anonymous,
        "provider": order.provider,
        "test": provider is None or provider.test,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "reason": order.reason,
        "refunded": order.refunded,
    }
