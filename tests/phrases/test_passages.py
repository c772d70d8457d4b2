"""The search for passages, against the literal one: every candidate in front of everything, one call a text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.phrases import passages
from kobold_modules.phrases.candidates import Material, Stretch, material
from kobold_modules.phrases.passages import Passages, PassageSearch, behind, joined
from kobold_modules.soft_prompt.stack import Stack
from tests.finished import finished


ROOM = 300


@pytest.fixture(scope="module")
def choice(noir: Path) -> Material:
    """Return six candidates of 30 words."""
    return material([noir.read_text(encoding="utf-8")[:12_000]], 30, 6, seed=3)


def literal(engine: LlamaEngine, front: Sequence[Stretch], choice: Material) -> float:
    """Return the bits per byte of what is tried, each text read whole behind the front."""
    nats, size = 0.0, 0
    for one in choice.tried_on:
        ids, before = engine.tokenize(one.text)[: passages.TRIED], engine.tokenize(joined(front))
        nats -= float(engine.score([*before, *ids], Stack())[1 - len(ids) :].sum())
        size += sum(len(engine.piece(token)) for token in ids[1:])
    return nats / math.log(2) / size


@pytest.fixture
def whole_race(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every candidate run the whole way in every round."""
    monkeypatch.setattr(passages, "RACE", ((1.0, 1.0),))
    monkeypatch.setattr(passages, "LATER", 1.0)


@pytest.mark.usefixtures("whole_race")
def test_the_best_passage_is_found_and_then_the_best_behind_it(exact_engine: LlamaEngine, choice: Material) -> None:
    found, _ = finished(PassageSearch(exact_engine, choice, ROOM).run(2, 100))

    assert found.steps[0].bits_per_byte == pytest.approx(literal(exact_engine, (), choice), abs=1e-4)
    chosen: tuple[Stretch, ...] = ()
    for step in found.steps[1:]:
        going_on = [choice.following.get((one.document, one.place + 1)) for one in chosen]
        free = [one for one in (*choice.candidates, *going_on) if one is not None and one not in chosen]
        expected = min(literal(exact_engine, (*chosen, one), choice) for one in free)
        assert step.bits_per_byte == pytest.approx(literal(exact_engine, step.stretches, choice), abs=1e-4)
        assert step.bits_per_byte == pytest.approx(expected, abs=1e-4)
        chosen = step.stretches
    assert len(chosen) >= 1
    assert found.text == joined(chosen)


def test_a_race_tries_less_and_keeps_what_helps(exact_engine: LlamaEngine, choice: Material) -> None:
    found, seen = finished(PassageSearch(exact_engine, choice, ROOM).run(3, 100))
    bits = [step.bits_per_byte for step in found.steps]

    assert bits == sorted(bits, reverse=True)
    assert len(set(bits)) == len(bits) >= 2
    assert bits[-1] == pytest.approx(literal(exact_engine, found.steps[-1].stretches, choice), abs=1e-4)
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert seen[-1].done == seen[-1].total
    assert all(one.done <= one.total for one in seen)


def test_the_same_search_finds_the_same(exact_engine: LlamaEngine, choice: Material) -> None:
    first, second = (finished(PassageSearch(exact_engine, choice, ROOM).run(2, 100))[0] for _ in range(2))

    assert first.text == second.text


@pytest.mark.parametrize(("words", "room"), [(40, ROOM), (100, 70)])
def test_neither_words_nor_room_are_exceeded(
    exact_engine: LlamaEngine, choice: Material, words: int, room: int
) -> None:
    found, _ = finished(PassageSearch(exact_engine, choice, room).run(3, words))

    assert sum(one.words for one in found.steps[-1].stretches) <= words
    assert len(exact_engine.tokenize(found.text)) <= room


def test_no_room_for_any_passage_finds_nothing(exact_engine: LlamaEngine, choice: Material) -> None:
    found, _ = finished(PassageSearch(exact_engine, choice, 5).run(3, 100))

    assert found.text == ""
    assert len(found.steps) == 1


@pytest.mark.parametrize("calls", [0, 4, 12])
def test_a_stop_keeps_what_was_found(exact_engine: LlamaEngine, choice: Material, calls: int) -> None:
    found, _ = finished(PassageSearch(exact_engine, choice, ROOM).run(3, 100, stopping_after(calls)))

    assert isinstance(found, Passages)
    assert found.stopped
    assert found.text == joined(found.steps[-1].stretches)


def stopping_after(calls: int) -> Callable[[], bool]:
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > calls

    return cancelled


def test_passages_of_one_place_are_joined_without_a_gap() -> None:
    a, b, c = (Stretch(text, 0, place, 1) for text, place in (("A.", 3), ("B.", 4), ("C.", 9)))

    assert joined([a, c, b]) == "A. B.\n\nC.\n\n"
    assert joined([b, a]) == "B.\n\nA.\n\n"
    assert joined([]) == ""


def test_the_same_tokens_are_scored_whatever_stands_in_front(exact_engine: LlamaEngine) -> None:
    ids = exact_engine.tokenize("The dog ran home. It was late.")

    for text in ("", "Once upon a time.\n\n"):
        (found,) = behind(exact_engine, text, [ids])
        assert len(found) == len(ids) - 1
