"""SIGHUP: good settings are taken over, bad ones change nothing but a count."""

from pathlib import Path

from structlog.testing import capture_logs

from madang.app.reloading import Reloading
from madang.app.sections import Settings
from madang.app.settings import load


def test_good_settings_are_applied_and_bad_ones_are_not(tmp_path: Path) -> None:
    file = tmp_path / "madang.toml"
    file.write_text("")
    reloading = Reloading(load(file), file, {}, {})
    applied: list[Settings] = []
    file.write_text('public_url = "https://live.example.org"\n[http]\nlisten = "127.0.0.1:1"\n')
    with capture_logs() as lines:
        assert reloading.reload(applied.append)
    assert lines[0]["applied"] == ("public_url",)
    assert lines[0]["wait_for_restart"] == ("http.listen",)
    assert applied == [reloading.settings]
    assert reloading.settings.public_url == "https://live.example.org"

    file.write_text('public_url = "nonsense"\n[log]\nlevel = "loud"\n')
    with capture_logs() as lines:
        assert not reloading.reload(applied.append)
    assert len(lines[0]["problems"]) == 2
    assert len(applied) == 1
    assert reloading.settings.public_url == "https://live.example.org"
    assert (reloading.counters.reloads, reloading.counters.reload_failures) == (1, 1)


def test_the_command_line_and_the_environment_still_win(tmp_path: Path) -> None:
    file = tmp_path / "madang.toml"
    file.write_text("")
    env, overrides = {"MADANG_LOG__LEVEL": "debug"}, {"public_url": "https://here"}
    reloading = Reloading(load(file, env, overrides), file, env, overrides)
    file.write_text('public_url = "https://there"\n[log]\nlevel = "error"\n')
    assert reloading.reload(lambda _: None)
    assert (reloading.settings.log.level, reloading.settings.public_url) == ("debug", "https://here")


def test_a_file_that_went_away_keeps_the_old(tmp_path: Path) -> None:
    file = tmp_path / "madang.toml"
    file.write_text('name = "Yard"\n')
    reloading = Reloading(load(file), file, {}, {})
    file.unlink()
    assert not reloading.reload(lambda _: None)
    assert reloading.settings.name == "Yard"
