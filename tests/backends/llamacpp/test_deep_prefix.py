"""17: deep prefixes in llama.cpp are what they are in transformers: for Llama's, Qwen's and Gemma's keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.errors import WrongModel
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card
from kobold_modules.soft_prompt.rotation import Rope, placed
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import decoder_of, module_of
from tests.backends.deep import deep_of, reference, tiny, torch_model
from tests.backends.llamacpp.test_parity import load


WORDS = "The harbour lay under fog, and the bell on the far mole rang for nobody."
TEXT = " Then the boat came in, and she knew the man who stood in it."


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gemma2", "gemma3"])
@pytest.mark.parametrize(("exact", "most"), [(True, 1e-3), (False, 1e-2)])
def test_text_behind_a_deep_prefix_is_as_likely_as_in_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, exact: bool, most: float
) -> None:
    path = tiny(tmp_path, architecture, monkeypatch)
    model = torch_model(path)
    with LlamaEngine(ModelFile.at(path), exact=exact) as engine:
        ids = engine.tokenize(TEXT)
        prefix = deep_of(model, engine.tokenize(WORDS)[:20])
        expected, plain = reference(model, prefix, ids), engine.log_probabilities(TEXT, Stack())
        got = engine.log_probabilities(TEXT, Stack().add(prefix))
    assert got.shape == expected.shape == plain.shape
    assert np.abs(got - expected).mean() < most  # Gemma's GELU is a table in llama.cpp; float32 keys differ by 1e-6
    assert np.abs(plain - expected).mean() > 20 * most  # the prefix is no small thing


@pytest.fixture(scope="module")
def stories_torch(stories: Path) -> tuple[Any, np.ndarray]:
    return load(stories, "stories260K-F32.gguf")


@pytest.fixture(scope="module")
def prefix(stories_torch: tuple[Any, np.ndarray], exact_stories: LlamaEngine) -> DeepPrefix:
    return deep_of(stories_torch[0], exact_stories.tokenize("Tim had a red ball. He liked to play with his red ball."))


STORY = "Once upon a time, there was a girl named Lily. She loved to play outside in the park."


def test_rows_behind_a_deep_prefix_see_it(
    stories_torch: tuple[Any, np.ndarray], prefix: DeepPrefix, exact_stories: LlamaEngine
) -> None:
    model, table = stories_torch
    rows = module_of(table, 6, 3)
    ids = exact_stories.tokenize(STORY)
    got = exact_stories.log_probabilities(STORY, Stack().add(prefix).add(rows))
    expected = reference(model, prefix, ids, rows.vectors)
    assert len(got) == len(expected) + 1  # behind rows the first token has a probability, too
    assert np.abs(got[1:] - expected).max() < 2e-3


def test_a_deep_prefix_behind_rows_stands_at_the_next_positions(
    stories_torch: tuple[Any, np.ndarray], prefix: DeepPrefix, exact_stories: LlamaEngine
) -> None:
    """Its keys are turned by as many positions, and it sees nothing of what stands before it."""
    model, table = stories_torch
    rows = module_of(table, 6, 3)
    ids = exact_stories.tokenize(STORY)
    frequencies = model.model.rotary_emb.inv_freq.double().numpy()
    cache = DynamicCache()
    with torch.no_grad():
        model(inputs_embeds=torch.from_numpy(rows.vectors.copy())[None], cache=cache, use_cache=True)
        keys = placed(prefix.keys, rows.tokens, Rope(np.broadcast_to(frequencies, (prefix.layers, len(frequencies)))))
        for layer in range(prefix.layers):
            cache.update(
                torch.from_numpy(keys[layer].copy())[None],
                torch.from_numpy(prefix.values[layer].copy())[None],
                layer,
            )
        logits = model(input_ids=torch.tensor([ids]), cache=cache).logits[0].double().log_softmax(-1).numpy()
    expected = logits[np.arange(len(ids) - 1), ids[1:]]
    got = exact_stories.log_probabilities(STORY, Stack().add(rows).add(prefix))
    assert np.abs(got - expected).max() < 2e-3


def test_two_deep_prefixes_stand_one_behind_the_other(
    stories_torch: tuple[Any, np.ndarray], prefix: DeepPrefix, exact_stories: LlamaEngine
) -> None:
    model, _ = stories_torch
    other = deep_of(model, exact_stories.tokenize("The sun was hot and the big dog ran to the lake."), "other")
    frequencies = model.model.rotary_emb.inv_freq.double().numpy()
    rope = Rope(np.broadcast_to(frequencies, (prefix.layers, len(frequencies))))
    keys = np.concatenate([prefix.keys, placed(other.keys, prefix.tokens, rope)], axis=2)
    both = DeepPrefix(keys, np.concatenate([prefix.values, other.values], axis=2), Card("both"))
    expected = exact_stories.log_probabilities(STORY, Stack().add(both))
    got = exact_stories.log_probabilities(STORY, Stack().add(prefix).add(other))
    assert np.abs(got - expected).max() < 1e-3
    assert np.abs(got - exact_stories.log_probabilities(STORY, Stack().add(other).add(prefix))).max() > 0.05


def test_its_strength_leads_from_where_training_started(exact_stories: LlamaEngine, prefix: DeepPrefix) -> None:
    rng = np.random.default_rng(2)
    start = [
        array + 0.3 * rng.standard_normal(array.shape).astype(np.float32) for array in (prefix.keys, prefix.values)
    ]
    trained = DeepPrefix(prefix.keys, prefix.values, Card("trained"), *start)
    whole, none = Stack().add(trained, 1.0), Stack().add(DeepPrefix(start[0], start[1], Card("start")))
    nearly = exact_stories.log_probabilities(STORY, Stack().add(trained, 1e-4))
    assert np.abs(nearly - exact_stories.log_probabilities(STORY, none)).max() < 1e-2
    assert np.abs(exact_stories.log_probabilities(STORY, whole) - nearly).max() > 0.1
    assert not Stack().add(trained, 0.0).active


def written(engine: LlamaEngine, request: Request) -> tuple[str, Finished]:
    *pieces, end = list(engine.generate(request))
    assert isinstance(end, Finished)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextChunk)), end


GREEDY = Sampler(temperature=0.0, seed=1)


def test_a_stack_that_comes_back_is_restored(
    engine: LlamaEngine, prefix: DeepPrefix, stories_table: np.ndarray
) -> None:
    """Its state is kept as that of rows is: in the context, in memory, and on disk."""
    rows = module_of(stories_table, 6, 3)
    for stack in (Stack().add(prefix), Stack().add(rows).add(prefix), Stack().add(prefix).add(rows)):
        request = Request(text=STORY, stack=stack, max_tokens=12, sampler=GREEDY)
        first, end = written(engine, request)
        assert end.prefix_decoded == (
            rows.tokens if len(stack.layers) == 2 else 0
        )  # a deep prefix is written, not read
        decoder = decoder_of(engine)
        for cached in decoder.sequences:  # all texts leave the context, the stacks' own states stay
            decoder.pool.drop(cached)
        again, end = written(engine, request)
        assert (again, end.prefix_decoded) == (first, 0)


def test_takes_behind_different_stacks_are_written_side_by_side(
    exact_stories: LlamaEngine, prefix: DeepPrefix, stories_table: np.ndarray
) -> None:
    rows = module_of(stories_table, 6, 3)
    stacks = [
        Stack(),
        Stack().add(prefix),
        Stack().add(rows),
        Stack().add(rows).add(prefix),
        Stack().add(prefix).add(rows),
    ]
    requests = [Request(text=STORY, stack=stack, max_tokens=10, sampler=GREEDY) for stack in stacks]
    texts = [""] * len(stacks)
    for record in exact_stories.together(requests):
        if isinstance(record, TextChunk):
            texts[record.sequence] += record.text
    assert texts == [written(exact_stories, request)[0] for request in requests]
    assert len(set(texts)) > 1


def test_an_empty_page_begins_behind_it(engine: LlamaEngine, prefix: DeepPrefix) -> None:
    """Behind a deep prefix nothing was read yet, so the page begins as the plain model's does."""
    text, end = written(engine, Request(text="", stack=Stack().add(prefix), max_tokens=8, sampler=GREEDY))
    assert text
    assert end.reason == "length"


def test_one_of_another_shape_is_refused(engine: LlamaEngine, prefix: DeepPrefix) -> None:
    narrow = DeepPrefix(prefix.keys[:-1], prefix.values[:-1], Card("narrow"))
    with pytest.raises(WrongModel, match="narrow holds keys and values of 4 layers with 4 heads of 8"):
        engine.log_probabilities(STORY, Stack().add(narrow))


def test_the_starter_agrees(starter: Path) -> None:
    model, table = load(starter.parent, starter.name)
    for exact, most in ((True, 5e-3), (False, 2e-2)):
        with LlamaEngine(ModelFile.at(starter), exact=exact) as engine:
            prefix = deep_of(model, engine.tokenize(WORDS))
            rows, ids = module_of(table, 5, 1), engine.tokenize(TEXT)
            alone, before = (engine.log_probabilities(TEXT, Stack().add(prefix)), reference(model, prefix, ids))
            assert np.abs(alone - before).max() < most
            both = engine.log_probabilities(TEXT, Stack().add(prefix).add(rows))
            assert np.abs(both[1:] - reference(model, prefix, ids, rows.vectors)).max() < most


@pytest.mark.slow
def test_smollm2_agrees_too(smollm2: Path) -> None:
    model = load_torch_model(ModelFile.at(smollm2), "cpu").model
    with LlamaEngine(ModelFile.at(smollm2)) as engine:
        prefix, ids = deep_of(model, engine.tokenize(WORDS)), engine.tokenize(TEXT)
        behind = engine.log_probabilities(TEXT, Stack().add(prefix))
        plain = engine.log_probabilities(TEXT, Stack())
    expected = reference(model, prefix, ids)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1).numpy()
    rounding = np.abs(plain - logits[np.arange(len(ids) - 1), ids[1:]]).mean()
    # llama.cpp rounds activations to 8 bits beside weights of 4: behind a prefix by no more than without one
    assert np.abs(behind - expected).mean() < 2 * rounding + 0.02
    assert np.abs(behind - plain).mean() > 5 * np.abs(behind - expected).mean()
