"""The certificate: read, refused with a sentence, replaced without a drop, alarmed about."""

import asyncio
import ssl
import time
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness import certificates

from madang.app.tls import Certificate, TlsError, read


def test_reads_a_certificate(tmp_path: Path) -> None:
    loaded = read(*certificates.make(tmp_path, days=30))
    assert loaded.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert loaded.names == ("localhost", "localhost", "127.0.0.1")
    assert loaded.expires_at == pytest.approx(time.time() + 30 * 86_400, abs=60)


def test_a_bad_certificate_is_one_sentence(tmp_path: Path) -> None:
    good = certificates.make(tmp_path / "good")
    other = certificates.make(tmp_path / "other")
    locked = certificates.make(tmp_path / "locked", passphrase="hunter2")
    text = tmp_path / "text.pem"
    text.write_text("nothing")
    missing = tmp_path / "missing.pem"
    cases = {
        f"{other.key} is not the key of {good.certificate}": (good.certificate, other.key),
        f"{locked.key} has a passphrase; the server needs a key without one": locked,
        f"{text} holds no certificate in PEM form": (text, good.key),
        f"{text} holds no private key in PEM form that fits {good.certificate}": (good.certificate, text),
        f"{missing} cannot be read: No such file or directory": (good.certificate, missing),
    }
    for sentence, files in cases.items():
        with pytest.raises(TlsError, match="^" + sentence.replace(".", "\\.")):
            read(*files)
    with pytest.raises(TlsError, match="cannot be read"):
        read(missing, good.key)


def test_reload_replaces_the_context_and_never_by_a_bad_one(tmp_path: Path) -> None:
    files = certificates.make(tmp_path, days=20)
    replaced: list[ssl.SSLContext] = []
    certificate = Certificate(tuple(files), FakeClock(wall=time.time()), replaced.append)
    first = certificate.context
    assert certificate.alarm() == ""
    certificates.make(tmp_path, days=5, name="new.example")
    assert certificate.reload()
    assert replaced == [certificate.context] and certificate.context is not first
    assert certificate.loaded.names[0] == "new.example"
    files.key.write_text("half a fi")
    assert not certificate.reload()
    certificates.make(tmp_path, days=-1)
    assert not certificate.reload(), "an expired one does not replace one that is not"
    assert replaced == [certificate.context]


def test_the_alarm_begins_14_days_before_the_end(tmp_path: Path) -> None:
    clock = FakeClock(wall=time.time())
    certificate = Certificate(tuple(certificates.make(tmp_path, days=15)), clock, lambda _: None)
    assert certificate.alarm() == ""
    clock.advance(2 * 86_400)
    assert certificate.alarm().startswith("The TLS certificate expires in 12 days, on ")
    clock.advance(20 * 86_400)
    assert certificate.alarm().startswith("The TLS certificate expired on ")
    assert certificate.left_s() < 0


async def test_a_connection_outlives_the_change_and_the_next_one_sees_it(tmp_path: Path) -> None:
    files = certificates.make(tmp_path, name="old.example")
    certificate = Certificate(tuple(files), FakeClock(wall=time.time()), lambda _: None)
    old = ssl.create_default_context(cafile=files.certificate)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(echo, "127.0.0.1", 0, ssl=certificate.context)

    first = await listen()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", first.sockets[0].getsockname()[1], ssl=old, server_hostname="old.example"
    )
    certificates.make(tmp_path, name="new.example")
    assert certificate.reload()
    second = await listen()
    writer.write(b"still here\n")
    assert await reader.readline() == b"still here\n"
    new = ssl.create_default_context(cafile=files.certificate)
    _, after = await asyncio.open_connection(
        "127.0.0.1", second.sockets[0].getsockname()[1], ssl=new, server_hostname="new.example"
    )
    for one in (writer, after):
        one.close()
        await one.wait_closed()
    for server in (first, second):
        server.close()
        await server.wait_closed()
