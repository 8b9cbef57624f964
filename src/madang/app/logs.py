"""Logs: one line per event on standard error, JSON or coloured, that no peer can forge and no secret reaches.

A line is written for what happened, by its name: `log.info("publish.began", channel=…, session=…)`.
"""

import contextlib
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from madang.app.sections import Log
from madang.base.limits import LOG_LINES_PER_S

# A64: one value of a line; a peer's text cannot fill the disk by its length.
VALUE_CHARS: Final = 2000
EXCEPTION_CHARS: Final = 20_000
HIDDEN: Final = "***"

# A28, A63: names of values that are credentials whatever they look like.
_SECRET_NAMES: Final = frozenset(
    (
        *("authorization", "cookie", "credential", "jwt", "passphrase", "password"),
        *("secret", "session_cookie", "set_cookie", "stream_key", "token"),
    )
)
_IN_TEXT: Final = (
    # ?key=…&token=… of URLs and forms; the playback session `s` is no credential.
    (
        re.compile(
            r"(?i)\b((?:access_|refresh_|api_|stream_)?(?:key|token|pass|passwd|password|secret|jwt|sig|signature|code))"
            r"=[^\s&\"'<>;,)]+"
        ),
        r"\1=***",
    ),
    # user:password@ of URLs; a scheme that is bounded is looked for in linear time (A46).
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,31}://)[^\s/@\"']+@"), r"\1***@"),
    # rtmp://host/app/<stream key>: channel names are short words, keys are not.
    (re.compile(r"(?i)\b(rtmps?://[^\s/]+/[^\s/]+/)[a-z0-9_-]{20,}"), r"\1***"),
    # API tokens, wherever they stand.
    (re.compile(r"\bmdg_[a-z0-9]{8,}"), "mdg_***"),
    # One-time links, invitations, overlays.
    (re.compile(r"(?i)(/(?:login|invite|overlay)/)[a-z0-9_.~-]{12,}"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9+/=._~-]{8,}"), r"\1 ***"),
    (re.compile(r"(?i)\b((?:set-)?cookie:\s*)[^\r\n]+"), r"\1***"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"), HIDDEN),
)
# A64: what moves the cursor, breaks the line, turns the writing direction, or cannot be written at all.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What every record has; whatever else it has was given as `extra`."""


def redact(text: str) -> str:
    """`text` without the credentials that it may carry: in URLs, headers, forms, JWTs."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def escape(text: str) -> str:
    """`text` with control, bidi and invisible characters spelled out, so that a line stays one line."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def clean(name: str, value: object) -> object:
    """One value as it may be written under `name`."""
    if name.lower().replace("-", "_") in _SECRET_NAMES and value:
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {escape(str(key)): clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(name, inner) for inner in value]
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    if name == "exception":
        return "\n".join(escape(line) for line in redact(text[-EXCEPTION_CHARS:]).split("\n"))
    cut = text[:VALUE_CHARS] + "…" if len(text) > VALUE_CHARS else text
    return escape(redact(cut))


def cleaned(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor that makes every value of a line safe; the line begins with when and what."""
    ordered = {name: event[name] for name in ("ts", "level", "event") if name in event}
    ordered.update(event)
    return {name: clean(name, value) for name, value in ordered.items()}


class Flood:
    """The structlog processor that keeps at most LOG_LINES_PER_S lines of one kind in a second; the first
    line of that kind in a later second says how many were left out."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._second = 0
        self._kept: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        kind = str(event.get("event"))
        if self._second != (second := int(self._monotonic())):
            self._second, self._kept = second, {}
        self._kept[kind] = kept = self._kept.get(kind, 0) + 1
        if kept > LOG_LINES_PER_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            raise structlog.DropEvent
        if left_out := self._left_out.pop(kind, 0):
            event["left_out"] = left_out
        return event


class _Stream:
    """A text stream whose reader may have gone: a lost log line must not stop a broadcast."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


class _Bridge(logging.Handler):
    """Lines by the standard library, in our form: a library's as `library`, a room's by its own name."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        told = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        told.pop("event", None)
        if record.exc_info and record.exc_info[0]:
            told["exc_info"] = record.exc_info
        if record.name.partition(".")[0] == "madang":
            log.log(record.levelno, record.getMessage(), **told)
        else:
            log.log(record.levelno, "library", logger=record.name, message=record.getMessage(), **told)


def configure(settings: Log, stream: TextIO | None = None) -> None:
    """Write logs from now on, as the settings say; may be called again."""
    stream = stream or sys.stderr
    console = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    number = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=_processors(console, stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Stream(stream))),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Bridge()], level=max(number, logging.WARNING), force=True)
    logging.getLogger("madang").setLevel(number)
    logging.captureWarnings(True)


def _processors(console: bool, colours: bool) -> list[Processor]:
    shared: list[Processor] = [
        Flood(),
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
        cleaned,
    ]
    if console:
        return [*shared, structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="ts", pad_event_to=24)]
    return [*shared, structlog.processors.JSONRenderer(ensure_ascii=False)]
