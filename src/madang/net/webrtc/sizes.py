"""Sizes of one picture, where its publisher sends several: how a viewer is told of them, and asks for one.

The layer extension of WHEP (draft-murillo-whep, `urn:ietf:params:whep:ext:core:layer`): its URL lists them by
GET, in the words of that draft's `layers` event, and takes a choice by POST.
"""

from typing import Final, Protocol

import msgspec

from madang.base.errors import PeerError

EXTENSION: Final = "urn:ietf:params:whep:ext:core:layer"
BEST: Final = "best"
"""The encoding that stands for the largest picture that comes; the others go by their RTP stream ids."""


class Size(msgspec.Struct, frozen=True, rename="camel"):
    """One encoding of a picture, in pixels."""

    id: str
    width: int
    height: int


class Choice(msgspec.Struct, frozen=True, rename="camel"):
    """What a viewer asks for; without an encoding the server chooses by what gets through."""

    media_id: str = ""
    encoding_id: str = ""


class Chooser(Protocol):
    """A viewer's session, which knows the sizes of its picture."""

    @property
    def mid(self) -> str:
        """Of the picture's media section."""
        ...

    def sizes(self) -> list[Size]:
        """The largest first; one where nothing can be chosen."""
        ...

    def pick(self, size: str) -> bool:
        """Stay with this one from now on, or with what gets through for an empty one. False: unknown."""
        ...


def listed(chooser: Chooser) -> bytes:
    """What there is, as JSON by media section."""
    return msgspec.json.encode({chooser.mid: {"active": chooser.sizes(), "inactive": []}})


def choose(chooser: Chooser, body: bytes) -> None:
    """Do as this JSON says. PeerError `unprocessable` for what cannot be read or is not there."""
    try:
        choice = msgspec.json.decode(body, type=Choice)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PeerError("unprocessable", f"no layer: {error}", "Name an encodingId, or none.") from None
    if choice.media_id not in ("", chooser.mid) or not chooser.pick(choice.encoding_id):
        raise PeerError("unprocessable", "an unknown layer", "There is no such encoding of this picture.")
