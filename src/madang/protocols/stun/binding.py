"""Connectivity checks as an ICE-lite agent sees them (RFC 8445 section 7.3): it answers and never asks."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import msgspec

from madang.base.errors import PeerError
from madang.protocols.stun import message
from madang.protocols.stun.message import Message

_KNOWN: Final = frozenset(
    (
        message.MAPPED_ADDRESS,
        message.USERNAME,
        message.MESSAGE_INTEGRITY,
        message.ERROR_CODE,
        message.UNKNOWN_ATTRIBUTES,
        message.XOR_MAPPED_ADDRESS,
        message.PRIORITY,
        message.USE_CANDIDATE,
    )
)
_WORDS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    420: "Unknown Attribute",
    487: "Role Conflict",
}


class Verdict(StrEnum):
    """What a check deserves."""

    GOOD = "good"
    FORGED = "forged"
    """MESSAGE-INTEGRITY is missing or made with another password: 401."""
    STRANGE = "strange"
    """An attribute that must be understood and is not: 420."""
    CONFLICT = "conflict"
    """It believes to be controlled as we always are: 487."""


class Check(msgspec.Struct, frozen=True, gc=False):
    """A Binding request with a USERNAME."""

    message: Message
    ufrag: str
    """Ours: what stands before the colon of USERNAME."""
    peer_ufrag: str
    nominates: bool
    """USE-CANDIDATE: the peer has chosen this pair."""


def read_check(data: bytes) -> Check | None:
    """The check in a datagram; None for other STUN messages (indications, answers). Raises PeerError."""
    parsed = message.parse(data)
    if parsed.kind != message.REQUEST:
        return None
    username = parsed.attributes.get(message.USERNAME, b"")
    if len(username) > 513 or not username.isascii():
        raise PeerError("400", "a USERNAME that is none")
    ufrag, colon, peer_ufrag = username.decode("ascii").partition(":")
    if not colon:
        raise PeerError("400", "a USERNAME without a colon")
    return Check(parsed, ufrag, peer_ufrag, message.USE_CANDIDATE in parsed.attributes)


def judge(data: bytes, check: Check, password: bytes) -> Verdict:
    """What the check in `data` deserves, `password` being ours."""
    if not message.is_genuine(data, check.message, password):
        return Verdict.FORGED
    if unknown_of(check):
        return Verdict.STRANGE
    if message.ICE_CONTROLLED in check.message.attributes:
        return Verdict.CONFLICT
    return Verdict.GOOD


def unknown_of(check: Check) -> list[int]:
    """The attributes that must be understood (below 0x8000) and are not."""
    return [number for number in check.message.attributes if number < 0x8000 and number not in _KNOWN]


def build_success(check: Check, address: IPv4Address | IPv6Address, port: int, password: bytes) -> bytes:
    """The answer to a good check: where it came from."""
    transaction = check.message.transaction
    mapped = message.xor_address(address, port, transaction)
    return message.build(message.SUCCESS, transaction, ((message.XOR_MAPPED_ADDRESS, mapped),), password)


def build_error(check: Check, verdict: Verdict, password: bytes) -> bytes:
    """The answer to any other check; never longer than the check was, when that was not genuine (A48)."""
    code = {Verdict.FORGED: 401, Verdict.STRANGE: 420, Verdict.CONFLICT: 487}.get(verdict, 400)
    attributes = [(message.ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + _WORDS[code].encode())]
    if verdict is Verdict.STRANGE:
        numbers = b"".join(number.to_bytes(2, "big") for number in unknown_of(check))
        attributes.append((message.UNKNOWN_ATTRIBUTES, numbers))
    seal = None if verdict is Verdict.FORGED else password
    return message.build(message.ERROR, check.message.transaction, attributes, seal)
