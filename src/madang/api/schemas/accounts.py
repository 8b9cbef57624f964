"""Accounts, sessions, links and invitations on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body, Name, Password
from madang.base.roles import ChannelRole, SiteRole


class AccountSummary(Answer):
    """Whom others may see."""

    id: str
    name: str
    display_name: str
    avatar_url: str | None = None


class Account(AccountSummary):
    """An account as its holder and the admins see it."""

    role: SiteRole
    disabled: bool
    created_at: datetime
    last_seen_at: datetime | None


class OwnChannel(Answer):
    """A channel in which the signed-in account has a role."""

    id: str
    slug: str
    name: str
    role: ChannelRole


class Me(Answer):
    """Who is signed in, how, and in which channels with which role."""

    account: Account
    session_id: str | None
    scopes: list[str] | None = Field(description="Scopes of the API token; null for a session.")
    recent_password: bool = Field(description="Whether the password was given in the last 10 minutes.")
    channels: list[OwnChannel]


class Login(Body):
    name: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class PasswordConfirm(Body):
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class PasswordChange(Body):
    current: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    new: Password


class ProfileChange(Body):
    display_name: Name


class Session(Answer):
    """A browser that is signed in."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    peer: str
    user_agent: str
    current: bool


class Link(Answer):
    """What a one-time link is good for, before it is used."""

    kind: Literal["first", "invitation", "recovery"]
    name: str | None = Field(description="The account's name where the link belongs to one.")
    role: SiteRole
    channel: str | None = Field(description="The channel that is waiting, by its display name.")
    channel_role: ChannelRole | None
    expires_at: datetime


class LinkUse(Body):
    name: Name | None = Field(default=None, description="Needed where the link belongs to no account yet.")
    display_name: Name | None = None
    password: Password


class UserChange(Body):
    role: SiteRole | None = None
    disabled: bool | None = None
    display_name: Name | None = None


class OneTimeLink(Answer):
    """A link that lets one person in, once."""

    url: str
    expires_at: datetime


class InvitationCreate(Body):
    role: SiteRole = SiteRole.MEMBER
    channel: str | None = Field(default=None, max_length=64, description="Slug or id of a channel to join.")
    channel_role: ChannelRole | None = None
    note: Annotated[str, StringConstraints(max_length=200)] = ""
    expires_in_s: int = Field(default=7 * 86400, ge=60, le=30 * 86400)


class Invitation(Answer):
    """An invitation that waits for its guest; its link is told once, when it is made."""

    id: str
    role: SiteRole
    channel: str | None
    channel_role: ChannelRole | None
    note: str
    created_at: datetime
    expires_at: datetime
    created_by: AccountSummary | None
    url: str | None = Field(default=None, description="Told once, in the answer to the creation.")


class AccountPage(Answer):
    items: list[Account]
    next: str | None


class InvitationPage(Answer):
    items: list[Invitation]
    next: str | None


class SessionPage(Answer):
    items: list[Session]
    next: str | None
