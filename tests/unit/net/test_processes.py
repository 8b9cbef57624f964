"""Child processes: their words, their end, and that nothing of their group outlives them."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.conftest import FakeClock

from madang.base import limits
from madang.net.processes import Backoff, Command, run, running


def shell(script: str, **options: bool) -> Command:
    return Command(("/bin/sh", "-c", script), **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(pid: int) -> bool:
    """Whether a process ends soon: the kernel takes a moment to end what was killed."""
    deadline = asyncio.get_running_loop().time() + 30
    while alive(pid):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


async def test_output_and_end() -> None:
    finished, output = await run(shell("echo out; echo err >&2; exit 3", stdout=True), 10)
    assert (finished.code, finished.last_words, output) == (3, "err", b"out\n")


async def test_input_is_piped() -> None:
    async with running(Command(("/bin/cat",), stdin=True, stdout=True)) as child:
        child.stdin.write(b"through")
        child.stdin.close()
        assert await child.stdout.read() == b"through"
        assert (await child.wait()).code == 0


async def test_only_the_last_words_are_kept() -> None:
    script = "import sys; sys.stderr.write('x' * 1_000_000 + 'last')"
    finished, _ = await run(Command((sys.executable, "-c", script)), 20)
    assert len(finished.last_words) == limits.PROCESS_WORDS_BYTES
    assert finished.last_words.endswith("xlast")


async def test_deadline_ends_the_whole_group() -> None:
    async def begin() -> int:
        async with running(shell("sleep 60 & echo $!; wait", stdout=True)) as child:
            return int(await child.stdout.readline())

    grandchild = await begin()
    assert await gone(grandchild)
    with pytest.raises(TimeoutError):
        await run(shell("sleep 60"), 0.2)


async def test_who_is_cancelled_while_it_starts_leaves_nothing() -> None:
    """However far the start had come, the child is ended with its group and waited for."""
    for turns in range(6):
        task = asyncio.create_task(run(shell("sleep 60 & wait"), 60))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_who_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(shell("trap '' TERM; echo ready; while :; do sleep 0.05; done", stdout=True)) as child:
        await child.stdout.readline()
        finished = await child.end(patience_s=0.2)
        assert finished.code == -signal.SIGKILL
        assert not alive(child.pid)


async def test_cancelled_owner_leaves_nothing() -> None:
    pids: list[int] = []

    async def own() -> None:
        async with running(shell("sleep 60")) as child:
            pids.append(child.pid)
            await child.wait()

    task = asyncio.create_task(own())
    while not pids:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pids[0])


async def test_environment_is_ours_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_SECRET", "planted")
    _, output = await run(Command(("/usr/bin/env",), {"GIVEN": "1"}, stdout=True), 10)
    assert b"planted" not in output
    assert b"GIVEN=1" in output


async def test_odd_arguments_are_only_arguments() -> None:
    """A60."""
    odd = "$(touch /tmp/never); -i\n`id`"
    _, output = await run(Command(("/bin/echo", odd), stdout=True), 10)
    assert output == odd.encode() + b"\n"


async def test_endless_output_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PROCESS_OUTPUT_BYTES", 1000)
    _, output = await run(shell("head -c 100000 /dev/zero", stdout=True), 10)
    assert output == bytes(1000)


async def test_output_that_nobody_reads_does_not_hold_the_end() -> None:
    async with running(shell("yes", stdout=True)) as child:
        await child.stdout.read(1)
    assert not alive(child.pid)


async def test_no_such_program() -> None:
    with pytest.raises(FileNotFoundError):
        await run(Command(("/no/such/program",)), 5)


async def test_signal_after_the_end_is_nothing() -> None:
    async with running(shell("exit 0")) as child:
        await child.wait()
        child.send(signal.SIGTERM)
    assert os.getpid()


def test_back_off() -> None:
    """F11."""
    clock = FakeClock()
    backoff = Backoff(clock.monotonic)
    assert [backoff.delay_s() for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, None]
    clock.advance(limits.PROCESS_FAILURES_S + 1)
    assert backoff.delay_s() == 1.0
