"""What a training begins from: never words that are worse than nothing, where anything else is better."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from kobold_modules.corpus import Corpus, Split
from kobold_modules.evaluation.bits import Bits, HeldOut
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.records import Note
from kobold_modules.training import TrainingRequest, start
from kobold_modules.training.checkpoint import State
from kobold_modules.training.data import TrainingData
from kobold_modules.training.finish import Baselines
from kobold_modules.training.packing import Rows
from kobold_modules.training.start import starts_that_help
from tests.finished import finished
from tests.tiny import tiny


TEXT = "the ferry went out and the gulls came in. " * 30


def bits(nats: float) -> Bits:
    return Bits(nats, nats, 10, 10)


class Bench:
    def __init__(self, **settings: Any) -> None:
        self.loss = PromptLoss(tiny())
        given: dict[str, Any] = {"files": ("a.txt",), "name": "a", "tokens": 6, "steps": 10}
        request = TrainingRequest(**given | settings)
        encode = self.loss.frozen.encode
        held_out = HeldOut.of((TEXT,), encode)
        rows = Rows.of((TEXT,), encode, 40)
        self.writer = TrainingData(request, Corpus((), ()), Split((TEXT,), (TEXT,)), rows, held_out, held_out)
        self.state = State.fresh(self.loss.frozen.table[:6].float()[None].clone())
        self.before = self.state.initial.clone()

    def run(self, bare: float, words: float) -> tuple[list[Bits], list[Note]]:
        baselines = [Baselines(bits(bare), bits(words))]
        running = starts_that_help(self.loss, self.state, [self.writer], baselines)
        kept, records = finished(running)
        notes = [record for record in records if isinstance(record, Note)]
        assert len(notes) == len(records)
        return kept, notes


@pytest.mark.parametrize(
    ("frequent", "meaningless", "chosen"), [(2.0, 3.0, "frequent words"), (3.0, 2.0, "rows of no")]
)
def test_words_that_harm_give_way_to_what_harms_less(
    monkeypatch: pytest.MonkeyPatch, frequent: float, meaningless: float, chosen: str
) -> None:
    bench = Bench()
    table = bench.loss.frozen.table.float()

    def measured(loss: PromptLoss, prompt: torch.Tensor, *rest: Any) -> Bits:
        real = bool((prompt[:, None] == table[None]).all(-1).any(-1).all())
        return bits(frequent if real else meaningless)

    monkeypatch.setattr(start, "measure", measured)
    found, notes = bench.run(bare=2.5, words=4.0)

    assert found[0].nats_per_token == 2.0
    assert bench.state.starts[0].startswith(chosen)
    assert chosen in notes[0].text
    for tensor in (bench.state.initial, bench.state.best, bench.state.average, bench.state.prompts):
        assert torch.equal(tensor, bench.state.initial)
        assert not torch.equal(tensor, bench.before)


def test_words_that_help_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "measure", lambda *given: bits(0.0))  # nobody is to ask
    bench = Bench()

    found, notes = bench.run(bare=3.0, words=2.9)

    assert found[0].nats_per_token == 2.9
    assert torch.equal(bench.state.initial, bench.before)
    assert not notes


def test_words_stay_where_nothing_else_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "measure", lambda *given: bits(9.0))
    bench = Bench()

    found, notes = bench.run(bare=3.0, words=3.5)

    assert found[0].nats_per_token == 3.5
    assert torch.equal(bench.state.initial, bench.before)
    assert not notes


def test_a_start_that_a_person_chose_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "measure", lambda *given: bits(0.0))
    bench = Bench(start="words", start_with="gulls")

    bench.run(bare=2.0, words=5.0)

    assert torch.equal(bench.state.initial, bench.before)
