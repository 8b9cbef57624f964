"""Paid messages, polls, effects and overlays on a real server: a guest pays, everybody sees it once."""

from collections.abc import Iterator

import httpx
import pytest
from tests.harness.server import Server, running
from tests.harness.talker import channel_of, connect, signed_in

MADANG = {"X-Madang": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("superchat")
    with running(folder / "data", config="[payments]\nrehearsal = true\n") as made:
        yield made


async def test_a_guest_pays_and_everybody_sees_it_once(server: Server) -> None:
    channel, api = channel_of(server), f"{server.http}/api/v1"
    with httpx.Client(timeout=30, headers=MADANG) as guest, signed_in(server) as host:
        host.headers.update(MADANG)
        offer = guest.get(f"{api}/channels/main/superchat").json()
        assert offer["enabled"] and offer["providers"][-1]["name"] == "rehearsal"
        mina, yuna = await connect(server, guest), await connect(server, host)
        await mina.enter(channel, data={"nick": "미나"})
        await yuna.enter(channel)
        goal = {"title": "마이크", "amount": 100_000, "currency": "KRW"}
        assert host.put(f"{api}/channels/main/superchat/goal", json=goal).status_code == 200
        wish = {
            "amount": 10_000,
            "currency": "KRW",
            "provider": "rehearsal",
            "nonce": "1",
            "text": "최고예요",
        }
        order = (await mina.call("paid.order", channel=channel, **wish))["order"]
        assert (await mina.call("paid.order", channel=channel, **wish))["order"] == order
        window = guest.post(f"{api}/pay/{order}/window", json={}).json()
        payment = window["url"].rpartition("/")[2]
        assert guest.post(f"{api}/pay/{order}/confirm", json={"query": {}}).json()["state"] == "created"
        chosen = guest.post(f"{api}/pay/rehearsal/{payment}", json={"outcome": "paid"})
        assert chosen.json()["state"] == "paid"
        for _ in range(2):
            back = guest.post(f"{api}/pay/{order}/confirm", json={"query": {"amount": "1"}})
            assert (back.status_code, back.json()["state"]) == (200, "shown")
        seen = await yuna.until("message")
        assert (seen["kind"], seen["text"], seen["user"]["name"]) == ("paid", "최고예요", "미나")
        assert (seen["paid"]["amount"], seen["paid"]["tier"]) == (10_000, 4)
        assert (await yuna.until("paid"))["entries"][0]["id"] == seen["id"]
        assert (await yuna.until("effect"))["kind"] == "confetti"
        csv = host.get(f"{api}/channels/main/superchat/ledger.csv").text
        assert csv.count("payment,10000,KRW") == 1
        late = await connect(server, guest)
        snapshot = (await late.enter(channel))["data"]
        assert snapshot["paid"][0]["id"] == seen["id"] and snapshot["goal"]["reached"] == 10_000
        refund = host.post(f"{api}/channels/main/superchat/orders/{order}/refund", json={"reason": "x"})
        assert refund.json()["state"] == "refunded"
        assert (await yuna.until("delete"))["ids"] == [seen["id"]]
        for talker in (mina, yuna, late):
            await talker.close()


async def test_polls_and_effects(server: Server) -> None:
    channel, api = channel_of(server), f"{server.http}/api/v1"
    with httpx.Client(timeout=30) as guest, signed_in(server) as host:
        host.headers.update(MADANG)
        mina, yuna = await connect(server, guest), await connect(server, host)
        await mina.enter(channel)
        await yuna.enter(channel)
        made = host.post(f"{api}/channels/main/polls", json={"title": "점심?", "choices": ["국밥", "냉면"]})
        assert made.status_code == 201, made.text
        poll = made.json()["id"]
        assert (await mina.until("poll"))["poll"]["title"] == "점심?"
        await mina.call("poll.vote", channel=channel, id=poll, choice=1)
        twice = await mina.ask(
            rpc={"method": "poll.vote", "data": {"channel": channel, "id": poll, "choice": 0}}
        )
        assert twice["error"]["message"] == "conflict:voted"
        while (told := (await yuna.until("poll"))["poll"])["votes"] == 0:
            pass
        assert told["counts"] == [0, 1]
        assert host.post(f"{api}/channels/main/polls/{poll}/end").json()["state"] == "ended"
        assert guest.get(f"{api}/channels/main/polls").json()["items"][0]["counts"] == [0, 1]
        assert "🎉" in (await mina.call("effect.map", channel=channel))["emoji"]
        await mina.call("effect.send", channel=channel, emoji="🎉")
        assert (await yuna.until("effect"))["kind"] == "confetti"
        await mina.call("chat.send", channel=channel, text="오늘 ❤️ 최고", nonce="e")
        told = await yuna.until("effect")
        assert (told["kind"], told["emoji"]) == ("hearts", "❤️")
        for talker in (mina, yuna):
            await talker.close()


async def test_the_filter_and_its_tester(server: Server) -> None:
    api = f"{server.http}/api/v1"
    with signed_in(server) as host:
        host.headers.update(MADANG)
        verdict = host.post(f"{api}/channels/main/filter/test", json={"text": "아 ㅅㅣ발"}).json()
        assert (verdict["action"], verdict["text"]) == ("mask", "아 ***")
        rules = {"lists": [{"name": "own", "words": ["바나나"], "action": "refuse"}]}
        assert host.put(f"{api}/channels/main/filter", json=rules).status_code == 200
        bad = {"patterns": [{"name": "x", "expression": "(a"}]}
        assert host.put(f"{api}/channels/main/filter", json=bad).status_code == 400
        yuna = await connect(server, host)
        tried = host.post(f"{api}/channels/main/filter/test", json={"text": "바나나는 노랗다"})
        assert tried.json()["action"] == "refuse"
        assert host.put(f"{api}/channels/main/filter", json={}).status_code == 200
        await yuna.close()


async def test_overlays_open_by_their_secret_alone(server: Server) -> None:
    channel, api = channel_of(server), f"{server.http}/api/v1"
    with httpx.Client(timeout=30) as guest, signed_in(server) as host:
        host.headers.update(MADANG)
        assert guest.get(f"{api}/channels/main/overlay").status_code == 401
        url = host.get(f"{api}/channels/main/overlay").json()["urls"]["all"]
        secret = url.rpartition("/")[2]
        assert guest.get(f"{api}/overlays/{secret}").json()["channel"] == channel
        assert guest.get(f"{api}/overlays/{secret}x").status_code == 404
        assert guest.get(f"{api}/overlays/{channel}.x").status_code == 404
        mina = await connect(server, guest)
        await mina.enter(channel)
        tried = host.post(f"{api}/channels/main/overlay/test", json={"widget": "alerts", "text": "hi"})
        assert tried.status_code == 204, tried.text
        assert (await mina.until("overlay_test"))["paid"]["test"] is True
        host.post(f"{api}/channels/main/overlay/turn")
        assert guest.get(f"{api}/overlays/{secret}").status_code == 404
        await mina.close()


def test_webhooks_of_strangers(server: Server) -> None:
    api = f"{server.http}/api/v1/payments"
    assert httpx.post(f"{api}/stripe/webhook", content=b"{}").status_code == 404
    assert httpx.post(f"{api}/rehearsal/webhook", content=b"{}").status_code == 400
    assert httpx.post(f"{api}/rehearsal/webhook", content=b"x" * 70_000).status_code == 413
