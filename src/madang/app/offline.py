"""The control plane without a server: what commands of the command line work on, beside a running one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from madang.app.assembled import control_settings
from madang.app.clock import SystemClock
from madang.app.sections import Settings
from madang.control import Control
from madang.store.folder import make_folder
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
