"""Stream keys: several per channel, masked, revealed after a recent password, rotated with overlap."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from madang.api import present
from madang.api.guard import ChannelCall, ChannelGuard
from madang.api.paging import Cursor, Limit
from madang.api.schemas import (
    KeyPage,
    StreamKey,
    StreamKeyChange,
    StreamKeyCreate,
    StreamKeyRotate,
    StreamKeyValue,
)
from madang.api.strict import StrictRoute
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1/channels/{channel}/keys", tags=["stream keys"], route_class=StrictRoute)
Reader = Annotated[ChannelCall, Depends(ChannelGuard(Right.BROADCAST, Scope.KEYS_READ))]
Writer = Annotated[ChannelCall, Depends(ChannelGuard(Right.BROADCAST, Scope.KEYS_WRITE))]
Revealer = Annotated[ChannelCall, Depends(ChannelGuard(Right.BROADCAST, Scope.KEYS_REVEAL, recent=True))]
KeyId = Annotated[str, Path(description="The key's id, never its value.")]


@router.get("")
async def list_keys(call: Reader, cursor: Cursor = None, limit: Limit = 50) -> KeyPage:
    """The channel's keys without their values, the newest first."""
    page = await call.control.keys.list(call.channel, cursor, limit)
    return KeyPage(items=[present.key(call, item) for item in page.items], next=page.next)


@router.post("", status_code=201)
async def create_key(call: Writer, body: StreamKeyCreate) -> StreamKeyValue:
    """Make a key; its value is in this answer."""
    made = await call.control.keys.create(call.signed_in, call.channel, body.name)
    return present.key_value(call, made.key, made.value)


@router.patch("/{key}")
async def rename_key(call: Writer, key: KeyId, body: StreamKeyChange) -> StreamKey:
    """Give a key another name."""
    return present.key(call, await call.control.keys.rename(call.signed_in, call.channel, key, body.name))


@router.post("/{key}/reveal")
async def reveal_key(call: Revealer, key: KeyId) -> StreamKeyValue:
    """The value of a key. Needs the password of the last 10 minutes; written to the audit."""
    made = await call.control.keys.reveal(call.signed_in, call.channel, key)
    return present.key_value(call, made.key, made.value)


@router.post("/{key}/rotate", status_code=201)
async def rotate_key(call: Writer, key: KeyId, body: StreamKeyRotate) -> StreamKeyValue:
    """A new key in the place of this one, which lives on for the overlap."""
    made = await call.control.keys.rotate(call.signed_in, call.channel, key, body.overlap_s)
    return present.key_value(call, made.key, made.value)


@router.delete("/{key}", status_code=204)
async def revoke_key(call: Writer, key: KeyId) -> None:
    """Revoke a key at once; a broadcast that runs on it ends."""
    await call.control.keys.revoke(call.signed_in, call.channel, key)
