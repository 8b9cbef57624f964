"""Chat on a real server by Centrifugo's protocol: said, seen, recovered; a kill loses nothing acked."""

import asyncio
import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import websockets
from tests.harness.patience import PATIENCE_S, wait_until
from tests.harness.server import ADMIN_PASSWORD, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("chat")
    made = Server(home / "data", environment={"MADANG_OUTBOUND_ALLOW": "127.0.0.1"})
    made.start()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.stop()


class Talker:
    """One connection, as a small client of the protocol."""

    def __init__(self, socket: "websockets.ClientConnection") -> None:
        self._socket = socket
        self._number = 0
        self.pushes: list[dict[str, Any]] = []

    async def ask(self, **command: Any) -> dict[str, Any]:
        """A command's reply; what is pushed meanwhile is kept."""
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, **command}))
        while True:
            for reply in await self._read():
                if reply.get("id") == self._number:
                    return reply

    async def _read(self) -> list[dict[str, Any]]:
        text = await asyncio.wait_for(self._socket.recv(), PATIENCE_S)
        replies = [json.loads(line) for line in str(text).split("\n") if line]
        for reply in replies:
            if not reply:
                await self._socket.send("{}")
            elif "push" in reply:
                self.pushes.append(reply["push"])
        return replies

    async def call(self, method: str, **data: Any) -> dict[str, Any]:
        reply = await self.ask(rpc={"method": method, "data": data})
        assert "rpc" in reply, reply
        return dict(reply["rpc"]["data"])

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this kind."""
        while True:
            for push in self.pushes:
                event = push.get("pub", {}).get("data", {})
                if event.get("t") == kind:
                    self.pushes.remove(push)
                    return dict(event)
            await self._read()


def token(server: Server, http: httpx.Client) -> str:
    answer = http.post(f"{server.http}/api/v1/realtime/token", headers={"X-Madang": "1"}, json={})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["token"])


async def connect(server: Server, http: httpx.Client) -> Talker:
    url = server.http.replace("http", "ws") + "/connection/websocket"
    shown = token(server, http)  # first: whoever connects has to say so soon
    talker = Talker(await websockets.connect(url))
    reply = await talker.ask(connect={"token": shown})
    assert "connect" in reply, reply
    return talker


async def enter(talker: Talker, channel: str, **more: Any) -> dict[str, Any]:
    reply = await talker.ask(subscribe={"channel": f"madang_chat:{channel}", **more})
    assert "subscribe" in reply, reply
    return dict(reply["subscribe"])


def channel_of(server: Server) -> str:
    return str(httpx.get(f"{server.http}/api/v1/channels/main", timeout=30).json()["id"])


@contextlib.contextmanager
def signed_in(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as http:
        body = {"name": "admin", "password": ADMIN_PASSWORD}
        signed = http.post(f"{server.http}/api/v1/sessions", json=body, headers={"X-Madang": "1"})
        assert signed.status_code == 201
        yield http


async def test_said_seen_moderated_and_recovered(server: Server) -> None:
    channel = channel_of(server)
    with httpx.Client(timeout=30) as guest, signed_in(server) as host:
        mina, yuna = await connect(server, guest), await connect(server, host)
        snapshot = (await enter(mina, channel, data={"nick": "미나"}))["data"]
        assert snapshot["you"]["name"] == "미나" and snapshot["you"]["role"] == "guest"
        assert (await enter(yuna, channel))["data"]["you"]["role"] == "owner"
        sent = await mina.call("chat.send", channel=channel, text="<b>안녕</b>", nonce="n1")
        seen = await yuna.until("message")
        assert (seen["id"], seen["text"]) == (sent["id"], "<b>안녕</b>")
        second = await connect(server, guest)
        place = await enter(second, channel)
        await yuna.call("chat.delete", channel=channel, id=sent["id"])
        assert (await mina.until("delete"))["ids"] == [sent["id"]]
        await second._socket.close()
        back = await connect(server, guest)
        reply = await enter(
            back, channel, recover=True, offset=place["offset"] - 1, epoch=place["epoch"], recoverable=True
        )
        assert reply["recovered"] and "messages" not in reply["data"]
        assert "안녕" not in json.dumps(reply, ensure_ascii=False)
        for talker in (mina, yuna, back):
            await talker._socket.close()


async def test_nothing_that_was_acked_is_lost_to_a_kill(server: Server) -> None:
    channel = channel_of(server)
    acked: list[str] = []
    with signed_in(server) as host:
        yuna = await connect(server, host)
        await enter(yuna, channel)

        async def talk() -> None:
            for number in range(1000):
                sent = await yuna.call(
                    "chat.send", channel=channel, text=f"word {number}", nonce=f"w{number}"
                )
                acked.append(sent["id"])

        async def kill() -> None:
            while len(acked) < 15:
                await asyncio.sleep(0.01)
            assert server.process is not None
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()

        talking = asyncio.create_task(talk())
        await kill()
        await asyncio.wait([talking])
        assert talking.exception() is not None
        server.start()
        again = await connect(server, host)
        snapshot = (await enter(again, channel))["data"]
        kept = [message["id"] for message in snapshot["messages"]]
        assert acked and [name for name in acked if name not in kept] == []
        assert len(kept) == len(set(kept))
        await again._socket.close()


class Receiver:
    """Takes webhooks on a port of its own; `status` is what it answers."""

    def __init__(self) -> None:
        outer = self
        self.events: list[dict[str, Any]] = []
        self.requests = 0
        self.status = 503

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.requests += 1
                if outer.status == 200:
                    outer.events += json.loads(body)["events"]
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


async def test_a_receiver_that_was_down_gets_everything_in_order(server: Server) -> None:
    channel, receiver = channel_of(server), Receiver()
    try:
        with signed_in(server) as host:
            hooks = f"{server.http}/api/v1/channels/main/webhooks"
            body = {"url": receiver.url, "kinds": ["chat.message"]}
            made = host.post(hooks, json=body, headers={"X-Madang": "1"})
            assert made.status_code == 201, made.text
            yuna = await connect(server, host)
            await enter(yuna, channel)
            sent = []
            for number in range(5):
                answer = await yuna.call("chat.send", channel=channel, text=f"hook {number}")
                sent.append(answer["id"])
                if number == 0:
                    await asyncio.to_thread(wait_until, lambda: receiver.requests > 0)
            receiver.status = 200
            await asyncio.to_thread(wait_until, lambda: len(receiver.events) >= 5, 60)
            assert [event["id"] for event in receiver.events] == sent
            await yuna._socket.close()
    finally:
        receiver.close()
