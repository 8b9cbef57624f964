"""`madang serve` and `madang demo`: the start of a process, its banner, and why it cannot start."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import structlog
import uvloop

from madang import __version__
from madang.app import banner, demo, descriptors, logs, starting
from madang.app.keys import Endpoint
from madang.app.lifecycle import Lifecycle
from madang.app.ports import owner_of
from madang.app.reloading import Reloading
from madang.app.sections import Settings
from madang.app.tls import TlsError
from madang.app.wiring import Yard
from madang.control.house import FirstRun
from madang.control.vault import SecretError
from madang.net.listeners import PORT_TAKEN, ListenError
from madang.realtime.broker import BrokerError
from madang.store.folder import InUseError, holder_of
from madang.store.upgrade import StoreError

_log = structlog.get_logger()


def run(
    settings: Settings,
    file: Path | None,
    overrides: Mapping[str, object],
    admin_password_file: Path | None,
    with_demo: bool,
    migrated: Path | None = None,
) -> int:
    """Serve until a signal; the exit code."""
    logs.configure(settings.log)
    if migrated is not None:
        _tell_ignored(migrated)
    if (found := descriptors.raise_limit()) < descriptors.WANTED:
        _log.warning("few_descriptors", limit=found, wanted=descriptors.WANTED)
    try:
        reloading = Reloading(settings, file, os.environ, overrides, migrated)
        uvloop.run(_serve(reloading, admin_password_file, with_demo))
    except ListenError as error:
        return _fail(_busy(error))
    except InUseError as error:
        return _fail(_busy_door(settings) or str(error))
    except (StoreError, SecretError, TlsError, PasswordFileError, BrokerError) as error:
        return _fail(str(error))
    return 0


def _tell_ignored(migrated: Path) -> None:
    """A line for each reason why something of the foreign configuration does nothing here."""
    from madang.app.migrating import centrifugo

    for line in centrifugo.read(migrated, os.environ).ignored:
        _log.warning("centrifugo_config", told=line)


class PasswordFileError(Exception):
    """The admin's password file cannot be used."""


async def _serve(reloading: Reloading, admin_password_file: Path | None, with_demo: bool) -> None:
    password = _password(admin_password_file) if admin_password_file is not None else ""
    yard = await _open(reloading)
    beside: Callable[[], Awaitable[None]] | None = None
    try:
        house = yard.control.house
        house.check_secret()
        if password:
            await house.ensure_admin(password)
        if with_demo:
            key = (await house.ensure_demo()).value
            beside = lambda: demo.broadcast(_demo_url(key, yard.settings))  # noqa: E731
        first = await house.ensure_first_run()
    except BaseException:
        await yard.close()
        raise
    await Lifecycle(yard, beside, lambda: banner.show(_start(yard, first, with_demo))).run()


async def _open(reloading: Reloading) -> Yard:
    """Everything up to the doors; a file that cannot be used is told by its name."""
    try:
        return await Yard.open(reloading)
    except OSError as error:
        if error.filename is None:
            raise
        raise StoreError(f"{error.filename} cannot be used: {error.strerror}.") from error


def _password(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise PasswordFileError(f"--admin-password-file {file} cannot be read: {why}") from None
    if len(password) < 8:
        raise PasswordFileError(f"--admin-password-file {file}: a password has at least 8 characters")
    return password


def _start(yard: Yard, first: FirstRun, with_demo: bool) -> banner.Start:
    """What the banner tells, once the doors are open and their ports are known."""
    settings = yard.settings
    place = settings.http.listen[0]
    watch, network = banner.addresses(place.host, place.port, settings.public_url)
    urls = yard.control.urls(watch.rstrip("/"))
    rtmp_port = settings.rtmp.listen[0].port
    return banner.Start(
        version=__version__,
        watch=watch,
        network=network,
        login=urls.login_link(first.link) if first.link else "",
        rtmp=banner.rtmp_url(settings.rtmp_public_url, watch, rtmp_port),
        key=first.key,
        channel=first.channel,
        demo=with_demo,
        unsafe=tuple(sentence for _, sentence in settings.unsafe_settings()),
    )


def _demo_url(key: str, settings: Settings) -> str:
    return f"rtmp://{_reachable(settings.rtmp.listen[0])}/live/{key}"


def _reachable(place: Endpoint) -> Endpoint:
    """Where this machine reaches a door that listens on all addresses."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
    return Endpoint(everywhere.get(place.host, place.host), place.port)


def run_demo(settings: Settings) -> int:
    """Publish the demo to the server that runs on the same data, until interrupted or told to end."""
    logs.configure(settings.log)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            uvloop.run(_demo(settings))
    except (StoreError, SecretError, NoServerError) as error:
        return _fail(str(error))
    return 0


class NoServerError(Exception):
    """There is no server that the demo could be sent to."""


async def _demo(settings: Settings) -> None:
    from madang.app.offline import as_it_runs, control

    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, this.cancel)
    if holder_of(settings.data.dir) is None:
        folder = settings.data.dir
        raise NoServerError(f"No server runs on {folder}. Start one first: madang serve --data {folder}")
    async with control(settings) as found:
        found.house.check_secret()
        url = _demo_url((await found.house.ensure_demo()).value, as_it_runs(settings))
    sys.stdout.write(f"The demo is sent to {urlsplit(url).netloc}; Ctrl+C ends it.\n")
    sys.stdout.flush()
    starting.settle()
    await demo.broadcast(url)


def _busy(error: ListenError) -> str:
    if error.reason != PORT_TAKEN:
        return str(error)
    return banner.busy(error.port, error.setting, owner_of(error.port))


def _busy_door(settings: Settings) -> str:
    """The same sentence for the first port that the server on this directory holds; empty when none."""
    for setting, places in (("--http", settings.http.listen), ("--rtmp", settings.rtmp.listen)):
        for place in places:
            if place.port and (owner := owner_of(place.port)):
                return banner.busy(place.port, setting, owner)
    return ""


def _fail(sentence: str) -> int:
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    sys.stderr.write(f"\033[31m{sentence}\033[0m\n" if colour else f"{sentence}\n")
    return 1
