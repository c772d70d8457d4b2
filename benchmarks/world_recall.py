"""How much of a world a module recalls: trained by self-study, against the same lorebook read as text.

Questions with four answers each (world_questions.json: written apart from the training, by people who did not see what
it asks) are put closed book. A question is right where its true answer is the likeliest of the four as a whole; nats
are those of the true answer's tokens. Both arms have as many virtual tokens and as many seconds on the same lorebook:

nothing      the model alone
in_context   the one entry that answers the question, in the context
whole_lore   every entry in the context, as many tokens as the lorebook has: what reading all of it is worth
text         a module trained on the entries as text, every one of them in every pass, from the same start
module       a module trained as `train --kind world` does, by self-study; making its examples is inside its seconds

``gap_closed`` is how far ``module`` and ``text`` come from nothing to in_context; ``neutral_harm`` what they cost on
pages that have nothing to do with the world, as a share of bits per byte (0.01 is 1 % worse).

    python benchmarks/world_recall.py [--quick] [--model smollm2|starter|FILE] [--minutes 9] [--tokens 128]
    python benchmarks/world_recall.py --quick --steps 60 --model starter --method prefix    (steps in place of minutes)
    python benchmarks/world_recall.py --method prefix    (keys and values of every layer in place of rows; no text arm)
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from common import benchmark_parser, keep

from kobold_modules.evaluation.bits import HeldOut, measure
from kobold_modules.evaluation.control_texts import TOKENS, other_texts
from kobold_modules.evaluation.torch_scorer import TorchScorer
from kobold_modules.evaluation.world.questions import Question, read_questions, views
from kobold_modules.evaluation.world.recall import Asked, ask, gap_closed
from kobold_modules.evidence import Estimate
from kobold_modules.formats import deep_prefix, kobold
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.lorebook import read
from kobold_modules.models.find import resolve
from kobold_modules.records import Done, Loss, Note, Recall
from kobold_modules.self_study import LoreEntry, read_lore
from kobold_modules.training import train
from kobold_modules.training.checkpoint import State
from kobold_modules.training.frozen import load_frozen
from kobold_modules.training.loop import optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.packing import Rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.task import Task
from kobold_modules.training.world.start import telegram


HERE = Path(__file__).resolve().parent
LOREBOOK = HERE.parent / "sample_texts" / "world" / "lorebook.json"
QUESTIONS = HERE / "world_questions.json"
TEXT_ROW = 256  # tokens of a row of entries: what recitation is at its best with (docs/decisions, 32)
TEXT_RATE = 0.15
LONGEST_QUESTION = 128  # tokens left for a question behind the whole lore
LOOKED_AT = 600  # tokens that the text arm measures itself with


def by_study(request: TrainingRequest, folder: Path) -> Path:
    """Return the file of a module trained as the command does."""
    out = folder / ("module.safetensors" if request.method == "prefix" else "module.zip")
    for record in train(replace(request, out=str(out))):
        if isinstance(record, Note | Loss | Recall | Done):
            print("  ", record, flush=True)
    return out


def prompt_of(file: Path, loss: PromptLoss) -> tuple[PromptLoss, torch.Tensor]:
    """Return the loss behind the module in ``file``, and the module as it takes one, float32 ``[tokens, ...]``."""
    if file.suffix == ".zip":
        return loss, torch.from_numpy(kobold.read(file).vectors.copy()).float().to(loss.frozen.device)
    deep = loss.deep()
    assert deep.prefix is not None
    return deep, deep.prefix.table(deep_prefix.read(file), loss.frozen.name).to(loss.frozen.device)


def by_text(loss: PromptLoss, entries: tuple[LoreEntry, ...], request: TrainingRequest) -> tuple[torch.Tensor, int]:
    """Return the rows of a module trained on the entries as they stand, and the steps that took; none is held out."""
    began = time.monotonic()
    texts = tuple(entry.view + "\n" for entry in entries)
    rows = Rows.of(texts, loss.frozen.encode, request.row)
    looked_at = HeldOut.of(texts, loss.frozen.encode, LOOKED_AT)
    state = State.fresh(telegram(loss, entries, request.name, request.tokens)[None])
    state.begins([measure(loss, state.initial[0], looked_at, request.tokens).nats_per_token])
    state.elapsed = time.monotonic() - began
    for record in optimise(loss, [Task("text", rows, looked_at)], request, state):
        if isinstance(record, Note | Loss):
            print("  ", record, flush=True)
    return state.prompts[0], state.step


def ends(estimate: Estimate) -> list[float | None]:
    """Return a value and the ends of its interval."""
    return [None if each is None else round(each, 4) for each in (estimate.value, estimate.low, estimate.high)]


def recalled(asked: Asked) -> dict[str, Any]:
    found = asked.evidence
    return {"right": ends(found.right), "right_by_length": ends(found.right_by_length), "nats": ends(found.nats)}


def main() -> None:
    parser = benchmark_parser(__doc__, quick="a few steps and questions: a check that it runs")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--steps", type=int, help="of training, in place of minutes, whatever else the machine does")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--method", choices=["prompt", "prefix"], default="prompt")
    parser.add_argument("--recitation", type=float, help="share of entries recited, where it is not the usual one")
    parser.add_argument("--folder", type=Path, help="where the modules trained here are kept")
    arguments = parser.parse_args()
    keep_memory()
    minutes = 0.2 if arguments.quick else arguments.minutes
    request = TrainingRequest(
        files=(str(LOREBOOK),), name="The Ommul", model=arguments.model, kind="world", objective="study",
        tokens=arguments.tokens, minutes=minutes, steps=arguments.steps, library=False, stack_safe=False, patience=1.0,
        method=arguments.method,
    )  # fmt: skip
    questions = read_questions(QUESTIONS)[: 8 if arguments.quick else None]
    entries = read_lore([LOREBOOK]).entries

    if arguments.recitation is not None:
        request = replace(request, recitation=arguments.recitation)

    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        file = by_study(request, folder)
        seconds = time.monotonic() - began
        loss = load_frozen(resolve(arguments.model), request, "cpu")[1].rows
        fronts = {"module": prompt_of(file, loss)}
        text_steps = 0
        if arguments.method == "prompt":
            as_text = replace(request, objective="text", row=TEXT_ROW, rate=TEXT_RATE)
            text, text_steps = by_text(loss, entries, as_text)
            torch.save(text, folder / "text.pt")
            fronts["text"] = loss, text
    result = measured(loss, questions, fronts, entries) | {
        "seconds": round(60 * minutes, 1),
        "seconds_with_loading": round(seconds, 1),
        "text_steps": text_steps,
        "tokens": arguments.tokens,
    }
    settings = {
        "model": Path(arguments.model).name,
        **({"minutes": minutes} if arguments.steps is None else {"steps": arguments.steps}),
        "tokens": arguments.tokens,
        "questions": len(questions),
        "threads": torch.get_num_threads(),
    }
    keep(
        "world_recall" if arguments.method == "prompt" else f"world_recall_{arguments.method}",
        settings,
        result,
        arguments.quick,
    )


def measured(
    loss: PromptLoss,
    questions: tuple[Question, ...],
    fronts: dict[str, tuple[PromptLoss, torch.Tensor]],
    entries: tuple[LoreEntry, ...],
) -> dict[str, Any]:
    """Put the questions with each thing in front, and measure what the modules do to other pages.

    Args:
        loss: of the bare model.
        fronts: modules by name, and the loss behind each.
    """
    in_view = views(questions, read(LOREBOOK))
    plain = TorchScorer(loss, None)
    asked = {
        "nothing": ask(plain, questions, "nothing"),
        "in_context": ask(plain, questions, "in context", in_view),
        **{name: ask(TorchScorer(its, prompt), questions, name) for name, (its, prompt) in fronts.items()},
    }
    whole = [token for entry in entries for token in loss.frozen.encode(entry.view + "\n")]
    if len(whole) <= loss.frozen.context - LONGEST_QUESTION:
        rows = loss.frozen.table[torch.tensor(whole, device=loss.frozen.device)].float()
        asked["whole_lore"] = ask(TorchScorer(loss, rows), questions, "whole lore")
    pages = tuple(other_texts(()).values())
    neutral = HeldOut.of(pages, loss.frozen.encode, TOKENS * len(pages))
    result: dict[str, Any] = {name: recalled(each) for name, each in asked.items()}
    gaps = {
        name: gap_closed(asked["nothing"], each, asked["in_context"])
        for name, each in asked.items()
        if name not in ("nothing", "in_context")
    }
    result["gap_closed"] = {
        name: {"answers": ends(answers), "nats": ends(nats)} for name, (answers, nats) in gaps.items()
    }
    result["neutral_harm"] = {}
    for name, (its, prompt) in fronts.items():
        bare, behind = (measure(its, each, neutral, len(prompt)).bits_per_byte for each in (None, prompt))
        result["neutral_harm"][name] = round(behind / bare - 1, 4)
    return result


if __name__ == "__main__":
    main()
