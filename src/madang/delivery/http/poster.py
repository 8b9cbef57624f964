"""The moving poster of a channel: /live/{name}/poster.jpg."""

from typing import Final

from madang.base.ids import ChannelId, is_slug
from madang.base.limits import VIEWER_ERRAND_S
from madang.delivery.http.admission import CORS, NOT_FOUND, check_method, play_request
from madang.delivery.http.answers import redirect
from madang.delivery.http.errands import Errands, Reply
from madang.hub.gate import PlayGate, PlayGrant
from madang.net.http.routes import Answer, Growing, Hold, Request, TakeOver
from madang.transcoding.poster import Poster, Posters

_FILE = "poster.jpg"
_JPEG: Final = (b"Content-Type", b"image/jpeg")
ANSWERS_KEPT: Final = 1024
"""Answers whose heads are rendered; all are made anew beyond that."""


class PosterRoute:
    """A hot route under `/live/`."""

    def __init__(self, gate: PlayGate, posters: Posters, errands: Errands) -> None:
        self._gate = gate
        self._posters = posters
        self._errands = errands
        max_age = max(1, int(posters.settings.every_s) - 1)
        self._public = (b"Cache-Control", f"public, max-age={max_age}".encode())
        self._private = (b"Cache-Control", b"private, no-cache")
        self._answers: dict[tuple[ChannelId, bool], tuple[Poster, Answer]] = {}

    def ask(self, request: Request) -> Answer | Hold | Growing | TakeOver | None:
        """None for a path that is no poster; 404 when there is no picture, or none for this viewer."""
        pieces = request.path.split("/")
        if len(pieces) != 4 or pieces[3] != _FILE or pieces[1] != "live" or not is_slug(pieces[2]):
            return None
        refusal = check_method(request.method)
        if refusal is not None:
            return refusal
        name = pieces[2]
        grant = self._gate.peek(name)
        if grant is not None and grant.name != name:
            return redirect(f"/live/{grant.name}/{_FILE}")
        poster = self._posters.peek(grant.channel) if grant is not None else None
        if grant is not None and poster is not None:
            return self._answer(grant, poster)

        async def looked_for() -> Reply:
            given = grant or await self._gate.admit(play_request("poster", name, request))
            if given.name != name:
                return redirect(f"/live/{given.name}/{_FILE}")
            found = await self._posters.poster(given.channel)
            return self._answer(given, found) if found is not None else NOT_FOUND

        return self._errands.hold(VIEWER_ERRAND_S, looked_for)

    def _answer(self, grant: PlayGrant, poster: Poster) -> Answer:
        """The same object for the same picture, so that its head is rendered once."""
        key = (grant.channel, grant.private)
        kept = self._answers.get(key)
        if kept is not None and kept[0] is poster:
            return kept[1]
        if len(self._answers) >= ANSWERS_KEPT:
            self._answers.clear()
        caching = self._private if grant.private else self._public
        answer = Answer(200, (_JPEG, caching, *CORS), poster.jpeg, etag=poster.etag)
        self._answers[key] = (poster, answer)
        return answer
