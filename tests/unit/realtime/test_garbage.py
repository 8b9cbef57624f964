"""A connection that is over leaves nothing behind: no room, no bucket of the sweeper, no cyclic garbage."""

import gc

from tests.unit.realtime.conftest import Yard


async def test_a_closed_connection_leaves_no_cycle(yard: Yard) -> None:
    guest = await yard.member("open:1", "ann")
    await yard.publish("open:1", 1)
    await yard.settle()
    gc.collect()
    guest.session.close()
    yard.sweeper.forget(guest.link)
    guest.link.session = None
    handle = guest.session
    assert not yard.engine.core.rooms and not yard.engine.core.guests and not yard.engine.core.users
    assert await yard.engine.presence("open:1") == {}
    del guest, handle
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        left = [
            type(found).__name__
            for found in gc.garbage
            if type(found).__module__.startswith("madang.realtime")
        ]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert left == []
