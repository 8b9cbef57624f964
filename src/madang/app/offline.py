"""The control plane without a server: what commands of the command line work on, beside a running one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from madang.app.assembled import control_settings
from madang.app.clock import SystemClock
from madang.app.keys import endpoint
from madang.app.sections import Settings
from madang.control import Control
from madang.store.folder import holder_of, make_folder
from madang.store.sql import SqlStore


@asynccontextmanager
async def control(settings: Settings) -> AsyncIterator[Control]:
    """The use-cases over the same database and secret; a running server sees the changes at once."""
    make_folder(settings.data.dir)
    store = await SqlStore.open(settings.data.database.reveal(), settings.data.dir)
    try:
        made = Control(
            store,
            settings.data.dir,
            SystemClock(),
            os.urandom,
            control_settings(settings),
            store.url.drivername,
        )
        await made.start()
        yield made
        await made.close()
    finally:
        await store.close()


def as_it_runs(settings: Settings) -> Settings:
    """The settings with the doors of the server that runs on this data now, which its own command line may
    have moved; as they are when none runs."""
    holder = holder_of(settings.data.dir)
    doors = {"http": holder.http, "rtmp": holder.rtmp} if holder is not None else {}
    moved = {}
    for name, place in doors.items():
        section = getattr(settings, name)
        if place:
            moved[name] = section.model_copy(update={"listen": (endpoint(place), *section.listen[1:])})
    return settings.model_copy(update=moved)
