"""The text nearest in effect to a module: measured against its own writing, and found where there is one."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.corpus import read
from kobold_modules.errors import BadText
from kobold_modules.evaluation.own_words import words_as_rows
from kobold_modules.phrases import of_module
from kobold_modules.phrases.measuring import Front
from kobold_modules.phrases.of_module import phrase_of_module, with_effects
from kobold_modules.phrases.passages import BETWEEN
from kobold_modules.phrases.phrase import Phrase
from kobold_modules.phrases.settings import PhraseRequest
from kobold_modules.records import Note, Progress
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.finished import finished


OPENING = "Once upon a time, there was a little dog named Tim. Tim liked to run in the park with a red ball. "
REQUEST = PhraseRequest(files=(), of="dog", words=60, passages=2, candidates=4)


@pytest.fixture(scope="module")
def dog(exact_engine: LlamaEngine) -> Module:
    """Return a module whose rows are words that could be typed, so that a text of nearly its effect exists."""
    return words_as_rows(exact_engine.info.file, exact_engine.tokenize(OPENING), "dog")


@pytest.fixture(scope="module")
def found(exact_engine: LlamaEngine, dog: Module) -> tuple[Phrase, list[Progress | Note]]:
    return finished(phrase_of_module(REQUEST, exact_engine, dog, {}))


def test_a_text_is_found_that_does_most_of_what_the_module_does(found: tuple[Phrase, list[Progress | Note]]) -> None:
    phrase, _ = found
    effects = {front.name: front.effect for front in phrase.fronts}

    assert list(effects) == ["nothing", "description", "phrase", "module"]
    assert effects["nothing"] == 0
    assert effects["module"] == 1
    assert effects["phrase"] is not None
    assert effects["description"] is not None
    assert effects["phrase"] > max(0.3, effects["description"])


def test_without_pages_it_is_measured_on_what_the_module_writes_and_says_so(
    found: tuple[Phrase, list[Progress | Note]],
) -> None:
    phrase, seen = found

    assert phrase.measured_on == "what the module writes"
    assert [record.text for record in seen if isinstance(record, Note)] == [
        "The pages that dog was trained on are not where they were: passages are chosen among what it writes. Name the "
        "pages behind the module to choose among them."
    ]
    assert all(record.done <= record.total for record in seen if isinstance(record, Progress))


def test_with_its_pages_it_is_measured_on_those_kept_back(exact_engine: LlamaEngine, dog: Module, noir: Path) -> None:
    sources = tuple({"name": one.name, "sha256": one.sha256} for one in read([noir]).documents)
    module = dog.with_card(sources=sources)

    phrase, _ = finished(phrase_of_module(REQUEST, exact_engine, module, {"files": [str(noir)]}))

    assert phrase.measured_on == "held-out pages"
    assert phrase.passages is not None
    for one in phrase.passages.steps[-1].stretches:
        assert one.document == -1 or one.text in " ".join(noir.read_text(encoding="utf-8").split())
    assert [front.effect is not None for front in phrase.fronts] == [True] * len(phrase.fronts)


def test_words_by_gradient_begin_with_the_nearest_and_see_only_what_it_wrote(
    exact_engine: LlamaEngine, dog: Module
) -> None:
    given: list[tuple[tuple[str, ...], str]] = []

    def search(pages: tuple[str, ...], start: str) -> Generator[Progress, None, str]:
        given.append((pages, start))
        yield Progress("searching words", 0, 1)
        return "a little dog"

    phrase, _ = finished(phrase_of_module(REQUEST, exact_engine, dog, {}, search_words=search))

    ((pages, start),) = given
    assert len(pages) == of_module.SEEN
    assert "littledog" in "".join(start.casefold().split())  # a word is several tokens here
    assert phrase.text == "a little dog" + BETWEEN


def test_the_effect_is_the_literal_divergence(exact_engine: LlamaEngine, dog: Module) -> None:
    """1 - D(t) / D(nothing), both from whole texts read one at a time."""
    texts, front = ("He ran home and saw a big cat.", "They played all day."), "A dog. "

    def nats(text: str, before: str, stack: Stack) -> float:
        ids = exact_engine.tokenize(text)
        return -float(exact_engine.score([*exact_engine.tokenize(before), *ids], stack)[1 - len(ids) :].sum())

    losses = [
        sum(nats(text, before, stack) for text in texts)
        for before, stack in (("", Stack()), (front, Stack()), ("", Stack().add(dog)))
    ]
    fronts = [Front(name, "", 0, loss, loss, None) for name, loss in zip("abc", losses, strict=True)]
    nothing, text, module = losses

    found = [one.effect for one in with_effects(fronts, fronts)]

    assert found[0] == 0
    assert found[2] == 1
    assert found[1] == pytest.approx(1 - (text - module) / (nothing - module))


def test_a_module_that_changes_nothing_has_no_effect_to_imitate() -> None:
    same = [Front(name, "", 0, 1.0, 1.0, None) for name in ("nothing", "phrase", "module")]

    assert [front.effect for front in with_effects(same, same)] == [None] * 3
    assert with_effects(same, []) == same


def test_a_stop_while_it_writes_has_nothing_to_show(exact_engine: LlamaEngine, dog: Module) -> None:
    phrase, _ = finished(phrase_of_module(REQUEST, exact_engine, dog, {}, lambda: True))

    assert phrase.stopped
    assert (phrase.text, phrase.fronts) == ("", ())


def test_a_stop_in_the_search_keeps_what_was_found(exact_engine: LlamaEngine, dog: Module) -> None:
    searching: list[bool] = []
    work = phrase_of_module(REQUEST, exact_engine, dog, {}, lambda: bool(searching))
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            phrase = end.value
            break
        if isinstance(record, Progress) and record.stage == "searching passages" and record.done > 6:
            searching.append(True)

    assert phrase.stopped
    assert phrase.fronts == ()


def test_a_module_that_writes_nothing_is_a_sentence(
    exact_engine: LlamaEngine, dog: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_module, "LEAST_LETTERS", 10_000)

    with pytest.raises(BadText, match="writes next to nothing"):
        finished(phrase_of_module(REQUEST, exact_engine, dog, {}))


def test_named_pages_that_it_was_trained_on_alone_are_refused(
    exact_engine: LlamaEngine, dog: Module, noir: Path
) -> None:
    whole = read([noir]).documents
    module = dog.with_card(sources=(*({"name": one.name, "sha256": one.sha256} for one in whole), {"sha256": "x"}))

    with pytest.raises(BadText, match="its other sources are not at hand"):
        finished(phrase_of_module(replace(REQUEST, files=(str(noir),)), exact_engine, module, {}))
