"""The secret file, lookups and seals."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import Bug
from madang.control.vault import SecretError, Vault, load_secret

VAULT = Vault(b"s" * 32, os.urandom)


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = load_secret(path, os.urandom)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_secret(path, os.urandom) == first
    assert len(first) == 32


def test_a_secret_that_others_may_read_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    load_secret(path, os.urandom)
    path.chmod(0o644)
    load_secret(path, os.urandom)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"zz", b"ab12", b"0" * 62, b"\xff" * 65])
def test_a_damaged_secret_is_said_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SecretError, match="damaged"):
        load_secret(path, os.urandom)
    assert path.read_bytes() == content


def test_two_who_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"

    def slow(size: int) -> bytes:
        if size == 32:  # while the first makes its own, the second is done
            load_secret(path, os.urandom)
        return os.urandom(size)

    first = load_secret(path, slow)
    assert first == load_secret(path, os.urandom)
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_secret_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="No such file"):
        load_secret(tmp_path / "nowhere" / "secret", os.urandom)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_opens_only_with_its_name(text: bytes, name: str) -> None:
    sealed = VAULT.seal(text, name)
    assert VAULT.unseal(sealed, name) == text
    assert len(text) < 4 or text not in sealed
    with pytest.raises(Bug):
        VAULT.unseal(sealed, name + "x")


def test_two_secrets_do_not_open_each_other() -> None:
    other = Vault(b"t" * 32, os.urandom)
    assert other.digest("a", "x") != VAULT.digest("a", "x") != VAULT.digest("b", "x")
    with pytest.raises(Bug):
        other.unseal(VAULT.seal(b"text", "n"), "n")


def test_the_vault_shows_nothing_of_itself() -> None:
    assert repr(VAULT) == "Vault(***)"
