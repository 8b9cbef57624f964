"""What one chat message costs before fan-out: checks, filter, log (fsync and all), in CPU of the process.

python -m bench.chat_message [--messages N]: 20 messages come together, as at 1,000 a second; the crowd that
they would be published to costs nothing here.
"""

import argparse
import asyncio
import gc
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from tests.conftest import FakeClock
from tests.harness.chatroom import MemoryCrowd, People
from tests.unit.store.rows_of import channel

from madang.chat.chat import Chat
from madang.chat.members import Member
from madang.chat.pump import Pump
from madang.chat.room import Room, Yard
from madang.chat.roomfilters import RoomFilters
from madang.chat.sending import Draft
from madang.realtime.gate import Caller
from madang.store.chatlog import ChatLog
from madang.store.sql import SqlStore

TOGETHER = 20
WARM = 10
"""Rounds before anything is measured."""
BUDGET_MS = 0.25
LINES = (
    "안녕하세요 오늘 방송도 잘 보고 있어요 화이팅!",
    "ㅋㅋㅋㅋㅋㅋ 방금 그거 진짜 웃겼다",
    "hello from Busan, greetings to everybody here",
    "이 노래 제목이 뭐예요? 아까부터 궁금했는데",
)


async def measure(messages: int, folder: Path) -> float:
    """Milliseconds of CPU per message."""
    store = await SqlStore.open("", folder)
    async with store.write() as work:
        await work.channels.add(channel("yard", id="01yard"))
    clock, people, log = FakeClock(), People(), ChatLog(store)
    crowd: Any = MemoryCrowd()
    chat = Chat(Yard(crowd, Pump(log), people, RoomFilters(log), clock, os.urandom), b"secret" * 6)
    pump = asyncio.create_task(chat.pump.run())
    room = await chat.rooms.open("01yard")
    members = [_member(people, room, number, clock) for number in range(TOGETHER)]
    for number in range(WARM):
        await _round(chat, room, members, clock, number)
    gc.collect()
    gc.freeze()  # as the server does after its start
    began = time.process_time()
    for number in range(WARM, messages // TOGETHER + WARM):
        await _round(chat, room, members, clock, number)
    spent = time.process_time() - began
    pump.cancel()
    await asyncio.wait([pump])
    await log.close()
    await store.close()
    return spent * 1000 / (messages // TOGETHER * TOGETHER)


def _member(people: People, room: Room, number: int, clock: FakeClock) -> Member:
    user = people.account(f"viewer{number}")
    return room.members.enter(Caller(client=f"c{number}", user=user, peer=""), clock.wall())


async def _round(chat: Chat, room: Room, members: list[Member], clock: FakeClock, number: int) -> None:
    clock.advance(31)
    texts = [f"{LINES[place % len(LINES)]} {number} {place}" for place in range(len(members))]
    async with asyncio.TaskGroup() as tasks:
        for member, text in zip(members, texts, strict=True):
            tasks.create_task(_say(chat, room, member, text))


async def _say(chat: Chat, room: Room, member: Member, text: str) -> None:
    await chat.handler.say(room, member, "192.0.2.1", Draft(text=text, nonce=text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    options = parser.parse_args()
    loops = asyncio.Runner(loop_factory=uvloop.new_event_loop)  # the server's
    with tempfile.TemporaryDirectory() as folder, loops as runner:
        spent = runner.run(measure(options.messages, Path(folder)))
    print(f"chat message: {spent:.3f} ms of CPU before fan-out (budget {BUDGET_MS} ms)")


if __name__ == "__main__":
    main()
