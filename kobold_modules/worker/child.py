"""The process that owns a model: job lines in, record lines out.

One thread reads lines, the main thread runs one job after another, so that a cancel arrives while the model computes.
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

from ..answers import TokenCount, TokenCounts
from ..disk.stamp import FileStamp, file_stamp, file_stamps
from ..errors import BadModule, BadUsage, KoboldModulesError, OutOfMemory
from ..generation.stack_rows import smaller_context
from ..records import Done, Failed, Loaded, Note, Progress, Record
from ..soft_prompt.deep_prefix import AnyModule
from ..training import estimate
from . import evaluate, inspect, lore, messages, models, phrase, writing
from .context import JobContext
from .log import log_file, open_log
from .messages import TO_WORKER, Answer, Ask, Cancel, End, Job, Line, Quit, encode, id_in


if TYPE_CHECKING:
    from ..backends.llamacpp.engine import LlamaEngine
    from ..backends.torch.engine import HfEngine

LAST_GRACE = 10.0  # seconds a job may take to stop after stdin has ended
MOST_MODULES = 32  # kept in memory


class Worker:
    """Runs jobs. ``send`` takes one line and may raise OSError when nobody listens any more."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._jobs: queue.Queue[tuple[Ask, threading.Event] | None] = queue.Queue()
        self._cancels: dict[int, threading.Event] = {}  # of the jobs that are not finished
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self.closing = threading.Event()
        self._engine: LlamaEngine | HfEngine | None = None
        self._loaded: tuple[object, ...] | None = None
        self._modules: dict[str, tuple[tuple[tuple[int, int], ...], AnyModule]] = {}
        self._warned: set[str] = set()

    # -- the reading thread --

    def listen(self, lines: BinaryIO) -> None:
        """Accept ``lines`` until they end or one says quit."""
        for line in lines:
            if line.strip() and not self.accept(line):
                break
        self._close()
        self._jobs.put(None)

    def accept(self, line: bytes) -> bool:
        """Take one line. Returns False if it says quit. A line that makes no sense is answered, never fatal."""
        try:
            asked = TO_WORKER.decode(line)
        except ValueError as error:
            self._refuse(id_in(line), BadUsage(f"The worker did not understand a line: {error}."))
            return True
        except KoboldModulesError as error:  # a setting that makes no sense
            self._refuse(id_in(line), error)
            return True
        match asked:
            case Quit():
                return False
            case Cancel(id=None):
                self._cancel_all()
            case Cancel(id=int(number)):
                with self._lock:
                    if number in self._cancels:
                        self._cancels[number].set()
            case Ask():
                cancel = threading.Event()
                with self._lock:
                    self._cancels[asked.id] = cancel
                self._jobs.put((asked, cancel))
        return True

    def _refuse(self, number: int | None, error: KoboldModulesError) -> None:
        self._say(Answer(number, Failed(error.message, error.hint, error.exit_code)))
        self._say(End(number))

    def _cancel_all(self) -> None:
        with self._lock:
            for cancel in self._cancels.values():
                cancel.set()

    def _close(self) -> None:
        """End what runs early and begin nothing new: nobody listens any more."""
        self.closing.set()
        self._cancel_all()

    # -- the main thread --

    def serve(self) -> None:
        """Run jobs until :meth:`listen` has ended or nobody reads the answers."""
        while (item := self._jobs.get()) is not None and not self.closing.is_set():
            self._run(*item)
        self._unload()

    def _run(self, asked: Ask, cancel: threading.Event) -> None:
        def emit(record: Record) -> None:
            self._say(Answer(asked.id, record))

        context = JobContext(emit, cancel, self._engine, self._module, self._is_news)
        try:
            self._do(asked.job, context)
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
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            emit(Failed(f"Something went wrong that should not: {what}", f"Details are in {log_file()}.", 1))
        with self._lock:
            self._cancels.pop(asked.id, None)
        self._say(End(asked.id))

    def _say(self, line: Line) -> None:
        try:
            with self._sending:
                self._send(encode(line))
        except OSError:
            self._close()

    def _do(self, job: Job, context: JobContext) -> None:
        match job:
            case messages.Load():
                self._load(job, context)
            case messages.Generate():
                writing.generate(job, context)
            case messages.Count():
                context.emit(TokenCount(len(context.engine.tokenize(job.text))))
            case messages.CountEach():
                context.emit(TokenCounts(tuple(len(context.engine.tokenize(text)) for text in job.texts)))
            case messages.Compare():
                writing.compare(job, context)
            case messages.Peek():
                inspect.peek(job, context)
            case messages.Divergence():
                inspect.divergence_of(job, context)
            case messages.Lore():
                lore.look_up(job, context)
            case messages.Score():
                inspect.score(job, context)
            case messages.Nearest():
                inspect.nearest_words(job, context)
            case messages.Ablate():
                inspect.ablate(job, context)
            case messages.Estimate():
                context.emit(estimate(job.request))
            case messages.Evaluate():
                evaluate.evaluate_module(job, context)
            case messages.Phrase():
                phrase.find(job, context)
            case messages.Models():
                models.find_models(job, context)
            case messages.Download():
                models.fetch_model(job, context)

    def _load(self, job: messages.Load, context: JobContext) -> None:
        from ..backends.open import open_engine
        from ..models.find import resolve

        if not job.model:
            self._unload()
            context.emit(Done("unloaded"))
            return
        file = resolve(job.model)
        wanted = (str(file.path), job.context, file_stamp(file.path))
        if wanted != self._loaded or self._engine is None:
            if self._engine is not None:  # first, for two models may not fit into memory
                self._engine.close()
            self._engine, self._loaded = None, None
            percent = -1

            def progress(share: float) -> bool:
                nonlocal percent
                if int(100 * share) > percent:
                    percent = int(100 * share)
                    context.emit(Progress("loading", percent, 100))
                return not context.cancel.is_set()

            self._engine = open_engine(file, context=job.context, progress=progress)
            self._loaded = wanted
            self._warned.clear()
            if self._engine.notice:
                context.emit(Note(self._engine.notice))
        if self._engine.refusal:
            context.emit(Note(self._engine.refusal))
        info = self._engine.info
        if job.context > info.context:
            context.emit(Note(smaller_context(info, job.context)))
        context.emit(Loaded(info.name, info.context, info.width, info.vocabulary, info.fingerprint.to_dict()))

    def _unload(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine, self._loaded = None, None

    def _is_news(self, warning: str) -> bool:
        """Return whether ``warning`` has not been given since the model was loaded."""
        known = warning in self._warned
        self._warned.add(warning)
        return not known

    def _module(self, path: str) -> AnyModule:
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
