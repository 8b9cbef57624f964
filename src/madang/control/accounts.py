"""Signing in, sessions, and one's own account."""

import asyncio
import base64
from collections import OrderedDict

import msgspec

from madang.base.ids import SessionId, UserId
from madang.base.limits import LOGIN_FAILURES_PER_MINUTE, SESSIONS_PER_ACCOUNT
from madang.base.roles import SiteRole
from madang.base.secret import Secret
from madang.control.attempts import Attempts
from madang.control.clerk import Clerk
from madang.control.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated
from madang.control.names import clean_name, looks, skeleton
from madang.control.passwords import Passwords
from madang.control.pictures import encode_avatar
from madang.control.ports import Work
from madang.control.records import Account, Avatar, Page, Session
from madang.control.rights import Actor

_LOOPBACK = ("127.", "::1")
_SEEN_EVERY_S = 60.0
_CACHED_SESSIONS = 50_000
_AVATARS_AT_ONCE = 2
_ASKED_AT_ONCE = 500


class Entry(msgspec.Struct, frozen=True):
    """Somebody came in: who, and the cookie to remember it by."""

    actor: Actor
    cookie: Secret


class Accounts:
    """Sessions are rows; those seen lately are kept in memory until the directory changes."""

    def __init__(self, clerk: Clerk) -> None:
        self.passwords = Passwords()
        self._clerk = clerk
        self._failures = Attempts(LOGIN_FAILURES_PER_MINUTE)
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._live_ids: set[SessionId] = set()
        self._rechecks = 0
        """Begun so far: what was looked up before the last one began may be over."""
        self._avatar_turn = asyncio.Semaphore(_AVATARS_AT_ONCE)
        clerk.before_look.append(self.recheck)

    def new(self, name: str, display_name: str | None, role: SiteRole) -> Account:
        """An account that looks like nobody else's, still without a password and not yet written."""
        name = clean_name(name)
        shown = clean_name(display_name, "display_name") if display_name else name
        self.refuse_taken(name, "", "name")
        self.refuse_taken(shown, "", "display_name")
        return self.made(name, shown, role)

    def made(self, name: str, shown: str, role: SiteRole) -> Account:
        """The same for names that the program chose."""
        return Account(
            id=UserId(self._clerk.new_id()),
            name=name,
            skeleton=skeleton(name),
            display_name=shown,
            display_skeleton=skeleton(shown),
            role=role,
            created_at=self._clerk.clock.wall(),
        )

    # --- coming in

    async def login(self, name: str, password: str, peer: str, user_agent: str) -> Entry:
        """Sign in; one answer and one time for a wrong name and a wrong password."""
        asked = skeleton(name)
        self._refuse_hurry(asked, peer)
        account = self._clerk.directory.account_by_skeleton(asked)
        right = await self.passwords.verify(password, account.password_hash if account else "")
        if not right or account is None:
            await self._failed(asked, peer, account)
            raise Unauthenticated("wrong_password", "Name or password is wrong.")
        if account.disabled:
            raise Forbidden("disabled", "This account is disabled.")
        self._failures.clear(f"name {asked}")
        self._clerk.counters.logins += 1
        async with self._clerk.change() as work:
            known = await work.accounts.get(account.id)
            if known is None or known.disabled or known.password_hash != account.password_hash:
                # It was changed while this one was being verified, and every session with it ended.
                raise Unauthenticated("wrong_password", "Name or password is wrong.")
            entry = await self.admit(work, known, peer, user_agent)
            await self._clerk.note(work, "session.began", entry.actor)
        return entry

    def _refuse_hurry(self, asked: str, peer: str) -> None:
        now = self._clerk.clock.monotonic()
        names = [f"name {asked}"] if peer.startswith(_LOOPBACK) else [f"name {asked}", f"peer {peer}"]
        wait_s = max(self._failures.wait_s(name, now) for name in names)
        if wait_s > 0:
            self._clerk.counters.logins_hurried += 1
            raise TooMany("Too many attempts; wait a moment.", int(wait_s) + 1)

    async def _failed(self, asked: str, peer: str, account: Account | None) -> None:
        now = self._clerk.clock.monotonic()
        self._failures.failed(f"name {asked}", now)
        self._failures.failed(f"peer {peer}", now)
        self._clerk.counters.logins_refused += 1
        happening = self._clerk.happening("session.refused", None)
        happening = msgspec.structs.replace(happening, peer=peer, actor=account.id if account else None)
        async with self._clerk.store.write() as work:
            await work.happenings.add(happening)

    async def admit(self, work: Work, account: Account, peer: str, user_agent: str) -> Entry:
        """A new session for an account that proved itself; never one that existed before (fixation)."""
        clerk, now = self._clerk, self._clerk.clock.wall()
        cookie = base64.urlsafe_b64encode(clerk.entropy(32)).rstrip(b"=").decode()
        session = Session(
            id=SessionId(clerk.new_id()),
            digest=clerk.vault.digest("session", cookie),
            account=account.id,
            created_at=now,
            last_seen_at=now,
            password_at=now,
            expires_at=now + clerk.settings.session_s,
            peer=peer,
            user_agent=user_agent,
        )
        await self._make_room(work, account.id)
        await work.sessions.add(session)
        await work.accounts.note(account.id, last_seen_at=now)
        return Entry(_actor(account, session, peer), Secret(cookie))

    async def _make_room(self, work: Work, account: UserId) -> None:
        held = sorted(await work.sessions.find(account=account), key=lambda session: session.id)
        for eldest in held[: max(0, len(held) - SESSIONS_PER_ACCOUNT + 1)]:
            await work.sessions.delete(id=eldest.id)

    async def authenticate(self, cookie: Secret, peer: str) -> Actor | None:
        """Who this cookie belongs to; asked on every request, from memory when seen lately."""
        text = cookie.reveal()
        if not text or len(text) > 128:
            return None
        digest = self._clerk.vault.digest("session", text)
        session = self._sessions.get(digest) or await self._find(digest)
        now = self._clerk.clock.wall()
        if session is None or session.expires_at <= now:
            return None
        account = self._clerk.directory.account(session.account)
        if account is None or account.disabled:
            return None
        if now - session.last_seen_at > _SEEN_EVERY_S:
            session = await self._saw(session, now)
        return _actor(account, session, peer)

    async def _find(self, digest: str) -> Session | None:
        looked = -1
        while looked != self._rechecks:
            looked = self._rechecks
            async with self._clerk.store.read() as work:
                found = await work.sessions.find(digest=digest)
        if not found:
            return None
        self._keep(found[0])
        return found[0]

    def _keep(self, session: Session) -> None:
        self._sessions[session.digest] = session
        self._live_ids.add(session.id)
        while len(self._sessions) > _CACHED_SESSIONS:
            self._live_ids.discard(self._sessions.popitem(last=False)[1].id)

    async def _saw(self, session: Session, now: float) -> Session:
        expires_at = now + self._clerk.settings.session_s
        async with self._clerk.store.write() as work:
            await work.sessions.note(session.id, last_seen_at=now, expires_at=expires_at)
        known = self._sessions.get(session.digest)
        seen = msgspec.structs.replace(known or session, last_seen_at=now, expires_at=expires_at)
        if known is not None:
            self._keep(seen)
        return seen

    async def recheck(self) -> None:
        """Sessions may have ended elsewhere: keep in memory only those that are still there."""
        self._rechecks += 1
        asked, there = list(self._sessions), {}
        async with self._clerk.store.read() as work:
            for start in range(0, len(asked), _ASKED_AT_ONCE):
                rows = await work.sessions.find(digest=asked[start : start + _ASKED_AT_ONCE])
                there.update({row.digest: row for row in rows})
        over = set(asked) - there.keys()  # who came meanwhile was looked up behind the change
        known = ((digest, there.get(digest, kept)) for digest, kept in self._sessions.items())
        self._sessions = OrderedDict((digest, kept) for digest, kept in known if digest not in over)
        self._live_ids = {session.id for session in self._sessions.values()}

    def holds(self, session: str) -> bool:
        """Whether a session that was seen lately is still there. No I/O."""
        return session in self._live_ids

    def is_signed_in(self, actor: Actor) -> bool:
        """Whether an actor's way in is still open. No I/O; tokens are asked again by each request."""
        return not actor.session or self.holds(actor.session)

    # --- one's own account

    def password_is_recent(self, actor: Actor) -> bool:
        return self._clerk.clock.wall() - actor.password_at <= self._clerk.settings.recent_password_s

    async def confirm(self, actor: Actor, password: str) -> None:
        """The password again: opens what needs a recent one."""
        await self._prove(actor, password)
        async with self._clerk.change() as work:
            found = await work.sessions.get(actor.session)
            if found is not None:
                await work.sessions.put(msgspec.structs.replace(found, password_at=self._clerk.clock.wall()))
            await self._clerk.note(work, "session.confirmed", actor)

    async def _prove(self, actor: Actor, password: str) -> Account:
        account = self._clerk.directory.need_account(actor.account)
        self._refuse_hurry(account.skeleton, actor.peer)
        if not await self.passwords.verify(password, account.password_hash):
            await self._failed(account.skeleton, actor.peer, account)
            raise Forbidden("wrong_password", "The password is wrong.")
        return account

    async def change_password(self, actor: Actor, current: str, new: str) -> None:
        """Change the password and sign every other browser out."""
        account = await self._prove(actor, current)
        hashed = await self.passwords.hash(new)
        async with self._clerk.change() as work:
            await work.accounts.alter(account.id, password_hash=hashed)
            await self._end_sessions(work, account.id, keep=actor.session)
            await self._clerk.note(work, "account.password_changed", actor)

    async def _end_sessions(self, work: Work, account: UserId, keep: str = "") -> None:
        for session in await work.sessions.find(account=account):
            if session.id != keep:
                await work.sessions.delete(id=session.id)

    async def rename(self, actor: Actor, display_name: str) -> None:
        """Change the display name; a look-alike of somebody else's is refused."""
        account = self._clerk.directory.need_account(actor.account)
        await self.set_display_name(actor, account, display_name)

    async def set_display_name(self, actor: Actor, account: Account, display_name: str) -> Account:
        shown = clean_name(display_name, "display_name")
        self.refuse_taken(shown, account.id, "display_name")
        names = {"display_name": shown, "display_skeleton": skeleton(shown)}
        async with self._clerk.change() as work:
            changed = await work.accounts.alter(account.id, **names)
            if changed is None:
                raise NotFound("user")
            await self._clerk.note(work, "account.renamed", actor, account=account.id)
        return changed

    def refuse_taken(self, name: str, own: str, field: str) -> None:
        """Nobody may look like somebody else, by name or by display name."""
        wanted = looks(name)
        for account in self._clerk.directory.accounts():
            if account.id != own and wanted in (looks(account.name), looks(account.display_name)):
                raise Conflict("taken", "Somebody else has a name that looks like this.", field)

    async def sessions(self, actor: Actor, cursor: str | None, limit: int) -> Page[Session]:
        async with self._clerk.store.read() as work:
            return await work.sessions.page(cursor, limit, account=actor.account)

    async def revoke_session(self, actor: Actor, session: str) -> None:
        async with self._clerk.change() as work:
            if not await work.sessions.delete(id=session, account=actor.account):
                raise NotFound("session")
            await self._clerk.note(work, "session.ended", actor, session=session)

    async def revoke_others(self, actor: Actor) -> None:
        async with self._clerk.change() as work:
            await self._end_sessions(work, actor.account, keep=actor.session)
            await self._clerk.note(work, "session.others_ended", actor)

    # --- picture

    async def set_avatar(self, actor: Actor, picture: bytes) -> None:
        """Keep a picture, encoded anew: what comes out was drawn by us (A61)."""
        async with self._avatar_turn:
            content = await asyncio.to_thread(encode_avatar, picture)
        version = self._clerk.new_id()
        await self._put_avatar(actor, Avatar(account=actor.account, version=version, content=content))

    async def remove_avatar(self, actor: Actor) -> None:
        await self._put_avatar(actor, None)

    async def _put_avatar(self, actor: Actor, avatar: Avatar | None) -> None:
        account = self._clerk.directory.need_account(actor.account)
        version = avatar.version if avatar else ""
        async with self._clerk.change() as work:
            await work.avatars.delete(account=actor.account)
            if avatar is not None:
                await work.avatars.add(avatar)
            await work.accounts.alter(account.id, avatar=version)
            await self._clerk.note(work, "account.avatar_changed", actor)

    async def avatar(self, account: str, version: str) -> bytes:
        """The WebP picture of an account, by its version."""
        async with self._clerk.store.read() as work:
            found = await work.avatars.find(account=account, version=version)
        if not found:
            raise NotFound("picture")
        return found[0].content


async def keep_an_admin(work: Work, account: Account) -> None:
    """Before an account is an admin no longer: by the rows, for two may be at each other's."""
    admins = await work.accounts.find(role=SiteRole.ADMIN.value, disabled=False)
    if [admin.id for admin in admins] == [account.id]:
        raise Conflict("last_admin", "This is the last admin; make another one first.")


def _actor(account: Account, session: Session, peer: str) -> Actor:
    return Actor(
        account=account.id,
        name=account.name,
        role=account.role,
        session=session.id,
        password_at=session.password_at,
        peer=peer,
    )
