"""Who listens on a port, as far as /proc tells."""

import os
import socket
from pathlib import Path

import pytest

from madang.app.ports import owner_of


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_our_own_listener_is_found(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen()
        assert owner_of(listener.getsockname()[1]).endswith(f"(process {os.getpid()})")


def test_a_bound_port_that_does_not_listen_has_no_owner() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert owner_of(bound.getsockname()[1]) == ""


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    assert owner_of(80, tmp_path) == ""


def test_a_process_that_hides_its_files_is_passed_over(tmp_path: Path) -> None:
    row = "  0: 00000000:0050 00000000:0000 0A 0 0 0 0 0 4711"
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("header\n" + row + "\n")
    (tmp_path / "1").mkdir()
    assert owner_of(80, tmp_path) == ""
