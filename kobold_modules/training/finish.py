"""The end of a training: measure the best prompt on all held-out text, write the card, put the module on the shelf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backends.torch.load import TorchModel
from ..corpus import Split
from ..errors import BadModule
from ..evaluation.bits import Bits
from ..evaluation.control_texts import TOKENS, VOICES, other_pages
from ..evaluation.report import costs, headline, measured_gain
from ..formats import write
from ..formats.peft import SCALE, without_path
from ..forward.prompt_loss import PromptLoss
from ..library import evidence
from ..library.library import Library
from ..models.reference import ModelFile
from ..paths import write_atomically
from ..records import Finished, Note, Progress, Record, Saved, TrainedModule
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix, with_rows
from ..soft_prompt.module import Card, Module
from .baselines import Baselines
from .checkpoint import State
from .data import TrainingData
from .imitation import Imitated, measured_teacher
from .measuring import measure
from .near import share_read
from .optimiser.schedule import rate_of
from .plot import curve_svg
from .sample import opening_of, sample
from .settings import TrainingRequest
from .world.questions import Answered


OPENING_WORDS = 40
SAMPLE_TOKENS = 90
ALONE = 5  # a token written on its own takes about as long as so many that are read together
METHODS = {  # on a card
    "prompt": "prompt tuning",
    "residual": "residual prompt tuning",
    "p-tuning": "p-tuning",
    "prefix": "prefix tuning",
}
PLOT = "curve.svg"  # beside the module on the shelf


def tokens_to_finish(held_out: float, measured: bool) -> float:
    """Return about how many tokens are read after the last step.

    They are ``held_out`` ones (thrice where they were not ``measured`` while it trained), other authors' pages, two
    samples.
    """
    return (held_out if measured else 3 * held_out) + 2 * len(VOICES) * TOKENS + 2 * SAMPLE_TOKENS * ALONE


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that has taken its last step.

    Attributes:
        state: the prompts of all its modules; ``identity``: what a checkpoint of it is filed under.
        stopped: whether a person ended it early.
        beside: the library's modules that stood beside it in some of its steps; None where nothing did.
        teacher: the module that it imitates; None where it imitates none.
        names: of all modules that were trained together.
    """

    file: ModelFile
    frozen: TorchModel
    loss: PromptLoss
    state: State
    identity: str
    stopped: bool = False
    beside: tuple[str, ...] | None = None
    teacher: Imitated | None = None
    names: tuple[str, ...] = ()


def finish(
    trained: Trained, index: int, writer: TrainingData, baselines: Baselines, left: float = 0.0
) -> Iterator[Record]:
    """Finish module ``index``: measure it, write its card and samples, keep it.

    Yields Progress, TrainedModule and a Saved for each file written. ``left`` is about how many seconds it takes.
    """
    state, request = trained.state, writer.request
    yield Progress("measuring", 0, 1, left)
    baselines, measured = _measured(trained, index, writer, baselines)
    imitation: dict[str, Any] = {}
    if trained.teacher is not None:
        taught, its = trained.teacher, measured_teacher(trained.teacher, writer)
        imitation = {"imitates": taught.name, "imitated_bits_per_byte": round(its.bits_per_byte, 5)}
        gained = measured["bits_per_byte_without"] - its.bits_per_byte
        if gained > 0:
            share = (measured["bits_per_byte_without"] - measured["bits_per_byte_with"]) / gained
            imitation["kept_share"] = round(share, 4)
            yield Note(f"It keeps {share:.0%} of what {taught.name} gains on the same pages.")
    for sentence in costs(measured):
        yield Note(sentence)
    card = Card(
        name=request.name,
        kind=request.kind,
        description=request.description or _description(writer),
        author=request.author,
        model=trained.file.name,
        fingerprint=trained.frozen.fingerprint,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        training=_facts(trained, index, writer) | imitation,
        measured=measured,
        curve=tuple(state.curves[index]),
        sources=tuple({"name": d.name, "words": d.words, "sha256": d.sha256} for d in writer.corpus.documents),
    )
    best, initial = state.best[index], state.initial[index]
    yield Progress("writing a sample", 0, 1, left / 2)
    module: AnyModule
    if trained.loss.prefix is None:
        rows = Module(best.cpu().numpy(), card, initial.cpu().numpy())
        module = replace(rows, card=replace(card, samples=_samples(trained.file, rows, writer.split)))
    else:
        samples = _samples_here(trained.loss, best, writer.split)
        module = trained.loss.prefix.prefix(best, replace(card, samples=samples), initial)
    summary = headline(measured, card.training)
    yield TrainedModule(
        name=request.name,
        tokens=module.tokens,
        width=module.width,
        steps=state.step,
        best_step=state.best_step(index),
        budget=None if request.steps is not None else request.budget,
        stopped=True if trained.stopped else None,
        headline=summary.text,
        advice=summary.advice,
        good=summary.good,
        short=summary.short,
        **measured,
    )
    yield from _kept(module, request, baselines)


def _measured(
    trained: Trained, index: int, writer: TrainingData, baselines: Baselines
) -> tuple[Baselines, dict[str, Any]]:
    """Measure the best prompt on all held-out text and on other voices; returns the baselines over the same text."""
    loss, tokens, best = trained.loss, writer.request.tokens, trained.state.best[index]
    if writer.everything != writer.held_out:  # else they were measured before
        baselines = Baselines(
            measure(loss, None, writer.everything, tokens),
            measure(loss, trained.state.initial[index], writer.everything, tokens),
        )
    with_module = measure(loss, best, writer.everything, tokens)
    others = other_pages(writer.corpus, trained.frozen.encode)
    others_without, others_with = (measure(loss, prompt, others, tokens) for prompt in (None, best))
    over_others = others_with.compared_to(others_without)
    return baselines, {
        "bits_per_byte_without": round(baselines.model.bits_per_byte, 5),
        "bits_per_byte_with": round(with_module.bits_per_byte, 5),
        "nats_per_token_without": round(baselines.model.nats_per_token, 5),
        "nats_per_token_with": round(with_module.nats_per_token, 5),
        "bits_per_byte_words_in_context": round(baselines.words.bits_per_byte, 5),
        "others_bits_per_byte_without": round(others_without.bits_per_byte, 5),
        "others_bits_per_byte_with": round(others_with.bits_per_byte, 5),
        "held_out_tokens": with_module.tokens,
        "held_out_stretches": len(with_module.stretches),
        "others_stretches": over_others.stretches,
        "watched_tokens": writer.held_out.tokens,
        "learned": trained.state.best_step(index) > 0,
        **_near(trained, writer),
        **_before_pruning(trained, index, writer),
        **_recall(baselines.model, with_module),
        **measured_gain(with_module.compared_to(baselines.model)),
        **measured_gain(with_module.compared_to(baselines.words), "gain_over_start"),
        **measured_gain(over_others, "others_gain"),
    }


def _near(trained: Trained, writer: TrainingData) -> dict[str, Any]:
    """Return how near a module stayed to its text, and the loss of the one trained beside it that need not."""
    request = writer.request
    if not request.near or trained.state.modules < 2:
        return {}
    free = measure(trained.loss, trained.state.best[1], writer.everything, request.tokens)
    return {
        "near_read": round(share_read(trained.frozen, trained.state.best[0], request.near), 4),
        "bits_per_byte_free": round(free.bits_per_byte, 5),
    }


def _before_pruning(trained: Trained, index: int, writer: TrainingData) -> dict[str, Any]:
    """Return the losses of the module that was pruned and of what became of it, in windows of one size."""
    if writer.request.start != "pruned":
        return {}
    try:
        module = with_rows(Library().find(writer.request.start_with))
    except BadModule:  # removed while it trained
        return {}
    original = torch.tensor(module.vectors, device=trained.frozen.device)
    losses = [
        measure(trained.loss, prompt, writer.everything, module.tokens).bits_per_byte
        for prompt in (original, trained.state.best[index])
    ]
    return {
        "pruned_of": module.tokens,
        "bits_per_byte_unpruned": round(losses[0], 5),
        "bits_per_byte_pruned": round(losses[1], 5),
    }


def _recall(without: Bits, with_module: Bits) -> dict[str, int]:
    """Return how many of the questions kept apart are answered right, without the module and with it."""
    if not (isinstance(without, Answered) and isinstance(with_module, Answered)):
        return {}
    return {"recall_asked": with_module.asked, "recall_before": without.right, "recall_after": with_module.right}


def _facts(trained: Trained, index: int, writer: TrainingData) -> dict[str, Any]:
    """Return how the module was trained, for its card."""
    request, state, frozen = writer.request, trained.state, trained.frozen
    others = [name for name in trained.names if name != request.name]
    return {
        "method": METHODS[request.method],
        **({"encoder": request.encoder} if request.method == "p-tuning" else {}),
        **({"template": request.template} if request.template else {}),
        **({"near": request.near, "near_weight": request.near_weight} if request.near else {}),
        **({"pruned_from": without_path(request.start_with)} if request.start == "pruned" else {}),
        **({"shared": state.shared, "shared_with": others} if state.shared else {}),
        **({SCALE: round(frozen.scale, 6)} if frozen.scale != 1 else {}),
        "start": state.start_of(index) or request.start,
        "steps": state.step,
        "best_step": state.best_step(index),
        "seconds": round(state.elapsed, 1),
        "seed": request.seed,
        "words": writer.corpus.words,
        "tokens": writer.rows.tokens,
        "row": writer.rows.length,
        "batch": request.batch,
        "rate": round(rate_of(request, state), 4),
        "precision": str(frozen.table.dtype).removeprefix("torch."),
        "identity": trained.identity,
        **({"objective": "text"} if request.kind == "world" else {}),
        **writer.facts,
        **({"neutral_weight": round(state.neutral[index], 2)} if writer.neutral is not None else {}),
        "stack_safe": trained.beside is not None,
        **({"beside": list(trained.beside)} if trained.beside else {}),
        **({} if request.steps is not None else {"budget": request.budget}),
        **({"stopped": True} if trained.stopped else {}),
    }


def _kept(module: AnyModule, request: TrainingRequest, baselines: Baselines) -> Iterator[Record]:
    """Put the module into the library, with a picture of its training, and where ``request`` wants it besides."""
    if request.library:
        entry = Library().add(module, replace=True)
        yield Saved(str(entry.path), "module")
        lines = {"no module": baselines.model.nats_per_token, "words in context": baselines.words.nats_per_token}
        picture = entry.path.parent / PLOT
        drawn = curve_svg(list(module.card.curve), lines, f"{request.name}: {module.card.model}")
        write_atomically(picture, drawn.encode("utf-8", "replace"))
        yield Saved(str(picture), "picture")
        evidence.write_sources(entry.path.parent, request.files, request.keep, request.speaker)
    if request.out is not None:
        deep = isinstance(module, DeepPrefix)
        write(module, Path(request.out), "safetensors" if deep else "kobold")
        yield Saved(str(Path(request.out)), "safetensors file" if deep else "KoboldAI zip")


def _description(writer: TrainingData) -> str:
    corpus = writer.corpus
    count = len(corpus.documents)
    if writer.lore:
        return f"The world of {len(writer.lore):,} entries of lore, {corpus.words:,} words."
    texts = "one text" if count == 1 else f"{count} texts"
    what = "The style" if writer.request.kind == "style" else "The world"
    return f"{what} of {texts}, {corpus.words:,} words."


def _samples(file: ModelFile, module: Module, split: Split) -> dict[str, str]:
    """Continue an opening that the module never saw, with it and without it, through llama.cpp."""
    if file.kind != "gguf":
        return {}
    from ..backends.llamacpp.engine import LlamaEngine
    from ..generation.protocol import Request
    from ..sampling.settings import Sampler
    from ..soft_prompt.stack import Stack

    opening = opening_of(split.held_out[0], OPENING_WORDS)
    samples = {"opening": opening}
    with LlamaEngine(file) as engine:
        for key, stack in (("without", Stack()), ("with", Stack().add(module))):
            request = Request(
                text=opening, stack=stack, max_tokens=SAMPLE_TOKENS, sampler=Sampler(temperature=0.7, seed=1)
            )
            pieces = [record.text for record in engine.generate(request) if not isinstance(record, Finished)]
            samples[key] = "".join(pieces)
    return samples


def _samples_here(loss: PromptLoss, prompt: Tensor, split: Split) -> dict[str, str]:
    """Continue the same opening through the model that was trained through."""
    opening = opening_of(split.held_out[0], OPENING_WORDS)
    without, with_module = (sample(loss, one, opening, SAMPLE_TOKENS)[len(opening) :] for one in (None, prompt))
    return {"opening": opening, "without": without, "with": with_module}
