"""The routes of `/api/v1`, one file per noun; each declares its right by its guard."""

from fastapi.routing import APIRoute

from madang.api.routes import (
    accounts,
    admin,
    channels,
    chat,
    crowd,
    crowd_nodes,
    events,
    keys,
    live,
    money,
    play,
    realtime,
    sessions,
    tokens,
    users,
    webhooks,
)


def v1() -> list[APIRoute]:
    """All routes under `/api/v1`."""
    nouns = (
        sessions,
        accounts,
        users,
        channels,
        chat,
        crowd,
        keys,
        live,
        money,
        play,
        events,
        tokens,
        realtime,
        crowd_nodes,
        webhooks,
        admin,
    )
    routers = [*(noun.router for noun in nouns), money.hooks]
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
