"""The broker that the settings name; the libraries of others are not loaded."""

from collections.abc import Callable

from madang.app.sections import Settings
from madang.base.clock import Clock
from madang.realtime.broker import Broker
from madang.realtime.memory import MemoryBroker


def broker(settings: Settings, clock: Clock, entropy: Callable[[int], bytes]) -> Broker:
    """In memory where none is named. Connects when it is started."""
    url, prefix = settings.realtime.broker, settings.realtime.broker_prefix
    presence_s = settings.realtime.presence_s
    memory = MemoryBroker(clock, entropy, presence_s)
    if not url:
        return memory
    if url.reveal().startswith("nats://"):
        from madang.store.nats_broker import NatsBroker

        return NatsBroker(url, memory, prefix)
    from madang.store.redis_broker import RedisBroker

    return RedisBroker(url, entropy, prefix, presence_s)
