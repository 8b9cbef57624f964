"""Child processes: each in a group of its own, watched, bounded in what it says, and never left behind."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from madang.base import limits

# What a child needs to find its libraries and its language; nothing of ours (A60, A63).
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_LINE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `arguments` never hold a secret: they are readable in /proc; `environment` may."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bool = False
    stdout: bool = False
    """Whether we read it; otherwise it is thrown away."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended: its return code (negative: killed by that signal) and its last words."""

    code: int
    last_words: str


class Child:
    """A running process. `stdin` and `stdout` are there when the command asked for them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._words = bytearray()
        self._listening = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return self._words.decode(errors="replace").strip()

    async def wait(self) -> Finished:
        """Wait for its end; the waiting may be cancelled, the process goes on."""
        code = await self._process.wait()
        await asyncio.wait((self._listening,), timeout=1.0)  # a grandchild may hold the pipe open
        return Finished(code, self.last_words)

    async def end(self, patience_s: float = limits.PROCESS_END_S) -> Finished:
        """SIGTERM to its group, SIGKILL to what is left after `patience_s`."""
        self.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._process.wait()
        self.send(signal.SIGKILL)  # also those of its group that outlived it
        await self._process.wait()
        await self._close_pipes()
        return Finished(self._process.returncode or 0, self.last_words)

    def send(self, number: signal.Signals) -> None:
        """A signal to the whole group; nothing when it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _close_pipes(self) -> None:
        """Read them to their end, which comes with the end of the group; asyncio then closes them."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        ends = [self._listening]
        if self._process.stdout is not None:
            ends.append(asyncio.create_task(_exhaust(self._process.stdout)))
        _, late = await asyncio.wait(ends, timeout=limits.PROCESS_END_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _listen(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        while words := await stderr.read(_LINE_BYTES):
            self._words += words
            del self._words[: -limits.PROCESS_WORDS_BYTES]


async def _exhaust(reader: asyncio.StreamReader) -> None:
    while await reader.read(_LINE_BYTES):
        pass


@contextlib.asynccontextmanager
async def running(command: Command) -> AsyncIterator[Child]:
    """Run a command inside the `async with`; its whole process group is gone behind it.

    Raises OSError when the program cannot be started.
    """
    starting = asyncio.create_task(_start(command))
    try:
        child = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # A loop kills what it was about to start, but not its group, and uvloop does not wait for its end.
        await asyncio.shield(_end_started(starting))
        raise
    try:
        yield child
    finally:
        await asyncio.shield(child.end())


async def _start(command: Command) -> Child:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command.arguments,
        stdin=pipe if command.stdin else null,
        stdout=pipe if command.stdout else null,
        stderr=pipe,
        env={**inherited, **command.environment},
        start_new_session=True,
    )
    return Child(process)


async def _end_started(starting: asyncio.Task[Child]) -> None:
    """End what is being started for somebody who no longer wants it."""
    with contextlib.suppress(OSError):
        await (await starting).end()


async def run(command: Command, deadline_s: float) -> tuple[Finished, bytes]:
    """Run a command to its end and read its output; raises TimeoutError, after which it is gone.

    The output is cut at PROCESS_OUTPUT_BYTES.
    """
    async with asyncio.timeout(deadline_s), running(command) as child:
        output = bytearray()
        while command.stdout and (piece := await child.stdout.read(_LINE_BYTES)):
            output += piece[: limits.PROCESS_OUTPUT_BYTES - len(output)]
        return await child.wait(), bytes(output)


class Backoff:
    """When to start again what has failed (F11): 1, 2, 4 .. 30 s, and not at all after too many failures."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures: list[float] = []

    def delay_s(self) -> float | None:
        """Note a failure now; how long to wait, or None to give up."""
        now = self._monotonic()
        self._failures = [at for at in self._failures if now - at < limits.PROCESS_FAILURES_S] + [now]
        if len(self._failures) >= limits.PROCESS_FAILURES:
            return None
        return min(2.0 ** (len(self._failures) - 1), limits.PROCESS_BACKOFF_S_MAX)
