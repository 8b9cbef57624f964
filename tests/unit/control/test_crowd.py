"""Tickets and rooms: who comes as whom, what an old ticket is worth, who may enter, and how fast that
ends."""

import jwt
import msgspec
import pytest
from tests.harness.household import PASSWORD, Household

from madang.base.roles import ChannelRole, Visibility
from madang.base.secret import Secret
from madang.control.rights import Actor
from madang.realtime.gate import Caller, ConnectRequest
from madang.realtime.ports import Disconnect, ReplyError


def caller(user: str, claim: bytes = b"", issuer: str = "madang") -> Caller:
    return Caller(client="c1", user=user, issuer=issuer, claim=claim, peer="192.0.2.1")


async def admitted(house: Household, who: Caller, channel: str, data: bytes = b"") -> bool:
    try:
        await house.control.rooms.admit(who, channel, data)
    except ReplyError as error:
        assert error.number == 103
        return False
    return house.control.rooms.holds(who, channel)


async def test_a_guest_who_shows_an_earlier_ticket_stays_the_same_guest(house: Household) -> None:
    tickets = house.control.tickets
    first = tickets.issue(None)
    assert first.user.startswith("madang.g.") and first.expires_at == house.clock.wall() + 600
    house.clock.advance(3 * 86400)
    again = tickets.issue(None, first.token)
    assert again.user == first.user and again.token != first.token
    assert tickets.issue(None).user != first.user
    house.clock.advance(91 * 86400)
    assert tickets.issue(None, first.token).user != first.user


@pytest.mark.parametrize("shown", ["x", "a.b.c", "account", "forged", "nobody"])
async def test_what_is_no_guests_ticket_makes_a_new_guest(house: Household, shown: str) -> None:
    tickets = house.control.tickets
    now = house.clock.wall()
    claims = {"sub": "madang.g.victim", "iat": now, "exp": now + 600}
    if shown == "account":
        shown = tickets.issue(await house.account("ann")).token
    elif shown == "forged":
        shown = jwt.encode(claims, "x" * 40, "HS256")
    elif shown == "nobody":
        shown = jwt.encode({**claims, "alg": "none"}, None, "none")
    user = tickets.issue(None, shown).user
    assert user.startswith("madang.g.") and user != "madang.g.victim"


async def test_an_account_comes_as_itself_until_it_is_disabled_or_signed_out(house: Household) -> None:
    ann = await house.account("ann")
    entry = await house.control.accounts.login("ann", PASSWORD, "192.0.2.1", "")
    await house.control.authenticate_session(entry.cookie, "192.0.2.1")
    ticket = house.control.tickets.issue(entry.actor)
    assert ticket.user == f"madang.u.{ann.account}"
    claims = jwt.decode(ticket.token, options={"verify_signature": False})
    who = caller(ticket.user, msgspec.json.encode(claims["madang"]))
    tickets = house.control.tickets
    assert (
        tickets.holds(who)
        and tickets.holds(caller("madang.g.x"))
        and tickets.holds(caller("theirs", issuer="x"))
    )
    assert not tickets.holds(caller("madang.u.nobody"))
    await house.control.accounts.revoke_session(entry.actor, entry.actor.session)
    assert not tickets.holds(who)


async def test_without_a_token_one_is_anonymous_where_that_is_allowed(house: Household) -> None:
    request = ConnectRequest(caller=caller("", issuer=""))
    with pytest.raises(Disconnect) as caught:
        await house.control.tickets.connect(request)
    assert caught.value.number == 3501
    house.control.tickets.allow_anonymous = True
    assert (await house.control.tickets.connect(request)).user == ""


async def test_rooms_are_open_to_whoever_may_watch(house: Household) -> None:
    owner = await house.account("owner")
    member, stranger = await house.account("member"), await house.account("stranger")
    public = await house.channel("open", owner)
    private = await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    await house.member(private, member, ChannelRole.VIEWER)
    guest = caller("madang.g.x")
    assert await admitted(house, guest, f"madang_chat:{public.id}")
    assert not await admitted(house, guest, f"madang_chat:{private.id}")
    assert not await admitted(house, guest, "madang_chat:nowhere")
    assert not await admitted(house, guest, "madang_chat:")

    def account(who: Actor) -> Caller:
        return caller(f"madang.u.{who.account}")

    assert await admitted(house, account(owner), f"madang_chat:{private.id}")
    assert await admitted(house, account(member), f"madang_chat:{private.id}")
    assert not await admitted(house, account(stranger), f"madang_chat:{private.id}")
    # Who was named by somebody else is nobody here.
    assert not await admitted(
        house, caller(f"madang.u.{owner.account}", issuer="x"), f"madang_chat:{private.id}"
    )


async def test_a_play_token_opens_its_private_room_until_it_ends(house: Household) -> None:
    owner = await house.account("owner")
    private = await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    other = await house.channel("other", owner, visibility=Visibility.PRIVATE)
    token, _ = house.control.play.mint(private, 60, "")
    data = msgspec.json.encode({"token": token})
    guest = caller("madang.g.x")
    assert not await admitted(house, guest, f"madang_chat:{other.id}", data)
    assert not await admitted(house, guest, f"madang_chat:{private.id}", b'{"token":5}')
    assert await admitted(house, guest, f"madang_chat:{private.id}", data)
    house.clock.advance(61)
    assert not house.control.rooms.holds(guest, f"madang_chat:{private.id}")
    assert Secret(token)


async def test_desks_are_for_managers(house: Household) -> None:
    owner, manager, viewer = [await house.account(name) for name in ("owner", "manager", "viewer")]
    channel = await house.channel("open", owner)
    await house.member(channel, manager, ChannelRole.MANAGER)
    await house.member(channel, viewer, ChannelRole.VIEWER)
    desks = house.control.desks
    found = [
        desks.holds(caller(f"madang.u.{who.account}"), f"madang_mod:{channel.id}")
        for who in (owner, manager, viewer)
    ]
    assert found == [True, True, False]
    token, _ = house.control.play.mint(channel, 60, "")
    with pytest.raises(ReplyError):
        await desks.admit(
            caller("madang.g.x"), f"madang_mod:{channel.id}", msgspec.json.encode({"token": token})
        )
