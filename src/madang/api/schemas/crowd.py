"""Signing up, leaving and following on the wire."""

from datetime import datetime

from pydantic import Field

from madang.api.schemas.accounts import AccountSummary
from madang.api.schemas.words import Answer, Body, Name, Password


class SignUp(Body):
    name: Name
    display_name: Name | None = None
    password: Password


class AccountDeletion(Body):
    password: str = Field(min_length=1, max_length=256)


class Following(Answer):
    """How you stand to a channel, and how many follow it."""

    following: bool
    followed_at: datetime | None
    followers: int


class Follower(Answer):
    """An account that follows a channel."""

    account: AccountSummary
    since: datetime


class FollowerPage(Answer):
    items: list[Follower]
    next: str | None


class FollowedChannel(Answer):
    """A channel that you follow."""

    id: str
    slug: str
    name: str
    since: datetime
    live: bool


class FollowedPage(Answer):
    items: list[FollowedChannel]
    next: str | None
