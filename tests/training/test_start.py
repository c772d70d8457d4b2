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
from kobold_modules.training.packing import Rows
from kobold_modules.training.start import DECIDED_ON, few_of, starts_that_help
from kobold_modules.training.world.questions import Question, Questions
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

    def run(self) -> list[Note]:
        _, records = finished(starts_that_help(self.loss, self.state, [self.writer]))
        notes = [record for record in records if isinstance(record, Note)]
        assert len(notes) == len(records)
        return notes

    def judge(
        self,
        monkeypatch: pytest.MonkeyPatch,
        bare: float,
        words: float,
        frequent: float = 9.0,
        meaningless: float = 9.0,
    ) -> list[HeldOut]:
        """Let what is measured have these losses. Returns the text of every measurement."""
        table, asked = self.loss.frozen.table.float(), []

        def measured(loss: PromptLoss, prompt: torch.Tensor | None, what: HeldOut, reserve: int) -> Bits:
            asked.append(what)
            if prompt is None:
                return bits(bare)
            if torch.equal(prompt, self.before[0]):
                return bits(words)
            real = bool((prompt[:, None] == table[None]).all(-1).any(-1).all())
            return bits(frequent if real else meaningless)

        monkeypatch.setattr(start, "measure", measured)
        return asked


@pytest.mark.parametrize(
    ("frequent", "meaningless", "chosen"), [(2.0, 3.0, "frequent words"), (3.0, 2.0, "rows of no")]
)
def test_words_that_harm_give_way_to_what_harms_less(
    monkeypatch: pytest.MonkeyPatch, frequent: float, meaningless: float, chosen: str
) -> None:
    bench = Bench()
    bench.judge(monkeypatch, 2.5, 4.0, frequent, meaningless)

    notes = bench.run()

    assert bench.state.starts[0].startswith(chosen)
    assert chosen in notes[0].text
    for tensor in (bench.state.initial, bench.state.best, bench.state.average, bench.state.prompts):
        assert torch.equal(tensor, bench.state.initial)
        assert not torch.equal(tensor, bench.before)


def test_words_that_help_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    asked = bench.judge(monkeypatch, 3.0, 2.9, 0.0, 0.0)

    notes = bench.run()

    assert len(asked) == 2  # nothing else is tried
    assert torch.equal(bench.state.initial, bench.before)
    assert not notes


def test_words_stay_where_nothing_else_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.judge(monkeypatch, 3.0, 3.5)

    notes = bench.run()

    assert torch.equal(bench.state.initial, bench.before)
    assert not notes


def test_a_start_that_a_person_chose_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(start="words", start_with="gulls")
    bench.judge(monkeypatch, 2.0, 5.0, 0.0, 0.0)

    bench.run()

    assert torch.equal(bench.state.initial, bench.before)


def test_a_start_is_decided_on_a_part_of_what_is_measured_while_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step does not wait until all of the held-out text has been read several times."""
    bench = Bench()
    whole = bench.writer.held_out
    assert isinstance(whole, HeldOut)
    asked = bench.judge(monkeypatch, 2.5, 4.0, 2.0, 3.0)

    bench.run()

    assert all(part.documents[0] == whole.documents[0][: len(part.documents[0])] for part in asked)
    assert all(0 < part.tokens <= DECIDED_ON * whole.tokens for part in asked)


def test_of_questions_a_start_is_decided_on_some_from_all_over() -> None:
    many = Questions(tuple(Question(str(number), (), 1) for number in range(100)))
    few = Questions(many.questions[:5])

    chosen, all_of_few = few_of(many), few_of(few)

    assert isinstance(chosen, Questions)
    assert [question.text for question in chosen.questions] == [str(number) for number in range(0, 100, 5)]
    assert all_of_few == few
