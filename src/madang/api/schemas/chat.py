"""Chat by REST: requests as models; messages, settings and audit entries as they are on the realtime wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body, Next

Wire = dict[str, Any]
"""An object of docs/4-api/chat.md; its moments are milliseconds since 1970."""
Reason = Annotated[str, StringConstraints(max_length=500)]


class ChatRoom(Answer):
    """A room without a connection: what its snapshot has."""

    channel: Wire | None = Field(description="`id`, `slug` and `name` of the channel.")
    settings: Wire = Field(description="The room's settings.")
    counts: Wire = Field(description="`viewers` of the picture, `chatters` in the room.")
    pins: list[Wire] = Field(description="Pinned messages: `id`, `message`, `by`, `at`, `until`.")
    poll: Wire | None = Field(description="The poll that is open, or ended within the last minute.")
    paid: list[Wire] = Field(description="The ticker of paid messages, the newest first.")
    goal: Wire | None = Field(description="What the channel collects for.")
    cut: int = Field(description="Hides every message whose `seq` is at most this, but paid ones.")
    messages: list[Wire] = Field(description="The newest 50, the eldest of them first.")


class ChatMessagePage(Answer):
    """A page of the log."""

    items: list[Wire] = Field(description="Messages and tombstones, the eldest first.")
    next: int | None = Field(description="`before` (or `after`) of the next page.")


class ChatReplayPage(Answer):
    """The log by media time: each item has `offset_s`, seconds from the broadcast's begin."""

    began_at: datetime = Field(description="When the broadcast began.")
    items: list[Wire] = Field(description="Messages with their `offset_s`, the eldest first.")
    next: Next


class ChatList(Answer):
    """A page of a moderator's list."""

    items: list[Wire] = Field(description="Objects as they are on the realtime wire.")
    next: Next


class ChatSay(Body):
    """A message that is to be."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4096)] = Field(
        description="Plain text, at most as long as the room's settings allow."
    )
    nonce: Annotated[str, StringConstraints(max_length=64)] = Field(
        default="", description="Repeat it to say the same thing once, however often it is sent."
    )
    reply_to: Annotated[str, StringConstraints(max_length=64)] = Field(
        default="", description="Id of the message that is answered."
    )
    action: bool = Field(default=False, description="As `/me` does.")


class ChatSaid(Answer):
    """What became of it: `sent`, `held`, or a `command` that was done."""

    state: Literal["sent", "held", "command"] = Field(description="`held` waits for a moderator.")
    id: str = Field(default="", description="Of the message.")
    seq: int = Field(default=0, description="Its place in the room; 0 while it is held.")
    at: int = Field(default=0, description="Milliseconds since 1970.")
    word: str = Field(default="", description="Of a command: its name.")
    text: str = Field(default="", description="Of a command: what it answers, to be shown.")
    data: Any = Field(default=None, description="Of a command: what it answers, for programs.")


class ChatSettingsChange(Body):
    """What is to be different; what is absent stays."""

    slow_s: int | None = Field(
        default=None, ge=0, le=300, description="Seconds between two messages of one person; 0 for none."
    )
    followers_min: int | None = Field(
        default=None,
        ge=-1,
        le=129_600,
        description="Only who has followed for so many minutes writes; -1 switches it off.",
    )
    subscribers_only: bool | None = Field(default=None, description="Only subscribers and above write.")
    emoji_only: bool | None = Field(default=None, description="Only emoji.")
    unique: bool | None = Field(default=None, description="No text that was said in the last 30 s.")
    links: bool | None = Field(default=None, description="Whether links are let through.")
    frozen: Literal["", "guests", "viewers", "subscribers", "all"] | None = Field(
        default=None, description="Nobody up to this group writes; empty for nobody frozen."
    )
    guests: bool | None = Field(default=None, description="Whether guests may write.")
    hold: Literal["none", "filter", "newcomers", "all"] | None = Field(
        default=None, description="What waits for a moderator; newcomers with their first message."
    )
    letters: int | None = Field(default=None, ge=1, le=500, description="The longest message, in graphemes.")
    rules: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        default=None, description="Shown before the first message."
    )
    effects: bool | None = Field(default=None, description="Whether viewers may set off effects.")
    paid: bool | None = Field(default=None, description="Whether paid messages are on.")
    polls: bool | None = Field(default=None, description="Whether viewers may vote.")


class ChatPreset(Body):
    """Several settings at once."""

    preset: Literal["calm", "normal", "raid"] = Field(
        description="For a quiet room, for every day, for an assault."
    )


class ChatBan(Body):
    """How somebody is kept from writing."""

    duration_s: int | None = Field(default=None, ge=1, le=14 * 86_400, description="Without: for good.")
    reason: Reason = Field(default="", description="They and the moderators read it.")
    shadow: bool = Field(default=False, description="They write on, and nobody but moderators sees it.")
    ip: bool = Field(default=False, description="Also where they come from.")


class ChatRole(Body):
    """Which role, and for how long."""

    role: Literal["manager", "vip", "subscriber"] = Field(description="In this channel.")
    until: datetime | None = Field(default=None, description="When a subscriber's role ends; never without.")


class ChatCommands(Answer):
    """The commands that the caller may use."""

    commands: list[Wire] = Field(description="Each with `name`, `usage`, `help` (`en`, `ko`), `arguments`.")
