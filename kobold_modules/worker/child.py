"""The process that owns a model: job lines in, record lines out.

One thread reads lines, the main thread runs one job after another, so that a cancel is heard while the model computes.
Native libraries write to descriptors 1 and 2 as they please; both lead to the log file, and records go out through a
private copy of the real stdout. The process ends with ``quit``, with the end of its stdin (the program that started it
is gone) or when nobody reads its answers.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import BadModule, BadUsage, KoboldModulesError, OutOfMemory
from ..file_stamp import FileStamp, file_stamp, file_stamps
from ..generation.bias import bias_warnings
from ..generation.log import logged, seeded
from ..generation.protocol import Request
from ..generation.stack_rows import smaller_context
from ..records import Done, Failed, Loaded, Note, Progress, Record, Result
from ..soft_prompt.module import Module
from ..training import estimate
from . import inspect, messages, models, wire
from .compare import compare
from .log import log_file, open_log
from .requests import sampler_of, stack_of, training_request


if TYPE_CHECKING:
    from ..backends.llamacpp.engine import LlamaEngine
    from ..backends.torch.engine import HfEngine

LAST_GRACE = 10.0  # seconds a job may take to stop after stdin has ended
MOST_MODULES = 32  # kept in memory
Emit = Callable[[Record], None]


class Worker:
    """Runs jobs. ``send`` takes one line and may raise OSError when nobody listens any more."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._jobs: queue.Queue[tuple[int, messages.Job] | None] = queue.Queue()
        self._unfinished: set[int] = set()
        self._cancelled: set[int] = set()
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self.closing = False
        self._engine: LlamaEngine | HfEngine | None = None
        self._loaded: tuple[object, ...] | None = None
        self._modules: dict[str, tuple[tuple[tuple[int, int], ...], Module]] = {}
        self._warned: set[str] = set()

    # -- the reading thread --

    def listen(self, lines: BinaryIO) -> None:
        """Accept ``lines`` until they end or one says quit."""
        for line in lines:
            if line.strip() and not self.accept(line):
                break
        self.closing = True
        self._jobs.put(None)

    def accept(self, line: bytes) -> bool:
        """Take one line. Returns False if it says quit. A line that makes no sense is answered, never fatal."""
        number: int | None = None
        try:
            data = wire.parse(line)
            if isinstance(data.get("id"), int):
                number = data["id"]
            if data.get("do") == "quit":
                return False
            if data.get("do") == "cancel":
                with self._lock:
                    self._cancelled |= self._unfinished if number is None else self._unfinished & {number}
                return True
            job = messages.from_json(data)
            if number is None:
                raise ValueError("a job needs an id")
        except ValueError as error:
            self._answer(number, Failed(f"The worker did not understand a line: {error}.", "", BadUsage.exit_code))
            self._say(wire.end(number))
            return True
        with self._lock:
            self._unfinished.add(number)
        self._jobs.put((number, job))
        return True

    # -- the main thread --

    def serve(self) -> None:
        """Run jobs until :meth:`listen` has ended or nobody reads the answers."""
        while (item := self._jobs.get()) is not None and not self.closing:
            self._run(*item)
        if self._engine is not None:
            self._engine.close()

    def _run(self, number: int, job: messages.Job) -> None:
        def cancelled() -> bool:
            return self.closing or number in self._cancelled

        def emit(record: Record) -> None:
            self._answer(number, record)

        try:
            self._do(job, emit, cancelled)
        except KoboldModulesError as error:
            emit(Failed(error.message, error.hint, error.exit_code))
        except MemoryError:
            emit(
                Failed(
                    "There is not enough memory.",
                    "Close other programs or take a smaller model.",
                    OutOfMemory.exit_code,
                )
            )
        except Exception as error:
            traceback.print_exc()
            told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            emit(Failed(f"Something went wrong that should not: {told}", f"Details are in {log_file()}.", 1))
        with self._lock:
            self._unfinished.discard(number)
            self._cancelled.discard(number)
        self._say(wire.end(number))

    def _answer(self, number: int | None, record: Record) -> None:
        self._say(wire.answer(number, record))

    def _say(self, line: str) -> None:
        try:
            with self._sending:
                self._send(wire.encode(line))
        except OSError:
            self.closing = True

    def _do(self, job: messages.Job, emit: Emit, cancelled: Callable[[], bool]) -> None:
        match job:
            case messages.Load():
                self._load(job, emit, cancelled)
            case messages.Generate():
                self._generate(job, emit, cancelled)
            case messages.Count():
                emit(Result("count", {"tokens": len(self._ready().tokenize(job.text))}))
            case messages.Compare():
                self._compare(job, emit, cancelled)
            case messages.Peek():
                inspect.peek(job, self._ready(), self._module, lambda w: self._warn(w, emit), emit)
            case messages.Score():
                inspect.score(job, self._ready(), self._module, lambda w: self._warn(w, emit), emit, cancelled)
            case messages.Nearest():
                inspect.nearest_words(job, self._ready(), self._module, emit, cancelled)
            case messages.Estimate():
                emit(Result("estimate", estimate(training_request(job.request))))
            case messages.Models():
                models.find_models(job, emit, cancelled)
            case messages.Download():
                models.fetch_model(job, emit, cancelled)

    def _ready(self) -> LlamaEngine | HfEngine:
        if self._engine is None:
            raise BadUsage("No model is loaded.", "Load one first.")
        return self._engine

    def _load(self, job: messages.Load, emit: Emit, cancelled: Callable[[], bool]) -> None:
        from ..backends.open import open_engine
        from ..models.find import resolve

        if not job.model:
            self._unload()
            emit(Done("unloaded"))
            return
        file = resolve(job.model)
        wanted = (str(file.path), job.context, file_stamp(file.path))
        if wanted != self._loaded or self._engine is None:
            if self._engine is not None:  # first, for two models may not fit into memory
                self._engine.close()
            self._engine, self._loaded = None, None
            told = -1

            def progress(share: float) -> bool:
                nonlocal told
                if int(100 * share) > told:
                    told = int(100 * share)
                    emit(Progress("loading", told, 100))
                return not cancelled()

            self._engine = open_engine(file, context=job.context, progress=progress)
            self._loaded = wanted
            self._warned.clear()
            if self._engine.notice:
                emit(Note(self._engine.notice))
        if self._engine.refusal:
            emit(Note(self._engine.refusal))
        info = self._engine.info
        if job.context > info.context:
            emit(Note(smaller_context(info, job.context)))
        emit(Loaded(info.name, info.context, info.width, info.vocabulary, info.fingerprint.to_dict()))

    def _unload(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine, self._loaded = None, None

    def _generate(self, job: messages.Generate, emit: Emit, cancelled: Callable[[], bool]) -> None:
        engine = self._ready()
        settings = sampler_of(job.sampler)
        stack = stack_of(job.stack, self._module, engine.info, lambda warning: self._warn(warning, emit))
        for warning in bias_warnings(settings, engine, engine.info.name):
            self._warn(warning, emit)
        request = seeded(
            Request(job.text, stack, job.max_tokens, settings, job.stop, job.memory, job.note, job.note_depth)
        )
        files = [layer.module for layer in job.stack if layer.active]
        for record in logged(engine.generate(request, cancelled), engine.info, [request], "bench", [files]):
            emit(record)

    def _warn(self, warning: str, emit: Emit) -> None:
        if warning not in self._warned:  # once a model, not once a take
            self._warned.add(warning)
            emit(Note(warning))

    def _compare(self, job: messages.Compare, emit: Emit, cancelled: Callable[[], bool]) -> None:
        compare(job, self._ready(), self._module, lambda warning: self._warn(warning, emit), emit, cancelled)

    def _module(self, path: str) -> Module:
        """Return the module at ``path`` (a file, or a folder as PEFT writes), read again only when it has changed."""
        from ..formats import read

        stamp = _stamps(Path(path))
        kept = self._modules.pop(path, None)
        if kept is None or kept[0] != stamp:
            kept = (stamp, read(Path(path)))
        self._modules[path] = kept  # the latest used stands last
        if len(self._modules) > MOST_MODULES:
            del self._modules[next(iter(self._modules))]
        return kept[1]


def _stamps(path: Path) -> tuple[FileStamp, ...]:
    """Return a stamp that changes when the module at ``path`` does. Raises BadModule if nothing is there."""
    try:
        return file_stamps([path, *sorted(path.iterdir())] if path.is_dir() else [path])
    except OSError as error:
        raise BadModule(f"There is no module file at {path}.", "Was it moved or removed?") from error


def main() -> None:
    """Run a worker on this process's stdin and stdout."""
    answers = os.dup(1)
    log = open_log()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable(file=2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program with the screen; it ends us through stdin

    def send(line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(answers, view) :]

    worker = Worker(send)

    def listen() -> None:
        worker.listen(sys.stdin.buffer)
        last = threading.Timer(LAST_GRACE, os._exit, (1,))
        last.daemon = True
        last.start()

    threading.Thread(target=listen, daemon=True).start()
    worker.serve()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # the reading thread may hold stdin's lock, on which an orderly exit of the interpreter would abort
