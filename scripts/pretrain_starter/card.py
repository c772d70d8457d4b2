"""The starter model's card: what it was made from, what it scores on books it never saw, and how it writes."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.evaluation.bits import HeldOut, measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import TextChunk
from kobold_modules.sampling.settings import Sampler

from .works import Shelf, Work


MEASURED_TOKENS = 20_000  # of each work, from a third of the way in; the whole would take an hour
OPENINGS = (
    "The house stood at the end of the lane,",
    "When I was a boy my father",
    '"I do not believe you," said the captain.',
    "It was late in the afternoon before we",
    "She took the letter from the table and",
    "There was once a king who",
    "The sea was quiet that night, and",
    "Of all the men I have known,",
    "The door opened, and",
    "Nobody in the village could remember",
)


def scores(file: ModelFile, works: Iterable[Work]) -> dict[str, dict[str, float]]:
    """Return bits per byte of each work, by author: ``{author: {title: bits}}``."""
    frozen = load_torch_model(file, "cpu")
    loss = PromptLoss(frozen)
    found: dict[str, dict[str, float]] = {}
    for work in works:
        held_out = HeldOut.of((work.text[len(work.text) // 3 :],), frozen.encode, MEASURED_TOKENS)
        found.setdefault(work.author, {})[work.title] = round(measure(loss, None, held_out, 0).bits_per_byte, 4)
    return found


def samples(file: ModelFile, tokens: int = 90) -> list[str]:
    """Continue ten openings at temperature 0.7, seeds 1 to 10: as they come, none chosen."""
    texts = []
    with LlamaEngine(file) as engine:
        for seed, opening in enumerate(OPENINGS, start=1):
            request = Request(text=opening, max_tokens=tokens, sampler=Sampler(temperature=0.7, seed=seed))
            texts.append(opening + "".join(r.text for r in engine.generate(request) if isinstance(r, TextChunk)))
    return texts


def write_card(file: ModelFile, shelf: Shelf, run: dict[str, Any], target: Path) -> dict[str, Any]:
    """Measure ``file`` and write CARD.md and card.json into the folder ``target``; returns the numbers."""
    unseen, held_out = scores(file, shelf.unseen), scores(file, shelf.held_out)
    authors = {author: sum(works.values()) / len(works) for author, works in unseen.items()}
    facts = {
        "run": run,
        "machine": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "unseen_authors": unseen,
        "unseen_mean_bits_per_byte": round(sum(authors.values()) / max(1, len(authors)), 4),
        "held_out_works": held_out,
        "trained_on": [
            {"author": w.author, "title": w.title, "bytes": w.bytes, "sha256": w.sha256} for w in shelf.train
        ],
    }
    (target / "card.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (target / "CARD.md").write_text(_markdown(facts, samples(file)), encoding="utf-8")
    return facts


def _markdown(facts: dict[str, Any], texts: list[str]) -> str:
    run = facts["run"]
    lines = [
        "# The starter model",
        "",
        "A small Llama trained from nothing on public-domain English prose, so that a fresh installation can train",
        "and write without a download. It knows grammar and manners, not facts; it is a practice instrument. CC0 1.0.",
        "",
        "Made by `python -m scripts.pretrain_starter FOLDER --out FOLDER`, this page too; numbers: `card.json`.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in run.items()),
        "",
        "## Bits per byte on books it never saw",
        "",
        f"Windows of 512 tokens, half of each scored; {MEASURED_TOKENS:,} tokens a work, from a third of the way in.",
        "",
        "| author (none of whose works was trained on) | work | bits per byte |",
        "|---|---|---|",
        *(f"| {a} | {t} | {b:.3f} |" for a, works in facts["unseen_authors"].items() for t, b in works.items()),
        f"| **mean over authors** | | **{facts['unseen_mean_bits_per_byte']:.3f}** |",
        "",
        "| whole work held out of a known author | work | bits per byte |",
        "|---|---|---|",
        *(f"| {a} | {t} | {b:.3f} |" for a, works in facts["held_out_works"].items() for t, b in works.items()),
        "",
        "The unseen authors were picked for unlike voices among those that a character 5-gram finds neither easiest",
        "nor hardest. The texts are Standard Ebooks editions; hashes are in `card.json`.",
        "",
        "## Ten samples, as they came",
        "",
        "Temperature 0.7, seeds 1 to 10, through llama.cpp.",
        "",
    ]
    for number, text in enumerate(texts, start=1):
        quoted = "\n> ".join(text.strip().split("\n"))
        lines += [f"{number}.", "", f"> {quoted}", ""]
    return "\n".join(lines)
