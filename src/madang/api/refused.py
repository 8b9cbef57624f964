"""What the chat and payment providers refuse, as problems: the word of the realtime server is the type."""

from collections.abc import Iterator
from contextlib import contextmanager

from madang.api.problems import ProblemError
from madang.chat.ports import PaymentFault
from madang.realtime.ports import ReplyError

_STATUS = {100: 503, 103: 404, 400: 422, 1010: 422, 1011: 422, 1016: 409}
_PAYMENT = {"unreachable": 503, "config": 503, "unknown": 404, "refused": 409, "signature": 400}


@contextmanager
def as_problems() -> Iterator[None]:
    """ReplyError and PaymentFault of the block become problems."""
    try:
        yield
    except ReplyError as error:
        raise _problem(error) from error
    except PaymentFault as fault:
        status = _PAYMENT.get(fault.code, 400)
        raise ProblemError(status, f"payment_{fault.code}", "The payment provider did not agree.") from fault


def _problem(error: ReplyError) -> ProblemError:
    word, _, more = error.message.partition(":")
    status = _STATUS.get(error.number, error.number if 400 <= error.number < 500 else 403)
    kind = word.replace(" ", "_") + (f".{more}" if more and not more.lstrip("-").isdigit() else "")
    headers = {"Retry-After": more} if more.isdigit() and status in (403, 429) else None
    return ProblemError(status, kind, f"The room refuses: {error.message}.", headers=headers)
