"""Backup and restore: database, configuration and secret in one tar, the same for SQLite and PostgreSQL."""

import gzip
import io
import os
import tarfile
import tempfile
import time
import zlib
from pathlib import Path
from typing import IO

import msgspec

import madang
from madang.store import dump, schema
from madang.store.folder import held, make_folder
from madang.store.sql import in_one_sentence, make_engine, resolve
from madang.store.upgrade import (
    StoreError,
    bring_up_to_date,
    check_sqlite,
    current_revision,
    known_revisions,
    migrate,
)

SECRET_FILE = "secret"
_FORMAT = 1
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NOTHING = "There is no database here to back up."
_PIECE_BYTES = 1 << 20
_MANIFEST, _ROWS, _SECRET, _CONFIG = "manifest.json", "rows.jsonl", "secret", "madang.toml"


class Manifest(msgspec.Struct, kw_only=True):
    """What a backup says about itself."""

    format: int
    madang: str
    schema: str
    made_at: str


async def backup(url: str, data_dir: Path, config: Path | None, target: Path) -> Path:
    """Write `target` (0600), which must not exist; the server may be running. Returns it."""
    if os.path.lexists(target):
        raise StoreError(f"{target} cannot be written: it is there already.")
    parsed = resolve(url, data_dir)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise StoreError(_NOTHING)
    engine = make_engine(parsed)
    try:
        with in_one_sentence(parsed):
            revision = await current_revision(engine)
        if revision is None:
            raise StoreError(_NOTHING)
        with tempfile.TemporaryFile() as rows:
            async for line in dump.dump_rows(engine):
                rows.write(line)
            manifest = Manifest(format=_FORMAT, madang=madang.__version__, schema=revision, made_at=_now())
            _write(target, manifest, rows, data_dir / SECRET_FILE, config)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        await engine.dispose()
    return target


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _write(
    target: Path,
    manifest: Manifest,
    rows: "io.IOBase | tempfile._TemporaryFileWrapper[bytes]",
    *files: Path | None,
) -> None:
    """Beside the target and whole under its name, or not there: half an archive is none."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, _NEW, 0o600), "wb") as out:
            _pack(out, manifest, rows, *files)
            out.flush()
            os.fsync(out.fileno())
        part.rename(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _pack(
    out: IO[bytes],
    manifest: Manifest,
    rows: "io.IOBase | tempfile._TemporaryFileWrapper[bytes]",
    *files: Path | None,
) -> None:
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        _add(tar, _MANIFEST, msgspec.json.encode(manifest))
        size = rows.tell()
        rows.seek(0)
        tar.addfile(_entry(_ROWS, size), rows)
        for name, path in zip((_SECRET, _CONFIG), files, strict=True):
            if path is not None and path.is_file():
                _add(tar, name, path.read_bytes())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_entry(name, len(content)), io.BytesIO(content))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    return entry


async def restore(
    source: Path, url: str, data_dir: Path, config: Path | None, *, replace: bool = False
) -> int:
    """Put a backup in place of an empty database (or of any, with `replace`); how many rows it had.

    The server must be stopped. `config` is where the settings go; an existing file is left alone."""
    make_folder(data_dir)
    with held(data_dir, 0.0):
        return await _restore(source, url, data_dir, config, replace)


def _check_sum(source: Path) -> None:
    """Reads a compressed archive to its end, where its sum stands: tarfile alone stops before it."""
    with source.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return
        file.seek(0)
        with gzip.GzipFile(fileobj=file) as unpacked:
            while unpacked.read(_PIECE_BYTES):
                pass


async def _restore(source: Path, url: str, data_dir: Path, config: Path | None, replace: bool) -> int:
    try:
        _check_sum(source)
        with tarfile.open(source) as tar:
            manifest = msgspec.json.decode(_read(tar, _MANIFEST), type=Manifest)
            if manifest.format != _FORMAT or manifest.schema not in known_revisions():
                raise StoreError(f"{source} was made by a newer Madang ({manifest.madang}).")
            rows = _read(tar, _ROWS).splitlines()
            secret = _read(tar, _SECRET)
            settings = _read(tar, _CONFIG) if _CONFIG in tar.getnames() else b""
    except (OSError, KeyError, tarfile.TarError, EOFError, zlib.error, msgspec.DecodeError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise StoreError(f"{source} cannot be read: {error.strerror}.") from error
        raise StoreError(f"{source} is no backup of Madang's, or a damaged one.") from error
    count = await _restore_rows(rows, url, data_dir, manifest.schema, replace)
    _put(data_dir / SECRET_FILE, secret)
    if settings and config is not None and not config.exists():
        _put(config, settings)
    return count


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    """A file of the archive by our own name for it: nothing is ever unpacked to a path."""
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found.read()


async def _restore_rows(rows: list[bytes], url: str, data_dir: Path, revision: str, replace: bool) -> int:
    parsed = resolve(url, data_dir)
    if parsed.get_backend_name() == "sqlite":
        _set_damage_aside(Path(str(parsed.database)), replace)
    engine = make_engine(parsed)
    try:
        with in_one_sentence(parsed):
            before = await current_revision(engine)
        if before is not None:
            if not replace and not await dump.is_empty(engine):
                raise StoreError("The database is not empty; restore with --replace to lose what it has.")
            await dump.drop_all(engine)
        await migrate(engine, revision)
        count = await dump.load_rows(engine, rows)
        await bring_up_to_date(engine, parsed, data_dir)
        assert await current_revision(engine) == schema.HEAD
    finally:
        await engine.dispose()
    return count


def _set_damage_aside(path: Path, replace: bool) -> None:
    """F15: a file that SQLite cannot read is kept under another name, and makes room for the backup."""
    if not path.exists() or check_sqlite(path) == "ok":
        return
    if not replace:
        raise StoreError(f"The database {path} is damaged; --replace keeps it beside, and restores.")
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    for tail in ("-wal", "-shm", ""):
        part = path.with_name(path.name + tail)
        if part.exists():
            part.rename(path.with_name(f"{path.name}.damaged-{stamp}{tail}"))


def _put(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)
