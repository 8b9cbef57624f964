"""A backend of a shared poll in memory, and signatures as a backend makes them."""

import asyncio
import dataclasses
import hmac
import json
from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from typing import Any

from tests.unit.realtime.conftest import Visitor, Yard

from madang.base.secret import Secret
from madang.realtime.channel import ChannelOptions, SharedPollOptions
from madang.realtime.core import Binding
from madang.realtime.poll_items import Value
from madang.realtime.settings import RealtimeSettings, SharedPollSettings
from madang.realtime.shared_poll import Answer, PollError

SECRET = "signs keys"
CHANNEL = "votes:1"


def sign(
    keys: Sequence[str],
    *,
    user: str = "",
    channel: str = CHANNEL,
    issued: int = 0,
    expires: int = 0,
    secret: str = SECRET,
) -> str:
    digest = sha256("\0".join(keys).encode()).hexdigest()
    signed = "\0".join((str(issued), str(expires), user, channel, digest))
    return f"{issued}:{expires}:{hmac.new(secret.encode(), signed.encode(), 'sha256').hexdigest()}"


def batch(*keys: str, versions: dict[str, int] | None = None, **how: Any) -> dict[str, Any]:
    told = versions or {}
    items = [{"key": key, "version": told.get(key, 0)} for key in keys]
    return {"signature": sign(keys, **how), "items": items}


class Backend:
    """Says what it has; remembers what it was asked."""

    def __init__(self) -> None:
        self.has: dict[str, Value] = {}
        self.epoch = ""
        self.asked: list[list[tuple[str, int | None]]] = []
        self.fails = False
        self.opens: asyncio.Event | None = None
        """Answers wait for it."""

    def put(self, key: str, data: bytes, version: int = 0, **more: Any) -> None:
        self.has[key] = Value(key, data, version, **more)

    async def refresh(self, channel: str, items: Sequence[tuple[str, int | None]]) -> Answer:
        self.asked.append(list(items))
        if self.fails:
            raise PollError("away")
        values = [self.has[key] for key, _ in items if key in self.has]
        if self.opens is not None:
            await self.opens.wait()
        return Answer(values, self.epoch)


def settings_with(settings: RealtimeSettings, **more: Any) -> RealtimeSettings:
    """The same with a secret that signs keys, and without pings: tests pass much time."""
    signs = SharedPollSettings(hmac_secret=Secret(SECRET), **more)
    return dataclasses.replace(settings, shared_poll=signs, ping_s=100_000.0)


def bind(yard: Yard, backend: Backend, **options: Any) -> None:
    """The namespace `votes`, polled of this backend."""
    deltas = options.pop("allowed_delta_types", ())
    bound = ChannelOptions(
        subscription_type="shared_poll",
        allow_subscribe_for_client=True,
        allow_subscribe_for_anonymous=True,
        allowed_delta_types=deltas,
        shared_poll=SharedPollOptions(**options),
    )
    yard.engine.core.bind(Binding("votes", bound, polled=backend))


class Viewer:
    """Somebody who is subscribed, and hears what comes beside replies."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self._news: list[Any] = []
        self._numbers = count(1000)

    async def ask(self, **request: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self.visitor.session.on_message(json.dumps({"id": number, **request}))
        found = await self._heard()
        return next(each for each in found if each.get("id") == number)

    async def subscribe(self) -> dict[str, Any]:
        reply = await self.ask(subscribe={"channel": CHANNEL, "type": 4})
        return dict(reply["subscribe"])

    async def track(self, *batches: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The reply's result, or the reply with its error."""
        asked = {"channel": CHANNEL, "type": 1, "track": list(batches), **more}
        reply = await self.ask(sub_refresh=asked)
        return dict(reply.get("sub_refresh", reply))

    async def pushes(self) -> list[dict[str, Any]]:
        """Since the last look."""
        await self._heard()
        news, self._news = self._news, []
        return news

    async def told(self) -> list[Any]:
        """Key, data and version of each update since the last look."""
        pubs = [push["pub"] for push in await self.pushes() if "pub" in push]
        return [
            (each["key"], "removed") if each.get("removed") else (each["key"], each["data"], each["version"])
            for each in pubs
        ]

    async def _heard(self) -> list[dict[str, Any]]:
        await self.visitor.yard.settle()
        found = self.visitor.heard()
        self._news += [each["push"] for each in found if "push" in each]
        return found


async def viewer(yard: Yard, user: str = "", **request: Any) -> Viewer:
    return Viewer(await yard.member(CHANNEL, user, type=4, **request))
