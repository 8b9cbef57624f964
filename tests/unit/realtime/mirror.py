"""A client of maps in the official client's order: pages, changes, live; and again after a drop."""

import json
from typing import Any

from tests.unit.realtime.conftest import Visitor, Yard

from madang.protocols.centrifugo import fossil


class Mirror:
    """What one client knows of one map. `drop` loses the connection; `come` recovers."""

    def __init__(self, yard: Yard, channel: str, user: str = "ann", **asked: Any) -> None:
        self.yard = yard
        self.channel = channel
        self.user = user
        self.asked = asked
        self.known: dict[str, Any] = {}
        self.offsets: list[int] = []
        """Of updates, as they came."""
        self.position: tuple[int, str] | None = None
        self.delta = False
        self.bases: dict[str, bytes] = {}
        self.visitor: Visitor | None = None
        self.pages: list[dict[str, Any]] = []
        self.failures = 0
        self.recovered = False

    async def come(self) -> None:
        """Until it is live."""
        self.visitor = await self.yard.guest(self.user)
        for _ in range(20):
            if await self._subscribe():
                return
        raise AssertionError(f"never live: {self.pages[-1:]}")

    async def _ask(self, **request: Any) -> dict[str, Any]:
        assert self.visitor is not None
        reply = await self.visitor.subscribe(self.channel, type=1, **self.asked, **request)
        self.pages.append(reply)
        return reply

    async def _subscribe(self) -> bool:
        recovering, entries, changes = self.position is not None, [], []
        offset, epoch = self.position or (0, "")
        phase, cursor = (1 if recovering else 2), ""
        while True:
            request: dict[str, Any] = {"phase": phase}
            if phase == 2 and cursor:
                request |= {"cursor": cursor, "offset": offset, "epoch": epoch}
            elif phase == 1:
                request |= {"offset": offset, "epoch": epoch, "recover": recovering}
            reply = await self._ask(**request)
            if "error" in reply:
                assert reply["error"]["code"] == 112, reply
                self.failures += 1
                self.position = None
                return False
            page = reply["subscribe"]
            assert not epoch or page["epoch"] == epoch
            entries += page.get("state", [])
            changes += page.get("publications", [])
            if not page.get("phase"):
                break
            if phase == 2 and not epoch:
                offset, epoch = page.get("offset", 0), page["epoch"]
            if phase == 1:
                offset = page["offset"]
            cursor = page.get("cursor", "")
            if phase == 2 and not cursor:
                phase = 1
        self.delta = page.get("delta", False)
        self.recovered = page.get("recovered", False)
        assert self.recovered is recovering
        if not self.recovered:
            self.known.clear()
            self.bases.clear()
        keys = [each["key"] for each in entries]
        assert len(set(keys)) == len(keys), "a key is told once"
        for each in (*entries, *changes):
            self._apply(each)
        self.position = (page.get("offset", 0), page["epoch"]) if page.get("recoverable") else None
        return True

    def _apply(self, publication: dict[str, Any]) -> None:
        key = publication["key"]
        if publication.get("removed"):
            self.known.pop(key, None)
            self.bases.pop(key, None)
            return
        data = publication["data"]
        if self.delta:
            raw = data.encode()
            if publication.get("delta"):
                raw = fossil.apply(self.bases[key], raw)
            self.bases[key] = raw
            data = json.loads(raw)
        self.known[key] = data

    async def listen(self) -> list[dict[str, Any]]:
        """What came since; an end of the subscription is followed by another."""
        assert self.visitor is not None
        await self.yard.settle()
        pushes = self.visitor.pushes()
        for push in pushes:
            if "pub" in push:
                self._apply(push["pub"])
                self.offsets.append(push["pub"].get("offset", 0))
                if self.position is not None:
                    self.position = push["pub"]["offset"], self.position[1]
            elif "unsubscribe" in push:
                if push["unsubscribe"]["code"] == 2502:
                    self.position = None
                self.drop()
                await self.come()
        return pushes

    def drop(self) -> None:
        assert self.visitor is not None
        self.visitor.session.close()
        self.visitor = None

    async def visitor_pushes(self) -> list[dict[str, Any]]:
        """What came since, as it came."""
        assert self.visitor is not None
        await self.yard.settle()
        return self.visitor.pushes()
