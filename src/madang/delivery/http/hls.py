"""HLS over HTTP: the doors of a channel, its media playlists, parts and segments.

/live/{name}/index.m3u8, /live/{name}/dvr.m3u8, /live/{name}.m3u8     multivariant, mints `?s=`
/live/{name}/[~{grant}/]{broadcast}/{rendition}/{file}                what a multivariant playlist names
"""

from collections.abc import Callable
from typing import NamedTuple

from madang.base.ids import is_slug
from madang.base.limits import FIRST_PLAYLIST_S
from madang.delivery.http.admission import CORS, NOT_FOUND, check_method, play_request
from madang.delivery.http.answers import BAD_DIRECTIVE, PLAYLIST_TYPE, redirect
from madang.delivery.http.desk import LENGTHS, Desk
from madang.delivery.http.desks import Desks
from madang.delivery.http.directives import parse_directives
from madang.delivery.http.errands import Errands, Reply
from madang.delivery.http.grants import MARK, Grants
from madang.delivery.http.players import reads_no_parts
from madang.delivery.http.visitors import Visitors
from madang.hub.gate import PlayGate, PlayGrant
from madang.net.http.problem import NO_STORE
from madang.net.http.routes import Answer, Growing, Hold, Request
from madang.packaging.cmaf.segment import Name
from madang.packaging.hls.variants import render_variants

_NAMES = {name.value: name for name in Name}


class Door(NamedTuple):
    """A request for the multivariant playlist."""

    name: str
    file: str
    """`index.m3u8` or `dvr.m3u8`: which length of media playlists it leads to."""
    prefix: str
    """From the door to the channel's directory, in relative URLs."""


class HlsRoute:
    """A hot route under `/live/`. Public channels are answered at once, private ones after the gate."""

    def __init__(
        self, gate: PlayGate, desks: Desks, grants: Grants, errands: Errands, visitors: Visitors
    ) -> None:
        self._gate = gate
        self._desks = desks
        self._grants = grants
        self._errands = errands
        self._visitors = visitors

    def ask(self, request: Request) -> Answer | Hold | Growing | None:
        """None for a path that is not HLS."""
        pieces = request.path.split("/")
        if len(pieces) >= 6:
            if pieces[1] != "live" or len(pieces) > 7:
                return None
            refusal = check_method(request.method)
            return refusal if refusal is not None else self._media(request, pieces)
        door = _door(pieces)
        if door is None:
            return None
        refusal = check_method(request.method)
        return refusal if refusal is not None else self._enter(request, door)

    # --- what playlists name ---

    def _media(self, request: Request, pieces: list[str]) -> Answer | Hold | Growing:
        grant = self._grant(pieces)
        if grant is None:
            return NOT_FOUND
        desk = self._desks.of(grant)
        if desk is None or desk.packager.broadcast != pieces[-3]:
            return NOT_FOUND
        name = _NAMES.get(pieces[-2], Name.VIDEO)
        if name.value != pieces[-2]:
            desk = desk.beside(pieces[-2])
            if desk is None:
                return NOT_FOUND
        file = pieces[-1]
        if file in LENGTHS:
            answer: Answer | Hold | Growing = self._playlist(request, desk, grant, name)
        else:
            answer = desk.media(name, file) or self._from_spool(desk, name, file)
        if grant.private and isinstance(answer, Hold):
            desk.waiting.watch(answer, lambda: self._grants.holds(grant))
        return answer

    def _grant(self, pieces: list[str]) -> PlayGrant | None:
        """Everybody's grant, or the one that the path carries; it must be of the channel that is named."""
        if len(pieces) == 6:
            return self._gate.peek(pieces[2])
        if not pieces[3].startswith(MARK):
            return None
        grant = self._grants.find(pieces[3])
        return grant if grant is not None and grant.name == pieces[2] else None

    def _playlist(self, request: Request, desk: Desk, grant: PlayGrant, name: Name) -> Answer | Hold:
        directives = parse_directives(request.query)
        if not directives.valid:
            return BAD_DIRECTIVE
        if directives.session:
            self._visitors.seen(grant, directives.session)
        file = request.path.rpartition("/")[2]
        if not desk.packager.ready:
            return self._when_ready(desk, lambda: self._playlist(request, desk, grant, name))
        if not desk.packager.whole and reads_no_parts(request):
            return desk.when_whole(lambda: desk.playlist(name, file, directives))
        return desk.playlist(name, file, directives)

    def _from_spool(self, desk: Desk, name: Name, file: str) -> Answer | Hold:
        return self._errands.hold(FIRST_PLAYLIST_S, lambda: desk.read(name, file))

    # --- the doors ---

    def _enter(self, request: Request, door: Door) -> Answer | Hold | Growing:
        grant = self._gate.peek(door.name)
        if grant is not None:
            return self._multivariant(request, door, grant)

        async def admitted() -> Reply:
            given = await self._gate.admit(play_request("hls", door.name, request))
            return self._multivariant(request, door, given)

        return self._errands.hold(2 * FIRST_PLAYLIST_S, admitted)

    def _multivariant(self, request: Request, door: Door, grant: PlayGrant) -> Answer | Hold:
        if grant.name != door.name:
            query = "?" + request.query.decode("latin-1") if request.query else ""
            return redirect(f"/live/{grant.name}/{door.file}{query}")
        desk = self._desks.of(grant)
        if desk is None or desk.packager.window.ended:
            return NOT_FOUND
        if not desk.packager.ready:
            return self._when_ready(desk, lambda: self._render(desk, door, grant))
        return self._render(desk, door, grant)

    def _when_ready(self, desk: Desk, answer: Callable[[], Answer | Hold]) -> Hold:
        """The first playlist waits for its targets, which the second keyframe tells."""
        return desk.when_ready(FIRST_PLAYLIST_S, answer)

    def _render(self, desk: Desk, door: Door, grant: PlayGrant) -> Answer:
        session = self._visitors.mint()
        carried = self._grants.mint(grant) + "/" if grant.private else ""
        base = f"{door.prefix}{carried}{desk.packager.broadcast}"
        separate = desk.packager.stream.lease.profile.separate_audio
        text = render_variants(
            desk.packager.window,
            separate,
            lambda name: f"{base}/{name}/{door.file}?s={session}",
            desk.rungs,
        )
        return Answer(200, (PLAYLIST_TYPE, NO_STORE, *CORS), text.encode())


def _door(pieces: list[str]) -> Door | None:
    if pieces[1] != "live":
        return None
    if len(pieces) == 4 and pieces[3] in LENGTHS and is_slug(pieces[2]):
        return Door(pieces[2], pieces[3], "")
    if len(pieces) == 3 and pieces[2].endswith(".m3u8"):
        name = pieces[2].removesuffix(".m3u8")
        return Door(name, "index.m3u8", name + "/") if is_slug(name) else None
    return None
