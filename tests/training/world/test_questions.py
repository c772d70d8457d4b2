"""Questions kept apart: the loss of their answers, and how many are answered right."""

from __future__ import annotations

import math

import pytest
import torch

from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.self_study.example import Example
from kobold_modules.training.world.questions import OPTIONS, Questions
from tests.tiny import tiny


def example(who: str, answer: str) -> Example:
    return Example("question", (who,), f"{who}: {answer}\n\n", f"Who is {who}?\n", answer)


NAMES = ["Anne", "Bert", "Cleo", "Dora", "Emil", "Fritz"]
EXAMPLES = [example(name, f"{name}'s trade is {trade}.") for name, trade in zip(NAMES, "abcdef", strict=True)]


def test_the_loss_is_that_of_the_right_answers_tokens() -> None:
    loss = PromptLoss(tiny())
    questions = Questions.of(EXAMPLES[:2], EXAMPLES[2:], loss.frozen, 64)
    prompt = loss.frozen.table[4:9].float()

    found = questions.answered(loss, prompt, 5)

    literal = []
    for each in EXAMPLES[:2]:
        ids = torch.tensor([loss.frozen.encode(each.prompt + each.answer)])
        literal.append(float(loss.per_token(prompt, ids)[0, len(each.prompt) - 1 :].sum()))
    assert found.stretches == pytest.approx(literal, rel=1e-4)
    tokens = sum(len(each.answer) for each in EXAMPLES[:2])
    assert found.nats_per_token == pytest.approx(sum(literal) / tokens, rel=1e-4)
    assert found.bits_per_byte == pytest.approx(sum(literal) / math.log(2) / tokens, rel=1e-4)
    assert found.tokens == questions.tokens == tokens


def test_right_is_what_is_likelier_than_the_answers_to_other_questions() -> None:
    loss = PromptLoss(tiny())
    questions = Questions.of(EXAMPLES, [], loss.frozen, 64)

    found = questions.answered(loss, None, 0)

    wrong = []
    for each in EXAMPLES:
        likely = {}
        for other in EXAMPLES:
            ids = torch.tensor([loss.frozen.encode(each.prompt + other.answer)])
            likely[other.answer] = float(loss.per_token(None, ids)[0, len(each.prompt) - 1 :].mean())
        asked = next(q for q in questions.questions if q.text == each.prompt.strip())
        given = {"".join(chr(i) for i in piece.ids[piece.scored :]) for piece in asked.options}
        spelled = {answer: "".join(chr(ord(c) % 97) for c in answer) for answer in likely}
        best = min((value, answer) for answer, value in likely.items() if spelled[answer] in given)
        if best[1] != each.answer:
            wrong.append(asked.text)
    assert sorted(found.wrong) == sorted(wrong)
    assert found.right == found.asked - len(wrong)


def test_wrong_answers_are_to_questions_about_other_entries() -> None:
    frozen = tiny()
    twice = Example("question", ("Anne",), "", "What does Anne do?\n", "She bakes.")

    questions = Questions.of([EXAMPLES[0]], [twice, *EXAMPLES[1:]], frozen, 64)

    (question,) = questions.questions
    assert len(question.options) == OPTIONS
    assert not any(piece.ids[piece.scored :] == tuple(frozen.encode("She bakes.")) for piece in question.options)


def test_a_few_are_from_all_over() -> None:
    questions = Questions.of(EXAMPLES, [], tiny(), 64)

    assert [q.text for q in questions.first(3).questions] == ["Who is Anne?", "Who is Cleo?", "Who is Emil?"]
    assert questions.first(60) is questions
