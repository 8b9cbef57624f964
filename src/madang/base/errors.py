"""Two families of errors: the peer broke the rules (PeerError), or we did (Bug)."""


class PeerError(Exception):
    """The other side sent something it must not send, or asked for something it may not have.

    `code` goes on the wire in the protocol's own terms (an RTMP status code, an HTTP problem slug, a
    disconnect code as text), `reason` goes to the log, `told` is the sentence that the peer may read.
    A parser fed any bytes raises this or nothing.
    """

    def __init__(self, code: str, reason: str, told: str = "") -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
        self.told = told or reason


class Refused(PeerError):
    """A gate said no: `code` is one of the words of `Refusal`."""


class Overloaded(PeerError):
    """A named limit is reached; coming back later is worthwhile after `retry_after_s` seconds."""

    def __init__(self, reason: str, told: str = "", retry_after_s: int = 1) -> None:
        super().__init__("overloaded", reason, told)
        self.retry_after_s = retry_after_s


class Bug(Exception):
    """We broke our own rules; never shown to a peer."""
