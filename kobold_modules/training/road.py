"""The whole road of a training: texts, model, start, loop, module."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from .. import corpus as words
from ..errors import BadText, BadUsage
from ..evaluation.bits import HeldOut, measure
from ..library import Library
from ..models.find import resolve
from ..models.prompt_loss import PromptLoss
from ..models.torch_model import load_torch_model
from ..paths import trainings_dir
from ..records import Done, Note, Progress, Record, Result
from .checkpoint import State, restore
from .finish import finish
from .loop import optimise
from .rows import Rows
from .settings import TrainingRequest
from .start import initial_rows


HELD_OUT_TOKENS = 4000  # most that is measured while training; the card gets the whole held-out text
ALIKE = ("resume", "out", "library", "replace", "device", "description", "author")  # may differ when a training resumes


def train(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
    """See :func:`kobold_modules.training.train`. Raises the errors of each part, before anything slow where it can."""
    shelf = Library()
    if request.library and not request.replace and not request.resume:
        _refuse_taken_name(shelf, request.name)
    file = resolve(request.model)
    corpus = words.read([Path(name) for name in request.files])
    words.require_enough(corpus)
    for sentence in corpus.describe():
        yield Note(sentence)
    yield Progress(f"loading {file.name}", 0, 1)
    frozen = load_torch_model(file, request.device)
    if request.tokens + 32 > frozen.context:
        raise BadUsage(
            f"{file.name} has room for {frozen.context} tokens; --tokens {request.tokens} leaves none for text."
        )
    split = words.split(corpus)
    rows = Rows.of(split.train, frozen.encode, min(request.row, frozen.context - request.tokens))
    held_out = HeldOut.of(split.held_out, frozen.encode, HELD_OUT_TOKENS)
    if not rows.documents or not held_out.documents:
        raise BadText(
            "There is too little text to train on and to measure with.", "Add more pages: 2,000 words and up."
        )
    yield Note(
        f"{corpus.words:,} words are {rows.tokens:,} tokens to train on; another part is held out to measure with."
    )

    loss = PromptLoss(frozen)
    without = measure(loss, None, held_out, request.tokens)
    yield Result("baseline", {"nats_per_token": without.nats_per_token, "bits_per_byte": without.bits_per_byte})
    identity = _identity(request, [document.sha256 for document in corpus.documents], frozen.fingerprint.to_dict())
    checkpoint = trainings_dir() / identity[:16] / "state.safetensors"
    state = restore(checkpoint, identity, frozen.device) if request.resume else None
    if state is None:
        if request.resume:
            if request.library and not request.replace:
                _refuse_taken_name(shelf, request.name)  # that module came of another training
            yield Note("There is no checkpoint of this training; it starts from the beginning.")
        yield Progress("choosing a start", 0, 1)
        state = State.fresh(initial_rows(loss, rows, request.tokens, request.seed))
    else:
        yield Note(f"Going on from step {state.step}.")
    yield from optimise(loss, rows, held_out, request, state, checkpoint=checkpoint, identity=identity, stop=stop)
    yield from finish(request, corpus, split, frozen, file, loss, state, rows, identity)
    yield Done("training")


def _refuse_taken_name(shelf: Library, name: str) -> None:
    if any(entry.name.casefold() == name.casefold() for entry in shelf.entries()):
        raise BadUsage(
            f"There is already a module called {name}.",
            "Choose another --name, add --replace, or remove it with `kobold-modules remove`.",
        )


def _identity(request: TrainingRequest, texts: list[str], model: dict[str, object]) -> str:
    """What makes two trainings the same one: settings, texts and model. A checkpoint is filed under it."""
    settings = {key: value for key, value in asdict(request).items() if key not in ALIKE}
    return hashlib.sha256(json.dumps([settings, texts, model], sort_keys=True).encode()).hexdigest()
