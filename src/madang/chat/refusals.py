"""How chat says no: a number and a word, with the seconds that remain where waiting helps."""

import math

from madang.realtime.ports import ReplyError


def _left(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def invalid(field: str) -> ReplyError:
    return ReplyError(400, f"invalid:{field}")


def sign_in() -> ReplyError:
    return ReplyError(401, "sign_in")


def forbidden() -> ReplyError:
    return ReplyError(403, "forbidden")


def not_found() -> ReplyError:
    return ReplyError(404, "not_found")


def conflict(word: str) -> ReplyError:
    return ReplyError(409, f"conflict:{word}")


def rate(seconds: float) -> ReplyError:
    return ReplyError(429, f"rate:{_left(seconds)}")


def banned() -> ReplyError:
    return ReplyError(1001, "banned")


def timed_out(seconds: float) -> ReplyError:
    return ReplyError(1002, f"timed_out:{_left(seconds)}")


def slow_mode(seconds: float) -> ReplyError:
    return ReplyError(1003, f"slow_mode:{_left(seconds)}")


def followers_only(seconds: float | None) -> ReplyError:
    """None for who does not follow."""
    return ReplyError(1004, f"followers_only:{-1 if seconds is None else _left(seconds)}")


def subscribers_only() -> ReplyError:
    return ReplyError(1005, "subscribers_only")


def emoji_only() -> ReplyError:
    return ReplyError(1006, "emoji_only")


def unique(seconds: float) -> ReplyError:
    return ReplyError(1007, f"unique:{_left(seconds)}")


def links_off() -> ReplyError:
    return ReplyError(1008, "links_off")


def frozen() -> ReplyError:
    return ReplyError(1009, "frozen")


def filtered(timeout_s: int = 0) -> ReplyError:
    return ReplyError(1010, f"filtered:{timeout_s}" if timeout_s else "filtered")


def too_long(most: int) -> ReplyError:
    return ReplyError(1011, f"too_long:{most}")


def duplicate(seconds: float) -> ReplyError:
    return ReplyError(1012, f"duplicate:{_left(seconds)}")


def name_taken() -> ReplyError:
    return ReplyError(1013, "name_taken")


def name_invalid() -> ReplyError:
    return ReplyError(1014, "name_invalid")


def guests_off() -> ReplyError:
    return ReplyError(1015, "guests_off")


def off() -> ReplyError:
    return ReplyError(1016, "off")
