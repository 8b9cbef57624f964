"""Webhooks of a channel: signed events out."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path

from madang.api.guard import ChannelCall, ChannelGuard
from madang.api.schemas.webhooks import (
    Webhook,
    WebhookChange,
    WebhookCreate,
    WebhookList,
    WebhookReplay,
    WebhookTested,
    WebhookValue,
)
from madang.api.strict import StrictRoute
from madang.control import records
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1/channels/{channel}/webhooks", tags=["webhooks"], route_class=StrictRoute)
Keeper = Annotated[ChannelCall, Depends(ChannelGuard(Right.BROADCAST, Scope.WEBHOOKS_WRITE))]
Reader = Annotated[ChannelCall, Depends(ChannelGuard(Right.BROADCAST, Scope.WEBHOOKS_READ))]
WebhookId = Annotated[str, Path(max_length=64, description="The webhook's id.")]


def _shown(hook: records.Webhook, cursor: records.WebhookCursor | None = None) -> dict[str, Any]:
    found = {n: v for n, v in msgspec.structs.asdict(hook).items() if n != "sealed"}
    if cursor is not None:
        told = msgspec.structs.asdict(cursor)
        found |= {n: told[n] for n in ("delivered", "attempts", "last_at", "last_status", "last_error")}
        found["next_at"] = cursor.next_at or None
    return found


@router.get("")
async def list_webhooks(call: Reader) -> WebhookList:
    """The channel's webhooks, and how their deliveries stand."""
    found = await call.control.webhooks.of_channel(call.channel)
    return WebhookList.model_validate({"items": [_shown(*pair) for pair in found]})


@router.post("", status_code=201)
async def create_webhook(call: Keeper, body: WebhookCreate) -> WebhookValue:
    """Send events of these kinds to an address from now on; the secret is told once."""
    made = await call.control.webhooks.create(call.signed_in, call.channel, body.url, body.kinds, body.note)
    return WebhookValue.model_validate({**_shown(made.webhook), "secret": made.secret})


@router.patch("/{webhook}")
async def change_webhook(call: Keeper, webhook: WebhookId, body: WebhookChange) -> Webhook:
    """Change address or kinds, switch off, or on again: it goes on where it stopped."""
    hooks = call.control.webhooks
    found = await hooks.find(call.channel, webhook)
    changed = await hooks.change(call.signed_in, found, body.url, body.kinds, body.enabled)
    return Webhook.model_validate(_shown(changed))


@router.delete("/{webhook}", status_code=204)
async def delete_webhook(call: Keeper, webhook: WebhookId) -> None:
    """Send nothing more."""
    hooks = call.control.webhooks
    await hooks.delete(call.signed_in, await hooks.find(call.channel, webhook))


@router.post("/{webhook}/test")
async def test_webhook(call: Keeper, webhook: WebhookId) -> WebhookTested:
    """Send one `webhook.test` now, and say what was answered."""
    hooks = call.control.webhooks
    status, error = await hooks.test(await hooks.find(call.channel, webhook))
    return WebhookTested(status=status, error=error)


@router.post("/{webhook}/replay", status_code=204)
async def replay_webhook(call: Keeper, webhook: WebhookId, body: WebhookReplay) -> None:
    """Tell again everything from a moment on: same order, same ids."""
    hooks = call.control.webhooks
    found = await hooks.find(call.channel, webhook)
    await hooks.replay(call.signed_in, found, body.since.timestamp())
