"""Accounts, sessions, links and invitations on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body, Name, Next, Password
from madang.base.roles import ChannelRole, SiteRole

GivenPassword = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class AccountSummary(Answer):
    """Whom others may see."""

    id: str = Field(description="Immutable.")
    name: str = Field(description="What the account signs in with; empty when the account was deleted.")
    display_name: str = Field(description="What others see.")
    avatar_url: str | None = Field(default=None, description="Path of the picture; null without one.")


class Account(AccountSummary):
    """An account as its holder and the admins see it."""

    role: SiteRole = Field(description="On the whole site.")
    disabled: bool = Field(description="Whether an admin has shut it out.")
    created_at: datetime = Field(description="When it was made.")
    last_seen_at: datetime | None = Field(description="When it last signed in; null if never.")


class OwnChannel(Answer):
    """A channel in which the signed-in account has a role."""

    id: str = Field(description="The channel's id.")
    slug: str = Field(description="Its name in addresses.")
    name: str = Field(description="Its display name.")
    role: ChannelRole = Field(description="The account's role there.")


class Me(Answer):
    """Who is signed in, how, and in which channels with which role."""

    account: Account = Field(description="Whose session or token this is.")
    session_id: str | None = Field(description="Of this browser's session; null for an API token.")
    scopes: list[str] | None = Field(description="Scopes of the API token; null for a session.")
    recent_password: bool = Field(description="Whether the password was given in the last 10 minutes.")
    channels: list[OwnChannel] = Field(description="Where the account has a role, owned ones among them.")


class Login(Body):
    """Name and password."""

    name: Name = Field(description="The account's name, not its display name.")
    password: GivenPassword = Field(description="Its password.")


class PasswordConfirm(Body):
    """The password once more."""

    password: GivenPassword = Field(description="Of the signed-in account.")


class PasswordChange(Body):
    """The password that is, and the one that is to be."""

    current: GivenPassword = Field(description="The password until now.")
    new: Password = Field(description="The password from now on.")


class ProfileChange(Body):
    """What others are to see."""

    display_name: Name = Field(description="At most 40 letters, and unlike everybody else's.")


class Session(Answer):
    """A browser that is signed in."""

    id: str = Field(description="What it is signed out by.")
    created_at: datetime = Field(description="When it signed in.")
    last_seen_at: datetime = Field(description="When it was last there, to the minute.")
    peer: str = Field(description="The address that it signed in from.")
    user_agent: str = Field(description="What the browser calls itself.")
    current: bool = Field(description="Whether it is the one that asks.")


class Link(Answer):
    """What a one-time link is good for, before it is used."""

    kind: Literal["first", "invitation", "recovery"] = Field(
        description="For the first admin, for a new member, or for a password that is lost."
    )
    name: str | None = Field(description="The account's name where the link belongs to one.")
    role: SiteRole = Field(description="What a new account will be on the site.")
    channel: str | None = Field(description="The channel that is waiting, by its display name.")
    channel_role: ChannelRole | None = Field(description="The role that is waiting in that channel.")
    expires_at: datetime = Field(description="Until when the link may be used.")


class LinkUse(Body):
    """What somebody brings who uses a link."""

    name: Name | None = Field(default=None, description="Needed where the link belongs to no account yet.")
    display_name: Name | None = Field(default=None, description="The name where nothing is given.")
    password: Password = Field(description="The password from now on.")


class UserChange(Body):
    """What is to be different; what is absent stays."""

    role: SiteRole | None = Field(default=None, description="On the whole site; the last admin stays one.")
    disabled: bool | None = Field(default=None, description="True signs every browser of it out.")
    display_name: Name | None = Field(default=None, description="What others see.")


class OneTimeLink(Answer):
    """A link that lets one person in, once."""

    url: str = Field(description="The page to open; it is told this once.")
    expires_at: datetime = Field(description="Until when it may be used.")


class InvitationCreate(Body):
    """Whom a link is to let in, and where to."""

    role: SiteRole = Field(default=SiteRole.MEMBER, description="What the new account will be on the site.")
    channel: str | None = Field(default=None, max_length=64, description="Slug or id of a channel to join.")
    channel_role: ChannelRole | None = Field(
        default=None, description="The role there, below the owner's; manager where nothing is given."
    )
    note: Annotated[str, StringConstraints(max_length=200)] = Field(
        default="", description="For yourself: whom it is for."
    )
    expires_in_s: int = Field(
        default=7 * 86400, ge=60, le=30 * 86400, description="Seconds until the link is void."
    )


class Invitation(Answer):
    """An invitation that waits for its guest; its link is told once, when it is made."""

    id: str = Field(description="What it is withdrawn by.")
    role: SiteRole = Field(description="What the new account will be on the site.")
    channel: str | None = Field(description="Slug of the channel that the guest will join; null for none.")
    channel_role: ChannelRole | None = Field(description="The guest's role there.")
    note: str = Field(description="Whom it is for, in the words of whoever made it.")
    created_at: datetime = Field(description="When it was made.")
    expires_at: datetime = Field(description="Until when it may be used.")
    created_by: AccountSummary | None = Field(description="Who made it.")
    url: str | None = Field(default=None, description="Told once, in the answer to the creation.")


class AccountPage(Answer):
    """A page of accounts."""

    items: list[Account] = Field(description="The eldest first.")
    next: Next


class InvitationPage(Answer):
    """A page of invitations."""

    items: list[Invitation] = Field(description="The newest first.")
    next: Next


class SessionPage(Answer):
    """A page of sessions."""

    items: list[Session] = Field(description="The newest first.")
    next: Next
