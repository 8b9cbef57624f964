"""What a page carries so that it need not ask: in the API's words, for this visitor alone, and inert."""

import json
import re
from typing import Any

from tests.harness.household import Household
from tests.harness.visitor import Site, Visitor

from madang.api import state
from madang.base.roles import Visibility

HOSTILE = '</script><script src=//x.example></script><!--<img onerror="x">\u2028&amp;'


async def _state(visitor: Visitor, path: str) -> dict[str, Any]:
    answer = await visitor.page(path)
    blocks = re.findall(r'<script type="application/json" id="state">(.*?)</script>', answer.text, re.S)
    assert len(blocks) == 1 and answer.headers["cache-control"] == "no-store"
    assert not re.search(r"[<>&\u2028\u2029]", blocks[0])
    return dict(json.loads(blocks[0]))


async def test_a_watch_page_carries_its_channel_and_its_guest(web: Site, house: Household) -> None:
    await house.channel("yard", name="소리마당", title=HOSTILE[:80], description=HOSTILE)
    visitor = await web.visitor()
    found = await _state(visitor, "/@yard")
    assert found["me"] is None and found["site"] == (await visitor.get("/site")).json()
    assert found["channel"] == (await visitor.get("/channels/yard")).json()


async def test_who_is_signed_in_is_said_as_the_api_says_it(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    found = await _state(browser, "/@closed")
    assert found["me"] == (await browser.get("/me")).json()
    assert found["channel"] == (await browser.get("/channels/closed")).json()
    assert found["channel"]["my_role"] == "owner"


async def test_an_embed_knows_no_session(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    found = await _state(browser, "/embed/yard")
    assert "me" not in found and found["channel"]["my_role"] == "guest"
    assert found["channel"]["publish"] is None


async def test_a_play_token_opens_the_page_of_its_channel(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("closed", owner, visibility=Visibility.PRIVATE, title="planted")
    minted = (await browser.post("/channels/closed/play-tokens", {"expires_in_s": 60})).json()
    visitor = await web.visitor()
    for path in ("/embed/closed", "/@closed"):
        found = await _state(visitor, f"{path}?token={minted['token']}")
        assert found["channel"]["slug"] == "closed" and found["channel"]["my_role"] == "guest"
        assert "channel" not in await _state(visitor, path)
        assert "channel" not in await _state(visitor, f"{path}?token=x.y.z")


async def test_home_carries_its_channels_while_they_are_few(web: Site, house: Household) -> None:
    await house.channel("hidden", visibility=Visibility.UNLISTED)
    for number in range(state.HOME_CHANNELS):
        await house.channel(f"c{number}")
    visitor = await web.visitor()
    found = await _state(visitor, "/")
    assert found["channels"] == (await visitor.get("/channels?limit=100")).json()["items"]
    await house.channel("last")
    assert "channels" not in await _state(visitor, "/")


async def test_other_pages_carry_who_is_there(web: Site, house: Household) -> None:
    _, browser = await web.account("kim")
    for path in ("/studio", "/settings", "/nowhere", "/@nobody"):
        found = await _state(browser, path)
        assert found["me"]["account"]["name"] == "kim" and "channel" not in found


async def test_a_stale_cookie_is_a_guest(web: Site) -> None:
    visitor = await web.visitor()
    visitor.client.cookies.set("madang_session", "nothing")
    assert (await _state(visitor, "/"))["me"] is None
