"""API tokens with scopes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from madang.api import present
from madang.api.guard import Call, Guard
from madang.api.schemas import ScopeInfo, TokenCreate, TokenPage, TokenValue
from madang.api.strict import StrictRoute
from madang.control.rights import SCOPE_MEANINGS, Right

router = APIRouter(prefix="/api/v1", tags=["tokens"], route_class=StrictRoute)
Anyone = Annotated[Call, Depends(Guard(Right.PUBLIC))]
Browser = Annotated[Call, Depends(Guard(Right.SIGNED_IN))]
Sure = Annotated[Call, Depends(Guard(Right.SIGNED_IN, recent=True))]


@router.get("/tokens")
async def list_tokens(call: Browser) -> TokenPage:
    """Your API tokens, without their values."""
    page = await call.control.tokens.list(call.signed_in)
    return TokenPage(items=[present.token(item) for item in page.items], next=page.next)


@router.post("/tokens", status_code=201)
async def create_token(call: Sure, body: TokenCreate) -> TokenValue:
    """Make a token. Needs the password of the last 10 minutes; the value is told once."""
    made = await call.control.tokens.create(call.signed_in, body.name, body.scopes, body.expires_in_s)
    return present.token_value(made.token, made.value)


@router.delete("/tokens/{token}", status_code=204)
async def revoke_token(call: Browser, token: Annotated[str, Path(description="The token's id.")]) -> None:
    """Revoke a token at once."""
    await call.control.tokens.revoke(call.signed_in, token)


@router.get("/scopes")
async def scopes(call: Anyone) -> list[ScopeInfo]:
    """What tokens may be made for."""
    return [ScopeInfo(scope=scope.value, what=what) for scope, what in SCOPE_MEANINGS.items()]
