"""What each virtual token is worth, through the real engine: issue 17, deliverable 5."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.drain import drain
from kobold_modules.errors import BadText
from kobold_modules.evaluation.worth import MOST, stretches_of, worth_on
from kobold_modules.models.find import resolve
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack


def table_of(stories: Path) -> np.ndarray:
    return np.concatenate(list(resolve(str(stories / "stories260K-F32.gguf")).read_table()))


PAGE = "Once upon a time there was a little girl who had a red ball. She went to the park to play with her dog. " * 3


def test_a_vectors_worth_is_what_the_page_loses_without_it(stories: Path) -> None:
    module = Module(3 * table_of(stories)[[400, 20, 300]], Card("words"))
    with LlamaEngine(resolve(str(stories / "stories260K-F32.gguf"))) as engine:
        found = drain(worth_on(engine, module, [PAGE], engine.info.context))

        ids = engine.tokenize(PAGE)[:256]

        def loss(rows: np.ndarray) -> float:
            return -float(engine.score(ids, Stack().add(Module(rows, Card("x"))))[1:].mean())

        wanted = [loss(np.delete(module.vectors, row, 0)) - loss(module.vectors) for row in range(3)]
    assert found.tokens == len(ids) - 1
    assert list(found.nats_per_token) == pytest.approx(wanted, abs=1e-4)
    assert len(set(found.nats_per_token)) == 3


def test_a_module_of_one_vector_is_measured_against_nothing(stories: Path) -> None:
    module = Module(table_of(stories)[[400]], Card("word"))
    with LlamaEngine(resolve(str(stories / "stories260K-F32.gguf"))) as engine:
        found = drain(worth_on(engine, module, [PAGE], engine.info.context))
        ids = engine.tokenize(PAGE)[:256]
        bare = -float(engine.score(ids, Stack()).mean())
        behind = -float(engine.score(ids, Stack().add(module))[1:].mean())
    assert list(found.nats_per_token) == pytest.approx([bare - behind], abs=1e-4)


def test_pages_are_read_from_all_over() -> None:
    found = stretches_of([list(range(5000))], 256)
    assert len(found) == MOST // 256
    assert found[0][0] == 0
    assert found[-1][-1] == 4999


@pytest.mark.parametrize(("ids", "length"), [([], 256), ([[1]], 256), ([list(range(99))], 0)])
def test_too_little_text_or_room_is_told(ids: list[list[int]], length: int) -> None:
    with pytest.raises(BadText, match="too little text"):
        stretches_of(ids, length)
