"""Talking to a worker from an asyncio program (the terminal interface).

One client owns one child process and runs one job at a time; a second job waits for the first. A child that dies ends
the running job with a Failed record, and the next job starts a new child which loads the same model again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import EngineFailed
from ..exit_status import explain, signal_name
from ..records import Failed, Loaded, Record
from . import messages
from .deaths import Deaths
from .log import log_file, open_log
from .messages import FROM_WORKER, Answer, Ask, Cancel, Job, Line, Load, Quit, encode


LONGEST_LINE = 64 * 2**20
KILLED = 15.0  # seconds until a killed process is given up: the disk it waits for does not answer
NEED_THE_MODEL = (
    messages.Generate,
    messages.Compare,
    messages.Peek,
    messages.Divergence,
    messages.Score,
    messages.Ablate,
    messages.Count,
)


class Client(Protocol):
    """What a screen needs of a worker. worker.fake serves the same for tests of screens.

    ``on_death`` is called when the child ends unasked, with whatever it had loaded.
    """

    on_death: Callable[[], None] | None

    def run(self, job: Job) -> AsyncIterator[Record]:
        """Yield the records of ``job``, the last of which is its result or Failed.

        Leaving the loop early cancels the job.
        """
        ...

    def cancel(self) -> None:
        """Ask the running job to stop; its iterator still ends in order (Finished with reason ``cancelled``)."""
        ...

    async def close(self) -> None:
        """End the child, politely then firmly. Never raises."""
        ...

    def another(self) -> Client:
        """Return a second worker of the same kind, for work that must not wait for this one's (a download, say)."""
        ...


def default_command() -> list[str]:
    """Return the command that runs the worker, without the current folder on its path: it may hold a queue.py."""
    in_checkout = Path(__file__).resolve().parents[2] == Path.cwd()
    return [sys.executable, *([] if in_checkout else ["-P"]), "-m", "kobold_modules.worker"]


def child_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``base`` with what a native library needs set before it loads: threads that wait politely, no debugger."""
    environment = dict(os.environ if base is None else base)
    environment.setdefault("OMP_WAIT_POLICY", "passive")
    environment.setdefault("GGML_NO_BACKTRACE", "1")
    environment.setdefault("TOKENIZERS_PARALLELISM", "false")
    environment["PYTHONUNBUFFERED"] = "1"
    return environment


class WorkerClient:
    """Implements Client on a child process, which starts with the first job.

    Args:
        command: starts a worker; this Python's own by default.
        env: the child's environment; this process's with sane thread settings by default.
    """

    def __init__(self, command: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> None:
        self._command = list(command) if command is not None else default_command()
        self._env = child_environment(env)
        self._lock = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._child: _Child | None = None
        self._model: Load | None = None  # what a new child must load
        self._deaths = Deaths()
        self._busy = False
        self._number: int | None = None  # of the job that the child is running for us
        self._stop = False
        self._closed = False
        self.on_death: Callable[[], None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the living child, or None."""
        return self._child.pid if self._child is not None and self._child.alive else None

    async def run(self, job: Job) -> AsyncIterator[Record]:
        """See Client. Never raises for anything the child does: a death becomes a Failed record."""
        async with self._lock:
            self._busy, self._stop = True, False
            try:
                async with contextlib.aclosing(self._run(job)) as records:
                    async for record in records:
                        yield record
            finally:
                self._busy = False

    def cancel(self) -> None:
        self._stop = self._busy
        if self._child is not None and self._number is not None:
            self._child.write(Cancel(self._number))

    async def close(self) -> None:
        self._closed = True
        if self._child is not None:
            with contextlib.suppress(Exception):
                await self._child.close()

    def another(self) -> WorkerClient:
        return WorkerClient(self._command, self._env)

    async def _run(self, job: Job) -> AsyncGenerator[Record]:
        if self._closed:
            yield Failed("The worker has been closed.", "", EngineFailed.exit_code)
            return
        model = job if isinstance(job, Load) and job.model else self._model if isinstance(job, NEED_THE_MODEL) else None
        if model is not None and (refusal := self._deaths.refusal(model)) is not None:
            yield refusal
            return
        if isinstance(job, Load):
            self._model = None
        try:
            async with contextlib.aclosing(self._carry_out(job)) as records:
                async for record in records:
                    yield record
            if model is not None and (not isinstance(job, Load) or not self._deaths.of(model)) and self.pid is not None:
                self._deaths.forget(model)  # a load alone proves nothing: it is the first tokens that kill
        finally:
            if model is not None and self._child is not None and not self._child.alive:
                self._deaths.note(model, self._child.status)

    async def _carry_out(self, job: Job) -> AsyncGenerator[Record]:
        if self._child is None or not self._child.alive:
            try:
                self._child = await _Child.start(self._command, self._env, self._died)
            except OSError as error:
                yield Failed(f"The worker could not be started: {error}.", "", EngineFailed.exit_code)
                return
            if self._closed:  # while it was starting: nobody else knew of it
                await self._child.close()
            if self._model is not None:
                async with contextlib.aclosing(self._exchange(self._child, self._model)) as records:
                    async for record in records:
                        if not isinstance(record, Loaded):
                            yield record
                        if isinstance(record, Failed):
                            return
        async with contextlib.aclosing(self._exchange(self._child, job)) as records:
            async for record in records:
                if isinstance(job, Load) and isinstance(record, Loaded):
                    self._model = job
                yield record

    def _died(self) -> None:
        if self.on_death is not None and not self._closed:
            self.on_death()

    async def _exchange(self, child: _Child, job: Job) -> AsyncGenerator[Record]:
        """Send ``job`` and yield what comes back; cancel it if the caller stops listening."""
        number = next(self._numbers)
        answers = child.expect(number)
        ended = False
        try:
            self._number = number
            child.write(Ask(number, job))
            if self._stop:  # asked to stop before this job had a number
                child.write(Cancel(number))
            while (record := await answers.get()) is not None:
                yield record
            ended = True
        finally:
            self._number = None
            child.forget(number)
            if not ended:
                child.write(Cancel(number))


class _Child:
    """One running process: lines to it, and its answers sorted by job."""

    def __init__(self, process: asyncio.subprocess.Process, died: Callable[[], None]) -> None:
        self._process = process
        self._died = died
        self._waiting: dict[int, asyncio.Queue[Record | None]] = {}
        self._closing = False
        self.alive = True
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str], died: Callable[[], None]) -> _Child:
        """Start the child. Raises OSError if the command cannot be run."""
        log = open_log()  # sys.stderr will not do: Textual's has no file behind it
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=dict(env),
                limit=LONGEST_LINE,
                start_new_session=True,  # a Ctrl-C in the terminal is for the screen alone
            )
        finally:
            os.close(log)
        return cls(process, died)

    @property
    def pid(self) -> int:
        return self._process.pid

    def expect(self, number: int) -> asyncio.Queue[Record | None]:
        """Return a queue of job ``number``'s records; None ends it. A dead child answers at once."""
        answers: asyncio.Queue[Record | None] = asyncio.Queue()
        self._waiting[number] = answers
        if not self.alive:
            self._bury(answers)
        return answers

    def forget(self, number: int) -> None:
        self._waiting.pop(number, None)

    def write(self, line: Line) -> None:
        """Send one line. To a dead child nothing happens: whoever waits for its answer gets the death as a Failed."""
        stdin = self._process.stdin
        if stdin is not None and self.alive and not stdin.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                stdin.write(encode(line))

    async def close(self) -> None:
        """Ask, then terminate, then kill: over in less than a second, but for the time a busy machine takes to kill.

        It is waited for until the system says that it has ended: else it would stay behind as a zombie.
        """
        self._closing = True
        self.write(Quit())
        if self._process.stdin is not None:
            self._process.stdin.close()
        for patience, firmer in ((0.4, self._process.terminate), (0.3, self._process.kill), (KILLED, None)):
            try:
                await asyncio.wait_for(asyncio.shield(self._reading), patience)
                return
            except TimeoutError:
                if firmer is not None:
                    with contextlib.suppress(ProcessLookupError):
                        firmer()

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while line := await stdout.readline():
                with contextlib.suppress(ValueError):  # a newer worker's record, or a stranger's command
                    answer = FROM_WORKER.decode(line)
                    if answer.id in self._waiting:
                        self._waiting[answer.id].put_nowait(answer.record if isinstance(answer, Answer) else None)
        except (OSError, ValueError):  # ValueError: a line longer than LONGEST_LINE
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        self.alive = False
        for answers in self._waiting.values():
            self._bury(answers)
        if not self._closing:
            self._died()

    def _bury(self, answers: asyncio.Queue[Record | None]) -> None:
        answers.put_nowait(self._obituary())
        answers.put_nowait(None)

    def _obituary(self) -> Failed:
        if self._closing:
            return Failed("The worker has been closed.", "", EngineFailed.exit_code)
        failed = explain(self.status, "model", again="Then try again: the model is loaded again automatically.")
        hint = failed.hint if signal_name(self.status) == "SIGKILL" else f"{failed.hint} Details are in {log_file()}."
        return Failed(f"{failed.message} No text is lost.", hint, failed.code)

    @property
    def status(self) -> int:
        """How it ended; 0 while it runs."""
        return self._process.returncode or 0
