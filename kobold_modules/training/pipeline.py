"""A training from end to end: texts, model, start, loop, module.

Several modules of the same settings travel together: one frozen model, one batch in which every module has its rows.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, replace

import torch

from ..backends.llamacpp.what_works import what_works
from ..backends.torch.load import TorchModel
from ..corpus import Corpus
from ..errors import BadUsage
from ..forward import memory, parity
from ..forward.distillation_loss import TeacherTargets
from ..forward.prompt_loss import PromptLoss
from ..models.find import resolve
from ..models.reference import ModelFile
from ..models.usability.usable import check_can_train
from ..paths import trainings_dir
from ..records import Done, Note, Progress, Record, Sample
from .baselines import FirstLook
from .checkpoint import State, restore
from .data import TrainingData
from .destination import check_places, refuse_taken_name
from .distributed import World
from .finish import Trained, finish, tokens_to_finish
from .frozen import load_frozen
from .imitation import imitated
from .loop import SHARE_OF_STARTING, RunControl, optimise
from .near import near_of, twins
from .neighbours import company
from .optimiser.allocator import keep_memory
from .optimiser.step import batch_of
from .preparing import prepare, read_all, settled, study_all
from .sample import opening_of, sample
from .settings import TrainingRequest
from .start import fresh_state, starts_that_help
from .task import Task
from .world.data import Studied


SAMPLES = 4  # samples while it trains
REVISION = 2  # of what is trained and how: a checkpoint of another one is of another training
# What may differ when a training resumes.
NOT_PART_OF_IDENTITY = (
    *("resume", "out", "library", "replace", "device", "description", "author", "dial", "compile", "precision"),
)


def train(
    requests: Sequence[TrainingRequest], stop: Callable[[], bool], paused: Callable[[], bool]
) -> Iterator[Record]:
    """See :func:`kobold_modules.training.train`. Raises the errors of each part, before anything slow where it can."""
    _must_be_alike(requests)
    for each in requests:
        check_places(each)
    world = World.detect(requests[0].device)
    try:
        for record in run_training(requests, world, stop, paused):
            if world.first:  # the others work in silence
                yield record
    except BaseException:
        world.leave(failed=True)
        raise
    world.leave()
    if world.first:
        yield Done("training")


def run_training(
    requests: Sequence[TrainingRequest], world: World, stop: Callable[[], bool], paused: Callable[[], bool]
) -> Iterator[Record]:
    """Train a module for each of ``requests`` in one batch; yields every record, whichever process this is."""
    request = requests[0]
    keep_memory()
    file = resolve(request.model)
    check_can_train(file)
    corpora = yield from read_all(requests)
    lore = yield from study_all(requests, file, stop)
    frozen, loss = yield from _load(file, request, world)
    requests = settled(requests, lore, loss)
    request = requests[0]
    teacher = imitated(request, loss.rows)
    writers = yield from prepare(requests, corpora, lore, loss, teacher)
    if request.near:  # trained beside a twin that is free, and measured against it
        requests = twins(request)
        writers = [replace(writers[0], request=each) for each in requests]
    told = writers[:1] if request.near else writers
    identity = _identity(requests, corpora, lore, frozen)
    checkpoint = trainings_dir() / identity[:16] / "state.safetensors"
    began = time.monotonic()
    restored = restore(checkpoint, identity, frozen.device, world) if request.resume else None
    state = yield from _begin(requests, loss, writers, restored, world, stop)
    if state.compiled and not loss.compile():
        yield Note("The step cannot be compiled on this machine; training continues without that.")
    seconds = 0.0
    if restored is None:
        seconds = yield from starts_that_help(loss, state, writers)
        # Choosing is inside the budget, but a slow machine is to learn something, too.
        state.elapsed = world.number(min(time.monotonic() - began, SHARE_OF_STARTING * request.budget))
    words = state.initial if state.words is None else state.words
    look = FirstLook(loss, writers, words, world, seconds)
    at_once = memory.AtOnce(1 << 30, frozen.device)
    if state.step == 0 and frozen.device != "cpu":
        at_once = memory.AtOnce(fit(loss, writers, state).rows, frozen.device)
    control = RunControl(
        checkpoint,
        identity,
        stop,
        paused,
        _observer(loss, writers[0]),
        at_once,
        world,
        ending=lambda: look.seconds * sum(map(_tokens_after, writers)),
        first_look=lambda state: look.take(state, len(told)),
        looking=lambda: look.seconds * sum(writer.held_out.tokens for writer in writers),
    )
    tasks = [
        Task(writer.request.name, writer.rows, writer.held_out, index < len(told), writer.neutral)
        for index, writer in enumerate(writers)
    ]
    taught = [writer.targets for writer in told if writer.targets is not None]
    targets = TeacherTargets.joined(taught) if taught else None
    neighbours = company(requests, corpora, loss, tasks[0].rows.length, checkpoint.parent)
    if neighbours is not None and neighbours.names:
        yield Note(f"Beside it, in a quarter of the steps: {', '.join(neighbours.names)}.")
    yield from optimise(loss, tasks, request, state, control, targets, neighbours, near_of(requests, frozen))
    if world.first:
        names = None if neighbours is None else neighbours.names
        together = tuple(each.name for each in requests)
        trained = Trained(file, frozen, loss, state, identity, stop(), names, teacher, together)
        for index, writer in enumerate(told):
            left = look.seconds * sum(map(_tokens_after, writers[index:]))
            yield from finish(trained, index, writer, look.found[index], left)


def _load(
    file: ModelFile, request: TrainingRequest, world: World
) -> Generator[Record, None, tuple[TorchModel, PromptLoss]]:
    """Load the model, and make sure that it is the one that will write."""
    yield Progress(f"loading {file.name}", 0, 1)
    frozen, loss = load_frozen(file, request, world.device(request.device))
    yield Progress(f"comparing {file.name} with llama.cpp", 0, 1)
    yield from _check_parity(file, frozen)
    if loss.prefix is None and not frozen.whole and request.weights in ("streamed", "disk"):
        loss.shares = False  # a prompt of its own pass would read every layer twice more
    return frozen, loss


def _begin(
    requests: Sequence[TrainingRequest],
    loss: PromptLoss,
    writers: Sequence[TrainingData],
    restored: State | None,
    world: World,
    stop: Callable[[], bool],
) -> Generator[Record, None, State]:
    """Return the state to go on from: a checkpoint's, or a new one."""
    if restored is not None:
        yield Note(f"Continuing from step {restored.step}.")
        return restored
    if requests[0].resume:
        for each in requests:
            if each.library and not each.replace:
                refuse_taken_name(each.name)  # that module came of another training
        yield Note("There is no checkpoint of this training; it starts from the beginning.")
    yield Progress("choosing a start", 0, 1)
    return (yield from fresh_state(loss, writers, world, stop))


def _tokens_after(writer: TrainingData) -> float:
    """Return about how many tokens are read for a module after the last step."""
    return tokens_to_finish(writer.everything.tokens, writer.everything == writer.held_out)


def fit(loss: PromptLoss, writers: Sequence[TrainingData], state: State) -> memory.Fit:
    """Return how many rows of each module fit into memory at once. Raises OutOfMemory where not even one does."""
    all_rows = [writer.rows for writer in writers]
    request = writers[0].request

    def one_step(rows: int) -> None:
        batch = batch_of(all_rows, request.seed, 0, rows).transpose(0, 1).flatten(0, 1).to(loss.frozen.device)
        prompts = state.prompts.detach().requires_grad_(True)
        torch.autograd.grad(loss(prompts, batch[:, 0], batch[:, 1]), prompts)

    return memory.fit_batch(one_step, request.batch, loss.frozen.device)


def _observer(loss: PromptLoss, writer: TrainingData) -> Callable[[State], Iterator[Record]]:
    """Return a function that writes the same opening a few times in a training.

    The opening is of text the module never sees, and the best module so far, which is what would be kept, continues it.
    """
    opening = opening_of(writer.split.held_out[0])
    turn, shown = 0, -1

    def observe(state: State) -> Iterator[Record]:
        nonlocal turn, shown
        turn += 1
        best = state.best_step(0)
        if opening and turn % (12 // SAMPLES) == 1 and best != shown:
            shown = best
            yield Sample(best, sample(loss, state.best[0], opening))

    return observe


def _check_parity(file: ModelFile, frozen: TorchModel) -> Iterator[Record]:
    """Train through the very model that will write: raises where transformers reads a GGUF differently."""
    if file.kind == "gguf" and (found := what_works(file.path)).fresh and found.sentence:
        yield Note(found.sentence)
    if frozen.whole:
        parity.check(file, frozen)
    if frozen.corrections:
        yield Note(f"Put right in {file.name}, which transformers would have ignored: {', '.join(frozen.corrections)}.")


def _must_be_alike(requests: Sequence[TrainingRequest]) -> None:
    """Raise where modules trained together differ in more than their texts and names."""
    plain = [replace(each, files=(), name="x", description="", out=None) for each in requests]
    if any(each != plain[0] for each in plain):
        raise BadUsage("Modules that are trained together must have the same settings.")
    if requests[0].near and len(requests) > 1:
        raise BadUsage("--near is for one module.", "Leave --each out.")
    if requests[0].shared and len(requests) < 2:
        raise BadUsage("One module alone has nobody to share virtual tokens with.", "Name several texts after --each.")
    if len({each.name.casefold() for each in requests}) < len(requests):
        raise BadUsage("Two of these modules would have the same name.", "Rename a file, or train it alone.")


def _identity(
    requests: Sequence[TrainingRequest], corpora: Sequence[Corpus], lore: Sequence[Studied], frozen: TorchModel
) -> str:
    """Return what makes two trainings the same one: settings, texts and model. A checkpoint is filed under it."""
    settings = [
        {key: value for key, value in asdict(each).items() if key not in NOT_PART_OF_IDENTITY} for each in requests
    ]
    settings[0]["seconds"] = requests[0].budget if requests[0].steps is None else None
    texts = [document.sha256 for corpus in corpora for document in corpus.documents]
    texts += [hashlib.sha256(repr(found.examples).encode()).hexdigest() for found in lore]
    whole = [REVISION, settings, texts, frozen.fingerprint.to_dict()]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
