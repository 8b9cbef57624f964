"""TCP's own count of what a peer has taken, on real sockets."""

import asyncio
from typing import cast

from madang.net.progress import acked_bytes

PATIENCE_S = 15


async def test_what_a_peer_has_taken_is_counted_while_something_is_on_its_way() -> None:
    served: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.put_nowait(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, client = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE_S):
        writer = await served.get()
        transport = cast(asyncio.Transport, writer.transport)
        assert acked_bytes(transport) is None
        size = 1 << 23
        writer.write(bytes(size))
        while (begun := acked_bytes(transport)) is None:  # noqa: ASYNC110  the kernel counts
            await asyncio.sleep(0.01)
        assert begun < size
        await reader.readexactly(size // 2)
        while (later := acked_bytes(transport)) is not None and later < size // 2:
            await asyncio.sleep(0.01)
        await reader.readexactly(size // 2)
        while acked_bytes(transport) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        client.close()
        writer.close()
        await asyncio.gather(client.wait_closed(), writer.wait_closed())
        assert acked_bytes(transport) is None
        server.close()
        await server.wait_closed()
