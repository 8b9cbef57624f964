"""How a use-case says no: a word for programs, a sentence for people, and the fields concerned."""

import msgspec

from madang.base.errors import PeerError


class FieldFault(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    code: str
    message: str


class NotFound(PeerError):
    """There is no such thing, or whoever asks may not know of it."""

    def __init__(self, what: str = "thing") -> None:
        super().__init__("not_found", f"no such {what}", f"There is no such {what}.")


class Unauthenticated(PeerError):
    """Nobody is signed in."""

    def __init__(self, code: str = "sign_in", told: str = "Sign in first.") -> None:
        super().__init__(code, told)


class Forbidden(PeerError):
    """Signed in, and not allowed."""

    def __init__(self, code: str = "forbidden", told: str = "You may not do this.") -> None:
        super().__init__(code, told)


class Conflict(PeerError):
    """The state of things does not allow it: a name is taken, a link is used."""

    def __init__(self, code: str, told: str, field: str = "") -> None:
        super().__init__(code, told)
        self.fields = (FieldFault(field, code, told),) if field else ()


class Invalid(PeerError):
    """The request is well-formed and still not acceptable."""

    def __init__(self, code: str, told: str, field: str = "") -> None:
        super().__init__(code, told)
        self.fields = (FieldFault(field, code, told),) if field else ()


class TooMany(PeerError):
    """Too many attempts; coming back after `retry_after_s` is worthwhile."""

    def __init__(self, told: str, retry_after_s: int) -> None:
        super().__init__("too_many", told)
        self.retry_after_s = retry_after_s
