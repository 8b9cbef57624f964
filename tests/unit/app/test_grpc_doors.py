"""gRPC in clear is warned of where it can be heard, and a certificate is read again when its files change."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.harness import certificates

from madang.app.grpc_doors import _reader, _stays_here


@pytest.mark.parametrize(
    ("host", "stays"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.0.2.1", False), ("grpc.example.org", False)],
)  # fmt: skip
def test_what_stays_on_this_machine(host: str, stays: bool) -> None:
    assert _stays_here(host) is stays


def test_a_certificate_is_read_when_it_has_changed_and_is_good(tmp_path: Path) -> None:
    files = certificates.make(tmp_path)
    read = _reader(*files)
    first = read()
    assert first == (files.certificate.read_bytes(), files.key.read_bytes())
    assert read() is None
    good = files.key.read_bytes()
    files.key.write_text("half a fi")
    with capture_logs() as said:
        assert read() is None and said[0]["event"] == "certificate.kept"
    files.key.write_bytes(good)
    os.utime(files.key, ns=(1, 1))
    assert read() == first
