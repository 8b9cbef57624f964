"""What a room says: messages, events and the state of one viewer, as they stand on the wire."""

import msgspec

from madang.chat.settings import RoomSettings

encode = msgspec.json.Encoder().encode


class Author(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who wrote, as they were when they wrote."""

    id: str
    name: str
    role: str
    badges: tuple[str, ...] = ()
    color: int = -1
    avatar: str = ""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The message that is answered, quoted."""

    id: str
    user: str
    name: str
    text: str


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="message"):
    """One message. `at` is milliseconds since 1970; `seq` rises by one per message of the room."""

    id: str
    seq: int
    at: int
    kind: str
    """`message`, `action`, `announcement`, `paid`, `system`."""
    user: Author
    text: str
    mentions: tuple[str, ...] = ()
    reply: Reply | None = None
    color: str = ""
    paid: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    edited_at: int | None = None
    held: bool = False


class Tombstone(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="message"):
    """What is left of a deleted message, at its old place."""

    id: str
    seq: int
    at: int
    kind: str
    deleted: bool = True


class Edit(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="edit"):
    id: str
    text: str
    mentions: tuple[str, ...]
    edited_at: int


class Delete(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="delete"):
    ids: tuple[str, ...]
    by: str = ""


class Purge(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="purge"):
    """Everything of one user up to `through` is hidden, but what was paid."""

    user: str
    through: int


class Clear(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="clear"):
    through: int
    by: str


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    message: Message
    by: str
    at: int
    until: int | None


class Pins(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="pins"):
    pins: tuple[Pin, ...]


class SettingsChanged(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="settings"):
    settings: RoomSettings
    by: str


class Counts(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="counts"):
    viewers: int
    chatters: int


class RoleChanged(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="role"):
    user: str
    role: str
    badges: tuple[str, ...]
    name: str = ""


class Muted(msgspec.Struct, frozen=True, kw_only=True):
    """Why somebody may not write, and until when."""

    code: int
    word: str
    until: int | None
    reason: str


class You(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="you"):
    """What one viewer is told of themselves."""

    channel: str
    id: str
    name: str
    role: str
    badges: tuple[str, ...]
    color: int
    can: tuple[str, ...]
    muted: Muted | None
    followed_at: int | None
    role_until: int | None
    retry_s: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A hit of the filter, in code points of the text."""

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    term: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="held"):
    """A message that waits for approval, as the moderators (with reason and hits) and its author see it."""

    channel: str
    message: Message
    reason: str = ""
    hits: tuple[Found, ...] = ()


class HeldState(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="held"):
    """To its author: what became of a held message."""

    channel: str
    id: str
    state: str


class Resolved(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="resolved"):
    """To the moderators: somebody approved or denied it."""

    id: str
    state: str
    by: str


class Shadow(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="shadow"):
    """A message that its author and the moderators alone see."""

    channel: str
    message: Message


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to whom, and to which text."""

    id: str
    at: int
    action: str
    actor: str
    actor_name: str
    target: str = ""
    target_name: str = ""
    reason: str = ""
    duration_s: int | None = None
    message: str = ""


class Audited(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="audit"):
    entry: AuditEntry


Event = (
    Message
    | Tombstone
    | Edit
    | Delete
    | Purge
    | Clear
    | Pins
    | SettingsChanged
    | Counts
    | RoleChanged
    | You
    | Waiting
    | HeldState
    | Resolved
    | Shadow
    | Audited
)
