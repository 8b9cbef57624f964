"""ASGI lifespan: the application's own start and end, around the server's."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class LifespanError(Exception):
    """The application failed to start or to end."""


class Lifespan:
    """`async with Lifespan(app) as state`: started inside, ended outside; an app without one is fine."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> dict[str, Any]:
        self._task = asyncio.create_task(self._run())
        await self._step("startup")
        return self.state

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        if not self._task.done():
            await self._step("shutdown")
        await asyncio.gather(self._task, return_exceptions=True)

    async def _step(self, name: str) -> None:
        assert self._task is not None
        await self._events.put({"type": f"lifespan.{name}"})
        told = asyncio.create_task(self._told.get())
        await asyncio.wait((told, self._task), return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)
            return  # the application has no lifespan
        if told.result():
            raise LifespanError(told.result())

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._events.get, self._send)
        except Exception:  # noqa: BLE001
            return  # ASGI: an application that raises here does not support lifespan

    async def _send(self, message: Message) -> None:
        kind = str(message["type"])
        failed = kind.endswith(".failed")
        await self._told.put(str(message.get("message") or kind) if failed else "")
