"""Connectivity checks: genuine, forged, strange and conflicting ones, and their answers."""

from ipaddress import ip_address

import pytest

from madang.base.errors import PeerError
from madang.protocols.stun import binding, message
from madang.protocols.stun.binding import Verdict

TRANSACTION = bytes(range(12))
PASSWORD = b"a-password-of-ours-24-chr"


def check_of(
    *attributes: tuple[int, bytes], password: bytes | None = PASSWORD, username: bytes = b"us:them"
) -> bytes:
    return message.build(message.REQUEST, TRANSACTION, ((message.USERNAME, username), *attributes), password)


def test_a_good_check_is_told_where_it_came_from() -> None:
    data = check_of(
        (message.PRIORITY, bytes(4)), (message.ICE_CONTROLLING, bytes(8)), (message.USE_CANDIDATE, b"")
    )
    check = binding.read_check(data)
    assert check is not None
    assert (check.ufrag, check.peer_ufrag, check.nominates) == ("us", "them", True)
    assert binding.judge(data, check, PASSWORD) is Verdict.GOOD
    answer = binding.build_success(check, ip_address("2001:db8::1"), 40000, PASSWORD)
    parsed = message.parse(answer)
    assert parsed.kind == message.SUCCESS
    assert parsed.transaction == TRANSACTION
    assert message.is_genuine(answer, parsed, PASSWORD)
    value = parsed.attributes[message.XOR_MAPPED_ADDRESS]
    assert message.parse_xor_address(value, TRANSACTION) == (ip_address("2001:db8::1"), 40000)


@pytest.mark.parametrize(
    ("verdict", "code", "data"),
    [
        (Verdict.FORGED, 401, check_of(password=None)),
        (Verdict.FORGED, 401, check_of(password=b"another")),
        (Verdict.STRANGE, 420, check_of((0x7ABC, b"?"))),
        (Verdict.CONFLICT, 487, check_of((message.ICE_CONTROLLED, bytes(8)))),
    ],
)
def test_other_checks_get_an_error(verdict: Verdict, code: int, data: bytes) -> None:
    check = binding.read_check(data)
    assert check is not None
    assert binding.judge(data, check, PASSWORD) is verdict
    answer = binding.build_error(check, verdict, PASSWORD)
    parsed = message.parse(answer)
    error = parsed.attributes[message.ERROR_CODE]
    assert error[2] * 100 + error[3] == code
    if verdict is Verdict.FORGED:
        assert not parsed.integrity_at
    else:
        assert message.is_genuine(answer, parsed, PASSWORD)
    if verdict is Verdict.STRANGE:
        assert parsed.attributes[message.UNKNOWN_ATTRIBUTES] == b"\x7a\xbc"


def test_answers_and_indications_are_no_checks() -> None:
    for kind in (message.SUCCESS, message.ERROR, message.INDICATION):
        assert binding.read_check(message.build(kind, TRANSACTION, ())) is None


@pytest.mark.parametrize("username", [b"", b"nocolon", b"\xff:x", b"a:" + b"b" * 600])
def test_usernames_that_are_none(username: bytes) -> None:
    with pytest.raises(PeerError):
        binding.read_check(check_of(username=username))
