"""Channels: made, found, changed, renamed, deleted; and those who have a role in them."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from madang.base.ids import ChannelId, UserId, is_slug
from madang.base.limits import CHANNELS_PER_ACCOUNT
from madang.base.roles import ChannelRole, Visibility
from madang.control.clerk import Clerk
from madang.control.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from madang.control.names import clean_name, clean_text, looks, skeleton
from madang.control.ports import Work
from madang.control.records import Channel, Member, Page, Preset, R, Slug
from madang.control.rights import Actor, Right, may_watch, permits

TITLE_LETTERS = 140
CATEGORY_LETTERS = 40
DESCRIPTION_LETTERS = 4000
# Words that stand beside channel names in an address.
RESERVED = frozenset({"api", "admin", "live", "studio", "login", "settings", "docs", "embed", "new"})


class Draft(Protocol):
    """A channel that is to be."""

    slug: str
    name: str | None
    title: str
    category: str
    description: str
    visibility: Visibility
    preset: Preset


class Change(Protocol):
    """What is to be different; None stays."""

    slug: str | None
    name: str | None
    title: str | None
    category: str | None
    description: str | None
    visibility: Visibility | None
    preset: Preset | None
    dvr_window_s: int | None
    reconnect_window_s: int | None


class Channels:
    """The one door to channels: whoever asks for one names the right that it takes."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self.is_live: Callable[[ChannelId], tuple[bool, int]] = lambda channel: (False, 0)
        """Whether a channel is live, and its viewers: set by the live use-case, for the order of lists."""
        self.ended: list[Callable[[ChannelId], None]] = []
        """Called when a channel is deleted: its broadcast must end."""

    def require(self, actor: Actor | None, reference: str, right: Right) -> tuple[Channel, ChannelRole]:
        """The channel, if `actor` has `right` there; a private one is not told to strangers."""
        channel = self._clerk.directory.channel_at(reference)
        if channel is None:
            raise NotFound("channel")
        role = self._clerk.directory.role(actor.account, channel.id) if actor else ChannelRole.GUEST
        if permits(actor, role, channel, right):
            return channel, role
        if not may_watch(actor, role, channel):
            raise NotFound("channel")
        raise Unauthenticated() if actor is None else Forbidden()

    def list(
        self, actor: Actor | None, show: str, live: bool | None, cursor: str | None, limit: int
    ) -> Page[Channel]:
        """Live ones first by viewers, then those that were live last; the cursor is a place in this order."""
        order = {channel.id: self.is_live(channel.id) for channel in self._shown(actor, show)}
        channels = [c for c in self._shown(actor, show) if live is None or order[c.id][0] is live]
        channels.sort(key=lambda c: (*_descending(order[c.id]), -(c.last_live_at or 0), c.slug))
        return _slice(channels, cursor, limit)

    def _shown(self, actor: Actor | None, show: str) -> Sequence[Channel]:
        directory = self._clerk.directory
        if show == "public":
            return directory.public_channels()
        if actor is None:
            raise Unauthenticated()
        if show == "all":
            if not actor.is_admin:
                raise Forbidden()
            return list(directory.channels())
        return [channel for channel, _ in directory.channels_of(actor.account)]

    # --- made, changed, deleted

    async def create(self, actor: Actor | None, draft: Draft) -> Channel:
        """A new channel; without an actor it belongs to nobody yet."""
        if actor is not None and not (actor.is_admin or self._clerk.settings.members_create_channels):
            raise Forbidden("forbidden", "Only admins create channels here.")
        name = clean_name(draft.name or draft.slug)
        self._refuse_taken(draft.slug, name, ChannelId(""))
        channel = Channel(
            id=ChannelId(self._clerk.new_id()),
            slug=draft.slug,
            name=name,
            skeleton=skeleton(name),
            title=clean_text(draft.title, TITLE_LETTERS),
            category=clean_text(draft.category, CATEGORY_LETTERS),
            description=clean_text(draft.description, DESCRIPTION_LETTERS, lines=True),
            visibility=draft.visibility,
            preset=draft.preset,
            owner=actor.account if actor else None,
            created_at=self._clerk.clock.wall(),
        )
        async with self._clerk.change() as work:
            await self._refuse_more(work, actor)
            await work.channels.add(channel)
            await work.slugs.add(Slug(slug=channel.slug, channel=channel.id))
            await self._clerk.note(work, "channel.created", actor, channel.id, slug=channel.slug)
        self._clerk.feed.channel("created", channel)
        return channel

    async def _refuse_more(self, work: Work, actor: Actor | None) -> None:
        """By the rows, and not by memory: many may be made at once."""
        if actor is None or actor.is_admin:
            return
        if await work.channels.count(owner=actor.account) >= CHANNELS_PER_ACCOUNT:
            raise Conflict("too_many_channels", f"An account owns at most {CHANNELS_PER_ACCOUNT} channels.")

    def _refuse_taken(self, slug: str, name: str, own: ChannelId) -> None:
        if not is_slug(slug) or slug in RESERVED:
            told = "small letters, digits, - and _ only, and no word of the site's own"
            raise Invalid("bad_slug", f"This cannot be an address: {told}.", "slug")
        holder = self._clerk.directory.channel_by_name(slug)
        if holder is not None and holder.id != own:
            raise Conflict("taken", "This address is taken.", "slug")
        if self._clerk.directory.looks().get(looks(name), own) != own:
            raise Conflict("taken", "Another channel has a name that looks like this.", "name")

    async def change(self, actor: Actor, channel: Channel, change: Change) -> Channel:
        """Texts by managers, everything by the owner. The former slug goes on leading here."""
        role = self._clerk.directory.role(actor.account, channel.id)
        changed = self._changed(channel, change)
        texts = {"title": changed.title, "category": changed.category, "description": changed.description}
        if changed != msgspec.structs.replace(channel, **texts):
            self._require_owner(actor, role, channel)
        if changed == channel:
            return channel
        self._refuse_taken(changed.slug, changed.name, channel.id)
        async with self._clerk.change() as work:
            now = await work.channels.alter(channel.id, **_difference(channel, changed))
            if now is None:
                raise NotFound("channel")
            if changed.slug != channel.slug and await work.slugs.get(changed.slug) is None:
                await work.slugs.add(Slug(slug=changed.slug, channel=channel.id))
            await self._note_change(work, actor, channel, changed)
        self._clerk.feed.channel("updated", now)
        return now

    def _require_owner(self, actor: Actor, role: ChannelRole, channel: Channel) -> None:
        if not permits(actor, role, channel, Right.OWN):
            raise Forbidden("forbidden", "Only the owner changes this.")

    def _changed(self, channel: Channel, change: Change) -> Channel:
        cleaned: dict[str, Any] = {
            "slug": change.slug,
            "title": _clean(change.title, TITLE_LETTERS),
            "category": _clean(change.category, CATEGORY_LETTERS),
            "description": _clean(change.description, DESCRIPTION_LETTERS, lines=True),
            "visibility": change.visibility,
            "preset": change.preset,
            "dvr_window_s": change.dvr_window_s,
            "reconnect_window_s": change.reconnect_window_s,
        }
        if change.name is not None:
            name = clean_name(change.name)
            cleaned |= {"name": name, "skeleton": skeleton(name)}
        return msgspec.structs.replace(channel, **{k: v for k, v in cleaned.items() if v is not None})

    async def _note_change(self, work: Work, actor: Actor, old: Channel, new: Channel) -> None:
        fields = [field for field in _difference(old, new) if field != "skeleton"]
        await self._clerk.note(work, "channel.updated", actor, new.id, fields=", ".join(fields))
        if old.visibility is not new.visibility:
            kind = "channel.visibility_changed"
            await self._clerk.note(work, kind, actor, new.id, visibility=new.visibility.value)

    async def delete(self, actor: Actor | None, channel: Channel, confirm: str) -> None:
        """Delete a channel with all that is its own; `confirm` is its slug, typed."""
        if confirm != channel.slug:
            raise Invalid("not_confirmed", "Type the channel's address to delete it.", "confirm")
        for tell in self.ended:
            tell(channel.id)
        async with self._clerk.store.write() as work:
            for rows in (work.keys, work.members, work.slugs, work.links, work.broadcasts, work.happenings):
                await rows.delete(channel=channel.id)
            await work.channels.delete(id=channel.id)
            await self._clerk.note(work, "channel.deleted", actor, None, slug=channel.slug, id=channel.id)
        self._clerk.feed.channel("deleted", channel)  # with the refresh its pages are let go
        await self._clerk.refresh()

    async def revoke_play_tokens(self, actor: Actor, channel: Channel) -> None:
        """Play tokens made until now are void."""
        now = self._clerk.clock.wall()
        async with self._clerk.change() as work:
            await work.channels.alter(channel.id, play_tokens_from=now)
            await self._clerk.note(work, "channel.play_tokens_revoked", actor, channel.id)

    # --- members

    async def members(self, channel: Channel, cursor: str | None, limit: int) -> Page[Member]:
        """Who has a role, the owner first; the cursor is a place in this order."""
        found = self._clerk.directory.members(channel.id)
        if channel.owner is not None:
            owner = Member(
                channel=channel.id, account=channel.owner, role=ChannelRole.OWNER, since=channel.created_at
            )
            found = [owner, *(member for member in found if member.account != channel.owner)]
        return _slice(sorted(found, key=lambda member: (member.role.rank, member.since)), cursor, limit)

    async def add_member(self, actor: Actor, channel: Channel, name: str, role: ChannelRole) -> Member:
        """By the account's name."""
        account = self._clerk.directory.account_by_skeleton(skeleton(name))
        if account is None:
            raise Invalid("no_such_user", "There is nobody of this name.", "name")
        return await self.set_member(actor, channel, account.id, role)

    async def set_member(self, actor: Actor, channel: Channel, user: str, role: ChannelRole) -> Member:
        """Give a role; giving `owner` hands the channel over, and the former owner becomes a broadcaster."""
        account = self._clerk.directory.need_account(user)
        if role is ChannelRole.GUEST:
            raise Invalid("bad_role", "A guest has no role; remove the member instead.", "role")
        now = self._clerk.clock.wall()
        made = Member(channel=channel.id, account=account.id, role=role, since=now)
        if account.id == channel.owner:
            if role is ChannelRole.OWNER:
                return made
            raise Conflict("is_owner", "Hand the channel over to somebody else first.", "role")
        async with self._clerk.change() as work:
            await work.members.delete(channel=channel.id, account=account.id)
            if role is ChannelRole.OWNER:
                await self._hand_over(work, channel, account.id, now)
            else:
                await work.members.add(made)
            note = {"account": account.id, "role": role.value}
            await self._clerk.note(work, "member.changed", actor, channel.id, **note)
        return made

    async def _hand_over(self, work: Work, channel: Channel, to: UserId, now: float) -> None:
        if channel.owner is not None:
            former = Member(
                channel=channel.id, account=channel.owner, role=ChannelRole.BROADCASTER, since=now
            )
            await work.members.add(former)
        await work.channels.alter(channel.id, owner=to)

    async def remove_member(self, actor: Actor, channel: Channel, user: str) -> None:
        if user == channel.owner:
            raise Conflict("is_owner", "The owner stays; hand the channel over first.")
        async with self._clerk.change() as work:
            if not await work.members.delete(channel=channel.id, account=user):
                raise NotFound("member")
            await self._clerk.note(work, "member.removed", actor, channel.id, account=user)


def _difference(old: Channel, new: Channel) -> dict[str, Any]:
    """The fields in which they differ, as they are in the new one."""
    fields = ((field, getattr(new, field)) for field in new.__struct_fields__)
    return {field: value for field, value in fields if value != getattr(old, field)}


def _clean(text: str | None, letters: int, *, lines: bool = False) -> str | None:
    return None if text is None else clean_text(text, letters, lines=lines)


def _descending(place: tuple[bool, int]) -> tuple[bool, int]:
    return not place[0], -place[1]


def _slice(rows: list[R], cursor: str | None, limit: int) -> Page[R]:
    start = 0
    if cursor is not None:
        try:
            start = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except ValueError as error:
            raise Invalid("bad_cursor", "This is no cursor of this list.", "cursor") from error
    end = max(0, start) + limit
    more = base64.urlsafe_b64encode(str(end).encode()).rstrip(b"=").decode() if end < len(rows) else None
    return Page(items=rows[max(0, start) : end], next=more)
