"""What the wheel brings along: the demo module fits the starter model and does what its card says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kobold_modules import corpus
from kobold_modules.backends.open import open_engine
from kobold_modules.evaluation.control_texts import samples_folder
from kobold_modules.formats import read
from kobold_modules.generation.inspection.inspect import OpenEngine
from kobold_modules.models.find import resolve
from kobold_modules.models.starter import demo_module_path
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack


@pytest.fixture(scope="module")
def demo() -> Module:
    return with_rows(read(demo_module_path()))


@pytest.fixture
def engine(starter: Path, home: Path) -> Iterator[OpenEngine]:
    with open_engine(resolve("starter")) as opened:
        yield opened


def held_back(engine: OpenEngine, tokens: int) -> str:
    """Return the front of the pages that the demo's training held back of our noir story, at most ``tokens``."""
    (text,) = corpus.split(corpus.read([samples_folder() / "noir"])).held_out
    words = text.split(" ")
    while len(engine.tokenize(" ".join(words))) > tokens:
        words = words[: len(words) * 9 // 10]
    return " ".join(words)


def test_the_demo_module_says_where_it_comes_from(demo: Module) -> None:
    assert demo.card.model == "starter"
    assert [source["name"] for source in demo.card.sources] == ["the-long-drop.txt"]
    assert demo.card.curve
    assert demo.initial is not None


def test_the_demo_module_predicts_pages_of_its_story_that_it_never_saw(demo: Module, engine: OpenEngine) -> None:
    stack = Stack().add(demo)
    assert stack.check(engine.info.fingerprint, engine.info.name) == []  # it fits, with nothing to warn of
    text = held_back(engine, 600)

    behind, alone = engine.log_probabilities(text, stack)[1:], engine.log_probabilities(text, Stack())

    with_it, without = (-float(np.sum(said)) / math.log(2) / len(text.encode()) for said in (behind, alone))
    assert len(behind) == len(alone) > 400
    assert 1.3 < with_it < 0.985 * without < 2.0
    assert with_it / without == pytest.approx(1 - demo.card.measured["gain"], abs=0.03)
