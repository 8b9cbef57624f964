"""Chat by REST: requests as models; messages, settings and audit entries as they are on the realtime wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body

Wire = dict[str, Any]
"""An object of docs/4-api/chat.md; its moments are milliseconds since 1970."""
Reason = Annotated[str, StringConstraints(max_length=500)]


class ChatRoom(Answer):
    """A room without a connection: what its snapshot has."""

    channel: Wire | None
    settings: Wire
    counts: Wire
    pins: list[Wire]
    poll: Wire | None
    paid: list[Wire]
    goal: Wire | None
    cut: int
    messages: list[Wire]


class ChatMessagePage(Answer):
    items: list[Wire]
    next: int | None = Field(description="`before` (or `after`) of the next page.")


class ChatReplayPage(Answer):
    """The log by media time: each item has `offset_s`, seconds from the broadcast's begin."""

    began_at: datetime
    items: list[Wire]
    next: str | None


class ChatList(Answer):
    items: list[Wire]
    next: str | None


class ChatSay(Body):
    text: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    nonce: Annotated[str, StringConstraints(max_length=64)] = ""
    reply_to: Annotated[str, StringConstraints(max_length=64)] = ""
    action: bool = False


class ChatSaid(Answer):
    """What became of it: `sent`, `held`, or a `command` that was done."""

    state: Literal["sent", "held", "command"]
    id: str = ""
    seq: int = 0
    at: int = 0
    word: str = ""
    text: str = ""
    data: Any = None


class ChatSettingsChange(Body):
    slow_s: int | None = Field(default=None, ge=0, le=300)
    followers_min: int | None = Field(default=None, ge=-1, le=129_600, description="-1 switches it off.")
    subscribers_only: bool | None = None
    emoji_only: bool | None = None
    unique: bool | None = None
    links: bool | None = None
    frozen: Literal["", "guests", "viewers", "subscribers", "all"] | None = None
    guests: bool | None = None
    hold: Literal["none", "filter", "newcomers", "all"] | None = None
    letters: int | None = Field(default=None, ge=1, le=500)
    rules: Annotated[str, StringConstraints(max_length=500)] | None = None
    effects: bool | None = None
    paid: bool | None = None
    polls: bool | None = None


class ChatPreset(Body):
    preset: Literal["calm", "normal", "raid"]


class ChatBan(Body):
    duration_s: int | None = Field(default=None, ge=1, le=14 * 86_400, description="Without: for good.")
    reason: Reason = ""
    shadow: bool = False
    ip: bool = Field(default=False, description="Also where they come from.")


class ChatRole(Body):
    role: Literal["manager", "vip", "subscriber"]
    until: datetime | None = None


class ChatCommands(Answer):
    commands: list[Wire]
