"""Signing in and out, sessions, passwords (A30, A33)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.harness.household import PASSWORD, Household
from tests.harness.patience import until

from madang.base.roles import SiteRole
from madang.base.secret import Secret
from madang.control.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated
from madang.control.passwords import Passwords
from madang.control.records import Account
from madang.control.rights import Actor
from madang.store.rows import TableRows


async def _login(
    house: Household, name: str = "kim", password: str = PASSWORD, peer: str = "192.0.2.1"
) -> Secret:
    return (await house.control.accounts.login(name, password, peer, "test")).cookie


async def _who(house: Household, cookie: Secret) -> Actor | None:
    return await house.control.accounts.authenticate(cookie, "192.0.2.1")


async def test_a_session_is_a_cookie_that_is_kept_nowhere(house: Household) -> None:
    await house.account("kim")
    cookie = await _login(house)
    actor = await _who(house, cookie)
    assert actor is not None and actor.name == "kim" and actor.scopes is None
    async with house.store.read() as work:
        rows = await work.sessions.find()
    assert len(rows) == 1 and cookie.reveal() not in repr(rows)


async def test_each_login_is_a_new_session(house: Household) -> None:
    await house.account("kim")
    assert (await _login(house)).reveal() != (await _login(house)).reveal()


@pytest.mark.parametrize(
    ("name", "password"), [("kim", "wrong"), ("nobody", PASSWORD), ("", ""), ("kim", "")]
)
async def test_wrong_name_and_wrong_password_have_one_answer(
    house: Household, name: str, password: str
) -> None:
    await house.account("kim")
    with pytest.raises(Unauthenticated) as caught:
        await _login(house, name, password)
    assert caught.value.code == "wrong_password"
    assert caught.value.told == "Name or password is wrong."


async def test_ten_failures_of_an_account_or_an_address_answer_429(house: Household) -> None:
    await house.account("kim")
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await _login(house, "kim", "wrong", f"192.0.2.{number}")
    with pytest.raises(TooMany) as caught:
        await _login(house, "kim", PASSWORD, "198.51.100.1")
    assert 1 <= caught.value.retry_after_s <= 61
    house.clock.advance(61)
    assert await _login(house)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await _login(house, f"name{number}", "wrong", "203.0.113.5")
    with pytest.raises(TooMany):
        await _login(house, "kim", PASSWORD, "203.0.113.5")
    assert await _login(house, "kim", PASSWORD, "203.0.113.6")


async def test_a_session_ends_when_it_is_not_used(house: Household) -> None:
    await house.account("kim")
    cookie = await _login(house)
    for _ in range(3):
        house.clock.advance(20 * 86400)
        assert await _who(house, cookie) is not None
    house.clock.advance(31 * 86400)
    assert await _who(house, cookie) is None


@pytest.mark.parametrize("cookie", ["", "x", "é" * 20, "a" * 100_000])
async def test_cookies_that_are_none(house: Household, cookie: str) -> None:
    assert await _who(house, Secret(cookie)) is None


async def test_a_disabled_account_is_out_everywhere_at_once(house: Household, admin: Actor) -> None:
    actor = await house.account("kim")
    cookie = await _login(house)

    class Change:
        role, disabled, display_name = None, True, None

    await house.control.users.change(admin, actor.account, Change())
    assert await _who(house, cookie) is None
    with pytest.raises(Forbidden):
        await _login(house)


async def test_changing_the_password_signs_the_other_browsers_out(house: Household) -> None:
    await house.account("kim")
    here, there = await _login(house), await _login(house)
    actor = await _who(house, here)
    assert actor is not None
    with pytest.raises(Forbidden):
        await house.control.accounts.change_password(actor, "wrong", "another password")
    await house.control.accounts.change_password(actor, PASSWORD, "another password")
    assert await _who(house, here) is not None
    assert await _who(house, there) is None
    with pytest.raises(Unauthenticated):
        await _login(house)
    assert await _login(house, password="another password")


async def test_the_password_is_recent_for_ten_minutes_and_again_after_confirmation(house: Household) -> None:
    await house.account("kim")
    cookie = await _login(house)
    accounts = house.control.accounts
    actor = await _who(house, cookie)
    assert actor is not None and accounts.password_is_recent(actor)
    house.clock.advance(601)
    assert not accounts.password_is_recent(actor)
    with pytest.raises(Forbidden):
        await accounts.confirm(actor, "wrong")
    await accounts.confirm(actor, PASSWORD)
    again = await _who(house, cookie)
    assert again is not None and accounts.password_is_recent(again)


async def test_sessions_are_listed_and_revoked_by_their_owner_alone(house: Household) -> None:
    await house.account("kim")
    await house.account("lee")
    mine, hers = await _login(house), await _login(house, "lee")
    kim, lee = await _who(house, mine), await _who(house, hers)
    assert kim is not None and lee is not None
    with pytest.raises(NotFound):
        await house.control.accounts.revoke_session(kim, lee.session)
    page = await house.control.accounts.sessions(kim, None, 10)
    assert [session.id for session in page.items] == [kim.session]
    await house.control.accounts.revoke_session(kim, kim.session)
    assert await _who(house, mine) is None
    assert await _who(house, hers) is not None


def during_the_next_find(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], Coroutine[Any, Any, object]], **asked: str
) -> None:
    """Let something happen between a look at the rows and its end, once."""
    find = TableRows.find

    async def and_then(rows: TableRows[Any], **equals: Any) -> list[Any]:
        found = await find(rows, **equals)
        if set(asked) == set(equals):
            monkeypatch.undo()
            await act()
        return found

    monkeypatch.setattr(TableRows, "find", and_then)


async def test_a_session_that_ends_while_it_is_looked_up_is_over(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.account("kim")
    here, there = await _login(house), await _login(house)
    kim = await _who(house, here)
    assert kim is not None
    during_the_next_find(monkeypatch, lambda: house.control.accounts.revoke_others(kim), digest="")
    await _who(house, there)
    assert await _who(house, there) is None


async def test_a_token_that_is_revoked_while_it_is_looked_up_is_over(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim, tokens = await house.account("kim"), house.control.tokens
    made = await tokens.create(kim, "ci", ["channels:read"], None)
    during_the_next_find(monkeypatch, lambda: tokens.revoke(kim, made.token.id), digest="")
    await tokens.authenticate(Secret(made.value), "192.0.2.1")
    assert await tokens.authenticate(Secret(made.value), "192.0.2.1") is None


async def test_who_signs_in_with_the_password_that_is_just_being_changed_is_not_in(house: Household) -> None:
    kim = await house.account("kim")
    accounts = house.control.accounts
    async with house.store.turn:
        changing = asyncio.create_task(accounts.change_password(kim, PASSWORD, "another password"))
        await until(lambda: house.store.turn._waiters)
        coming = asyncio.create_task(_login(house))
        await until(lambda: len(house.store.turn._waiters or ()) == 2)
    await changing
    with pytest.raises(Unauthenticated):
        await coming


async def test_a_session_that_is_looked_up_while_another_ends_is_still_there(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its open pages would lose their rights."""
    await house.account("kim")
    here, there, gone = await _login(house), await _login(house), await _login(house)
    kim, away = await _who(house, here), await _who(house, gone)
    assert kim is not None and away is not None
    found: list[Actor | None] = []

    async def somebody_comes() -> None:
        found.append(await _who(house, there))

    async with house.store.write() as work:
        await work.sessions.delete(id=away.session)
    during_the_next_find(monkeypatch, somebody_comes, digest="")
    await house.control.follow()
    (actor,) = found
    assert actor is not None and house.control.accounts.is_signed_in(actor)
    assert not house.control.accounts.is_signed_in(away)


async def test_a_password_given_again_is_not_forgotten_by_a_request_beside_it(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.account("kim")
    cookie = await _login(house)
    accounts = house.control.accounts
    kim = await _who(house, cookie)
    assert kim is not None
    house.clock.advance(601)
    note = TableRows.note

    async def behind_it(rows: TableRows[Any], *key: str, **values: Any) -> None:
        if "expires_at" in values:
            await confirming
        await note(rows, *key, **values)

    monkeypatch.setattr(TableRows, "note", behind_it)
    async with house.store.turn:
        confirming = asyncio.create_task(accounts.confirm(kim, PASSWORD))
        await until(lambda: house.store.turn._waiters)
        beside = asyncio.create_task(_who(house, cookie))
        await asyncio.sleep(0)
    await beside
    again = await _who(house, cookie)
    assert again is not None and accounts.password_is_recent(again)


async def test_the_eldest_session_makes_room(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.control.accounts.SESSIONS_PER_ACCOUNT", 2)
    await house.account("kim")
    cookies = []
    for _ in range(3):
        cookies.append(await _login(house))
        house.clock.advance(1)
    assert [await _who(house, cookie) is not None for cookie in cookies] == [False, True, True]


async def test_nobody_may_look_like_somebody_else(house: Household) -> None:
    actor = await house.account("kim")
    await house.account("lee")
    for forged in ("lee", "LEE", "ｌｅｅ", "1ee"):
        with pytest.raises(Conflict):
            await house.control.accounts.rename(actor, forged)
    await house.control.accounts.rename(actor, "Kim")


async def test_the_last_admin_stays(house: Household, admin: Actor) -> None:
    class Demote:
        role, disabled, display_name = SiteRole.MEMBER, None, None

    with pytest.raises(Conflict):
        await house.control.users.change(admin, admin.account, Demote())
    with pytest.raises(Conflict):
        await house.control.users.delete(admin, admin.account)
    other = await house.account("second", SiteRole.ADMIN)
    await house.control.users.change(other, admin.account, Demote())
    await house.control.users.delete(other, admin.account)


class Different:
    """A change of an account."""

    def __init__(self, role: SiteRole | None = None, disabled: bool | None = None) -> None:
        self.role, self.disabled, self.display_name = role, disabled, None


async def at_once(house: Household, *changes: Coroutine[Any, Any, Any]) -> list[Any]:
    """Changes that have all seen what was there before the first of them is written."""
    async with house.store.turn:
        tasks = [asyncio.create_task(change) for change in changes]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_of_two_who_change_an_account_at_once_neither_undoes_the_other(
    house: Household, admin: Actor
) -> None:
    accounts, users = house.control.accounts, house.control.users
    kim = await house.account("kim")
    await at_once(
        house, accounts.rename(kim, "Kim"), users.change(admin, kim.account, Different(SiteRole.ADMIN))
    )
    found = await users.get(kim.account)
    assert (found.display_name, found.role) == ("Kim", SiteRole.ADMIN)


async def test_a_password_that_changes_lets_nobody_back_in(
    house: Household, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is shut out while the new password is hashed stays out."""
    accounts, users = house.control.accounts, house.control.users
    kim = await house.account("kim")
    hashing = accounts.passwords.hash

    async def while_an_admin_acts(password: str) -> str:
        await users.change(admin, kim.account, Different(disabled=True))
        return await hashing(password)

    monkeypatch.setattr(accounts.passwords, "hash", while_an_admin_acts)
    await accounts.change_password(kim, PASSWORD, "another password")
    assert (await users.get(kim.account)).disabled


async def test_two_admins_who_demote_each_other_leave_one(house: Household, admin: Actor) -> None:
    users = house.control.users
    other = await house.account("second", SiteRole.ADMIN)
    done = await at_once(
        house,
        users.change(admin, other.account, Different(SiteRole.MEMBER)),
        users.change(other, admin.account, Different(disabled=True)),
    )
    assert [type(each) for each in done] == [Account, Conflict]
    assert [one.id for one in house.control.directory.admins()] == [admin.account]


async def test_two_admins_who_delete_each_other_leave_one(house: Household, admin: Actor) -> None:
    users = house.control.users
    other = await house.account("second", SiteRole.ADMIN)
    done = await at_once(house, users.delete(admin, other.account), users.delete(other, admin.account))
    assert [type(each) for each in done] == [type(None), Conflict]
    assert [one.id for one in house.control.directory.admins()] == [admin.account]


async def test_hashing_leaves_the_loop_free() -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.001)

    task = asyncio.create_task(beat())
    hashed = await Passwords().hash("a long password")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert hashed.startswith("$argon2id$")
    assert beats > 3
