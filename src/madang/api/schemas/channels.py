"""Channels, members, stream keys and play tokens on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from madang.api.schemas.accounts import AccountSummary
from madang.api.schemas.words import Answer, Body, ChannelState, Name, Next, Slug, Title
from madang.base.roles import ChannelRole, Visibility
from madang.control.records import Preset

Category = Annotated[str, StringConstraints(max_length=120)]
Description = Annotated[str, StringConstraints(max_length=8000)]
_SLUG = "The channel's name in addresses: `/@slug`."
_CATEGORY = "What it is about, in at most 40 letters."
_DESCRIPTION = "Plain text of at most 4,000 letters, with line breaks."
_PRESET = "`low`: parts of 0.2 s, for latency; `standard`: parts of 0.5 s, for fewer requests."
_DVR = "Seconds that a viewer can go back; 0 for none."
_RECONNECT = "Seconds that a lost publisher may be away and still continue its broadcast."


class ChannelUrls(Answer):
    """Every way to a channel's picture, as the outside knows it."""

    watch: str = Field(description="The watch page.")
    embed: str = Field(description="The page for an iframe.")
    hls: str = Field(description="LL-HLS: the multivariant playlist of the last 60 s.")
    dvr: str = Field(description="The same with the whole window that one can seek in.")
    dash: str = Field(description="The MPEG-DASH manifest.")
    flv: str = Field(description="HTTP-FLV.")
    ws_flv: str = Field(description="FLV by websocket.")
    rtmp: str = Field(description="RTMP, to play.")
    poster: str = Field(description="A JPEG of the live picture; 404 while there is none.")
    qr: str = Field(description="A QR code of the watch page, as SVG.")


class PublishUrls(Answer):
    """Where an encoder sends to; the stream key is the stream's name there."""

    rtmp: str = Field(description="The server, for OBS.")
    rtmps: str | None = Field(description="The same by TLS; null where it is not offered.")
    ffmpeg: str = Field(description="A command line with `STREAM_KEY` in the key's place.")


class Live(Answer):
    """Whether frames are arriving, since when, and for how many."""

    state: ChannelState = Field(
        description="`live`: frames are arriving; `reconnecting`: the publisher is lost, and may come back."
    )
    broadcast_id: str | None = Field(description="Of the broadcast that is on; null while offline.")
    began_at: datetime | None = Field(description="When it began; null while offline.")
    viewers: int = Field(description="Playback sessions now, by all ways out.")


class Channel(Answer):
    """A channel as anyone sees it who may watch it."""

    id: str = Field(description="Immutable; stands wherever a slug may.")
    slug: str = Field(description=_SLUG)
    name: str = Field(description="Its display name.")
    title: str = Field(description="What is on, or will be; may be empty.")
    category: str = Field(description="What it is about; may be empty.")
    description: str = Field(description="Plain text with line breaks; may be empty.")
    visibility: Visibility = Field(
        description="`public`: listed; `unlisted`: for whoever has the link; `private`: for those let in."
    )
    owner: AccountSummary | None = Field(description="Null until somebody claims the first channel.")
    live: Live = Field(description="What is on now.")
    urls: ChannelUrls = Field(description="Where to watch.")
    created_at: datetime = Field(description="When it was made.")
    last_live_at: datetime | None = Field(description="When frames last came, roughly; null if never.")
    preset: Preset = Field(description=_PRESET)
    dvr_window_s: int = Field(description=_DVR)
    reconnect_window_s: int = Field(description=_RECONNECT)
    my_role: ChannelRole = Field(description="Of whoever asks; `guest` without an account.")
    publish: PublishUrls | None = Field(description="For those who may broadcast here.")


class ChannelCreate(Body):
    """A channel that is to be."""

    slug: Slug = Field(description=_SLUG)
    name: Name | None = Field(default=None, description="The slug where nothing is given.")
    title: Title = Field(default="", description="What is on, in at most 140 letters.")
    category: Category = Field(default="", description=_CATEGORY)
    description: Description = Field(default="", description=_DESCRIPTION)
    visibility: Visibility = Field(default=Visibility.PUBLIC, description="Who may watch.")
    preset: Preset = Field(default="standard", description=_PRESET)


class ChannelChange(Body):
    """What is to be different; what is absent stays."""

    slug: Slug | None = Field(default=None, description="The former one goes on leading here.")
    name: Name | None = Field(default=None, description="Its display name, in at most 40 letters.")
    title: Title | None = Field(default=None, description="What is on, in at most 140 letters.")
    category: Category | None = Field(default=None, description=_CATEGORY)
    description: Description | None = Field(default=None, description=_DESCRIPTION)
    visibility: Visibility | None = Field(default=None, description="Bites within two seconds.")
    preset: Preset | None = Field(default=None, description=f"{_PRESET} From the next broadcast on.")
    dvr_window_s: int | None = Field(default=None, ge=0, le=4 * 3600, description=_DVR)
    reconnect_window_s: int | None = Field(default=None, ge=0, le=300, description=_RECONNECT)


class Member(Answer):
    """Somebody with a role in a channel."""

    account: AccountSummary = Field(description="Who it is.")
    role: ChannelRole = Field(description="What they may do.")
    since: datetime = Field(description="When the role was given.")


class MemberAdd(Body):
    """Who is to have which role."""

    name: Name = Field(description="The account's name.")
    role: ChannelRole = Field(description="Any but `guest`; `owner` hands the channel over.")


class MemberChange(Body):
    """Another role."""

    role: ChannelRole = Field(description="Any but `guest`; `owner` hands the channel over.")


class StreamKey(Answer):
    """A stream key without its value."""

    id: str = Field(description="What it is revealed, rotated and revoked by.")
    name: str = Field(description="Whose or for what it is.")
    mask: str = Field(description="The first four letters and an ellipsis.")
    created_at: datetime = Field(description="When it was made.")
    created_by: AccountSummary | None = Field(description="Who made it; null for the server itself.")
    last_used_at: datetime | None = Field(description="When a broadcast last began with it; null if never.")
    expires_at: datetime | None = Field(description="A rotated key lives on until then.")
    revoked_at: datetime | None = Field(description="When it was ended; null while it works.")
    replaces: str | None = Field(description="The id of the key in whose place it was made.")
    live: bool = Field(description="Whether somebody publishes with it now.")


class StreamKeyValue(StreamKey):
    """A stream key with its value: after its creation, its rotation, or a reveal."""

    value: str = Field(description="The secret that the encoder sends.")


class StreamKeyCreate(Body):
    """A key that is to be."""

    name: Annotated[str, StringConstraints(max_length=80)] = Field(
        default="", description="Whose or for what it is, in at most 40 letters; `OBS` where it is empty."
    )


class StreamKeyChange(Body):
    """Another name."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80)] = Field(
        description="Whose or for what it is, in at most 40 letters."
    )


class StreamKeyRotate(Body):
    """How the old key makes room."""

    overlap_s: int = Field(default=3600, ge=0, le=7 * 86400, description="How long the old key lives on.")


class PlayTokenCreate(Body):
    """For whom, and for how long."""

    expires_in_s: int = Field(default=3600, ge=10, le=7 * 86400, description="Seconds until it is void.")
    subject: Annotated[str, StringConstraints(max_length=120)] = Field(
        default="", description="The viewer as your own program knows them: the token's `sub`."
    )


class PlayToken(Answer):
    """A JWT that lets its bearer watch this one channel: `?token=` or `Authorization: Bearer`."""

    token: str = Field(description="The JWT.")
    expires_at: datetime = Field(description="Until when it lets in.")
    urls: ChannelUrls = Field(description="The channel's addresses with the token in them.")


class ChannelPage(Answer):
    """A page of channels."""

    items: list[Channel] = Field(description="Live ones first, by viewers; then those that were live last.")
    next: Next


class KeyPage(Answer):
    """A page of stream keys."""

    items: list[StreamKey] = Field(description="The newest first, revoked ones too.")
    next: Next


class MemberPage(Answer):
    """A page of those with a role in the channel."""

    items: list[Member] = Field(description="The owner first, then by role and by time.")
    next: Next
