"""Server-sent events: the same feed as the websocket, for clients that only read."""

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from madang.api.guard import Call

_QUEUE = 256
"""Messages that may wait for a slow reader; beyond it the connection ends and the client comes back."""
_PING_S = 20.0


class Following(StreamingResponse):
    """An answer whose page leaves the feed with it, also when nobody is there any more as it begins."""

    def __init__(self, events: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self.leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.leave()


def sse(call: Call, channel: str | None) -> Following:
    """A stream of events; raises NotFound before the answer begins when the channel may not be watched."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)

    def send(message: bytes) -> None:
        if queue.full():
            close()
        else:
            queue.put_nowait(message)

    def close() -> None:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    detach = call.control.feed.attach(send, call.actor, channel, close)

    async def events() -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        while True:
            try:
                async with asyncio.timeout(_PING_S):
                    message = await queue.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if message is None:
                return
            yield b"data: " + message + b"\n\n"

    return Following(events(), detach)
