"""A wire between a client and the server that a test may cut: what went through it breaks, as by a network's
fault, and nothing comes through until it is mended."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class Relay:
    """TCP on a loopback port of its own, passed on to `port` as it is."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._loop = asyncio.new_event_loop()
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def cut(self) -> None:
        """Every connection is reset, and each new one."""
        self._soon(True)

    def mend(self) -> None:
        self._soon(False)

    def _soon(self, is_cut: bool) -> None:
        done = threading.Event()

        def now() -> None:
            self._is_cut = is_cut
            if is_cut:
                for writer in list(self._open):
                    writer.transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(now)
        assert done.wait(30), "the relay's loop stands"

    def _run(self) -> None:
        runner = asyncio.Runner(loop_factory=lambda: self._loop)
        with runner, contextlib.suppress(asyncio.CancelledError):
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._task = asyncio.current_task()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._began.set()
        async with server:
            await asyncio.Event().wait()

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._open.add(back)
        try:
            if self._is_cut:
                back.transport.abort()
                return
            far, out = await asyncio.open_connection("127.0.0.1", self._target)
            self._open.add(out)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pump(near, out))
                    group.create_task(_pump(far, back))
            finally:
                self._open.discard(out)
                out.close()
        finally:
            self._open.discard(back)
            back.close()

    def __enter__(self) -> "Relay":
        self._thread.start()
        assert self._began.wait(30), "the relay did not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._task is not None
        self.cut()
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(30)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """All bytes one way; the end, however it comes, is the end of what it was written to."""
    with contextlib.suppress(ConnectionError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()


@contextlib.contextmanager
def relayed(port: int) -> Iterator[Relay]:
    """A relay to this port while it lasts."""
    with Relay(port) as relay:
        yield relay
