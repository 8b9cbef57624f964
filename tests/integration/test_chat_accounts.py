"""Accounts in a chat on a real server: a subscription that ends, an account that goes."""

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.harness.patience import PATIENCE_S
from tests.harness.server import Server
from tests.harness.talker import Refused, channel_of, connect, signed_in
from websockets.exceptions import ConnectionClosed

CONFIG = "[accounts]\nsign_up = true\n[payments]\nrehearsal = true\n"
OURS = {"X-Madang": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("accounts") / "data", config=CONFIG)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextlib.contextmanager
def viewer(server: Server, name: str) -> Iterator[httpx.Client]:
    """A new account that is signed in."""
    with httpx.Client(timeout=30, base_url=server.http, headers=OURS) as http:
        body = {"name": name, "password": f"{name} has a long word"}
        made = http.post("/api/v1/sign-up", json=body)
        assert made.status_code == 201, made.text
        yield http


async def test_a_subscription_that_ends_ends_live(server: Server) -> None:
    channel = channel_of(server)
    with signed_in(server) as host, viewer(server, "mina") as mina:
        account = mina.get("/api/v1/me").json()["account"]["id"]
        host.patch(f"{server.http}/api/v1/channels/main", json={"visibility": "private"}, headers=OURS)
        try:
            roles = f"{server.http}/api/v1/channels/main/chat/roles/madang.u.{account}"
            until = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
            given = host.put(roles, json={"role": "subscriber", "until": until}, headers=OURS)
            assert given.status_code == 204, given.text
            again = await connect(server, mina)
            entered = await again.enter(channel)
            assert entered["data"]["you"]["role"] == "subscriber" and entered["data"]["you"]["role_until"]
            await again.call("chat.send", channel=channel, text="I may be here")
            began = time.monotonic()
            while not any("unsubscribe" in push for push in again.pushes):
                assert time.monotonic() - began < PATIENCE_S, again.pushes
                await again._read()
            with pytest.raises(Refused):
                await again.enter(channel)
            await again.close()
            past = (datetime.now(UTC) - timedelta(seconds=3)).isoformat()
            assert (
                host.put(roles, json={"role": "subscriber", "until": past}, headers=OURS).status_code == 422
            )
        finally:
            host.patch(f"{server.http}/api/v1/channels/main", json={"visibility": "public"}, headers=OURS)


async def test_an_account_takes_all_along_and_leaves_no_name(server: Server) -> None:
    channel = channel_of(server)
    with signed_in(server) as host, viewer(server, "yuna-who-goes") as yuna:
        desk, talker = await connect(server, host), await connect(server, yuna)
        await desk.enter(channel)
        await talker.enter(channel)
        yuna.put("/api/v1/channels/main/follow")
        sent = await talker.call("chat.send", channel=channel, text="remember this")
        await desk.call("chat.send", channel=channel, text="@yuna-who-goes yes", reply_to=sent["id"])
        await desk.call("chat.pin", channel=channel, id=sent["id"])
        order = {"amount": 5000, "currency": "KRW", "provider": "rehearsal", "nonce": "n", "text": "화이팅"}
        made = yuna.post("/api/v1/channels/main/superchat/orders", json=order)
        assert made.status_code == 201, made.text
        taken = yuna.get("/api/v1/me/export").json()
        assert [line["text"] for line in taken["chat"]] == ["remember this"]
        assert taken["paid_messages"][0]["text"] == "화이팅" and len(taken["follows"]) == 1
        gone = yuna.post("/api/v1/me/deletion", json={"password": "yuna-who-goes has a long word"})
        assert gone.status_code == 204, gone.text
        with pytest.raises(ConnectionClosed, match="3503"):
            await talker.until("nothing more")
        with httpx.Client(timeout=30) as guest:
            late = await connect(server, guest)
            snapshot = (await late.enter(channel))["data"]
            await late.close()
        del snapshot["you"]
        texts = [message["text"] for message in snapshot["messages"]]
        assert "remember this" in texts
        for message in (*snapshot["messages"], *(pin["message"] for pin in snapshot["pins"])):
            assert message["user"]["name"] != "yuna-who-goes"
            assert message.get("reply", {}).get("name") != "yuna-who-goes"
        orders = host.get(f"{server.http}/api/v1/channels/main/superchat/orders").json()
        assert "yuna-who-goes" not in json.dumps(orders)
        await desk.close()
