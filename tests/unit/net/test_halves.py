"""Half-closing connections whose peers read on, cannot be half closed, or are gone."""

import pytest

from madang.net.halves import end_output


class FakeTransport:
    def __init__(self, can: bool, error: OSError | None = None) -> None:
        self.can, self.error = can, error
        self.did: list[str] = []

    def can_write_eof(self) -> bool:
        return self.can

    def write_eof(self) -> None:
        if self.error is not None:
            raise self.error
        self.did.append("eof")

    def close(self) -> None:
        self.did.append("closed")

    def abort(self) -> None:
        self.did.append("aborted")


@pytest.mark.parametrize(
    ("transport", "goes_on", "did"),
    [
        (FakeTransport(True), True, "eof"),
        (FakeTransport(False), False, "closed"),
        (FakeTransport(True, OSError(107, "Transport endpoint is not connected")), False, "aborted"),
    ],
    ids=["plain", "tls", "reset meanwhile"],
)
def test_each_peer_gets_what_it_can_take(transport: FakeTransport, goes_on: bool, did: str) -> None:
    assert end_output(transport) is goes_on  # type: ignore[arg-type]
    assert transport.did == [did]
