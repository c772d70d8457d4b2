"""What a module is worth: all measurements of one module, as a stream of records whose last one is Evaluated.

Everything is asked of the engine that writes (llama.cpp for a GGUF file): one model in memory, and the numbers are
those of the very weights and arithmetic that a person writes with. How much is read and written is counted in tokens
(``work.Budget``), so a slow model takes longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ..backends.open import open_engine
from ..errors import BadModule, BadText, BadUsage, EngineFailed
from ..evidence import Evaluated
from ..library import evidence as evidence_file
from ..library.folder import Entry
from ..library.library import Library
from ..paths import write_atomically
from ..records import Note, Progress, Record, Saved
from ..soft_prompt.deep_prefix import AnyModule
from ..soft_prompt.layer import Layer
from ..soft_prompt.stack import Stack
from . import of_world
from .advice import advice, headline
from .control_texts import other_texts
from .made_for import model_for
from .pages import Pages, hashes, pages_of
from .parts import Subject, measured
from .settings import EvaluationRequest
from .work import FULL, QUICK, Stopped, Work


def evaluate(request: EvaluationRequest, stop: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Measure a module; yield Progress and Note records, then Evaluated (and Saved for a page).

    Stopped, it ends without Evaluated, and nothing is kept.

    Raises:
        BadModule, BadText, BadInput: the module, pages, questions or lore cannot be read.
        BadUsage: there is nothing to evaluate it on.
        WrongModel: it does not fit the model.
        NoModel, EngineFailed, OutOfMemory: the model does not load or breaks.
    """
    began = time.monotonic()
    library = Library()
    module, entry = _module(library, request.module)
    file = model_for(request.model, module.card)
    for warning in Stack((Layer(module),)).check(file.fingerprint, file.name):
        yield Note(warning)
    beside = [library.find(name) for name in request.beside]
    Stack(tuple(Layer(other) for other in beside)).check(file.fingerprint, file.name)
    budget = QUICK if request.quick else FULL
    subject = yield from _subject(request, module, entry, budget.questions)
    yield Progress("loading", 0, 1)
    try:
        with open_engine(file, progress=lambda share: not stop()) as engine:
            work = Work(engine, file, module, budget, request.seed, stop)
            found = yield from measured(work, subject, beside)
    except (Stopped, EngineFailed):
        if stop():  # while it loaded, too
            return
        raise
    evaluated = Evaluated(
        module=module.name,
        kind=module.card.kind,
        model=file.name,
        digest=module.digest,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        virtual_tokens=module.tokens,
        quick=request.quick,
        seconds=round(time.monotonic() - began, 1),
        tokens=work.tokens,
        headline="",
        notes=tuple(work.notes),
        **found,
    )
    evaluated = msgspec.structs.replace(evaluated, headline=headline(evaluated), advice=advice(evaluated, module.card))
    if request.keep and entry is not None:
        evidence_file.write(entry.path.parent, evaluated)
    if request.page:
        from .page import page

        write_atomically(Path(request.page), page([evaluated]).encode("utf-8", "replace"))
        yield Saved(request.page, "page")
    yield evaluated


def _module(library: Library, name: str) -> tuple[AnyModule, Entry | None]:
    try:
        entry = library.entry(name)
    except BadModule:
        return library.find(name), None
    return library.load(entry), entry


def _subject(
    request: EvaluationRequest, module: AnyModule, entry: Entry | None, most: int
) -> Generator[Record, None, Subject]:
    """Find the pages and the world that ``module`` is to be evaluated on."""
    card = module.card
    noted: Mapping[str, Any] = evidence_file.read_sources(entry.path.parent) if entry is not None else {}
    as_world = card.kind == "world" or bool(request.questions or request.lore)
    as_style = bool(request.texts) or not as_world
    pages = Pages()
    try:
        pages = yield from pages_of(card, request.texts, noted)
    except BadText:
        if as_style:
            raise
    lore = request.lore or (tuple(map(str, pages.files)) if as_world else ())
    if as_world and not request.questions and not lore:
        raise BadUsage(
            f"{card.name} is a world module, and the lore it was trained on is not where it was.",
            "Name the lore (--lore FILE), or questions on it (--questions FILE).",
        )
    for sentence in pages.notes:
        yield Note(sentence)
    world = of_world.world_of(request.questions, lore, most) if as_world else None
    return Subject(module, pages if as_style else None, pages.train, world, other_texts(hashes(card)))
