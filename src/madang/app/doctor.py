"""`madang doctor`: what would keep this machine from a good broadcast, each with a sentence and what to do.

A check is a function of the settings that finds and never repairs; what it cannot look at it says.
"""

import asyncio
import errno
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from madang import __version__
from madang.app import descriptors, ffmpeg
from madang.app.alarms import NEARLY_FULL_BYTES
from madang.app.keys import Endpoint
from madang.app.ports import owner_of
from madang.app.sections import Settings
from madang.app.tls import ALARM_DAYS, TlsError, read
from madang.base.limits import CONNECTIONS_TOTAL, FD_RESERVE

if TYPE_CHECKING:
    from rich.console import Console

GOOD: Final = "good"
WARNING: Final = "warning"
BAD: Final = "bad"
_FREE_BYTES = (NEARLY_FULL_BYTES, 5_000_000_000)
"""Below the first the disk is bad, below the second it is worth a warning."""
_WRITE_S: Final = 1.0
"""A megabyte that takes longer to reach the disk holds up recordings and the DVR spool."""
_NEEDED: Final = frozenset({"libx264", "aac"})
_USEFUL: Final = frozenset({"libx265", "libsvtav1", "libopus", "libmp3lame"})
_RESTORE: Final = "Restore a backup: `madang restore --replace`."
_OUTSIDE_S: Final = 5.0
"""Deadline of anything that a check waits for."""


class Check(NamedTuple):
    """One finding: `verdict` is `good`, `warning` or `bad`; `advice` says what to do."""

    name: str
    verdict: str
    sentence: str
    advice: str = ""


def run(settings: Settings) -> list[Check]:
    """Every check, in the order in which an operator would want to repair."""
    return [check for look in _CHECKS for check in look(settings)]


def exit_code(checks: list[Check]) -> int:
    """1 when something is bad, else 0."""
    return int(any(check.verdict == BAD for check in checks))


def to_json(checks: list[Check]) -> str:
    """The findings for scripts."""
    verdicts = [check.verdict for check in checks]
    worst = next((verdict for verdict in (BAD, WARNING) if verdict in verdicts), GOOD)
    return json.dumps({"verdict": worst, "checks": [check._asdict() for check in checks]}, ensure_ascii=False)


def show(checks: list[Check], console: "Console | None" = None) -> None:
    """The findings for people: a mark, a sentence, and what to do."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False)
    marks = {GOOD: ("✓", "green"), WARNING: ("!", "bold yellow"), BAD: ("✗", "bold red")}
    for check in checks:
        console.print(Text.assemble(marks[check.verdict], f" {check.sentence}"), soft_wrap=True)
        if check.advice:
            console.print(Text(f"  {check.advice}", "dim"), soft_wrap=True)


def check_unsafe(settings: Settings) -> Iterator[Check]:
    """A68: what was switched off on purpose is told every time."""
    for _, sentence in settings.unsafe_settings():
        yield Check("unsafe", WARNING, sentence, "Take it out of the settings file and out of unsafe.allow.")


def check_ports(settings: Settings) -> Iterator[Check]:
    """Each listener can be bound, or is held by this server."""
    doors = [("HTTP", "http.listen", settings.http.listen), ("RTMP", "rtmp.listen", settings.rtmp.listen)]
    doors.append(("HTTP for operators", "http.control_listen", settings.http.control_listen))
    if settings.tls.certificate:
        doors += [
            ("HTTPS", "http.tls_listen", settings.http.tls_listen),
            ("RTMPS", "rtmp.tls_listen", settings.rtmp.tls_listen),
        ]
    if settings.webrtc.tcp_listen is not None:
        doors.append(("WebRTC by TCP", "webrtc.tcp_listen", (settings.webrtc.tcp_listen,)))
    for door, key, places in doors:
        for place in places:
            yield _port(door, key, place)
    if settings.webrtc.listen is not None:
        yield _port("WebRTC", "webrtc.listen", settings.webrtc.listen, "udp")


def _port(door: str, key: str, place: Endpoint, protocol: str = "tcp") -> Check:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM) as probe:
        try:
            if protocol == "tcp":
                # Two sockets may be bound with SO_REUSEADDR; only one may listen.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((place.host, place.port))
            if protocol == "tcp":
                probe.listen(1)
        except OSError as error:
            return _port_taken(door, key, place, error, protocol)
    return Check("port", GOOD, f"{door} can listen on {place}.")


def _port_taken(door: str, key: str, place: Endpoint, error: OSError, protocol: str) -> Check:
    if error.errno == errno.EADDRINUSE:
        owner = owner_of(place.port, protocol=protocol)
        if owner.startswith("madang "):
            return Check("port", GOOD, f"{door} on {place} is held by {owner}.")
        sentence = f"{door} cannot listen on {place}: {owner or 'another program'} does."
        return Check("port", BAD, sentence, f"Stop it, or set {key} to another port.")
    if error.errno == errno.EACCES:
        sentence = f"{door} may not listen on {place}: ports below 1024 need a right."
        return Check(
            "port", BAD, sentence, "Give CAP_NET_BIND_SERVICE, as deploy/systemd/madang.service does."
        )
    return Check("port", BAD, f"{door} cannot listen on {place}: {error.strerror}.", f"Change {key}.")


def check_ffmpeg(_settings: Settings) -> Iterator[Check]:
    """The demo and the transcoder need ffmpeg with x264 and AAC."""
    try:
        program = ffmpeg.executable()
        shown = subprocess.run(
            [program, "-hide_banner", "-encoders"],
            capture_output=True,
            text=True,
            timeout=_OUTSIDE_S * 4,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        yield Check(
            "ffmpeg", WARNING, f"ffmpeg does not run: {error}", "The demo needs it: run `make setup`."
        )
        return
    encoders = {line.split()[1] for line in shown.stdout.splitlines() if len(line.split()) > 1}
    if missing := _NEEDED - encoders:
        sentence = f"{program} cannot encode {' and '.join(sorted(missing))}."
        yield Check("ffmpeg", WARNING, sentence, "Install the package imageio-ffmpeg, whose ffmpeg can.")
        return
    without = ", ".join(sorted(_USEFUL - encoders))
    yield Check("ffmpeg", GOOD, f"{program} runs{f', without {without}' if without else ''}.")


def check_disk(settings: Settings) -> Iterator[Check]:
    """The data directory can be written, fast enough, and has room."""
    folder = settings.data.dir
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield Check(
            "disk", BAD, f"{folder} cannot be written.", f"Give this user the right to write {place}."
        )
        return
    free = shutil.disk_usage(place).free
    room = f"{folder} has {free / 1e9:.1f} GB free"
    if free < _FREE_BYTES[1]:
        verdict = BAD if free < _FREE_BYTES[0] else WARNING
        yield Check("disk", verdict, f"{room}.", "Make room, or lower hls.dvr_window_s.")
        return
    try:
        seconds = _write_megabyte(place)
    except OSError as error:
        sentence = f"{room}, but nothing can be written: {error.strerror}."
        yield Check("disk", BAD, sentence, f"See to quota, inodes and mount of {place}.")
        return
    if seconds > _WRITE_S:
        yield Check(
            "disk", WARNING, f"{room}, but a megabyte takes {seconds:.1f} s to write.", "Use a faster disk."
        )
    else:
        yield Check("disk", GOOD, f"{room} and writes a megabyte in {seconds * 1000:.0f} ms.")


def _write_megabyte(folder: Path) -> float:
    path = folder / f".doctor-{os.getpid()}"
    begin = time.monotonic()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, bytes(1_000_000))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    finally:
        path.unlink(missing_ok=True)
    return time.monotonic() - begin


def check_descriptors(_settings: Settings) -> Iterator[Check]:
    """Every viewer needs a file descriptor."""
    soft, hard = descriptors.limits()
    wanted = descriptors.WANTED
    advice = f"Set LimitNOFILE={wanted} in the systemd unit, or `ulimit -n {wanted}` before the start."
    if soft >= wanted:
        yield Check(
            "descriptors", GOOD, f"{soft} files may be open: enough for {CONNECTIONS_TOTAL} connections."
        )
    elif hard >= wanted:
        yield Check(
            "descriptors", GOOD, f"{soft} files may be open; the server raises that to {wanted} itself."
        )
    else:
        room = max(hard - FD_RESERVE, 0)
        sentence = f"Only {hard} files may be open: {room} connections instead of {CONNECTIONS_TOTAL}."
        yield Check("descriptors", BAD if hard < 4 * FD_RESERVE else WARNING, sentence, advice)


def check_clock(_settings: Settings) -> Iterator[Check]:
    """The wall clock is not behind this program, and somebody keeps it right."""
    if time.time() < Path(__file__).stat().st_mtime - 86_400:
        yield Check("clock", BAD, "The clock is behind the day this program was installed.", "Set the clock.")
    elif _synchronised() is False:
        sentence = "Nobody keeps the clock right: latency and tokens will be off."
        yield Check("clock", WARNING, sentence, "Switch on systemd-timesyncd or chrony.")
    else:
        yield Check("clock", GOOD, f"The clock says {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}.")


def _synchronised() -> bool | None:
    """What timedatectl says; None where there is none."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    command = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, timeout=_OUTSIDE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(shown.stdout.strip())


def check_database(settings: Settings) -> Iterator[Check]:
    """The database answers, is whole, and is not newer than this program."""
    import sqlite3

    from sqlalchemy.exc import SQLAlchemyError

    from madang.store.upgrade import StoreError

    try:
        yield _database(settings)
    except StoreError as error:
        yield Check("database", BAD, str(error), "Change data.database.")
    except sqlite3.DatabaseError as error:
        yield Check(
            "database",
            BAD,
            f"The database is damaged: {error}.",
            "Restore a backup: `madang restore --replace`.",
        )
    except (OSError, TimeoutError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield Check(
            "database", BAD, f"The database does not answer: {reason}.", "Start it, or change the URL."
        )


def _database(settings: Settings) -> Check:
    from madang.store.sql import resolve, shown
    from madang.store.upgrade import check_sqlite

    url = resolve(settings.data.database.reveal(), settings.data.dir)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        if not path.exists():
            return Check("database", GOOD, f"{path} will be made at the first start.")
        if (opinion := check_sqlite(path)) != "ok":
            return Check(
                "database",
                BAD,
                f"{path} is damaged: {opinion}.",
                "Restore a backup: `madang restore --replace`.",
            )
        return asyncio.run(_revision(settings, str(path)))
    return asyncio.run(_revision(settings, shown(url)))


async def _revision(settings: Settings, name: str) -> Check:
    from madang.store import schema
    from madang.store.sql import make_engine, resolve
    from madang.store.upgrade import current_revision, known_revisions

    engine = make_engine(resolve(settings.data.database.reveal(), settings.data.dir))
    try:
        async with asyncio.timeout(_OUTSIDE_S):
            revision = await current_revision(engine)
    finally:
        await engine.dispose()
    if revision not in (None, schema.HEAD) and revision not in known_revisions():
        sentence = f"{name} is of a newer Madang (schema {revision}; {__version__} knows {schema.HEAD})."
        return Check("database", BAD, sentence, "Start that version, or restore a backup made by this one.")
    if revision != schema.HEAD:
        return Check("database", GOOD, f"{name} answers; the next start copies and upgrades it.")
    return Check("database", GOOD, f"{name} answers, schema {revision}.")


def check_secret(settings: Settings) -> Iterator[Check]:
    """The file that stream keys are encrypted under is this user's alone."""
    path = settings.data.dir / "secret"
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        yield Check("secret", GOOD, f"{path} will be made at the first start.")
        return
    except OSError as error:
        yield Check("secret", BAD, f"{path} cannot be read: {error.strerror}.", f"Give this user {path}.")
        return
    if mode & 0o077:
        yield Check(
            "secret", BAD, f"{path} can be read by others (mode {mode:o}).", f"Run `chmod 600 {path}`."
        )
    elif not os.access(path, os.R_OK):
        yield Check("secret", BAD, f"{path} cannot be read.", f"Give this user {path}.")
    else:
        yield Check("secret", GOOD, f"{path} is this user's alone.")


def check_certificate(settings: Settings) -> Iterator[Check]:
    """The certificate fits its key and lasts."""
    if settings.tls.certificate is None or settings.tls.key is None:
        return
    try:
        loaded = read(settings.tls.certificate, settings.tls.key)
    except TlsError as error:
        yield Check("certificate", BAD, f"{error}.", "Change tls.certificate and tls.key.")
        return
    days = (loaded.expires_at - time.time()) / 86_400
    sentence = f"The certificate for {', '.join(dict.fromkeys(loaded.names))}"
    if days < 0:
        yield Check("certificate", BAD, f"{sentence} has expired.", "Renew it, then send SIGHUP.")
    elif days < ALARM_DAYS:
        yield Check(
            "certificate", WARNING, f"{sentence} ends in {int(days)} days.", "Renew it, then send SIGHUP."
        )
    else:
        yield Check("certificate", GOOD, f"{sentence} lasts {int(days)} days.")


_CHECKS: Final[tuple[Callable[[Settings], Iterator[Check]], ...]] = (
    *(check_unsafe, check_ports, check_disk, check_database, check_secret),
    *(check_ffmpeg, check_descriptors, check_clock, check_certificate),
)
