"""Paid messages in Chromium: the dialog, the provider's window, the return, failure and receipt; effects over
the picture, overlays for OBS, and the ComfyJS global."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.harness.browser import context
from tests.harness.crowd import Member, Talker, furnish, sign_in
from tests.harness.patience import wait_until
from tests.harness.publisher import publishing
from tests.harness.server import ADMIN_PASSWORD, Server, running
from tests.harness.takers import environment, takers

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def host(server: Server) -> Iterator[httpx.Client]:
    headers = {"X-Madang": "1"}
    with httpx.Client(base_url=f"{server.http}/api/v1", headers=headers, timeout=30) as http:
        signed = http.post("/sessions", json={"name": "admin", "password": ADMIN_PASSWORD})
        assert signed.status_code == 201, signed.text
        yield http


@pytest.fixture(scope="module")
def live(server: Server) -> Iterator[str]:
    """A channel with a picture."""
    key = server.channel("show")
    with publishing(f"{server.rtmp}/{key}", fps=15):
        server.wait_for("show", "live")
        yield "show"


def watch(page: Page, server: Server, channel: str = "main") -> None:
    """The watch page with its chat connected."""
    page.goto(f"{server.http}/@{channel}")
    expect(page.get_by_role("button", name="Send a paid message")).to_be_visible()


def order(page: Page, amount: str, text: str) -> None:
    """Write a paid message and go to its page."""
    page.get_by_role("button", name="Send a paid message").click()
    page.get_by_role("button", name=amount, exact=True).click()
    page.locator("#pay-text").fill(text)
    page.get_by_role("button", name=f"Go to pay {amount}").click()
    page.wait_for_url(re.compile(r"/pay/[0-9a-z]{26}$"))


def test_a_paid_message_the_whole_way(browser: Browser, server: Server, live: str) -> None:
    with context(browser) as viewer, context(browser) as payer:
        other, page = viewer.new_page(), payer.new_page()
        watch(other, server, live)
        watch(page, server, live)
        order(page, "$10.00", "최고의 방송이에요")
        page.get_by_role("button", name="Pay $10.00").click()
        page.wait_for_url(re.compile(r"/pay/rehearsal/"))
        page.get_by_role("button", name="Let it fail").click()
        expect(page.get_by_role("heading", name="The payment did not go through")).to_be_visible()
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Pay $10.00").click()
        expect(page.get_by_role("heading", name="Thank you! Your message is in the chat.")).to_be_visible()
        expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
        expect(other.get_by_text("최고의 방송이에요").first).to_be_visible()
        expect(other.locator("[data-effect=confetti]")).to_be_attached()


def test_a_providers_script_opens_its_window(browser: Browser, tmp_path: Path) -> None:
    """Toss Payments: the order's page alone may load the script, and comes back with what was paid."""
    with (
        takers() as (stripe, toss),
        running(tmp_path / "data", environment=environment(stripe, toss)) as made,
    ):
        payer = Member(made, "admin")
        wish = {"amount": 5_000, "currency": "KRW", "provider": "toss", "nonce": "1", "text": "토스로"}
        order = payer("POST", "/channels/main/superchat/orders", **wish)["id"]
        payer.close()
        with context(browser) as profile:
            page = profile.new_page()
            complaints: list[str] = []
            page.on(
                "console", lambda said: complaints.append(said.text) if "Content Sec" in said.text else None
            )
            page.goto(f"{made.http}/pay/{order}")
            page.get_by_role("button", name="Pay ₩5,000").click()
            expect(
                page.get_by_role("heading", name="Thank you! Your message is in the chat.")
            ).to_be_visible()
            assert [each["status"] for each in toss.payments.values()] == ["DONE"]
            assert complaints == []
            # No other page may.
            page.goto(f"{made.http}/login")
            refused = """src => new Promise(done => {
                const script = document.createElement('script')
                script.onerror = () => done(true), script.onload = () => done(false)
                try { script.src = src } catch { done(true) }
                document.head.append(script)
            })"""
            assert page.evaluate(refused, f"{toss.url}/v2/standard") is True


def drawn(host: httpx.Client, channel: str, kind: str, *pages: Page) -> None:
    """An effect that these pages draw. Whoever has not joined the room yet misses it: it is sent again."""

    def by_all() -> bool:
        told = host.post(f"/channels/{channel}/effects", json={"kind": kind})
        assert told.status_code == 200, told.text
        for page in pages:
            expect(page.locator(f"[data-effect={kind}]")).to_be_attached(timeout=10_000)
        return True

    wait_until(by_all)


def test_effects_are_drawn_for_everybody_and_stand_still_where_asked(
    browser: Browser, server: Server, live: str, host: httpx.Client
) -> None:
    still: Any = "reduce"
    with context(browser) as moving, context(browser) as calm:
        page, quiet = moving.new_page(), calm.new_page()
        quiet.emulate_media(reduced_motion=still)
        watch(page, server, live)
        watch(quiet, server, live)
        embed = moving.new_page()
        embed.goto(f"{server.http}/embed/{live}?effects=1")
        for kind in ("rain", "hearts", "fireworks", "rocket"):
            drawn(host, live, kind, page)
        drawn(host, live, "sticker", page, quiet, embed)
        expect(page.locator("[data-sticker=heart]")).to_be_attached()
        assert quiet.locator("[data-sticker]").count() == 0


def test_a_manager_looks_after_the_money(browser: Browser, server: Server) -> None:
    server.madang("channel", "create", "till")
    furnish(server, "till", "payer")
    with context(browser) as own:
        sign_in(own, server)
        desk, chat = own.new_page(), own.new_page()
        chat.goto(f"{server.http}/popout/till/chat")
        desk.goto(f"{server.http}/studio/money?channel=till")
        rows = desk.locator("li").filter(has=desk.locator("b"))
        held = rows.filter(has_text="spoiler in a paid message")
        expect(held).to_contain_text("Waiting")
        held.get_by_role("button", name="Show the message of payer").click()
        expect(held).to_contain_text("Shown")
        expect(chat.get_by_role("log").get_by_text("spoiler in a paid message")).to_be_visible()
        hidden = rows.filter(has_text="from nobody in particular")
        expect(hidden).to_contain_text("payer (not shown)")
        hidden.get_by_role("button", name=re.compile("^Pay")).click()
        dialog = desk.get_by_role("dialog")
        dialog.get_by_label("Reason").fill("by mistake")
        dialog.get_by_role("button", name="Pay back").click()
        expect(hidden).to_contain_text("Paid back")
        expect(chat.get_by_role("log").get_by_text("from nobody in particular")).to_have_count(0)
        with desk.expect_download() as waiting:
            desk.get_by_role("link", name="Ledger as CSV").click()
        ledger = Path(waiting.value.path()).read_text()
        assert len(re.findall(r",payment,[\d.]+,USD,", ledger)) == 3 and ",refund,-20.00,USD," in ledger
        desk.get_by_label("What for").fill("두 번째 마이크")
        desk.get_by_role("button", name="Count from now").click()
        expect(chat.get_by_role("region", name="Goal")).to_contain_text("두 번째 마이크")
        expect(desk.get_by_role("listitem").filter(has_text="payer").last).to_contain_text("$60.00")


def test_an_emoji_in_a_message_sets_off_what_the_channel_chose(browser: Browser, server: Server) -> None:
    server.madang("channel", "create", "emoji")
    with context(browser) as own, context(browser) as strange:
        sign_in(own, server)
        desk, page = own.new_page(), strange.new_page()
        desk.goto(f"{server.http}/studio/stage?channel=emoji")
        desk.get_by_label("Add an emoji").fill("🍕")
        desk.get_by_role("button", name="Add an emoji").click()
        desk.get_by_label("Effect of 🍕").select_option("fireworks")
        for _ in range(8):
            desk.get_by_role("button", name="Move 🍕 up").click()
        desk.get_by_role("button", name="Save").first.click()
        expect(desk.get_by_text("Saved. It holds from now on.")).to_be_visible()
        guest = Talker(page).open(f"{server.http}/popout/emoji/chat")
        expect(page.get_by_role("group", name="Effects").get_by_role("button").first).to_have_text("🍕")
        guest.say("time for 🍕")
        guest.introduce("Mina")
        guest.sees("time for 🍕")
        expect(page.locator("[data-effect=fireworks]")).to_be_attached()
        assert guest.complaints == []
        desk.get_by_label("Seconds that an alert is shown").fill("12")
        desk.get_by_role("button", name="Save").last.click()
        expect(desk.get_by_text("Saved.", exact=True)).to_be_visible()


def test_overlays_show_alerts_and_the_goal(browser: Browser, server: Server, host: httpx.Client) -> None:
    goal = {"title": "New microphone", "amount": 100_00, "currency": "USD"}
    assert host.put("/channels/main/superchat/goal", json=goal).status_code == 200
    url = host.get("/channels/main/overlay").json()["urls"]["all"]
    with context(browser) as obs:
        page = obs.new_page()
        page.add_init_script("window.spoken = []; speechSynthesis.speak = ({ text }) => spoken.push(text)")
        page.goto(f"{server.http}/overlay/{url.rpartition('/')[2]}")
        expect(page.get_by_role("progressbar", name="New microphone")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
        tried = {"widget": "alerts", "amount": 20_00, "currency": "USD", "text": "Test alert"}
        assert host.post("/channels/main/overlay/test", json=tried).status_code == 204
        expect(page.locator("[data-alert]")).to_contain_text("Test alert")
        page.wait_for_function(
            "spoken.some((text) => text.includes('$20.00') && text.includes('Test alert'))"
        )


def test_the_comfy_global_tells_what_happens(browser: Browser, server: Server, host: httpx.Client) -> None:
    with context(browser) as bot, context(browser) as viewer:
        page, talker = bot.new_page(), viewer.new_page()
        cookies = [
            {"name": each.name, "value": each.value or "", "url": server.http} for each in host.cookies.jar
        ]
        bot.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(f"{server.http}/docs")
        page.add_script_tag(url=f"{server.http}/sdk/comfy.js")
        page.evaluate(
            """() => {
                window.told = [];
                const plain = (given) => given.map((each) => each?.message ?? each);
                for (const name of Object.keys(ComfyJS).filter((each) => each.startsWith("on")))
                    ComfyJS[name] = (...given) => window.told.push([name, ...plain(given)]);
                ComfyJS.Init("main");
            }"""
        )

        def told(name: str) -> list[Any]:
            """The first event of this name."""
            page.wait_for_function("name => window.told.some(([each]) => each === name)", arg=name)
            found: list[Any] = page.evaluate("name => window.told.find(([each]) => each === name)", name)
            return found

        assert told("onConnected")[1:] == ["127.0.0.1", server.http_port, True]
        said = host.post("/channels/main/chat/messages", json={"text": "hello there"})
        assert said.status_code in (200, 201), said.text
        chat = told("onChat")
        assert chat[2] == "hello there" and chat[3]["broadcaster"] is True and chat[5]["channel"] == "main"
        assert host.post("/channels/main/chat/messages", json={"text": "!Dance now"}).is_success
        assert told("onCommand")[2:4] == ["dance", "now"]
        assert host.delete(f"/channels/main/chat/messages/{chat[5]['id']}").is_success
        assert told("onMessageDeleted")[1] == chat[5]["id"]
        assert host.patch("/channels/main/chat/settings", json={"slow_s": 10}).is_success
        assert told("onChatMode")[1]["slowSeconds"] == 10
        assert host.patch("/channels/main/chat/settings", json={"slow_s": 0}).is_success
        poll = host.post("/channels/main/polls", json={"title": "Next?", "choices": ["one", "two"]}).json()
        assert told("onPoll")[1:3] == ["begin", "Next?"]
        host.post(f"/channels/main/polls/{poll['id']}/end")
        watch(talker, server)
        order(talker, "$5.00", "for the song")
        talker.get_by_role("button", name="Pay $5.00").click()
        talker.wait_for_url(re.compile(r"/pay/rehearsal/"))
        talker.get_by_role("button", name="Pay $5.00").click()
        cheer = told("onCheer")
        assert cheer[2:4] == ["for the song", 500] and cheer[5]["currency"] == "USD"
        bans = f"/channels/main/chat/bans/{cheer[5]['userId']}"
        assert host.put(bans, json={"duration_s": 60}).is_success
        assert told("onTimeout")[1:3] == [cheer[1], 60]
        assert host.put(bans, json={}).is_success
        assert told("onBan")[1] == cheer[1]
        assert page.evaluate("ComfyJS.Say('hi')") is True
