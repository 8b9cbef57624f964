"""What a room's managers set, the presets for it, and what an operator sets about chat."""

from typing import Annotated, Final, Literal

import msgspec

from madang.base.limits import CHAT_MESSAGE_GRAPHEMES

Freeze = Literal["", "guests", "viewers", "subscribers", "all"]
Hold = Literal["none", "filter", "newcomers", "all"]
Preset = Literal["", "calm", "normal", "raid"]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=300)]
Letters = Annotated[int, msgspec.Meta(ge=1, le=CHAT_MESSAGE_GRAPHEMES)]


class RoomSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One room's settings, as they stand on the wire and in its row."""

    slow_s: Seconds = 0
    followers_min: Annotated[int, msgspec.Meta(ge=0, le=129_600)] | None = None
    subscribers_only: bool = False
    emoji_only: bool = False
    unique: bool = False
    links: bool = True
    frozen: Freeze = ""
    guests: bool = True
    hold: Hold = "filter"
    letters: Letters = CHAT_MESSAGE_GRAPHEMES
    preset: Preset = "normal"
    rules: Annotated[str, msgspec.Meta(max_length=500)] = ""
    effects: bool = True
    paid: bool = True
    polls: bool = True


class SettingsChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is unset stays."""

    slow_s: Seconds | msgspec.UnsetType = msgspec.UNSET
    followers_min: Annotated[int, msgspec.Meta(ge=0, le=129_600)] | None | msgspec.UnsetType = msgspec.UNSET
    subscribers_only: bool | msgspec.UnsetType = msgspec.UNSET
    emoji_only: bool | msgspec.UnsetType = msgspec.UNSET
    unique: bool | msgspec.UnsetType = msgspec.UNSET
    links: bool | msgspec.UnsetType = msgspec.UNSET
    frozen: Freeze | msgspec.UnsetType = msgspec.UNSET
    guests: bool | msgspec.UnsetType = msgspec.UNSET
    hold: Hold | msgspec.UnsetType = msgspec.UNSET
    letters: Letters | msgspec.UnsetType = msgspec.UNSET
    rules: Annotated[str, msgspec.Meta(max_length=500)] | msgspec.UnsetType = msgspec.UNSET
    effects: bool | msgspec.UnsetType = msgspec.UNSET
    paid: bool | msgspec.UnsetType = msgspec.UNSET
    polls: bool | msgspec.UnsetType = msgspec.UNSET


_NORMAL: Final[dict[str, object]] = {
    "slow_s": 0,
    "followers_min": None,
    "subscribers_only": False,
    "emoji_only": False,
    "unique": False,
    "links": True,
    "frozen": "",
    "guests": True,
    "hold": "filter",
}
PRESETS: Final[dict[str, dict[str, object]]] = {
    "calm": {**_NORMAL, "slow_s": 10, "followers_min": 10, "links": False},
    "normal": _NORMAL,
    "raid": {
        **_NORMAL,
        "slow_s": 30,
        "followers_min": 60,
        "unique": True,
        "links": False,
        "guests": False,
        "hold": "newcomers",
    },
}


def changed(settings: RoomSettings, change: SettingsChange) -> RoomSettings:
    """With what is set in `change`; the preset is left as soon as one of its settings differs."""
    given = {n: getattr(change, n) for n in change.__struct_fields__}
    given = {name: value for name, value in given.items() if value is not msgspec.UNSET}
    made = msgspec.structs.replace(settings, **given)
    preset = PRESETS.get(made.preset, {})
    if any(getattr(made, name) != value for name, value in preset.items()):
        made = msgspec.structs.replace(made, preset="")
    return made


def with_preset(settings: RoomSettings, preset: str) -> RoomSettings:
    """A preset's settings; what it does not speak of stays."""
    return msgspec.convert(
        {**msgspec.structs.asdict(settings), **PRESETS[preset], "preset": preset}, RoomSettings
    )


class ChatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Assembled by `app` from the settings file."""

    enabled: bool = True
    guests: bool = True
    """Whether guests may write at all; a room may still refuse them."""
    keep_days: int = 365
    """Messages older than this are forgotten."""
    keep_audit_days: int = 730
    edit_s: int = 300
    """How long an author may edit."""
