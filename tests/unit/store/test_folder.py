"""The data directory: made, tried, and held by one server at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from madang.store.folder import Holder, InUseError, held, holder_of, make_folder, tell
from madang.store.upgrade import StoreError

HOLD = """
import sys, pathlib
from madang.store.folder import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_what_cannot_be_made_or_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made: Not a directory"):
        make_folder(tmp_path / "file" / "data")
    with pytest.raises(StoreError, match="cannot be made: File exists"):
        make_folder(tmp_path / "file")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreError, match="cannot be written"):
        make_folder(tmp_path)


def test_one_server_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path):
        assert holder_of(tmp_path) == Holder(os.getpid())
        doors = Holder(os.getpid(), "127.0.0.1:8080", "0.0.0.0:1935")
        tell(tmp_path, doors)
        assert holder_of(tmp_path) == doors
        sentence = rf"Another Madang \(process {os.getpid()}\) runs on .*--data DIR"
        with pytest.raises(InUseError, match=sentence), held(tmp_path, 0.0):
            pass
    with held(tmp_path, 0.0):
        pass
    assert holder_of(tmp_path) is None and holder_of(tmp_path / "nowhere") is None


def test_who_is_killed_holds_nothing(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(InUseError), held(tmp_path, 0.0):
        pass
    child.kill()
    child.communicate()
    with held(tmp_path, 0.0):
        pass
