"""A module's say in the next token is measured in bits: 0 where it changes nothing, more where it does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.torch.engine import HfEngine
from kobold_modules.formats import kobold
from kobold_modules.generation.inspection.divergence import WINDOW, divergence, jensen_shannon
from kobold_modules.generation.protocol import Request
from kobold_modules.generation.softmax import softmax
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import demo_module_path
from kobold_modules.records import Finished
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends import tiny_folder
from tests.last import last


TEXT = "Rain fell on the harbour. She lit a cigarette and looked at the"


@pytest.fixture(scope="module")
def engine(starter: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(ModelFile.at(starter), context=512, disk=0) as engine:
        yield engine


@pytest.fixture(scope="module")
def demo(starter: Path) -> Module:
    return kobold.read(demo_module_path())


def test_the_divergence_of_known_distributions() -> None:
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert jensen_shannon(p, p) == 0
    assert jensen_shannon(p, q) == 1
    half = np.array([0.5, 0.5])
    expected = 0.5 * math.log2(1 / 0.75) + 0.5 * (0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25))
    assert jensen_shannon(p, half) == pytest.approx(expected)
    assert jensen_shannon(half, p) == jensen_shannon(p, half)


def test_a_module_that_is_silent_is_exactly_zero_and_one_that_speaks_is_not(engine: LlamaEngine, demo: Module) -> None:
    for silent in (Layer(demo, 0.0), Layer(demo, 1.0, on=False)):
        found = divergence(engine, TEXT, [silent])
        assert (found.layers, found.whole) == ((0.0,), 0.0)
    speaking = divergence(engine, TEXT, [Layer(demo)])
    assert speaking.layers == (speaking.whole,)
    assert speaking.whole is not None
    assert 0.001 < speaking.whole < 1


def test_it_is_that_of_the_tokens_that_peek_sees(engine: LlamaEngine, demo: Module) -> None:
    plain = Sampler(token_healing=False)
    with_it, without = (
        softmax(engine.next_logits(Request(text=TEXT, stack=stack, sampler=plain)))
        for stack in (Stack().add(demo), Stack())
    )
    found = divergence(engine, TEXT, [Layer(demo)])
    assert found.whole == pytest.approx(jensen_shannon(with_it, without), abs=2e-3)


def test_each_of_several_is_measured_by_leaving_it_out(engine: LlamaEngine, demo: Module) -> None:
    other = replace(demo, vectors=np.ascontiguousarray(demo.vectors[::-1]))
    layers = [Layer(demo), Layer(demo, 0.0), Layer(other, 0.5)]
    found = divergence(engine, TEXT, layers)
    first, silent, last_one = found.layers
    assert silent == 0
    assert first is not None
    assert last_one is not None
    assert min(first, last_one) > 0
    tokens = engine.tokenize(TEXT)
    both, alone = (engine.uncached_logits(tokens, Stack(tuple(some))) for some in (layers, layers[2:]))
    assert both is not None
    assert alone is not None
    assert first == pytest.approx(jensen_shannon(softmax(both), softmax(alone)), abs=2e-3)


def test_a_space_at_the_end_and_old_text_change_nothing(engine: LlamaEngine, demo: Module) -> None:
    found = divergence(engine, TEXT, [Layer(demo)])
    assert divergence(engine, TEXT + "  ", [Layer(demo)]) == found
    end = " ".join(f"{n} boats came in with the tide." for n in range(WINDOW))
    assert divergence(engine, "Once upon a time. " + end, [Layer(demo)]) == divergence(engine, end, [Layer(demo)])


def test_nothing_to_read_behind_and_a_cancel_leave_it_unknown(engine: LlamaEngine, demo: Module) -> None:
    unknown = ((None, 0.0), None)
    layers = [Layer(demo), Layer(demo, 0.0)]
    found = divergence(engine, "", layers)
    assert (found.layers, found.whole) == unknown
    found = divergence(engine, TEXT, layers, lambda: True)
    assert (found.layers, found.whole) == unknown


def test_the_text_that_was_read_last_stays_read(engine: LlamaEngine, demo: Module) -> None:
    """The next take must not wait because somebody looked."""
    stack = Stack().add(demo)
    story = " ".join(f"The {n}. boat came in." for n in range(40))
    ask = Request(text=story, stack=stack, max_tokens=1, sampler=Sampler(seed=1, temperature=0, token_healing=False))
    list(engine.generate(ask))
    for strength in (1.0, 0.5, 0.7, 1.3):
        divergence(engine, story, [Layer(demo, strength), Layer(demo, 1.1)])
    finished = last(list(engine.generate(ask)), Finished)
    assert (finished.prefix_decoded, finished.text_decoded) == (0, 1)


def test_where_both_do_not_fit_the_text_stays_and_the_light_is_off(starter: Path, demo: Module) -> None:
    with LlamaEngine(ModelFile.at(starter), context=512, kept=0, disk=0) as engine:
        story = " ".join(f"The {n}. boat came in with the tide." for n in range(60))
        ask = Request(text=story, max_tokens=1, sampler=Sampler(seed=1, temperature=0, token_healing=False))
        list(engine.generate(ask))
        assert divergence(engine, story, [Layer(demo)]).whole is None
        assert last(list(engine.generate(ask)), Finished).text_decoded == 1


def test_the_torch_engine_measures_alike_and_keeps_nothing(tmp_path: Path) -> None:
    with HfEngine(ModelFile.at(tiny_folder.write(tmp_path / "tiny"))) as engine:
        rows = np.random.default_rng(2).normal(0, 0.5, (4, engine.info.width)).astype(np.float32)
        from kobold_modules.soft_prompt.module import Card

        noisy = Module(rows, Card("noisy"))
        list(engine.generate(Request(text=TEXT, max_tokens=1, sampler=Sampler(seed=1, token_healing=False))))
        assert divergence(engine, TEXT, [Layer(noisy, 0.0)]).layers == (0.0,)
        found = divergence(engine, TEXT, [Layer(noisy)])
        assert found.whole is not None
        assert found.whole > 0
        again = list(engine.generate(Request(text=TEXT, max_tokens=1, sampler=Sampler(seed=1, token_healing=False))))
        assert last(again, Finished).text_decoded == 1
