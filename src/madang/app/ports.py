"""Who listens on a port of this machine, from /proc: for sentences, never for decisions."""

from pathlib import Path

_OPEN = {"tcp": "0A", "udp": "07"}
"""The state of a socket that takes what comes: LISTEN; of UDP CLOSE, as all are that have no peer."""


def owner_of(port: int, proc: Path = Path("/proc"), protocol: str = "tcp") -> str:
    """The program that listens on a port, like `nginx (process 7)`; empty when it cannot be seen."""
    tables = (proc / "net" / name for name in (protocol, f"{protocol}6"))
    inodes = {inode for table in tables for inode in _listening(table, port, _OPEN[protocol])}
    if not inodes:
        return ""
    for process in proc.glob("[0-9]*"):
        if inodes & _sockets(process):
            return f"{_read(process / 'comm').strip() or 'a program'} (process {process.name})"
    return ""


def _listening(table: Path, port: int, state: str) -> set[str]:
    """Inodes of the listening sockets of this port: columns of /proc/net/tcp are in proc(5)."""
    rows = [line.split() for line in _read(table).splitlines()[1:]]
    return {
        row[9]
        for row in rows
        if len(row) > 9 and row[3] == state and int(row[1].rpartition(":")[2], 16) == port
    }


def _sockets(process: Path) -> set[str]:
    found = set()
    try:
        for descriptor in (process / "fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        pass  # another user's process, or one that just ended
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
