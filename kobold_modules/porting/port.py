"""A module carried over to another model, with what was kept of its gain.

Three ways, by how near the two models are. The same table (another quantisation): the rows stay as they are, for they
are in full precision and every quantisation approximates the same table. Another model of the family: the rows are
mapped (``linear_map``). Different words: refused. Then a short training on the writer's pages, from these rows, by the
ordinary pipeline: what a map or another quantisation moved comes back in a few hundred steps (Xu et al., Compress, then
prompt, ICML 2024; Lester et al. 2022, section 5: mapped prompts are a start, not an end).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.open import open_engine
from ..corpus import read, split
from ..errors import BadModule, BadText, NoModel, WrongModel
from ..evaluation.held_out import HeldOut
from ..evaluation.interval import Gain
from ..evaluation.made_for import model_for
from ..evaluation.pages import Pages, pages_of
from ..formats.peft import SCALE
from ..library import evidence
from ..library.library import Library
from ..library.names import checked_name
from ..models.find import resolve
from ..models.reference import ModelFile
from ..phrases.measuring import Front, measure
from ..records import Note, Progress, Record, Saved
from ..soft_prompt.deep_prefix import with_rows
from ..soft_prompt.fingerprint import Fit
from ..soft_prompt.module import Module
from ..soft_prompt.stack import Stack, check_fit
from ..training import train
from ..training.destination import refuse_taken_name
from ..training.settings import TrainingRequest
from .linear_map import explained, linear_map
from .settings import MINUTES, PortRequest
from .shared_vocabulary import must_be_of_one_family, shared_vocabulary


MEASURED = 2_000  # held-out tokens
AS_THEY_ARE = "rows as they are"


@dataclass(frozen=True, slots=True)
class Ported:
    """What came of it.

    Attributes:
        name: of the new module in the library; ``way``: ``rows as they are`` or ``least squares``.
        shared: tokens that were mapped over; ``explained``: how much of the target's table the map tells, 0 to 1.
        before: the gain on the model it was made for; None where that is not known.
        fronts: bits on the new model behind ``nothing``, ``ported`` and ``trained``; empty where there were no pages.
        held_out_tokens: how many tokens that was measured on.
    """

    name: str
    way: str
    shared: int
    explained: float
    before: Gain | None
    fronts: tuple[Front, ...]
    held_out_tokens: int
    stopped: bool = False

    def kept(self, name: str) -> float | None:
        """Return the share of the module's gain that ``name`` (``ported`` or ``trained``) has on the new model."""
        gain = next((front.gain for front in self.fronts if front.name == name), None)
        if gain is None or self.before is None or self.before.share <= 0:
            return None
        return gain.share / self.before.share


def port(request: PortRequest, stop: Callable[[], bool] = lambda: False) -> Generator[Record, None, Ported]:
    """Carry a module over; it is in the library when the mapping is done, and again when the training is.

    Raises:
        BadModule, BadText, NoModel, BadUsage: module, pages or models cannot be read, or the name is taken.
        WrongModel: the two models do not go together.
        EngineFailed, OutOfMemory: a model does not load or breaks.
    """
    library = Library()
    module = with_rows(library.find(request.module))
    target = resolve(request.target)
    name = checked_name(request.name or f"{module.name} for {target.name}")
    if not request.replace:
        refuse_taken_name(name)
    source = _source(request, module)
    way, shared, tells = AS_THEY_ARE, 0, 1.0
    carried = module
    if not _same_table(request, module, target):
        if source is None:
            source = model_for(request.source, module.card, "--from")  # which says what is missing
        yield Progress(f"mapping {source.name} to {target.name}", 0, 1)
        check_fit(module, source.fingerprint, source.name)
        both = shared_vocabulary(source, target)
        must_be_of_one_family(both, source, target)
        matrix = linear_map(source, target, both)
        way, shared, tells = "least squares", len(both.source), explained(source, target, both, matrix)
        carried = replace(
            module,
            vectors=(module.vectors @ matrix).astype(np.float32),
            initial=None if module.initial is None else (module.initial @ matrix).astype(np.float32),
        )
    origin = _origin(module, way, shared)
    entry = library.add(_ported(carried, name, target, origin), replace=request.replace)
    yield Saved(str(entry.path), "module")
    pages = yield from _pages(request, module, library)
    before = yield from _gain_before(module, source, target, pages)
    fronts, tokens = yield from _measured(target, [("ported", with_rows(library.load(entry)))], pages)
    stopped = stop()
    if request.train and pages.files and not stopped:
        yield from train(_retraining(request, with_rows(library.load(entry)), pages), stop)
        entry = library.entry(name)
        trained = with_rows(library.load(entry))
        library.update_card(entry, training=trained.card.training | origin)
        after, _ = yield from _measured(target, [("trained", trained)], pages)
        fronts, stopped = [*fronts, *after[1:]], stop()
    elif request.train and not pages.files:
        yield Note("Without its pages it was neither measured nor trained: name them with --text FILE.")
    return Ported(name, way, shared, tells, before, tuple(fronts), tokens, stopped)


def _source(request: PortRequest, module: Module) -> ModelFile | None:
    """Return the model that the module was made for; None where it is not at hand and was not named."""
    if request.source:
        return resolve(request.source)
    try:
        return resolve(module.card.model) if module.card.model else None
    except NoModel:
        return None


def _same_table(request: PortRequest, module: Module, target: ModelFile) -> bool:
    """Whether the rows may stay as they are.

    Raises WrongModel where that was asked for and they may not.
    """
    made_for = module.card.fingerprint
    fit = made_for.fit(target.fingerprint) if made_for is not None else Fit.MISMATCH
    if request.settle and fit not in (Fit.SAME, Fit.RELATIVE):
        raise WrongModel(
            f"{module.name} was made for {module.card.model or 'another model'}, of which {target.name} is no other "
            "quantisation.",
            f"`port {module.name} --to {target.name}` maps it, where the two are of one family.",
        )
    return fit in (Fit.SAME, Fit.RELATIVE)


def _origin(module: Module, way: str, shared: int) -> dict[str, Any]:
    """Return what a card's training says of where the module comes from; a card keeps no facts within facts."""
    found = {
        "ported": way,
        "ported_from": module.name,
        "ported_from_model": module.card.model,
        "ported_from_digest": module.digest,
    }
    return found | ({"shared_tokens": shared} if shared else {})


def _ported(module: Module, name: str, target: ModelFile, origin: dict[str, Any]) -> Module:
    """Return ``module`` as one of ``target``: what was measured on the other model is not said of this one."""
    facts = module.card.training
    same = origin["ported"] == AS_THEY_ARE
    scale = {SCALE: facts[SCALE]} if same and SCALE in facts else {}
    return module.with_card(
        name=name,
        model=target.name,
        fingerprint=target.fingerprint,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        training={"method": facts.get("method", "prompt tuning")} | scale | origin,
        measured={},
        curve=(),
        samples={},
    )


def _pages(request: PortRequest, module: Module, library: Library) -> Generator[Progress, None, Pages]:
    """Return the pages that were named, or those of the module's training; none where neither are at hand."""
    try:
        noted = evidence.read_sources(library.entry(request.module).path.parent)
    except BadModule:
        noted = {}
    try:
        found = yield from pages_of(module.card, request.texts, noted)
    except BadText:
        if request.texts:
            raise
        return Pages()
    return found if found.files or not request.texts else _split_of(request.texts, found)


def _split_of(texts: Sequence[str], found: Pages) -> Pages:
    """Return the training's own split of new pages: some to train on, others to measure with."""
    pages = split(read([Path(text) for text in texts]))
    return Pages(pages.held_out, pages.train, tuple(Path(text) for text in texts), found.notes)


def _gain_before(
    module: Module, source: ModelFile | None, target: ModelFile, pages: Pages
) -> Generator[Record, None, Gain | None]:
    """Return the gain on the model that the module was made for: measured on the same pages, else as its card says."""
    if source is not None and pages.held_out:
        fronts, _ = yield from _measured(source, [("module", module)], pages)
        return fronts[1].gain if len(fronts) > 1 else None
    share = module.card.measured.get("gain")
    return Gain(float(share)) if isinstance(share, (int, float)) else None


def _measured(
    file: ModelFile, modules: Sequence[tuple[str, Module]], pages: Pages
) -> Generator[Record, None, tuple[list[Front], int]]:
    """Measure nothing and each of ``modules`` (by a name) on the held-out pages, as ``file`` writes."""
    if not pages.held_out:
        return [], 0
    yield Progress(f"loading {file.name}", 0, 1)
    with open_engine(file) as engine:
        held_out = HeldOut.of(pages.held_out, engine.tokenize, MEASURED)
        if not held_out.tokens:
            return [], 0
        asked = [("nothing", "", Stack()), *((name, "", Stack().add(module)) for name, module in modules)]
        fronts = yield from measure(engine, held_out, asked)
    return fronts, held_out.tokens


def _retraining(request: PortRequest, module: Module, pages: Pages) -> TrainingRequest:
    """Return the training that follows: from the rows that were carried over, on the same pages."""
    card = module.card
    return TrainingRequest(
        files=tuple(str(file) for file in pages.files),
        name=card.name,
        model=request.target,
        kind="world" if card.kind == "world" else "style",
        description=card.description,
        author=card.author,
        tokens=module.tokens,
        start="module",
        start_with=card.name,
        minutes=None if request.steps is not None else (request.minutes or MINUTES),
        steps=request.steps,
        seed=request.seed,
        replace=True,
    )
