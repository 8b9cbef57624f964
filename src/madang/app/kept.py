"""What streams of one run leave for the next: a small file that is read once and removed."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from madang.hub.registry import Kept

_log = structlog.get_logger()


def keep(file: Path, kept: Sequence[Kept]) -> None:
    """Write what a drain keeps; whole or not at all."""
    if not kept:
        file.unlink(missing_ok=True)
        return
    part = file.with_suffix(".part")
    try:
        part.write_bytes(msgspec.msgpack.encode(kept))
        part.chmod(0o600)
        part.replace(file)
    except OSError as error:  # F4: a full disk costs the continuation, not the rest of the drain
        _log.warning("streams_not_kept", file=str(file), reason=str(error))
        part.unlink(missing_ok=True)


def recall(file: Path, wall: float) -> list[Kept]:
    """What the run before left and is still in time; the file goes, so that nothing is continued twice."""
    try:
        kept = msgspec.msgpack.decode(file.read_bytes(), type=list[Kept])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        _log.warning("kept_streams_unreadable", file=str(file), reason=str(error))
        return []
    file.unlink(missing_ok=True)
    return [one for one in kept if one.until_wall > wall]
