"""Cursor pagination, the same on every list: `limit`, `cursor`, and `next` in the answer."""

from typing import Annotated

from fastapi import Query

Cursor = Annotated[
    str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=200, description="Items of one page.")]
