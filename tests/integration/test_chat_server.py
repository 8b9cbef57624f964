"""Chat on a real server by Centrifugo's protocol: said, seen, recovered; a kill loses nothing acked."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from tests.harness.patience import wait_until
from tests.harness.server import Server
from tests.harness.talker import channel_of, connect, signed_in


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


async def test_said_seen_moderated_and_recovered(server: Server) -> None:
    channel = channel_of(server)
    with httpx.Client(timeout=30) as guest, signed_in(server) as host:
        mina, yuna = await connect(server, guest), await connect(server, host)
        snapshot = (await mina.enter(channel, data={"nick": "미나"}))["data"]
        assert snapshot["you"]["name"] == "미나" and snapshot["you"]["role"] == "guest"
        assert (await yuna.enter(channel))["data"]["you"]["role"] == "owner"
        sent = await mina.call("chat.send", channel=channel, text="<b>안녕</b>", nonce="n1")
        seen = await yuna.until("message")
        assert (seen["id"], seen["text"]) == (sent["id"], "<b>안녕</b>")
        second = await connect(server, guest)
        place = await second.enter(channel)
        await yuna.call("chat.delete", channel=channel, id=sent["id"])
        assert (await mina.until("delete"))["ids"] == [sent["id"]]
        await second.close()
        back = await connect(server, guest)
        reply = await back.enter(
            channel, recover=True, offset=place["offset"] - 1, epoch=place["epoch"], recoverable=True
        )
        assert reply["recovered"] and "messages" not in reply["data"]
        assert "안녕" not in json.dumps(reply, ensure_ascii=False)
        for talker in (mina, yuna, back):
            await talker.close()


async def test_nothing_that_was_acked_is_lost_to_a_kill(server: Server) -> None:
    channel = channel_of(server)
    acked: list[str] = []
    with signed_in(server) as host:
        yuna = await connect(server, host)
        await yuna.enter(channel)

        async def talk() -> None:
            for number in range(1000):
                sent = await yuna.call(
                    "chat.send", channel=channel, text=f"word {number}", nonce=f"w{number}"
                )
                acked.append(sent["id"])

        async def kill() -> None:
            while len(acked) < 15 and not talking.done():
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
        snapshot = (await again.enter(channel))["data"]
        kept = [message["id"] for message in snapshot["messages"]]
        assert acked and [name for name in acked if name not in kept] == []
        assert len(kept) == len(set(kept))
        await again.close()


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
    """Also of a server that was killed meanwhile: nothing is lost, and what comes twice has the same id."""
    channel, receiver = channel_of(server), Receiver()
    try:
        with signed_in(server) as host:
            hooks = f"{server.http}/api/v1/channels/main/webhooks"
            body = {"url": receiver.url, "kinds": ["chat.message", "chat.pin"]}
            made = host.post(hooks, json=body, headers={"X-Madang": "1"})
            assert made.status_code == 201, made.text
            yuna = await connect(server, host)
            await yuna.enter(channel)
            sent = []
            for number in range(5):
                answer = await yuna.call("chat.send", channel=channel, text=f"hook {number}")
                sent.append(answer["id"])
                if number == 0:
                    await asyncio.to_thread(wait_until, lambda: receiver.requests > 0)
            pinned = await yuna.call("chat.pin", channel=channel, id=sent[0])
            assert pinned == {}
            assert server.process is not None
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            await asyncio.to_thread(server.start)
            receiver.status = 200
            await asyncio.to_thread(
                wait_until, lambda: "chat.pin" in [e["kind"] for e in receiver.events], 60
            )
            kinds = {event["id"]: event["kind"] for event in receiver.events}
            assert list(kinds)[:5] == sent and list(kinds.values())[5:] == ["chat.pin"]
    finally:
        receiver.close()
