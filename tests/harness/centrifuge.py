"""The official asynchronous client of Centrifugo, told to go."""

import asyncio

from centrifuge import Client
from tests.harness.patience import PATIENCE_S


async def leave(client: Client) -> None:
    """Disconnect, and see all that the client started come to its end."""
    await client.disconnect()
    async with asyncio.timeout(PATIENCE_S):
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        await asyncio.sleep(0.05)  # the transport says goodbye to its socket
