"""Polls, effects, filters and overlays on the wire."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body


class Poll(Answer):
    id: str
    title: str
    choices: list[str]
    counts: list[int]
    votes: int
    state: str
    created_at: int
    ends_at: int | None
    ended_at: int | None


class PollPage(Answer):
    items: list[Poll]
    next: str | None


class PollCreate(Body):
    title: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    choices: list[Annotated[str, StringConstraints(min_length=1, max_length=60)]] = Field(
        min_length=2, max_length=10
    )
    duration_s: int | None = Field(default=None, ge=10, le=86_400)


EffectKind = Literal["rain", "hearts", "confetti", "fireworks", "combo", "money", "rocket", "sticker"]


class EffectMap(Answer):
    """Which emoji are offered, in order, and what each does."""

    emoji: dict[str, EffectKind]


class EffectMapSet(Body):
    emoji: dict[Annotated[str, StringConstraints(min_length=1, max_length=16)], EffectKind] = Field(
        max_length=24
    )


class EffectTrigger(Body):
    kind: EffectKind
    emoji: Annotated[str, StringConstraints(max_length=16)] = ""


class EffectTold(Answer):
    id: str
    kind: str
    at: int


FilterAction = Literal["pass", "mask", "hold", "refuse", "timeout"]
Word = Annotated[str, StringConstraints(min_length=2, max_length=100)]
ListName = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class FilterList(Body):
    """Words of the room. `word*` is a beginning, `*word` an end, `*word*` anywhere."""

    name: ListName
    words: list[Word] = Field(max_length=2_000)
    action: FilterAction = "hold"
    timeout_s: int = Field(default=0, ge=0, le=1_209_600)


class FilterPattern(Body):
    """An RE2 expression."""

    name: ListName
    expression: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    action: FilterAction = "hold"
    timeout_s: int = Field(default=0, ge=0, le=1_209_600)


class FilterRules(Body):
    """What a room forbids and allows; `built_in` are the server's lists with their actions."""

    built_in: dict[Literal["ko", "en", "slurs", "sexual"], FilterAction] = Field(default={})
    lists: list[FilterList] = Field(default=[], max_length=20)
    allow: list[Word] = Field(default=[], max_length=2_000)
    patterns: list[FilterPattern] = Field(default=[], max_length=50)


class FilterTry(Body):
    """A text, and rules to try instead of those that are set."""

    text: Annotated[str, StringConstraints(max_length=1000)]
    rules: FilterRules | None = None


class FilterHit(Answer):
    start: int = Field(description="In code points.")
    end: int
    term: str
    source: str
    action: str


class FilterVerdict(Answer):
    action: str
    text: str
    timeout_s: int
    hits: list[FilterHit]


class OverlayOptions(Body):
    least_krw: int = Field(default=1_000, ge=0)
    least_usd: int = Field(default=100, ge=0)
    shown_s: int = Field(default=8, ge=3, le=60)
    speech: bool = True
    volume: float = Field(default=0.7, ge=0, le=1)
    voice: Literal["ko", "en", "auto"] = "auto"
    lines: int = Field(default=12, ge=1, le=50)


class Overlay(Answer):
    """The overlays of a channel, for its managers."""

    urls: dict[str, str] = Field(description="By widget: all, chat, alerts, goal, effects.")
    options: OverlayOptions


class OverlayView(Answer):
    """What an overlay page needs."""

    channel: str = Field(description="The channel's id.")
    slug: str
    name: str
    play_token: str = Field(description="Lets the page into a private channel; empty for others.")
    options: OverlayOptions


class OverlayTry(Body):
    widget: Literal["chat", "alerts", "goal", "effects"]
    amount: int = 5_000
    currency: Literal["KRW", "USD"] = "KRW"
    text: Annotated[str, StringConstraints(max_length=350)] = ""
