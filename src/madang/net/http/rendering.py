"""An `Answer` as the bytes of a response: which variant a request gets, and its head."""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from madang.base.limits import HTTP_RANGES
from madang.net.http.routes import Answer

Rendered = tuple[bytes, bytes | memoryview]
"""Head without Date, Connection and the empty line; and the body."""

_WHOLE: Final = 0
_GZIP: Final = 1
_NOT_MODIFIED: Final = 2
_NOT_MODIFIED_GZIP: Final = 3
_BODILESS: Final = frozenset((204, 304))

STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}


def render(answer: Answer, method: str, fields: Mapping[bytes, bytes]) -> Rendered:
    """The variant of `answer` for a request with these header fields (RFC 9110 sections 12 to 14)."""
    variant, body = _WHOLE, answer.body
    if answer.gzip and accepts_gzip(fields.get(b"accept-encoding", b"")):
        variant, body = _GZIP, answer.gzip
    if answer.status == 200 and method in ("GET", "HEAD"):
        if answer.etag and b"if-none-match" in fields and _matches(fields[b"if-none-match"], answer):
            variant, body = variant | _NOT_MODIFIED, b""
        elif answer.ranges and b"range" in fields and method == "GET":
            part = _range(fields[b"range"], answer) if _still_valid(fields.get(b"if-range"), answer) else None
            if part is not None:
                return part
    head = answer.head.get(variant)
    if head is None:
        head = answer.head[variant] = _render_head(answer, variant)
    return head, b"" if method == "HEAD" else body


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether Accept-Encoding allows gzip (RFC 9110 section 12.5.3)."""
    star = False
    for item in accept_encoding.lower().split(b","):
        coding, _, weight = item.partition(b";")
        allowed = weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
        if coding.strip() == b"gzip":
            return allowed
        if coding.strip() == b"*":
            star = allowed
    return star


def _render_head(answer: Answer, variant: int) -> bytes:
    gzip = variant in (_GZIP, _NOT_MODIFIED_GZIP)
    not_modified = variant in (_NOT_MODIFIED, _NOT_MODIFIED_GZIP)
    lines = _common(304 if not_modified else answer.status, answer)
    if answer.etag:
        lines.append(b"etag: %s\r\n" % (gzip_etag(answer.etag) if gzip else answer.etag))
    if answer.gzip:
        lines.append(b"vary: accept-encoding\r\n")
    if gzip and not not_modified:
        lines.append(b"content-encoding: gzip\r\n")
    if answer.ranges:
        lines.append(b"accept-ranges: bytes\r\n")
    if not not_modified and answer.status not in _BODILESS:
        lines.append(b"content-length: %d\r\n" % len(answer.gzip if gzip else answer.body))
    return b"".join(lines)


def _common(status: int, answer: Answer) -> list[bytes]:
    line = STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    return [line, *(b"%s: %s\r\n" % pair for pair in answer.headers)]


def gzip_etag(etag: bytes) -> bytes:
    """Another coding is another representation, so its strong tag differs (RFC 9110 section 8.8.3.3)."""
    return etag[:-1] + b'-gzip"'


def _matches(if_none_match: bytes, answer: Answer) -> bool:
    if if_none_match.strip() == b"*":
        return True
    ours = (answer.etag, gzip_etag(answer.etag))
    return any(tag.strip().removeprefix(b"W/") in ours for tag in if_none_match.split(b","))


def _still_valid(if_range: bytes | None, answer: Answer) -> bool:
    return if_range is None or (bool(answer.etag) and if_range.strip() == answer.etag)


def _range(asked: bytes, answer: Answer) -> Rendered | None:
    """206 or 416 for one byte range; None where the whole is the answer (RFC 9110 section 14.2)."""
    unit, _, span = asked.partition(b"=")
    first, dash, last = (text.strip() for text in span.partition(b"-"))
    if (
        unit.strip().lower() != b"bytes"
        or span.count(b",") >= HTTP_RANGES
        or not dash
        or not _digits(first)
        or not _digits(last)
        or not first + last
    ):
        return None
    size = len(answer.body)
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    else:
        start, end = max(size - int(last), 0), size - 1
    lines = _common(206 if start <= end else 416, answer)
    if answer.etag:
        lines.append(b"etag: %s\r\n" % answer.etag)
    lines.append(b"accept-ranges: bytes\r\n")
    if start > end:
        lines.append(b"content-range: bytes */%d\r\ncontent-length: 0\r\n" % size)
        return b"".join(lines), b""
    lines.append(
        b"content-range: bytes %d-%d/%d\r\ncontent-length: %d\r\n" % (start, end, size, end - start + 1)
    )
    return b"".join(lines), memoryview(answer.body)[start : end + 1]


def _digits(text: bytes) -> bool:
    return len(text) <= 18 and (not text or text.isdigit())
