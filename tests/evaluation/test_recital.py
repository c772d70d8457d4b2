"""A module that was trained too long on one page is caught reciting it, and one of the same voice is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.evaluation.memorisation import Overlap, overlap
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from kobold_modules.training.packing import Rows


NOIR = Path(__file__).resolve().parents[2] / "sample_texts" / "noir" / "the-long-drop.txt"
OPENINGS, WORDS = 6, 8


@pytest.mark.slow
def test_an_overtrained_module_recites_and_a_normal_one_does_not(starter: Path) -> None:
    """Measured: 29 % of the words and a run of 56 against none and a run of 4; the author's own other pages have 8."""
    text = NOIR.read_text(encoding="utf-8")
    train, held_out = text[:26_000], text[26_000:]
    page = train[4_000:4_700]
    loss = PromptLoss(load_torch_model(ModelFile.at(starter), "cpu"))

    overtrained = trained(loss, page, tokens=96, steps=200, rate=0.3, row=160, batch=1)
    normal = trained(loss, train, tokens=40, steps=40, rate=0.2, row=96, batch=2)

    with LlamaEngine(ModelFile.at(starter)) as engine:
        recited = written(engine, overtrained, page, held_out)
        new = written(engine, normal, train, held_out)
    assert recited.recites, recited
    assert not new.recites, new
    assert recited.longest_run > 2 * new.longest_run


def trained(loss: PromptLoss, text: str, tokens: int, steps: int, rate: float, row: int, batch: int) -> Module:
    """Return what Adam makes of the first words of ``text`` in so many steps."""
    frozen = loss.frozen
    rows = Rows.of((text,), frozen.encode, row)
    ids = torch.from_numpy(np.resize(np.array(frozen.encode(text)[:tokens]), tokens))
    prompt = frozen.table[ids].float().clone().requires_grad_(True)
    optimiser = torch.optim.Adam([prompt], lr=rate * frozen.rms)
    for step in range(steps):
        drawn = rows.batch(1, step, batch)
        optimiser.zero_grad()
        loss(prompt, drawn[:, 0], drawn[:, 1]).backward()
        optimiser.step()
    card = Card("some", "style", model=frozen.name, fingerprint=frozen.fingerprint)
    return Module(np.ascontiguousarray(prompt.detach().numpy(), dtype=np.float32), card)


def written(engine: LlamaEngine, module: Module, text: str, held_out: str) -> Overlap:
    """Return what overlaps where the module goes on with places of ``text``, always with the likeliest word."""
    words = text.split(" ")
    places = [part * len(words) // OPENINGS for part in range(OPENINGS)]
    requests = [
        Request(
            text=" ".join(words[at : at + WORDS]),
            stack=Stack().add(module),
            max_tokens=90,
            sampler=Sampler(temperature=0.0, seed=1),
        )
        for at in places
    ]
    texts = [""] * OPENINGS
    for record in engine.together(requests):
        if isinstance(record, TextChunk):
            texts[record.sequence] += record.text
    return overlap(texts, [text], [held_out])
