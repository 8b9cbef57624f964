"""`Idempotency-Key`: twice sent, once done, the same answer."""

import asyncio

import pytest
from tests.harness.household import Household
from tests.harness.visitor import Site

KEY = {"Idempotency-Key": "one-and-only"}


async def test_a_creation_sent_twice_happens_once(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    first = await browser.post("/channels/yard/keys", {"name": "OBS"}, headers=KEY)
    second = await browser.post("/channels/yard/keys", {"name": "OBS"}, headers=KEY)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len((await browser.get("/channels/yard/keys")).json()["items"]) == 1


async def test_sent_at_once_it_happens_once(web: Site, house: Household) -> None:
    _, browser = await web.account("kim")
    answers = await asyncio.gather(
        *(browser.post("/channels", {"slug": "yard"}, headers=KEY) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert house.control.answers._turns == {}


async def test_another_request_with_the_same_key_is_refused(web: Site) -> None:
    _, browser = await web.account("kim")
    await browser.post("/channels", {"slug": "a"}, headers=KEY)
    other = await browser.post("/channels", {"slug": "b"}, headers=KEY)
    assert other.status_code == 409 and other.json()["type"] == "idempotency_mismatch"


async def test_keys_belong_to_their_account(web: Site) -> None:
    _, kim = await web.account("kim")
    _, lee = await web.account("lee")
    assert (await kim.post("/channels", {"slug": "a"}, headers=KEY)).json()["slug"] == "a"
    assert (await lee.post("/channels", {"slug": "b"}, headers=KEY)).json()["slug"] == "b"


async def test_a_failure_is_not_kept(web: Site) -> None:
    _, browser = await web.account("kim")
    assert (await browser.post("/channels", {"slug": "A"}, headers=KEY)).status_code == 422
    assert (await browser.post("/channels", {"slug": "a"}, headers=KEY)).status_code == 201


async def test_kept_answers_are_sealed_and_forgotten_after_a_day(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    made = (await browser.post("/channels/yard/keys", {}, headers=KEY)).json()
    async with house.store.read() as work:
        (kept,) = await work.kept.find()
    assert made["value"].encode() not in kept.sealed
    house.clock.advance(86_401)
    async with house.store.write() as work:
        await work.forget(house.clock.wall(), 0)
        assert await work.kept.find() == []


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "é"])
async def test_keys_that_are_none(web: Site, key: str) -> None:
    _, browser = await web.account("kim")
    headers = {b"Idempotency-Key": key.encode(), b"X-Madang": b"1"}
    answer = await browser.client.post("/api/v1/channels", json={"slug": "a"}, headers=headers)
    assert answer.status_code == 400 and answer.json()["type"] == "bad_idempotency_key"
