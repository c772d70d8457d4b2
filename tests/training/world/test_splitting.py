"""Which questions are kept apart: whole facts, so that no other wording of them is trained on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.self_study.example import Example, ExampleKind
from kobold_modules.training.world.recipe import FEWEST_FACTS, HELD_OUT, MOST_FACTS
from kobold_modules.training.world.splitting import kept_apart


def wordings(fact: int, kind: ExampleKind = "question") -> list[Example]:
    frames = (
        (f"Question: What is {fact}?\nAnswer:", f" It is {fact}.\n"),
        (f"Q: {fact}, what is it?\nA:", f"It is {fact}"),
    )
    return [Example(kind, (f"entry {fact % 7}",), "view", prompt, answer) for prompt, answer in frames]


def recitation(number: int) -> Example:
    return Example("recitation", (f"entry {number}",), "view", f"Lore entry: entry {number}\n", "All of it.\n")


@given(st.integers(2, 900), st.integers(0, 3))
def test_no_wording_of_a_fact_that_is_asked_is_trained_on(facts: int, seed: int) -> None:
    examples = [example for fact in range(facts) for example in wordings(fact)] + [recitation(n) for n in range(7)]

    train, apart = kept_apart(examples, seed)

    asked = {example.answer.strip(" .\n") for example in apart}
    assert not asked & {example.answer.strip(" .\n") for example in train}
    assert len(asked) == len(apart)
    assert len(train) == len(examples) - 2 * len(apart)
    assert 1 <= len(apart) <= MOST_FACTS
    assert len(apart) <= max(FEWEST_FACTS, HELD_OUT * facts)
    assert [example for example in train if example.kind == "recitation"] == examples[-7:]


def test_another_seed_keeps_others_apart_and_the_same_seed_the_same() -> None:
    examples = [example for fact in range(200) for example in wordings(fact)]

    assert kept_apart(examples, 1) == kept_apart(examples, 1)
    assert kept_apart(examples, 1)[1] != kept_apart(examples, 2)[1]


def test_where_rules_ask_nothing_statements_are_kept_apart() -> None:
    examples = [*(example for fact in range(20) for example in wordings(fact, "statement")), recitation(1)]

    assert {example.kind for example in kept_apart(examples, 1)[1]} == {"statement"}


def test_recitations_alone_are_measured_and_trained_on() -> None:
    examples = [recitation(number) for number in range(10)]

    train, apart = kept_apart(examples, 1)

    assert train == examples
    assert apart
