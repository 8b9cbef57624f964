"""Somebody in a chat, as a small client of the realtime server's protocol."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import websockets
from tests.harness.patience import PATIENCE_S
from tests.harness.server import ADMIN_PASSWORD, Server


class Refused(Exception):
    """An error in reply to a command."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.code = int(error["code"])


class Talker:
    """One connection."""

    def __init__(self, socket: "websockets.ClientConnection") -> None:
        self._socket = socket
        self._number = 0
        self.pushes: list[dict[str, Any]] = []

    async def ask(self, **command: Any) -> dict[str, Any]:
        """A command's reply; what is pushed meanwhile is kept."""
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, **command}))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for reply in await self._read():
                    if reply.get("id") == self._number:
                        return reply

    async def _read(self) -> list[dict[str, Any]]:
        text = await self._socket.recv()
        replies = [json.loads(line) for line in str(text).split("\n") if line]
        for reply in replies:
            if not reply:
                await self._socket.send("{}")
            elif "push" in reply:
                self.pushes.append(reply["push"])
        return replies

    async def call(self, method: str, **data: Any) -> dict[str, Any]:
        """A method's answer. Raises Refused."""
        reply = await self.ask(rpc={"method": method, "data": data})
        if "rpc" not in reply:
            raise Refused(reply["error"])
        return dict(reply["rpc"]["data"])

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next event of this kind, with these values. The server's pings go on while it does not come."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (event := self._taken(kind, fields)) is None:
                    await self._read()
        except TimeoutError as error:
            raise AssertionError(f"no {kind} {fields}; there are {self.pushes}") from error
        return event

    def _taken(self, kind: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        for push in self.pushes:
            event = push.get("pub", {}).get("data", {})
            if event.get("t") == kind and all(event.get(name) == fields[name] for name in fields):
                self.pushes.remove(push)
                return dict(event)
        return None

    async def pushed(self) -> dict[str, Any]:
        """Whatever is pushed next. The caller has a deadline."""
        while not self.pushes:
            await self._read()
        return self.pushes.pop(0)

    async def enter(self, channel: str, **more: Any) -> dict[str, Any]:
        """Subscribe to a room; the result, whose `data` is the snapshot."""
        reply = await self.ask(subscribe={"channel": f"madang_chat:{channel}", **more})
        if "subscribe" not in reply:
            raise Refused(reply["error"])
        return dict(reply["subscribe"])

    async def again(self, channel: str) -> list[dict[str, Any]]:
        """Subscribe once more, as Centrifugo's clients do after an unsubscribe 2500, as often as it takes;
        the room's last messages."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    return list((await self.enter(channel))["data"]["messages"])
                except Refused as error:
                    assert error.code == 100, error
                    await asyncio.sleep(0.2)

    async def close(self) -> None:
        await self._socket.close()


def is_told_to_return(push: dict[str, Any], channel: str) -> bool:
    """Something was missed, and the client is to subscribe again."""
    return push.get("channel") == f"madang_chat:{channel}" and push.get("unsubscribe", {}).get("code") == 2500


def token(server: Server, http: httpx.Client) -> str:
    """Of whoever `http` is."""
    answer = http.post(f"{server.http}/api/v1/realtime/token", headers={"X-Madang": "1"}, json={})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["token"])


async def connect(server: Server, http: httpx.Client, shown: str = "") -> Talker:
    """A connection of whoever `http` is, or of the bearer of a token. Raises Refused."""
    url = server.http.replace("http", "ws") + "/connection/websocket"
    shown = shown or token(server, http)  # first: whoever connects has to say so soon
    talker = Talker(await websockets.connect(url))
    reply = await talker.ask(connect={"token": shown})
    if "connect" not in reply:
        await talker.close()
        raise Refused(reply["error"])
    return talker


def channel_of(server: Server) -> str:
    """The id of the channel that every server begins with."""
    return str(httpx.get(f"{server.http}/api/v1/channels/main", timeout=30).json()["id"])


@contextlib.contextmanager
def signed_in(server: Server) -> Iterator[httpx.Client]:
    """The admin, by HTTP."""
    with httpx.Client(timeout=30) as http:
        body = {"name": "admin", "password": ADMIN_PASSWORD}
        signed = http.post(f"{server.http}/api/v1/sessions", json=body, headers={"X-Madang": "1"})
        assert signed.status_code == 201
        yield http
