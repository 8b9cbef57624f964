"""Settings: precedence, mistakes in plain words, the sample file and the docs page as one manual."""

import ipaddress
import tomllib
from pathlib import Path

import pytest

from madang.app import sample
from madang.app.keys import Endpoint
from madang.app.sections import Settings, fields
from madang.app.settings import SettingsError, find, flatten, load, reload, show

ROOT = Path(__file__).parents[3]


def write(folder: Path, text: str) -> Path:
    path = folder / "madang.toml"
    path.write_text(text)
    return path


def problems(path: Path | None = None, **env: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(path, env)
    return caught.value.problems


def test_nothing_given_is_the_default() -> None:
    assert load() == Settings()


def test_the_later_source_wins(tmp_path: Path) -> None:
    file = write(tmp_path, "[http]\nlisten = '127.0.0.1:1'\n[log]\nlevel = 'error'\n[posters]\nwidth = 320\n")
    env = {"MADANG_HTTP__LISTEN": "127.0.0.1:2", "MADANG_LOG__LEVEL": "debug"}
    settings = load(file, env, {"http.listen": "127.0.0.1:3", "rtmp.listen": None})
    assert settings.http.listen == (Endpoint("127.0.0.1", 3),)
    assert settings.log.level == "debug"
    assert settings.posters.width == 320
    assert settings.rtmp == Settings().rtmp


def test_lists_in_the_environment_have_commas() -> None:
    env = {"MADANG_HTTP__LISTEN": ":8080, [::1]:8888", "MADANG_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8"}
    settings = load(env=env)
    assert settings.http.listen == (Endpoint("0.0.0.0", 8080), Endpoint("::1", 8888))
    assert settings.trusted_proxies == (ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("10.0.0.0/8"))


def test_lists_in_the_file_are_lists_or_one_text(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "[http]\nlisten = ['127.0.0.1:80', 8000]\n[rtmp]\nlisten = 1936\n"))
    assert settings.http.listen == (Endpoint("127.0.0.1", 80), Endpoint("0.0.0.0", 8000))
    assert settings.rtmp.listen == (Endpoint("0.0.0.0", 1936),)


def test_paths_of_the_file_are_relative_to_it(tmp_path: Path) -> None:
    text = "[data]\ndir = 'here'\n[tls]\ncertificate = 'c.pem'\nkey = '/k.pem'\n"
    settings = load(write(tmp_path, text), {}, {})
    assert settings.data.dir == tmp_path / "here"
    assert (settings.tls.certificate, settings.tls.key) == (tmp_path / "c.pem", Path("/k.pem"))


def test_an_empty_path_is_none(tmp_path: Path) -> None:
    assert load(write(tmp_path, "[tls]\ncertificate = ''\nkey = ''\n")).tls.certificate is None


def test_the_file_is_found_by_name_by_variable_or_in_the_data_directory(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    assert find(Path("a.toml"), {"MADANG_CONFIG": "b.toml"}, {}) == Path("a.toml")
    assert find(None, {"MADANG_CONFIG": "b.toml"}, {}) == Path("b.toml")
    assert find(None, {}, {"data.dir": tmp_path}) == file
    assert find(None, {"MADANG_DATA__DIR": str(tmp_path)}, {}) == file
    assert find(None, {"MADANG_DATA__DIR": str(tmp_path / "none")}, {}) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[http]\nlistn = 1", "http.listn: there is no such setting; did you mean http.listen?"),
        ("[log]\nlevel = 'loud'", "log.level: must be 'debug', 'info', 'warning' or 'error'"),
        (
            "[http]\nlisten = 'x'",
            "http.listen: a listener is HOST:PORT, for example 0.0.0.0:8080 or [::]:8080",
        ),
        (
            "[http]\nlisten = '::1:80'",
            "http.listen: an IPv6 address stands in brackets, for example [::]:8080",
        ),
        (
            "[http]\nlisten = ':70000'",
            "http.listen: a listener is HOST:PORT, for example 0.0.0.0:8080 or [::]:8080",
        ),
        ("[posters]\nwidth = 1", "posters.width: must be greater than or equal to 160"),
        ("[publish]\npackage_on_demand = 'perhaps'", "publish.package_on_demand: must be true or false"),
        ("[tls]\nkey = 'k.pem'", "tls: certificate and key are set together or not at all"),
        ("public_url = 'live.example.org'", "public_url: a URL like https://live.example.org"),
        ("public_url = 'https://h/?a=1'", "public_url: a URL like https://live.example.org"),
        ("rtmp_public_url = 'http://h'", "rtmp_public_url: a URL like rtmp://live.example.org"),
        ("trusted_proxies = ['proxy']", "trusted_proxies: an address or a network, for example 127.0.0.1"),
        ("http = 3", "http: is a section: [http] stands on a line of its own"),
        ("[http]\nlisten = {a = 1}", "http.listen: must be a text, or a list of texts"),
        ("[payments]\nstripe_key = 3", "payments.stripe_key: must be a text"),
        ("[hls]\ndvr_window_s = 'long'", "hls.dvr_window_s: must be a number"),
    ],
)
def test_a_mistake_names_file_key_and_what_is_allowed(tmp_path: Path, text: str, sentence: str) -> None:
    file = write(tmp_path, text)
    (problem,) = problems(file)
    assert problem.startswith(f"{file}: {sentence}")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, "[log]\nlevel = 'loud'\n[posters]\nwidth = 1\n")
    assert len(problems(file)) == 2


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.toml") == [
        f"{tmp_path}/none.toml: cannot be read: No such file or directory"
    ]
    assert "is not TOML" in problems(write(tmp_path, "a = = b"))[0]
    (tmp_path / "madang.toml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in problems(tmp_path / "madang.toml")[0]


def test_variables_are_checked_like_the_file() -> None:
    assert problems(MADANG_LOG__LEVEL="loud")[0].startswith("MADANG_LOG__LEVEL: log.level: must be")
    assert "did you mean data.database?" in problems(MADANG_DATA__DATABSE="x")[0]
    assert "did you mean public_url?" in problems(MADANG_PUBLICURL="x")[0]


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "madang.db", "postgres://h/d", "postgresql:/h"])
def test_a_database_without_a_driver_is_told_by_the_check(url: str) -> None:
    (problem,) = problems(MADANG_DATA__DATABASE=url)
    assert problem.endswith("data.database: a URL that begins with sqlite:// or postgresql://")


@pytest.mark.parametrize("url", ["", "sqlite:////var/x.db", "postgresql://h/d", "postgresql+asyncpg://h/d"])
def test_a_database_with_a_driver_is_taken(url: str) -> None:
    assert load(env={"MADANG_DATA__DATABASE": url}).data.database.reveal() == url


def test_a_door_that_is_needed_is_not_taken_away() -> None:
    assert problems(MADANG_HTTP__LISTEN="") == ["MADANG_HTTP__LISTEN: http.listen: needs at least one"]


def test_variables_of_others_are_left_alone() -> None:
    kubernetes = {"MADANG_SERVICE_HOST": "10.0.0.1", "MADANG_PORT": "tcp://x", "MADANG_PORT_80_TCP_ADDR": "x"}
    assert load(env={**kubernetes, "MADANG_CONFIG": "", "MADANG_HARNESS": "1", "HOME": "/"}) == Settings()


def test_an_unsafe_setting_needs_two_keys(tmp_path: Path) -> None:
    assert 'add "metrics.public" to unsafe.allow' in problems(MADANG_METRICS__PUBLIC="true")[0]
    assert 'add "trusted_proxies"' in problems(MADANG_TRUSTED_PROXIES="0.0.0.0/0")[0]
    settings = load(env={"MADANG_METRICS__PUBLIC": "true", "MADANG_UNSAFE__ALLOW": "metrics.public"})
    assert settings.unsafe_settings() == (
        ("metrics.public", "metrics.public shows the server's metrics to everybody."),
    )
    assert Settings().unsafe_settings() == ()


def test_show_hides_secrets_and_can_be_read_again(tmp_path: Path) -> None:
    env = {"MADANG_DATA__DATABASE": "postgresql://u:hunter2@h/d", "MADANG_PUBLIC_URL": "https://h/"}
    shown = show(load(env=env))
    assert "hunter2" not in shown and 'database = "***"' in shown
    assert 'public_url = "https://h"' in shown
    again = write(
        tmp_path, show(Settings(public_url="https://h")).replace('dir = "data"', f'dir = "{tmp_path}"')
    )
    assert dict(flatten(load(again))) == dict(flatten(Settings(public_url="https://h"))) | {
        "data.dir": tmp_path
    }


def test_a_secret_is_not_told_by_a_mistake(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, "[data]\ndatabase = ['postgresql://u:hunter2@h']\n"))
    assert "hunter2" not in problem


def test_reload_takes_over_what_may_change_and_names_the_rest(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    old = load(file)
    write(tmp_path, "public_url = 'https://h'\n[log]\nlevel = 'debug'\n[http]\nlisten = ':1'\n")
    new = reload(old, file)
    assert (new.settings.log.level, new.settings.public_url) == ("debug", "https://h")
    assert new.settings.http == old.http
    assert (new.applied, new.waiting) == (("public_url", "log.level"), ("http.listen",))
    write(tmp_path, "[log]\nlevel = 'loud'\n")
    with pytest.raises(SettingsError):
        reload(old, file)


def test_switching_tls_on_waits_for_a_restart_and_another_certificate_does_not(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    plain = load(file)
    write(tmp_path, "[tls]\ncertificate = 'a.pem'\nkey = 'a.key'\n")
    assert reload(plain, file).waiting == ("tls.certificate", "tls.key")
    secured = load(file)
    write(tmp_path, "[tls]\ncertificate = 'b.pem'\nkey = 'b.key'\n")
    assert reload(secured, file).applied == ("tls.certificate", "tls.key")


def test_the_sample_file_is_the_manual() -> None:
    """Fails when sample.toml is stale: `madang config sample > src/madang/app/sample.toml`."""
    assert sample.SAMPLE.read_text() == sample.sample()


def test_the_sample_file_holds_every_key_with_its_default(tmp_path: Path) -> None:
    lines = sample.SAMPLE.read_text().splitlines()
    opened = "\n".join(
        line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in lines
    )
    assert load(write(tmp_path, opened.replace('dir = "data"', ""))) == Settings()
    tree = tomllib.loads(opened)
    keys = {f"{head}.{key}" for head, inner in tree.items() if isinstance(inner, dict) for key in inner}
    assert keys | {head for head in tree if not isinstance(tree[head], dict)} == set(fields())


def test_every_key_is_explained() -> None:
    assert all(field.description for field in fields().values())
