"""The desk of one broadcast: its objects as answers, made once, and those who wait for the next one."""

import asyncio
import math
from collections.abc import Callable, Iterator

from madang.base.limits import HOLD_S_MAX
from madang.delivery.http.admission import CORS, NO_STORE, NOT_FOUND
from madang.delivery.http.answers import (
    BAD_DIRECTIVE,
    IMMUTABLE,
    PLAYLIST_TYPE,
    PRIVATE_IMMUTABLE,
    SEGMENT_TYPE,
    STALLED,
)
from madang.delivery.http.directives import Directives
from madang.delivery.http.errands import chain
from madang.net.http.routes import Answer, Growing, Hold
from madang.packaging.cmaf.packager import Packager
from madang.packaging.cmaf.segment import Name
from madang.packaging.dash.manifest import LiveManifest
from madang.packaging.hls.playlist import INDEX_S, MediaPlaylist, Text

# Media playlists by file name, and how many seconds they list.
LENGTHS = {"index.m3u8": INDEX_S, "dvr.m3u8": math.inf}
# Writes of one turn of the loop: at 8 µs each, some 2 ms.
RELEASED_AT_ONCE = 256
# Between browsers and CDNs: a playlist of this very query may be shown for a moment.
_LIVE = (b"Cache-Control", b"public, max-age=0, s-maxage=1")
_ENDED = (b"Cache-Control", b"public, max-age=1")
# rfc8216bis section 6.2.5.2: how far beyond the last part a request may reach.
_ADVANCE_PARTS_LONG = 3


class Waiting:
    """A held request: what it waits for, and how its answer is made once that is there."""

    __slots__ = ("answer", "hold", "msn", "part")

    def __init__(self, hold: Hold, msn: int, part: int, answer: Callable[[], Answer]) -> None:
        self.hold = hold
        self.msn = msn
        self.part = part
        self.answer = answer


class Desk:
    """Answers of one packager. `close` when the packager is gone: whoever waits is told."""

    def __init__(self, packager: Packager, private: bool) -> None:
        self.packager = packager
        self.private = private
        self._window = packager.window
        self._playlists: dict[str, MediaPlaylist] = {}
        self._shown: dict[tuple[str, bool], Answer] = {}
        self._objects: dict[str, Answer] = {}
        self._growing: dict[str, tuple[int, Growing]] = {}
        self._waiting: dict[Hold, Waiting] = {}
        self._parts: dict[int, dict[Hold, str]] = {}
        self._watched: dict[Hold, Callable[[], bool]] = {}
        self._unready: dict[Hold, Callable[[], Answer | Hold]] = {}
        self._manifest = LiveManifest(packager.window)
        self._opening: dict[Hold, tuple[int, str]] = {}
        self._version = -1
        self._kept_msn = -1
        self._window.changed.append(self._changed)

    def close(self) -> None:
        """Nothing more comes: held requests are answered with what there is, hinted parts with 404."""
        if self._changed in self._window.changed:
            self._window.changed.remove(self._changed)
        for waiting in tuple(self._waiting.values()):
            waiting.hold.resolve(waiting.answer() if self.packager.ready else NOT_FOUND)
        self._waiting.clear()
        for hold in tuple(self._unready):
            hold.resolve(NOT_FOUND)
        self._unready.clear()
        self._watched.clear()
        self._cancel_parts()

    # --- those who wait ---

    @property
    def held(self) -> int:
        """Requests that wait at this desk."""
        parts = sum(map(len, self._parts.values()))
        return len(self._waiting) + len(self._unready) + len(self._opening) + parts

    def when_ready(self, deadline_s: float, answer: Callable[[], Answer | Hold]) -> Hold:
        """Hold a request until the first playlist can be shown."""
        hold = Hold(deadline_s, STALLED, self._gone)
        self._unready[hold] = answer
        return hold

    def watch(self, hold: Hold, allowed: Callable[[], bool]) -> None:
        """Ask each second whether a held viewer may still watch."""
        self._watched[hold] = allowed

    def sweep(self) -> None:
        """Once a second: those who lost their right while they waited are answered 404."""
        for hold, allowed in tuple(self._watched.items()):
            if hold.answer is None and not allowed():
                hold.resolve(NOT_FOUND)
                self._gone(hold)
            elif hold.answer is not None:
                del self._watched[hold]

    # --- playlists ---

    def playlist(self, name: Name, file: str, directives: Directives) -> Answer | Hold:
        """A media playlist now, or when the segment or part that is asked for is in it."""
        window, msn, part = self._window, directives.msn, directives.part
        if msn >= 0 and not window.ended and not self._satisfied(msn, part):
            if self._too_far(msn, part):
                return BAD_DIRECTIVE
            skip = directives.skip
            return self.wait(msn, part, lambda: self._show(name, file, skip))
        return self._show(name, file, directives.skip)

    def wait(self, msn: int, part: int, answer: Callable[[], Answer]) -> Hold:
        """Hold a request until the segment (part below 0) or the part is there; bounded (A53)."""
        targets = self._window.targets
        patience = 3.0 * targets.target_duration if targets else HOLD_S_MAX
        hold = Hold(min(patience, HOLD_S_MAX), STALLED, self._gone)
        self._waiting[hold] = Waiting(hold, msn, part, answer)
        return hold

    def _gone(self, hold: Hold) -> None:
        self._waiting.pop(hold, None)
        for holds in self._parts.values():
            holds.pop(hold, None)
        self._unready.pop(hold, None)
        self._opening.pop(hold, None)
        self._watched.pop(hold, None)

    def _satisfied(self, msn: int, part: int) -> bool:
        """rfc8216bis section 6.2.5.2: a part beyond the last of a whole segment is the first of the next."""
        last = self._window.last
        if last is None:
            return False
        if msn < last.msn:
            segment = self._window.segment(msn)
            beyond = segment is not None and segment.parts and part >= len(segment.parts)
            return not (beyond and msn == last.msn - 1 and not last.closed and not last.parts)
        if msn > last.msn:
            return False
        if part < 0:
            return last.closed
        return part < len(last.parts)

    def _too_far(self, msn: int, part: int) -> bool:
        last, targets = self._window.last, self._window.targets
        if last is None or targets is None:
            return msn > self._window.next_msn + 2
        if msn > last.msn + 2:
            return True
        target = targets.part_target
        limit = math.ceil(3 / target) if target < 1 else _ADVANCE_PARTS_LONG
        have = len(last.parts) if msn == last.msn else 0
        return part >= have + limit

    def _show(self, name: Name, file: str, skip: bool) -> Answer:
        """The playlist as it is, as an answer made once per version."""
        if self._version != self._window.version:
            self._version = self._window.version
            self._shown = {}
        key = (f"{name}/{file}", skip)
        answer = self._shown.get(key)
        if answer is None:
            playlist = self._playlists.get(key[0])
            if playlist is None:
                playlist = self._playlists[key[0]] = MediaPlaylist(self._window, name, LENGTHS[file])
            answer = self._shown[key] = self._playlist_answer(playlist.text(skip), self._etag(key))
        return answer

    def _etag(self, key: tuple[str, bool]) -> bytes:
        """What a version of a playlist is known by, after a restart of the server too."""
        window = self._window
        whole = window.open is None
        return f"{key[0]}.{window.next_msn}.{window.next_part}.{whole:d}{window.ended:d}{key[1]:d}".encode()

    def _playlist_answer(self, text: Text, etag: bytes) -> Answer:
        headers = (PLAYLIST_TYPE, self._playlist_caching(), *CORS)
        return Answer(200, headers, text.plain, gzip=text.gzip, etag=b'"%s"' % etag)

    def _playlist_caching(self) -> tuple[bytes, bytes]:
        """A shared cache keyed by the whole query may keep it for less than half a target duration."""
        if self.private:
            return NO_STORE
        return _ENDED if self._window.ended else _LIVE

    def manifest(self, now: float) -> str:
        """The DASH manifest at wall time `now`."""
        return self._manifest.text(now)

    # --- media ---

    def media(self, name: Name, file: str) -> Answer | Hold | Growing | None:
        """An initialisation segment `i1.mp4`, a part `p45.m4s` (held while it is hinted), a segment
        `s12.m4s` (growing while it is open); None when there is no such object in memory."""
        key = f"{name}/{file}"
        answer = self._objects.get(key)
        if answer is not None:
            return answer
        kind, number = file[:1], _number(file)
        if number < 0:
            return NOT_FOUND
        if kind == "i":
            init = self._window.inits.get(number)
            body = init.bodies.get(name) if init else None
            return self._keep(key, body) if body else NOT_FOUND
        return self._part(key, name, number) if kind == "p" else self._segment(key, name, number)

    def _part(self, key: str, name: Name, number: int) -> Answer | Hold:
        part = self._window.part(number)
        if part is not None:
            return self._keep(key, part.bytes_of(name))
        if number != self._window.next_part or self._window.ended:
            return NOT_FOUND
        targets = self._window.targets
        patience = 3.0 * targets.target_duration if targets else HOLD_S_MAX
        hold = Hold(min(patience, HOLD_S_MAX), STALLED, self._gone)
        self._parts.setdefault(number, {})[hold] = key
        return hold

    def _await_opening(self, key: str, number: int) -> Hold:
        """The next segment, asked for by a player whose clock runs a little early."""
        targets = self._window.targets
        patience = 3.0 * targets.target_duration if targets else HOLD_S_MAX
        hold = Hold(min(patience, HOLD_S_MAX), STALLED, self._gone)
        self._opening[hold] = (number, key)
        return hold

    def _segment(self, key: str, name: Name, number: int) -> Answer | Growing | Hold | None:
        segment = self._window.segment(number)
        if segment is None and number == self._window.next_msn and not self._window.ended:
            return self._await_opening(key, number)
        if segment is None or segment.gap:
            return NOT_FOUND
        if not segment.closed:
            return self._grow(key, name, number)
        if segment.body is None:
            return None
        return self._keep(key, segment.cut(segment.body, name))

    def _grow(self, key: str, name: Name, number: int) -> Growing:
        """The open segment, shared by all who ask for it; parts are appended as they come."""
        known = self._growing.get(key)
        if known is None:
            segment = self._window.segment(number)
            growing = Growing((SEGMENT_TYPE, self._media_caching(), *CORS))
            for part in segment.parts if segment else ():
                growing.grow(bytes(part.bytes_of(name)))
            known = self._growing[key] = (len(segment.parts) if segment else 0, growing)
        return known[1]

    async def read(self, name: Name, file: str) -> Answer:
        """A segment that is no longer in memory, out of the spool."""
        body = await self.packager.read(_number(file))
        return self.spooled(name, _number(file), body) if body else NOT_FOUND

    def spooled(self, name: Name, msn: int, body: bytes) -> Answer:
        """The answer for a segment whose bytes were read from the spool; not kept."""
        segment = self._window.segment(msn)
        key = f"{name}/s{msn}.m4s"
        return self._media_answer(key, segment.cut(body, name)) if segment else NOT_FOUND

    def _keep(self, key: str, body: bytes | memoryview) -> Answer:
        answer = self._objects[key] = self._media_answer(key, body)
        return answer

    def _media_answer(self, key: str, body: bytes | memoryview) -> Answer:
        """An object's bytes never change, so its name is its tag."""
        headers = (SEGMENT_TYPE, self._media_caching(), *CORS)
        return Answer(200, headers, bytes(body), ranges=True, etag=b'"%s"' % key.encode())

    def _media_caching(self) -> tuple[bytes, bytes]:
        return PRIVATE_IMMUTABLE if self.private else IMMUTABLE

    # --- news ---

    def _changed(self) -> None:
        """The window has something new: serve who waited for it."""
        self._feed_growing()
        for number in [n for n in self._parts if n < self._window.next_part]:
            for hold, key in self._parts.pop(number).items():
                name, _, file = key.partition("/")
                answer = self.media(Name(name), file)
                hold.resolve(answer if isinstance(answer, Answer) else NOT_FOUND)
        for hold, (number, key) in tuple(self._opening.items()):
            if number < self._window.next_msn or self._window.ended:
                del self._opening[hold]
                name, _, file = key.partition("/")
                chain(self.media(Name(name), file) or NOT_FOUND, hold)
        ended = self._window.ended
        self._release(self._satisfied_now(ended))
        if self.packager.ready or ended:
            self._serve_unready()
        if ended:
            self._cancel_parts()
        last = self._window.last
        if last is not None and last.msn != self._kept_msn:
            self._kept_msn = last.msn
            self._objects = dict(self._alive())

    def _satisfied_now(self, ended: bool) -> list[Waiting]:
        """Those whose segment or part is there; no longer kept."""
        verdicts: dict[tuple[int, int], bool] = {}
        served = []
        for waiting in tuple(self._waiting.values()):
            key = waiting.msn, waiting.part
            if key not in verdicts:
                verdicts[key] = ended or self._satisfied(*key)
            if verdicts[key]:
                del self._waiting[waiting.hold]
                served.append(waiting)
        return served

    def _release(self, served: list[Waiting]) -> None:
        """Answer held requests, a slice at a time: thousands of writes would hold the loop."""
        for waiting in served[:RELEASED_AT_ONCE]:
            waiting.hold.resolve(waiting.answer())
        if len(served) > RELEASED_AT_ONCE:
            rest = served[RELEASED_AT_ONCE:]
            asyncio.get_running_loop().call_soon(self._release, rest)

    def _serve_unready(self) -> None:
        unready, self._unready = self._unready, {}
        for hold, answer in unready.items():
            chain(answer() if self.packager.ready else NOT_FOUND, hold)

    def _cancel_parts(self) -> None:
        for holds in self._parts.values():
            for hold in tuple(holds):
                hold.resolve(NOT_FOUND)
        self._parts.clear()
        for hold in tuple(self._opening):
            hold.resolve(NOT_FOUND)
        self._opening.clear()

    def _feed_growing(self) -> None:
        for key, (count, growing) in tuple(self._growing.items()):
            name, _, file = key.partition("/")
            segment = self._window.segment(_number(file))
            parts = segment.parts if segment else []
            for part in parts[count:]:
                growing.grow(bytes(part.bytes_of(Name(name))))
            self._growing[key] = (len(parts), growing)
            if segment is None or segment.closed:
                del self._growing[key]
                growing.finish()

    def _alive(self) -> Iterator[tuple[str, Answer]]:
        """Answers whose objects the window still keeps in memory."""
        for key, answer in self._objects.items():
            file = key.partition("/")[2]
            number = _number(file)
            if file[0] == "i":
                alive = number in self._window.inits
            elif file[0] == "p":
                alive = self._window.part(number) is not None
            else:
                segment = self._window.segment(number)
                alive = segment is not None and segment.body is not None
            if alive:
                yield key, answer


def _number(file: str) -> int:
    """The number in `s12.m4s`, `p45.m4s`, `i1.mp4`; -1 for any other name."""
    digits = file[1:-4]
    if file[:1] in "spi" and file[-4:] in (".m4s", ".mp4") and digits.isascii() and digits.isdigit():
        return int(digits) if len(digits) <= 15 and (digits[0] != "0" or digits == "0") else -1
    return -1
