"""Polls, effects, filters and overlays on the wire."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body, Next


class Poll(Answer):
    """A poll as everybody sees it."""

    id: str = Field(description="Sorts by time.")
    title: str = Field(description="What is asked.")
    choices: list[str] = Field(description="The answers to choose from.")
    counts: list[int] = Field(description="Votes of each choice, in the same order.")
    votes: int = Field(description="Their sum.")
    state: str = Field(description="`open` or `ended`.")
    created_at: int = Field(description="Milliseconds since 1970.")
    ends_at: int | None = Field(description="Milliseconds since 1970; null where it is ended by hand.")
    ended_at: int | None = Field(description="Milliseconds since 1970; null while it is open.")


class PollPage(Answer):
    """A page of polls."""

    items: list[Poll] = Field(description="The newest first.")
    next: Next


class PollCreate(Body):
    """A question, and answers to choose from."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=120)] = Field(
        description="What is asked."
    )
    choices: list[Annotated[str, StringConstraints(min_length=1, max_length=60)]] = Field(
        min_length=2, max_length=10, description="The answers, each different."
    )
    duration_s: int | None = Field(
        default=None, ge=10, le=86_400, description="Seconds; without it, it is ended by hand."
    )


EffectKind = Literal["rain", "hearts", "confetti", "fireworks", "combo", "money", "rocket", "sticker"]


class EffectMap(Answer):
    """Which emoji are offered, in order, and what each does."""

    emoji: dict[str, EffectKind] = Field(description="From emoji to effect.")


class EffectMapSet(Body):
    """Which emoji are to be offered, in order, and what each does."""

    emoji: dict[Annotated[str, StringConstraints(min_length=1, max_length=16)], EffectKind] = Field(
        max_length=24, description="From emoji to effect."
    )


class EffectTrigger(Body):
    """An effect for everybody's screen."""

    kind: EffectKind = Field(description="What is drawn.")
    emoji: Annotated[str, StringConstraints(max_length=16)] = Field(
        default="", description="What it is made of, where it is made of emoji."
    )


class EffectTold(Answer):
    """An effect that was set off."""

    id: str = Field(description="As the room hears it.")
    kind: str = Field(description="What is drawn.")
    at: int = Field(description="Milliseconds since 1970.")


FilterAction = Literal["pass", "mask", "hold", "refuse", "timeout"]
Word = Annotated[str, StringConstraints(min_length=2, max_length=100)]
ListName = Annotated[str, StringConstraints(min_length=1, max_length=40)]
_ACTION = "What becomes of a message that has one."
_TIMEOUT = "For `timeout`: seconds that the sender may not write."


class FilterList(Body):
    """Words of the room. `word*` is a beginning, `*word` an end, `*word*` anywhere."""

    name: ListName = Field(description="What moderators see as the source of a hit.")
    words: list[Word] = Field(max_length=2_000, description="However they are disguised.")
    action: FilterAction = Field(default="hold", description=_ACTION)
    timeout_s: int = Field(default=0, ge=0, le=1_209_600, description=_TIMEOUT)


class FilterPattern(Body):
    """An RE2 expression."""

    name: ListName = Field(description="What moderators see as the source of a hit.")
    expression: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="As RE2 has it."
    )
    action: FilterAction = Field(default="hold", description=_ACTION)
    timeout_s: int = Field(default=0, ge=0, le=1_209_600, description=_TIMEOUT)


class FilterRules(Body):
    """What a room forbids and allows; `built_in` are the server's lists with their actions."""

    built_in: dict[Literal["ko", "en", "slurs", "sexual"], FilterAction] = Field(
        default={}, description="By list; one that is absent is not looked at."
    )
    lists: list[FilterList] = Field(default=[], max_length=20, description="The room's own words.")
    allow: list[Word] = Field(default=[], max_length=2_000, description="Words in which nothing is found.")
    patterns: list[FilterPattern] = Field(default=[], max_length=50, description="The room's expressions.")


class FilterTry(Body):
    """A text, and rules to try instead of those that are set."""

    text: Annotated[str, StringConstraints(max_length=1000)] = Field(description="What to judge.")
    rules: FilterRules | None = Field(default=None, description="Without: those that are set.")


class FilterHit(Answer):
    """One word that was found, however it was disguised."""

    start: int = Field(description="In code points.")
    end: int = Field(description="The first code point behind it.")
    term: str = Field(description="The word as it stands in the list.")
    source: str = Field(description="The list's name, or the pattern's.")
    action: str = Field(description="What the list demands.")


class FilterVerdict(Answer):
    """What the filter says."""

    action: str = Field(description="The hardest of all hits; `pass` without any.")
    text: str = Field(description="The text with masked words masked.")
    timeout_s: int = Field(description="For `timeout`: seconds that the sender may not write.")
    hits: list[FilterHit] = Field(description="By their place in the text.")


class OverlayOptions(Body):
    """How the overlays look and sound."""

    least_krw: int = Field(default=1_000, ge=0, description="The smallest amount that is an alert, in won.")
    least_usd: int = Field(default=100, ge=0, description="The same in cents.")
    shown_s: int = Field(default=8, ge=3, le=60, description="Seconds that an alert is shown.")
    speech: bool = Field(default=True, description="Read alerts aloud, by the browser's own voice.")
    volume: float = Field(default=0.7, ge=0, le=1, description="Of that voice, from 0 to 1.")
    voice: Literal["ko", "en", "auto"] = Field(default="auto", description="Which language it speaks.")
    lines: int = Field(default=12, ge=1, le=50, description="Messages that the chat widget shows.")


class Overlay(Answer):
    """The overlays of a channel, for its managers."""

    urls: dict[str, str] = Field(description="By widget: all, chat, alerts, goal, effects.")
    options: OverlayOptions = Field(description="As they are set.")


class OverlayView(Answer):
    """What an overlay page needs."""

    channel: str = Field(description="The channel's id.")
    slug: str = Field(description="The channel's name in addresses.")
    name: str = Field(description="The channel's display name.")
    play_token: str = Field(description="Lets the page into a private channel; empty for others.")
    options: OverlayOptions = Field(description="As they are set.")


class OverlayTry(Body):
    """Something made up, to see how it looks."""

    widget: Literal["chat", "alerts", "goal", "effects"] = Field(description="Which one shows it.")
    amount: int = Field(default=5_000, description="Of the made-up paid message, in the smallest unit.")
    currency: Literal["KRW", "USD"] = Field(default="KRW", description="Of the made-up paid message.")
    text: Annotated[str, StringConstraints(max_length=350)] = Field(default="", description="What it says.")
