"""Following: the first date stays, the count is true, and it goes with the account."""

from tests.harness.household import Household

from madang.control.rights import Actor


async def test_the_first_date_stays(house: Household, admin: Actor) -> None:
    yard, mina = await house.channel("yard", admin), await house.account("mina")
    began = house.clock.wall()
    assert (await house.control.follows.follow(mina, yard)).followed_at == began
    house.clock.advance(100)
    again = await house.control.follows.follow(mina, yard)
    assert (again.followed_at, again.followers) == (began, 1)


async def test_unfollowing_twice_is_no_fault(house: Household, admin: Actor) -> None:
    yard, mina = await house.channel("yard", admin), await house.account("mina")
    await house.control.follows.follow(mina, yard)
    for _ in range(2):
        left = await house.control.follows.unfollow(mina, yard)
        assert (left.followed_at, left.followers) == (None, 0)


async def test_lists_are_newest_first_and_paged(house: Household, admin: Actor) -> None:
    yard = await house.channel("yard", admin)
    people = [await house.account(name) for name in ("a", "b", "c")]
    for actor in people:
        house.clock.advance(1)
        await house.control.follows.follow(actor, yard)
    first = await house.control.follows.followers(yard, None, 2)
    rest = await house.control.follows.followers(yard, first.next, 2)
    assert [row.account for row in [*first.items, *rest.items]] == ["c-id", "b-id", "a-id"]
    assert rest.next is None
    mine = await house.control.follows.followed(people[0], None, 10)
    assert [row.channel for row in mine.items] == [yard.id]


async def test_another_process_is_heard_after_a_minute(house: Household, admin: Actor) -> None:
    yard, mina = await house.channel("yard", admin), await house.account("mina")
    assert await house.control.follows.count(yard.id) == 0
    async with house.store.write() as work:
        from madang.control.records import Follow

        await work.follows.add(Follow(id="f1", channel=yard.id, account=mina.account, since=1.0))
    assert await house.control.follows.count(yard.id) == 0
    house.clock.advance(61)
    assert await house.control.follows.count(yard.id) == 1


async def test_follows_go_with_the_channel_and_the_account(house: Household, admin: Actor) -> None:
    yard, inn = await house.channel("yard", admin), await house.channel("inn", admin)
    mina = await house.account("mina")
    for channel in (yard, inn):
        await house.control.follows.follow(mina, channel)
    await house.control.channels.delete(admin, yard, "yard")
    assert [r.channel for r in (await house.control.follows.followed(mina, None, 9)).items] == [inn.id]
    await house.control.users.delete(admin, mina.account)
    house.clock.advance(61)
    assert await house.control.follows.count(inn.id) == 0
