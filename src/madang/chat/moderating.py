"""The moderators' channel of a room behind the realtime server: the namespace `madang_mod`."""

from typing import Any

from madang.base.errors import Overloaded
from madang.chat import rights
from madang.chat.handler import Chatting
from madang.chat.members import ACCOUNT, claimed_role
from madang.chat.ports import Query
from madang.chat.questions import Enter
from madang.chat.room import MODERATORS, Room
from madang.chat.rows import audit_of, message_of
from madang.chat.words import Waiting, encode
from madang.realtime.gate import Caller
from madang.realtime.ports import (
    INTERNAL,
    PERMISSION_DENIED,
    Does,
    PublishReply,
    PublishRequest,
    SubscribeReply,
    SubscribeRequest,
)


class Moderating(Chatting):
    """The same for `madang_mod`: managers and above, with the hold queue and the audit; its own gate."""

    does = Does(subscribe=True, publish=True)

    async def admit(self, caller: Caller, channel: str, data: bytes) -> None:
        """Managers of this channel alone."""
        if not self.holds(caller, channel):
            raise PERMISSION_DENIED

    def holds(self, caller: Caller, channel: str) -> bool:
        identity, name = self.rooms.yard.identity, channel.partition(":")[2]
        room = self.rooms.known(name)
        member = room.members.get(caller.user) if room is not None else None
        if member is not None:
            return rights.moderates(member.role)
        account = caller.user.removeprefix(ACCOUNT)
        if account == caller.user:
            return rights.moderates(claimed_role(caller, name, self.rooms.yard.clock.wall()))
        return rights.moderates(identity.standing(account, name).role)

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply:
        caller, channel, nodes = request.caller, request.channel.removeprefix(MODERATORS), self.nodes

        async def here(room: Room) -> bytes:
            return await self._desk(room, caller)

        if nodes is None:
            data = await here(await self._room(channel))
        else:

            async def there(node: str, within_s: float) -> bytes:
                return await nodes.ask(node, Enter(channel, caller, desk=True), within_s)

            data = await nodes.anywhere(channel, here, there)
        return SubscribeReply(data=data, force_recovery=False)

    async def entering(self, room: Room, question: Any) -> bytes:
        return await self._desk(room, question.caller)

    async def _desk(self, room: Room, caller: Caller) -> bytes:
        member = room.members.get(caller.user)
        if member is None and caller.user.startswith(ACCOUNT):
            member = room.members.absent(caller.user.removeprefix(ACCOUNT), room.yard.clock.wall())
        if member is None or not rights.moderates(member.role):
            raise PERMISSION_DENIED
        return encode(await self._snapshot(room))

    async def _snapshot(self, room: Room) -> dict[str, Any]:
        find, here = room.yard.pump.log.find, {"channel": room.channel}
        try:
            held = await find(Query(table="chat_held", where={**here, "state": "held"}, newest=False))
            audit = await find(Query(table="chat_audit", where=here, limit=50))
        except Overloaded as error:
            raise INTERNAL from error
        waiting = [Waiting(channel=room.channel, message=message_of(r), reason=r["reason"]) for r in held]
        return {
            "held": waiting,
            "audit": [audit_of(row) for row in audit],
            "counts": {"held": room.held},
        }

    async def publish(self, request: PublishRequest) -> PublishReply:
        raise PERMISSION_DENIED

    def unsubscribed(self, caller: Caller, channel: str) -> None:
        return None
