"""Names and ids: which texts may name a channel, and how random bytes become an id."""

import re
from typing import NewType

ChannelId = NewType("ChannelId", str)
BroadcastId = NewType("BroadcastId", str)
SessionId = NewType("SessionId", str)
UserId = NewType("UserId", str)
KeyId = NewType("KeyId", str)

# Public names. Disk paths are built from ids, never from names.
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]  # two letters at a time: half the work


def is_slug(text: str) -> bool:
    """Whether `text` may be a public name: `[a-z0-9][a-z0-9_-]{0,63}`."""
    return _SLUG.fullmatch(text) is not None


def encode_id(entropy: bytes) -> str:
    """Crockford base 32 of random bytes, lower case, without padding: 16 bytes give 26 letters."""
    number = int.from_bytes(entropy, "big")
    length = (len(entropy) * 8 + 4) // 5
    pairs = [_PAIRS[(number >> place) & 1023] for place in range(10 * ((length - 1) // 2), -1, -10)]
    return "".join(pairs)[-length:] if length else ""
