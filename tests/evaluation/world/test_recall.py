"""Closed-book recall: by choice and by generation, on llama.cpp and on torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.evaluation.scorer import EngineScorer
from kobold_modules.evaluation.world.answers import answers
from kobold_modules.evaluation.world.questions import Question
from kobold_modules.evaluation.world.recall import Asked, ChoiceLosses, ask, gap_closed, gap_is_clear
from kobold_modules.models.find import resolve
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack


QUESTIONS = (
    Question("What did the girl find?", ("A big red ball", "A cup", "The moon", "Nothing at all"), 0, "lily"),
    Question("Who came to the door?", ("A dog", "Her mom", "Tim", "A man in a hat"), 1, "door"),
    Question("Where was the cat?", ("In the tree", "Under the bed", "At school", "On a boat"), 3, "cat"),
)


@pytest.fixture
def engine(stories: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(resolve(str(stories / "stories260K-F32.gguf")), exact=True) as opened:
        yield opened


def some_module(engine: LlamaEngine, rows: int = 6) -> Module:
    ids = engine.tokenize("Once upon a time there was a big red ball in the park and")[:rows]
    return Module(engine.info.file.rows_at(ids), Card("words", fingerprint=engine.info.fingerprint))


def test_both_engines_find_the_same_losses(engine: LlamaEngine, stories: Path) -> None:
    import torch

    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.evaluation.torch_scorer import TorchScorer
    from kobold_modules.forward.prompt_loss import PromptLoss

    module = some_module(engine)
    frozen = load_torch_model(resolve(str(stories / "stories260K-hf")), "cpu")
    loss = PromptLoss(frozen)
    for modules, prompt in (((), None), ((module,), torch.tensor(module.vectors))):
        stack = Stack().add(modules[0]) if modules else Stack()
        ours = ask(EngineScorer(engine, stack), QUESTIONS)
        theirs = ask(TorchScorer(loss, prompt), QUESTIONS)
        for a, b in zip(ours.losses, theirs.losses, strict=True):
            assert a.tokens == b.tokens
            assert np.allclose(a.totals, b.totals, atol=0.02)


def test_a_rows_of_words_is_what_the_words_in_the_context_are(engine: LlamaEngine) -> None:
    """The module's rows stand in front of the question, exactly as text would."""
    words = "The man in a hat came to the door."
    module = Module(
        engine.info.file.rows_at(engine.tokenize(words)), Card("words", fingerprint=engine.info.fingerprint)
    )
    behind = ask(EngineScorer(engine, Stack().add(module)), QUESTIONS)
    bare = ask(EngineScorer(engine, Stack()), QUESTIONS)

    assert not np.allclose(behind.table[:, 2], bare.table[:, 2], atol=0.01)


def test_an_entry_in_view_is_seen_only_by_its_own_question(engine: LlamaEngine) -> None:
    scorer = EngineScorer(engine, Stack())
    closed = ask(scorer, QUESTIONS)
    shown = ask(scorer, QUESTIONS, "entry in context", {"lily": "Lily found a big red ball in the park."})

    assert np.allclose(shown.table[1:], closed.table[1:], atol=0.01)
    assert shown.losses[0].totals[0] < closed.losses[0].totals[0] - 0.1  # its answer stands in the entry


def test_the_rule_is_total_log_likelihood_and_by_length_stands_beside_it() -> None:
    losses = ChoiceLosses((4.0, 3.0, 9.0, 9.0), (4, 1, 2, 2), 0)
    assert not losses.right
    assert losses.right_by_length


def asked(front: str, right: list[bool], nats: float) -> Asked:
    made = [ChoiceLosses((2 * nats, 99.0 if yes else 0.0), (2, 2), 0) for yes in right]
    return Asked(front, tuple(made))


def test_the_share_of_the_gap_that_is_closed() -> None:
    nothing = asked("nothing", [False] * 30 + [True] * 10, 7.0)
    module = asked("module", [False] * 15 + [True] * 25, 5.0)
    in_context = asked("entry in context", [True] * 40, 3.0)
    in_answers, in_nats = gap_closed(nothing, module, in_context)

    assert in_answers.value == pytest.approx(0.5)
    assert in_answers.low is not None
    assert in_answers.high is not None
    assert in_answers.low < 0.5 < in_answers.high
    assert in_nats.value == pytest.approx(0.5)
    assert gap_is_clear(nothing, in_context) == (True, True)
    assert gap_is_clear(nothing, nothing) == (False, False)
    assert nothing.evidence.nats.value == pytest.approx(7.0)
    assert nothing.evidence.right.value == pytest.approx(0.25)


def test_what_the_model_says_is_judged_and_names_that_nobody_knows_are_noticed(engine: LlamaEngine) -> None:
    said = list(answers(engine, Stack(), QUESTIONS, "Lily lives here."))

    assert [one.question for one in said] == [question.question for question in QUESTIONS]
    assert all(one.true == question.true for one, question in zip(said, QUESTIONS, strict=True))
    assert all("\n" not in one.said for one in said)
    assert all(one.right == question.is_right(one.said) for one, question in zip(said, QUESTIONS, strict=True))
    assert all(name not in ("Lily", "The") for one in said for name in one.invented)
    again = list(answers(engine, Stack(), QUESTIONS, ""))
    assert [one.said for one in again] == [one.said for one in said]  # greedy
    assert not any(one.invented for one in again)  # without lore nothing is known to be invented
