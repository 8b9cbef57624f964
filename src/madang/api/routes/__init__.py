"""The routes of `/api/v1`, one file per noun; each declares its right by its guard."""

from fastapi.routing import APIRoute

from madang.api.routes import (
    accounts,
    admin,
    channels,
    crowd,
    events,
    keys,
    live,
    realtime,
    sessions,
    tokens,
    users,
)


def v1() -> list[APIRoute]:
    """All routes under `/api/v1`."""
    nouns = (sessions, accounts, users, channels, crowd, keys, live, events, tokens, realtime, admin)
    return [route for noun in nouns for route in noun.router.routes if isinstance(route, APIRoute)]
