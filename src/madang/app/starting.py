"""A quick start: nine tenths of it are imports; doors open on what they need, and the rest comes later.

| what | when |
|---|---|
| what the doors need | before they open, without the garbage collector, which would find nothing |
| the API's framework, the pages' files | behind the open doors (`api.app.Application.warm`) |
| libraries that stand aside (`base.later`) | at their first use, or behind the open doors (`load_the_rest`) |
| httpx, argon2, PyAV, Alembic, PostgreSQL's dialect | at their first use, which most servers never see |
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from madang.base import later


def begin() -> None:
    """Before anything else is imported."""
    gc.disable()
    with _absent("rich"):  # structlog would load it, and Pygments, for tracebacks that our logs never draw
        import_module("structlog")


def settle() -> None:
    """What was loaded at the start lives for ever; later collections need not look at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()


async def load_the_rest() -> None:
    """The libraries that stood aside, one by one and beside the loop, so that no first request waits."""
    import asyncio

    for name in later.declared():
        await asyncio.to_thread(import_module, name)


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Inside, this library is as if it were not installed: a None in `sys.modules` says so to Python."""
    known = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if known is not None:
            sys.modules[name] = known
