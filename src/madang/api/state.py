"""What a page would ask first, written into the page itself: the site, who is signed in, the channel.

A block of `application/json` is data to the content security policy, not a script. It says nothing that the
API would not tell the same visitor, and in the same words."""

from collections.abc import Iterator

from pydantic import BaseModel

from madang.api import present
from madang.api.guard import Call
from madang.api.schemas import Site
from madang.control import Control
from madang.control.errors import NotFound
from madang.control.records import Channel
from madang.control.rights import Actor
from madang.control.urls import Urls

HOME_CHANNELS = 48
"""A home page with more channels than this asks for them, rather than carry them all in its head."""
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


class PageState:
    """Renders the block; made once the API is loaded, since the schemas are the API's."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def render(self, urls: Urls, actor: Actor | None, shown: Channel | None, path: str) -> str:
        """The block of a page at `path` that shows this channel, if any, to this account, if any."""
        call = Call(control=self._control, urls=urls, actor=actor, peer="")
        members = ",".join(f'"{name}":{text}' for name, text in self._members(call, shown, path))
        return f'<script type="application/json" id="state">{_inert("{" + members + "}")}</script>'

    def _members(self, call: Call, shown: Channel | None, path: str) -> Iterator[tuple[str, str]]:
        yield "site", _text(Site.model_validate(self._control.server.site(call.urls)))
        if not path.startswith("/embed/"):
            yield "me", self._me(call)
        if shown is not None:
            yield "channel", _text(present.channel(call, shown))
        if path == "/":
            page = self._control.channels.list(None, "public", None, None, HOME_CHANNELS)
            if page.next is None:
                yield "channels", f"[{','.join(_text(present.channel(call, one)) for one in page.items)}]"

    def _me(self, call: Call) -> str:
        if call.actor is None:
            return "null"
        try:
            return _text(present.me(call, call.actor))
        except NotFound:
            return "null"


def _text(answer: BaseModel) -> str:
    return answer.model_dump_json(by_alias=True)


def _inert(text: str) -> str:
    """JSON that no parser of HTML can leave before its end tag."""
    return text.translate(_ESCAPES)
