"""Polls, effects, the word filter and overlays of a channel."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path

from madang.api.guard import Call, ChannelCall, ChannelGuard, Guard
from madang.api.paging import Cursor, Limit
from madang.api.problems import ProblemError
from madang.api.refused import as_problems
from madang.api.routes.money import With
from madang.api.schemas.play import (
    EffectMap,
    EffectMapSet,
    EffectTold,
    EffectTrigger,
    FilterRules,
    FilterTry,
    FilterVerdict,
    Overlay,
    OverlayOptions,
    OverlayTry,
    OverlayView,
    Poll,
    PollCreate,
    PollPage,
)
from madang.api.strict import StrictRoute
from madang.base.roles import Visibility
from madang.chat.effects import kinds
from madang.chat.extras import Extras
from madang.chat.overlays import WIDGETS
from madang.chat.overlays import OverlayOptions as Options
from madang.chat.roomfilters import RoomRules
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["play"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC))]
Watcher = Annotated[ChannelCall, Depends(ChannelGuard(Right.WATCH, Scope.CHAT_READ))]
Manager = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHAT_MODERATE))]
Looker = Annotated[ChannelCall, Depends(ChannelGuard(Right.STUDIO, Scope.CHAT_READ))]
PollId = Annotated[str, Path(pattern=r"^[0-9a-z]{26}$", description="The poll's id.")]
_OVERLAY_TOKEN_S = 12 * 3600


async def _do(call: ChannelCall, extras: Extras, method: str, **fields: Any) -> Any:
    """A method of the realtime server, by the caller."""
    with as_problems():
        return await extras.act(call.signed_in.account, call.channel.id, method, **fields)


# --- polls


@router.get("/channels/{channel}/polls")
async def list_polls(call: Watcher, extras: With, cursor: Cursor = None, limit: Limit = 20) -> PollPage:
    """Polls of the channel, the newest first."""
    with as_problems():
        found = await extras.polls_of(call.channel.id, cursor, limit + 1)
    items = [msgspec.structs.asdict(poll) for poll in found[:limit]]
    more = items[-1]["id"] if len(found) > limit else None
    return PollPage.model_validate({"items": items, "next": more})


@router.post("/channels/{channel}/polls", status_code=201)
async def create_poll(call: Manager, extras: With, body: PollCreate) -> Poll:
    """Ask the room; one poll is open at a time."""
    made = await _do(
        call, extras, "poll.create", title=body.title, choices=body.choices, duration_s=body.duration_s
    )
    return Poll.model_validate(made)


@router.post("/channels/{channel}/polls/{poll}/end")
async def end_poll(call: Manager, extras: With, poll: PollId) -> Poll:
    """End it now; the result stays in the room for a minute."""
    return Poll.model_validate(await _do(call, extras, "poll.end", id=poll))


@router.delete("/channels/{channel}/polls/{poll}", status_code=204)
async def delete_poll(call: Manager, extras: With, poll: PollId) -> None:
    """Take an ended poll out of the history."""
    with as_problems():
        await extras.polls.forget(call.channel.id, poll)


# --- effects


@router.get("/channels/{channel}/effects")
async def get_effects(call: Watcher, extras: With) -> EffectMap:
    """Which emoji set off which effect here."""
    return EffectMap.model_validate(await extras.effects.map_of(call.channel.id))


@router.put("/channels/{channel}/effects")
async def set_effects(call: Manager, extras: With, body: EffectMapSet) -> EffectMap:
    """Set them, in the order in which they are offered."""
    with as_problems():
        await extras.effects.set_map(call.channel.id, kinds.EffectMap(emoji=dict(body.emoji)))
    return EffectMap(emoji=body.emoji)


@router.post("/channels/{channel}/effects")
async def trigger_effect(call: Manager, extras: With, body: EffectTrigger) -> EffectTold:
    """Set off an effect on everybody's screen."""
    return EffectTold.model_validate(
        await _do(call, extras, "effect.trigger", kind=body.kind, emoji=body.emoji)
    )


# --- the word filter


@router.get("/channels/{channel}/filter")
async def get_filter(call: Looker, extras: With) -> FilterRules:
    """What the room forbids and allows."""
    return FilterRules.model_validate(msgspec.to_builtins(extras.filters.rules_of(call.channel.id)))


@router.put("/channels/{channel}/filter")
async def set_filter(call: Manager, extras: With, body: FilterRules) -> FilterRules:
    """Set the room's rules; they hold from the next message on."""
    with as_problems():
        await extras.filters.set_rules(call.channel.id, _rules(body), extras.door.commit)
    return await get_filter(call, extras)


@router.post("/channels/{channel}/filter/test")
async def test_filter(call: Manager, extras: With, body: FilterTry) -> FilterVerdict:
    """What the filter says to a text, and why."""
    rules = _rules(body.rules) if body.rules else extras.filters.rules_of(call.channel.id)
    verdict = extras.filters.try_out(rules, body.text)
    return FilterVerdict.model_validate(msgspec.to_builtins(verdict))


def _rules(body: FilterRules) -> RoomRules:
    return msgspec.convert(body.model_dump(), RoomRules)


# --- overlays


@router.get("/channels/{channel}/overlay")
async def get_overlay(call: Looker, extras: With) -> Overlay:
    """The secret addresses of the channel's overlays, for OBS."""
    return await _overlay(call, extras, await extras.overlays.secret(call.channel.id))


@router.post("/channels/{channel}/overlay/turn")
async def turn_overlay(call: Manager, extras: With) -> Overlay:
    """New addresses; the old ones show nothing any more."""
    with as_problems():
        return await _overlay(call, extras, await extras.overlays.turn(call.channel.id))


@router.put("/channels/{channel}/overlay")
async def set_overlay(call: Manager, extras: With, body: OverlayOptions) -> Overlay:
    """Set how alerts look and sound."""
    with as_problems():
        await extras.overlays.set_options(call.channel.id, msgspec.convert(body.model_dump(), Options))
    return await get_overlay(call, extras)


@router.post("/channels/{channel}/overlay/test", status_code=204)
async def try_overlay(call: Manager, extras: With, body: OverlayTry) -> None:
    """Show something made up on the overlays, and nowhere else."""
    with as_problems():
        await extras.overlays.try_out(call.channel.id, body.widget, body.amount, body.currency, body.text)


@router.get("/overlays/{secret}")
async def open_overlay(
    call: Anyone,
    extras: With,
    secret: Annotated[str, Path(max_length=100, description="What the overlay's address ends with.")],
) -> OverlayView:
    """What the page behind a secret address needs."""
    found = await extras.overlays.open(secret)
    channel = call.control.directory.channel(found[0]) if found else None
    if found is None or channel is None:
        raise ProblemError(404, "not_found", "No overlay is here.")
    token = ""
    if channel.visibility is Visibility.PRIVATE:
        token = call.control.play.mint(channel, _OVERLAY_TOKEN_S, "overlay")[0]
    view = {"channel": channel.id, "slug": channel.slug, "name": channel.name, "play_token": token}
    return OverlayView.model_validate(view | {"options": _options(found[1].options)})


async def _overlay(call: ChannelCall, extras: Extras, secret: str) -> Overlay:
    page = call.urls.page(f"/overlay/{secret}")
    urls = {"all": page} | {widget: f"{page}?show={widget}" for widget in WIDGETS}
    kept = await extras.overlays.kept(call.channel.id)
    return Overlay.model_validate({"urls": urls, "options": _options(kept.options)})


def _options(options: Options) -> dict[str, Any]:
    return msgspec.structs.asdict(options)
