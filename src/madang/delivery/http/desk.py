"""The desk of one broadcast: its objects as answers, made once, and those who wait for the next one."""

import math
from collections.abc import Callable, Iterator, Mapping

from madang.base.limits import HOLD_S_MAX
from madang.delivery.http.admission import CORS, NOT_FOUND
from madang.delivery.http.answers import (
    BAD_DIRECTIVE,
    IMMUTABLE,
    PLAYLIST_TYPE,
    PRIVATE_IMMUTABLE,
    SEGMENT_TYPE,
)
from madang.delivery.http.directives import Directives
from madang.delivery.http.waiting import Key, WaitingRoom
from madang.hub.wallclock import DRIFT_S
from madang.net.http.problem import NO_STORE
from madang.net.http.routes import Answer, Growing, Hold
from madang.packaging.cmaf.packager import Packager
from madang.packaging.cmaf.rung import Rung
from madang.packaging.cmaf.segment import Name
from madang.packaging.dash.manifest import LiveManifest
from madang.packaging.hls.playlist import INDEX_S, MediaPlaylist, Text

# Media playlists by file name, and how many seconds they list.
LENGTHS = {"index.m3u8": INDEX_S, "dvr.m3u8": math.inf}
# Between browsers and CDNs: a playlist of this very query may be shown for a moment.
_LIVE = (b"Cache-Control", b"public, max-age=0, s-maxage=1")
_ENDED = (b"Cache-Control", b"public, max-age=1")
# rfc8216bis section 6.2.5.2: how far beyond the last part a request may reach.
_ADVANCE_PARTS_LONG = 3
# What is waited for.
_READY: Key = ("ready", 0, 0)
_WHOLE: Key = ("whole", 0, 0)
_RELOAD, _PART, _SEGMENT = "reload", "part", "segment"


class Desk:
    """Answers of one packager, or of one of its rungs. `close` when the packager is gone: whoever waits is
    told."""

    def __init__(self, packager: Packager | Rung, private: bool) -> None:
        self.packager = packager
        self.private = private
        self.waiting = WaitingRoom(self._due)
        self._window = packager.window
        self._manifest = LiveManifest(packager.window, self.rungs)
        self._beside: dict[str, Desk] = {}
        self._playlists: dict[str, MediaPlaylist] = {}
        self._shown: dict[tuple[str, bool], Answer] = {}
        self._objects: dict[str, Answer] = {}
        self._growing: dict[str, tuple[int, Growing]] = {}
        self._version = -1
        self._kept_msn = -1
        self._closed = False
        self._window.changed.append(self._changed)

    def close(self) -> None:
        """Nothing more comes: held requests are answered with what there is."""
        self._closed = True
        if self._changed in self._window.changed:
            self._window.changed.remove(self._changed)
        for _, growing in self._growing.values():
            growing.finish()
        self._growing.clear()
        self.waiting.serve(everybody=True)
        for desk in self._beside.values():
            desk.close()
        self._beside.clear()

    @property
    def rungs(self) -> Mapping[str, Rung]:
        """Smaller pictures beside, by the names of their directories."""
        return self.packager.rungs if isinstance(self.packager, Packager) else {}

    def beside(self, name: str) -> "Desk | None":
        """The desk of a smaller picture, by the name of its directory."""
        rung, desk = self.rungs.get(name), self._beside.get(name)
        if desk is not None and desk.packager is not rung:
            self._beside.pop(name).close()
            desk = None
        if desk is None and rung is not None:
            desk = self._beside[name] = Desk(rung, self.private)
        return desk

    def sweep(self) -> None:
        """Once a second: drop held viewers who lost their right."""
        self.waiting.sweep()
        for desk in self._beside.values():
            desk.waiting.sweep()

    # --- news ---

    def _changed(self) -> None:
        """The window has something new: serve who waited for it."""
        self._feed_growing()
        self.waiting.serve(everybody=self._window.ended)
        last = self._window.last
        if last is not None and last.msn != self._kept_msn:
            self._kept_msn = last.msn
            self._objects = dict(self._alive())

    def _due(self, key: Key) -> bool:
        """Whether what is waited for is there."""
        kind, number, part = key
        if kind == _RELOAD:
            return self._satisfied(number, part)
        if kind == _PART:
            return number < self._window.next_part
        if kind == _SEGMENT:
            return number < self._window.next_msn
        return self.packager.whole if key == _WHOLE else self.packager.ready

    @property
    def _patience_s(self) -> float:
        """rfc8216bis section 6.2.5.2: three target durations, then 503."""
        targets = self._window.targets
        return min(3.0 * targets.target_duration if targets else HOLD_S_MAX, HOLD_S_MAX)

    def when_ready(self, deadline_s: float, answer: Callable[[], Answer | Hold]) -> Hold:
        """Hold a request until the first playlist can be shown."""
        return self.waiting.hold(_READY, deadline_s, lambda: answer() if self.packager.ready else NOT_FOUND)

    def when_whole(self, answer: Callable[[], Answer | Hold]) -> Hold:
        """Hold a request until the first segment is whole."""
        return self.waiting.hold(_WHOLE, self._patience_s, answer)

    # --- playlists ---

    def playlist(self, name: Name, file: str, directives: Directives) -> Answer | Hold:
        """A media playlist now, or when the segment or part that is asked for is in it."""
        msn, part, skip = directives.msn, directives.part, directives.skip
        if msn < 0 or self._window.ended or self._closed or self._satisfied(msn, part):
            return self._show(name, file, skip)
        if self._too_far(msn, part):
            return BAD_DIRECTIVE
        return self.waiting.hold((_RELOAD, msn, part), self._patience_s, lambda: self._show(name, file, skip))

    def _satisfied(self, msn: int, part: int) -> bool:
        """rfc8216bis section 6.2.5.2: a part beyond the last of a whole segment is the first of the next."""
        last = self._window.last
        if last is None or msn > last.msn:
            return False
        if msn == last.msn:
            return part < len(last.parts) if part >= 0 else last.closed
        segment = self._window.segment(msn)
        beyond = segment is not None and segment.parts and part >= len(segment.parts)
        return not (beyond and msn == last.msn - 1 and not last.closed and not last.parts)

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
        if not self.packager.ready:
            return NOT_FOUND
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
        caching = NO_STORE if self.private else _ENDED if self._window.ended else _LIVE
        headers = (PLAYLIST_TYPE, caching, *CORS)
        return Answer(200, headers, text.plain, gzip=text.gzip, etag=b'"%s"' % etag)

    def manifest(self, now: float) -> str:
        """The DASH manifest at wall time `now`."""
        return self._manifest.text(now)

    # --- media ---

    def media(self, name: Name, file: str) -> Answer | Hold | Growing | None:
        """An initialisation segment `i1.mp4`, a part `p45.m4s` (held while it is hinted), a segment
        `s12.m4s` (growing while it is open); None when its bytes are to be read from the spool."""
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
        return self._part(name, file, number) if kind == "p" else self._segment(name, file, number)

    def _part(self, name: Name, file: str, number: int) -> Answer | Hold:
        part = self._window.part(number)
        if part is not None:
            return self._keep(f"{name}/{file}", part.bytes_of(name))
        if number != self._window.next_part or self._window.ended or self._closed:
            return NOT_FOUND
        return self._when_made((_PART, number, 0), name, file)

    def _segment(self, name: Name, file: str, number: int) -> Answer | Growing | Hold | None:
        segment = self._window.segment(number)
        if segment is None and self._foreseen(number):
            return self._when_made((_SEGMENT, number, 0), name, file)
        if segment is None or segment.gap:
            return NOT_FOUND
        if not segment.closed:
            return self._grow(f"{name}/{file}", name, number)
        if segment.body is None:
            return None
        return self._keep(f"{name}/{file}", segment.cut(segment.body, name))

    def _foreseen(self, number: int) -> bool:
        """Whether a player may ask for a segment already: one that goes by the clock (DASH) does not see that
        its own is early, or that the publisher is late, by less than what is drift."""
        targets = self._window.targets
        ahead_s = (number - self._window.next_msn) * (targets.target_duration if targets else DRIFT_S)
        return 0 <= ahead_s <= DRIFT_S and not (self._window.ended or self._closed)

    def _when_made(self, key: Key, name: Name, file: str) -> Hold:
        return self.waiting.hold(key, self._patience_s, lambda: self.media(name, file) or NOT_FOUND)

    def _grow(self, key: str, name: Name, number: int) -> Growing:
        """The open segment, shared by all who ask for it; parts are appended as they come."""
        known = self._growing.get(key)
        if known is None:
            segment = self._window.segment(number)
            growing = Growing((SEGMENT_TYPE, self._media_caching, *CORS))
            parts = segment.parts if segment else []
            for part in parts:
                growing.grow(bytes(part.bytes_of(name)))
            known = self._growing[key] = (len(parts), growing)
        return known[1]

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

    async def read(self, name: Name, file: str) -> Answer:
        """A segment that is no longer in memory, out of the spool; not kept."""
        msn = _number(file)
        body = await self.packager.read(msn)
        segment = self._window.segment(msn)
        if not body or segment is None:
            return NOT_FOUND
        return self._media_answer(f"{name}/{file}", segment.cut(body, name))

    def _keep(self, key: str, body: bytes | memoryview) -> Answer:
        answer = self._objects[key] = self._media_answer(key, body)
        return answer

    def _media_answer(self, key: str, body: bytes | memoryview) -> Answer:
        """An object's bytes never change, so its name is its tag."""
        headers = (SEGMENT_TYPE, self._media_caching, *CORS)
        return Answer(200, headers, bytes(body), ranges=True, etag=b'"%s"' % key.encode())

    @property
    def _media_caching(self) -> tuple[bytes, bytes]:
        return PRIVATE_IMMUTABLE if self.private else IMMUTABLE

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
