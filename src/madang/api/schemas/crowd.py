"""Signing up, leaving and following on the wire."""

from datetime import datetime

from pydantic import Field

from madang.api.schemas.accounts import AccountSummary
from madang.api.schemas.words import Answer, Body, Name, Next, Password


class SignUp(Body):
    """An account that is to be."""

    name: Name = Field(description="To sign in with: at most 40 letters, and unlike everybody else's.")
    display_name: Name | None = Field(default=None, description="What others see; the name without it.")
    password: Password = Field(description="Its password.")


class AccountDeletion(Body):
    """The password, as a last question."""

    password: str = Field(min_length=1, max_length=256, description="Of the account that is to go.")


class Following(Answer):
    """How you stand to a channel, and how many follow it."""

    following: bool = Field(description="Whether you follow it.")
    followed_at: datetime | None = Field(description="Since when; null if you do not.")
    followers: int = Field(description="Accounts that follow it.")


class Follower(Answer):
    """An account that follows a channel."""

    account: AccountSummary = Field(description="Who it is.")
    since: datetime = Field(description="Since when it follows.")


class FollowerPage(Answer):
    """A page of followers."""

    items: list[Follower] = Field(description="The newest first.")
    next: Next


class FollowedChannel(Answer):
    """A channel that you follow."""

    id: str = Field(description="The channel's id.")
    slug: str = Field(description="Its name in addresses.")
    name: str = Field(description="Its display name.")
    since: datetime = Field(description="Since when you follow it.")
    live: bool = Field(description="Whether it is live or reconnecting.")


class FollowedPage(Answer):
    """A page of channels that you follow."""

    items: list[FollowedChannel] = Field(description="The one followed last first.")
    next: Next
