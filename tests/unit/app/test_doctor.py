"""The doctor: each check finds what is wrong and says what to do."""

import errno
import io
import json
import os
import resource
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from tests.harness import certificates

from madang.app import doctor, ffmpeg
from madang.app.doctor import BAD, GOOD, WARNING, Check
from madang.app.keys import Endpoint
from madang.app.sections import Data, Http, Rtmp, Settings, Tls, Webrtc
from madang.base.secret import Secret


def only(checks: Iterator[Check]) -> Check:
    (check,) = checks
    return check


def settings(tmp_path: Path, **more: object) -> Settings:
    off = Webrtc(listen=None, tcp_listen=None)
    return Settings.model_validate({"data": Data(dir=tmp_path / "data"), "webrtc": off, **more})


def test_free_ports_are_good(tmp_path: Path) -> None:
    free = Endpoint("127.0.0.1", 0)
    found = doctor.check_ports(settings(tmp_path, http=Http(listen=(free,)), rtmp=Rtmp(listen=(free,))))
    assert [check.verdict for check in found] == [GOOD, GOOD]


def test_a_taken_port_names_who_has_it(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        place = Endpoint("127.0.0.1", listener.getsockname()[1])
        found = list(doctor.check_ports(settings(tmp_path, http=Http(listen=(place,)))))
    assert found[0].verdict == BAD
    assert f"(process {os.getpid()}) does." in found[0].sentence
    assert "http.listen" in found[0].advice


def test_a_port_that_this_server_holds_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "owner_of", lambda port, protocol: "madang (process 7)")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        place = Endpoint("127.0.0.1", listener.getsockname()[1])
        found = list(doctor.check_ports(settings(tmp_path, http=Http(listen=(place,)))))
    assert found[0] == Check("port", GOOD, f"HTTP on {place} is held by madang (process 7).")


def test_tls_ports_are_looked_at_only_with_a_certificate(tmp_path: Path) -> None:
    free = Endpoint("127.0.0.1", 0)
    doors = {"listen": (free,), "tls_listen": (free,)}
    files = certificates.make(tmp_path)
    with_tls = settings(
        tmp_path, http=doors, rtmp=doors, tls=Tls(certificate=files.certificate, key=files.key)
    )
    sentences = [check.sentence for check in doctor.check_ports(with_tls)]
    assert [sentence.split()[0] for sentence in sentences] == ["HTTP", "RTMP", "HTTPS", "RTMPS"]


def test_webrtc_has_a_port_of_each_kind(tmp_path: Path) -> None:
    free = Endpoint("127.0.0.1", 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        doors = Webrtc(listen=Endpoint("127.0.0.1", held.getsockname()[1]), tcp_listen=free)
        place = {"listen": (free,)}
        found = list(doctor.check_ports(settings(tmp_path, http=place, rtmp=place, webrtc=doors)))[2:]
    assert [check.verdict for check in found] == [GOOD, BAD]
    assert f"(process {os.getpid()}) does." in found[1].sentence and "webrtc.listen" in found[1].advice


def test_an_address_of_another_machine_is_bad(tmp_path: Path) -> None:
    place = Endpoint("192.0.2.1", 8080)
    check = next(doctor.check_ports(settings(tmp_path, http=Http(listen=(place,)))))
    assert check.verdict == BAD and "Cannot assign" in check.sentence


def test_a_disk_with_room_that_takes_nothing_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_folder: Path) -> float:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(doctor, "_FREE_BYTES", (0, 0))
    monkeypatch.setattr(doctor, "_write_megabyte", full)
    check = only(doctor.check_disk(settings(tmp_path)))
    assert check.verdict == BAD and "Disk quota exceeded" in check.sentence


def test_the_disk_is_written_and_left_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(tmp_path)
    monkeypatch.setattr(doctor, "_FREE_BYTES", (0, 0))
    assert only(doctor.check_disk(found)).verdict == GOOD
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(doctor, "_write_megabyte", lambda _: 3.0)
    assert only(doctor.check_disk(found)).verdict == WARNING


@pytest.mark.parametrize(("bounds", "verdict"), [((2**62, 2**63), BAD), ((0, 2**63), WARNING)])
def test_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounds: tuple[int, int], verdict: str
) -> None:
    monkeypatch.setattr(doctor, "_FREE_BYTES", bounds)
    check = only(doctor.check_disk(settings(tmp_path)))
    assert check.verdict == verdict and "hls.dvr_window_s" in check.advice


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert only(doctor.check_disk(settings(tmp_path))).verdict == BAD


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [((20_000, 20_000), GOOD), ((1024, 20_000), GOOD), ((4096, 4096), WARNING), ((256, 256), BAD)],
)
def test_descriptors(monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], verdict: str) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    assert only(doctor.check_descriptors(Settings())).verdict == verdict


def test_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for synchronised, verdict in ((True, GOOD), (None, GOOD), (False, WARNING)):
        monkeypatch.setattr(doctor, "_synchronised", lambda found=synchronised: found)
        assert only(doctor.check_clock(Settings())).verdict == verdict
    monkeypatch.setattr(time, "time", lambda: 1_000_000_000.0)
    assert only(doctor.check_clock(Settings())).verdict == BAD


def test_ffmpeg_runs() -> None:
    assert only(doctor.check_ffmpeg(Settings())).verdict == GOOD


def test_ffmpeg_is_missing_or_cannot_encode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ffmpeg, "executable", lambda: "/nowhere/ffmpeg")
    assert only(doctor.check_ffmpeg(Settings())).verdict == WARNING
    poor = tmp_path / "ffmpeg"
    poor.write_text("#!/bin/sh\necho ' A..... aac  AAC'\n")
    poor.chmod(0o700)
    monkeypatch.setattr(ffmpeg, "executable", lambda: str(poor))
    assert "cannot encode libx264." in only(doctor.check_ffmpeg(Settings())).sentence


def test_the_secret_file(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert "first start" in only(doctor.check_secret(found)).sentence
    found.data.dir.mkdir()
    secret = found.data.dir / "secret"
    secret.write_bytes(b"x" * 32)
    secret.chmod(0o600)
    assert only(doctor.check_secret(found)).verdict == GOOD
    secret.chmod(0o644)
    check = only(doctor.check_secret(found))
    assert (check.verdict, check.advice) == (BAD, f"Run `chmod 600 {secret}`.")


def test_a_database_that_is_not_there_yet_is_good(tmp_path: Path) -> None:
    assert only(doctor.check_database(settings(tmp_path))).verdict == GOOD


def test_a_damaged_database(tmp_path: Path) -> None:
    found = settings(tmp_path)
    found.data.dir.mkdir()
    (found.data.dir / "madang.db").write_bytes(b"not a database at all" * 100)
    assert only(doctor.check_database(found)).verdict == BAD


def test_a_newer_database(tmp_path: Path) -> None:
    found = settings(tmp_path)
    found.data.dir.mkdir()
    with sqlite3.connect(found.data.dir / "madang.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    check = only(doctor.check_database(found))
    assert check.verdict == BAD and "newer Madang (schema 9999" in check.sentence


def test_a_database_that_does_not_answer_tells_no_password(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql://madang:hunter2@127.0.0.1:{closed.getsockname()[1]}/madang"
        check = only(doctor.check_database(settings(tmp_path, data=Data(dir=tmp_path, database=Secret(url)))))
    assert check.verdict == BAD and "hunter2" not in check.sentence


@pytest.mark.parametrize(("days", "verdict"), [(90, GOOD), (5, WARNING), (-1, BAD)])
def test_the_certificate(tmp_path: Path, days: int, verdict: str) -> None:
    certificate, key = certificates.make(tmp_path, days)
    assert (
        only(doctor.check_certificate(settings(tmp_path, tls=Tls(certificate=certificate, key=key)))).verdict
        == verdict
    )


def test_a_certificate_without_its_key(tmp_path: Path) -> None:
    one, other = certificates.make(tmp_path / "a"), certificates.make(tmp_path / "b")
    check = only(
        doctor.check_certificate(settings(tmp_path, tls=Tls(certificate=one.certificate, key=other.key)))
    )
    assert (check.verdict, check.sentence) == (BAD, f"{other.key} is not the key of {one.certificate}.")


def test_unsafe_settings_are_told() -> None:
    unsafe = {"metrics": {"public": True}, "unsafe": {"allow": ["metrics.public"]}}
    assert only(doctor.check_unsafe(Settings.model_validate(unsafe))).verdict == WARNING


CHECKS = [
    Check("disk", GOOD, "Fine."),
    Check("clock", WARNING, "Odd.", "Set it."),
    Check("port", BAD, "Taken."),
]


def test_the_report_for_people_and_for_scripts() -> None:
    out = io.StringIO()
    doctor.show(CHECKS, Console(file=out))
    assert out.getvalue() == "✓ Fine.\n! Odd.\n  Set it.\n✗ Taken.\n"
    told = json.loads(doctor.to_json(CHECKS))
    assert told["verdict"] == BAD
    assert told["checks"][1] == {
        "name": "clock",
        "verdict": "warning",
        "sentence": "Odd.",
        "advice": "Set it.",
    }
    assert (doctor.exit_code(CHECKS), doctor.exit_code(CHECKS[:2]), doctor.exit_code([])) == (1, 0, 0)


def test_every_check_runs(tmp_path: Path) -> None:
    free = (Endpoint("127.0.0.1", 0),)
    found = doctor.run(settings(tmp_path, http=Http(listen=free), rtmp=Rtmp(listen=free)))
    assert {check.name for check in found} >= {
        "port",
        "disk",
        "database",
        "secret",
        "ffmpeg",
        "descriptors",
        "clock",
    }
