"""MPEG-DASH over HTTP: the manifest and the clock; segments are those of HLS.

/live/{name}/manifest.mpd, /live/{name}/~{grant}/manifest.mpd?s=…      /live/{name}/time
"""

from collections.abc import Callable
from datetime import UTC, datetime

from madang.base.ids import is_slug
from madang.base.limits import FIRST_PLAYLIST_S
from madang.delivery.http.admission import CORS, NOT_FOUND, check_method, play_request
from madang.delivery.http.answers import MANIFEST_TYPE, redirect
from madang.delivery.http.desk import Desk
from madang.delivery.http.desks import Desks
from madang.delivery.http.directives import parse_directives
from madang.delivery.http.errands import Errands, Reply
from madang.delivery.http.grants import MARK, Grants
from madang.delivery.http.visitors import Visitors
from madang.hub.gate import PlayGate, PlayGrant
from madang.net.http.problem import NO_STORE
from madang.net.http.routes import Answer, Growing, Hold, Request
from madang.packaging.dash.manifest import BASE_URL, LOCATION

_FILE = "manifest.mpd"
_PLAIN = (b"Content-Type", b"text/plain; charset=utf-8")


class DashRoute:
    """A hot route under `/live/`."""

    def __init__(
        self, gate: PlayGate, desks: Desks, grants: Grants, errands: Errands, visitors: Visitors
    ) -> None:
        self._gate = gate
        self._desks = desks
        self._grants = grants
        self._errands = errands
        self._visitors = visitors

    def ask(self, request: Request) -> Answer | Hold | Growing | None:
        """None for a path that is not DASH."""
        pieces = request.path.split("/")
        if pieces[1] != "live" or not 4 <= len(pieces) <= 5 or not is_slug(pieces[2]):
            return None
        if len(pieces) == 4 and pieces[3] == "time":
            return check_method(request.method) or self._time()
        if pieces[-1] != _FILE or (len(pieces) == 5 and not pieces[3].startswith(MARK)):
            return None
        refusal = check_method(request.method)
        if refusal is not None:
            return refusal
        return self._enter(request, pieces[2], pieces[3] if len(pieces) == 5 else "")

    def _time(self) -> Answer:
        """The clock by which the manifest's times are meant (UTCTiming http-iso)."""
        moment = datetime.fromtimestamp(self._visitors.wall(), UTC).isoformat(timespec="milliseconds")
        return Answer(200, (_PLAIN, NO_STORE, *CORS), moment.replace("+00:00", "Z").encode())

    def _enter(self, request: Request, name: str, carried: str) -> Answer | Hold | Growing:
        session = parse_directives(request.query).session
        grant = self._grants.find(carried) if carried else self._gate.peek(name)
        if carried and (grant is None or grant.name != name):
            return NOT_FOUND
        if grant is not None:
            return self._manifest(name, session, carried, grant)

        async def admitted() -> Reply:
            given = await self._gate.admit(play_request("dash", name, request))
            return self._manifest(name, session, self._grants.mint(given) if given.private else "", given)

        return self._errands.hold(2 * FIRST_PLAYLIST_S, admitted)

    def _manifest(self, name: str, session: str, carried: str, grant: PlayGrant) -> Answer | Hold:
        if grant.name != name:
            return redirect(f"/live/{grant.name}/{_FILE}")
        desk = self._desks.of(grant)
        if desk is None:
            return NOT_FOUND
        if session:
            self._visitors.seen(grant, session, "dash")
        else:
            session = self._visitors.mint()
        show = self._shower(desk, f"/live/{name}/", carried, session)
        return show() if desk.packager.ready else desk.when_ready(FIRST_PLAYLIST_S, show)

    def _shower(self, desk: Desk, root: str, carried: str, session: str) -> Callable[[], Answer]:
        """What makes the manifest with this viewer's own addresses."""

        def show() -> Answer:
            path = f"{carried}/" if carried else ""
            text = desk.manifest(self._visitors.wall())
            text = text.replace(LOCATION, f"{root}{path}{_FILE}?s={session}")
            text = text.replace(BASE_URL, f"{root}{path}{desk.packager.broadcast}/")
            text = text.replace('value="time"', f'value="{root}time"')
            return Answer(200, (MANIFEST_TYPE, NO_STORE, *CORS), text.encode())

        return show
