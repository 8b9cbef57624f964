"""One's own account: profile, password, picture."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from madang.api import present
from madang.api.guard import Call, Guard
from madang.api.schemas import AccountSummary, Me, PasswordChange, ProfileChange
from madang.api.strict import StrictRoute, read_picture
from madang.control.rights import Right, Scope

router = APIRouter(prefix="/api/v1", tags=["account"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC))]
Browser = Annotated[Call, Depends(Guard(Right.SIGNED_IN))]
Holder = Annotated[Call, Depends(Guard(Right.SIGNED_IN, Scope.CHANNELS_READ))]


@router.get("/me")
async def me(call: Holder) -> Me:
    """Who is signed in."""
    return present.me(call, call.signed_in)


@router.patch("/me")
async def change_profile(call: Browser, body: ProfileChange) -> Me:
    """Change the display name."""
    await call.control.accounts.rename(call.signed_in, body.display_name)
    return present.me(call, call.signed_in)


@router.put("/me/password", status_code=204)
async def change_password(call: Browser, body: PasswordChange) -> None:
    """Change the password; every other browser is signed out."""
    await call.control.accounts.change_password(call.signed_in, body.current, body.new)


@router.put(
    "/me/avatar",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/png", "image/jpeg", "image/webp", "image/gif")
            },
        }
    },
)
async def set_avatar(call: Browser, request: Request) -> AccountSummary:
    """Upload a picture (PNG, JPEG, WebP, GIF; at most 5 MB): it is cut square and encoded anew."""
    await call.control.accounts.set_avatar(call.signed_in, await read_picture(request))
    return present.summary(call, call.signed_in.account)


@router.delete("/me/avatar", status_code=204)
async def remove_avatar(call: Browser) -> None:
    """Go without a picture."""
    await call.control.accounts.remove_avatar(call.signed_in)


@router.get(
    "/avatars/{account}/{version}.webp",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "A WebP picture."}},
)
async def avatar(
    call: Anyone,
    account: Annotated[str, Path(description="The account's id.")],
    version: Annotated[str, Path(description="Of the picture, as `avatar_url` has it.")],
) -> Response:
    """An account's picture, 512 pixels wide; its address changes with the picture."""
    content = await call.control.accounts.avatar(account, version)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type="image/webp", headers=headers)
