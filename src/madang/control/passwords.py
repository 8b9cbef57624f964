"""Passwords: Argon2id in a thread, two at once; an unknown account takes as long as a known one (A30)."""

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from madang.base.limits import PASSWORD_HASHES_AT_ONCE
from madang.control.errors import Invalid

if TYPE_CHECKING:
    from pwdlib import PasswordHash

PASSWORD_LETTERS_MIN = 8


class Passwords:
    """Hashes and verifies; a hash made with old parameters is made anew by `verify`."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(PASSWORD_HASHES_AT_ONCE)

    async def hash(self, password: str) -> str:
        """The Argon2id hash of an acceptable password."""
        if len(password) < PASSWORD_LETTERS_MIN:
            told = f"A password has at least {PASSWORD_LETTERS_MIN} letters."
            raise Invalid("password_short", told, "password")
        async with self._turn:
            return await asyncio.to_thread(lambda: _hasher().hash(password))

    async def verify(self, password: str, stored: str) -> bool:
        """Whether `password` has the hash `stored`; an empty one takes as long and is never right."""
        async with self._turn:
            return await asyncio.to_thread(_verify, password, stored)


def _verify(password: str, stored: str) -> bool:
    right = _hasher().verify(password, stored or _nobodys_hash())
    return right and bool(stored)


@cache
def _hasher() -> "PasswordHash":
    from pwdlib import PasswordHash  # 0.2 s that only a login has to wait for

    return PasswordHash.recommended()


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("nobody has this password")
