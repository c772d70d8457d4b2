"""17: a server finds deep prefixes in the library as it finds other modules, and writes behind both side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.errors import WrongModel
from kobold_modules.generation.protocol import Request
from kobold_modules.generation.stack_rows import rows_of
from kobold_modules.library.library import Library
from kobold_modules.records import TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.server.stacks import Stacks
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack


OPENING = "Once upon a time, there was a little girl named Lily."


@pytest.fixture
def stacks(engine: LlamaEngine, home: Path, modules: dict[str, Module]) -> Stacks:
    """Return the stacks of a library that holds a deep prefix, ``fog``, and ``noir``, of rows."""
    rng = np.random.default_rng(3)
    keys, values = (0.7 * rng.standard_normal((5, 4, 8, 8)).astype(np.float32) for _ in range(2))
    library = Library()
    library.add(DeepPrefix(keys, values, Card("fog", model="stories", fingerprint=engine.info.fingerprint)))
    library.add(modules["noir"])
    return Stacks(engine.info.name, engine.info.fingerprint)


def test_it_is_listed_and_joined_with_others(stacks: Stacks) -> None:
    assert [entry.name for entry in stacks.modules()] == ["fog", "noir"]
    joined = stacks.find("fog + noir:0.5").stack
    assert joined.is_deep
    assert [(layer.module.name, layer.strength) for layer in joined.layers] == [("fog", 1.0), ("noir", 0.5)]


def test_clients_behind_both_kinds_get_what_each_gets_alone(
    engine: LlamaEngine, stacks: Stacks, alone: Callable[..., str]
) -> None:
    asked = ["", "fog", "noir", "fog + noir", "noir + fog"]
    found = [stacks.find(name).stack for name in asked]
    batch, texts = engine.batch(), [""] * len(asked)
    greedy = Sampler(temperature=0, repetition=1)
    for number, stack in enumerate(found):
        read = batch.add(number, Request(text=OPENING, stack=stack, max_tokens=12, sampler=greedy))
        assert read == stack.tokens + len(engine.tokenize(OPENING))
        for record in batch.step():  # each joins while the others write
            if isinstance(record, TextChunk):
                texts[record.sequence] += record.text
    while batch:
        for record in batch.step():
            if isinstance(record, TextChunk):
                texts[record.sequence] += record.text
    batch.close()
    assert texts == [alone(OPENING, stack, 12) for stack in found]


def test_a_server_that_takes_rows_alone_refuses_it_in_a_sentence(engine: LlamaEngine, stacks: Stacks) -> None:
    """What vLLM gets is rows (``prompt_embeds``)."""
    with pytest.raises(WrongModel, match="fog is a deep prefix") as caught:
        rows_of(stacks.find("fog").stack, replace(engine.info), "")
    assert "distil" in caught.value.hint
    assert rows_of(Stack(), engine.info, "") is None
