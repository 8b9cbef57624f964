"""Which effects there are, and what an emoji does in a channel."""

from typing import Annotated, Final, Literal

import msgspec

Kind = Literal["rain", "hearts", "confetti", "fireworks", "combo", "money", "rocket", "sticker"]
KINDS: Final[tuple[Kind, ...]] = (
    "rain",
    "hearts",
    "confetti",
    "fireworks",
    "combo",
    "money",
    "rocket",
    "sticker",
)
PAID_ONLY: Final = frozenset({"money", "rocket"})
"""What only a paid message sets off, or a manager."""
STICKERS: Final = ("heart", "star", "clap", "party")
"""Lottie stickers that come with the pages."""
Emoji = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
DEFAULT: Final[dict[str, Kind]] = {
    "❤️": "hearts",
    "🎉": "confetti",
    "🎆": "fireworks",
    "👏": "combo",
    "😂": "rain",
    "🔥": "rain",
    "👍": "rain",
    "⭐": "sticker",
}


class EffectMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a channel's managers set: the emoji offered to viewers, in order, and what each does."""

    emoji: Annotated[dict[Emoji, Kind], msgspec.Meta(max_length=24)] = msgspec.field(
        default_factory=lambda: dict(DEFAULT)
    )


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="effect"):
    """Draw it when the picture reaches `wall`, at once within 10 s of live."""

    id: str
    kind: str
    user: str
    name: str
    at: int
    wall: int
    """Milliseconds since 1970 on the stream's wall clock (its program date-time)."""
    emoji: str = ""
    sticker: str = ""
    combo: int = 0
    """For `combo`: how many in a row."""
    amount: int = 0
    currency: str = ""
    tier: int = 0
    test: bool = False
