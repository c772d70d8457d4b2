"""Deep prefixes in a transformers cache, first and behind other modules: order in the stack is order of positions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from kobold_modules.backends.torch.context import TorchContext
from kobold_modules.backends.torch.deep_prefix import write_deep_prefix
from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.errors import WrongModel
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.generation.stack_rows import MixedFront
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from tests.tiny import tiny


ROTATED = ["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text"]
TEXT = [5, 9, 13, 2, 40, 41, 17]


def kept(frozen: TorchModel, ids: list[int], first: int) -> list[tuple[Tensor, Tensor]]:
    """Return what the model keeps of ``ids`` that stand at ``first`` and behind, with nothing before them."""
    from transformers import DynamicCache

    cache = DynamicCache(config=frozen.model.config)
    positions = torch.arange(first, first + len(ids))[None]
    with torch.no_grad():
        frozen.model(input_ids=torch.tensor([ids]), position_ids=positions, cache=cache, use_cache=True)
    return [(layer.keys[0], layer.values[0]) for layer in cache.layers]


def deep_of(frozen: TorchModel, ids: list[int]) -> DeepPrefix:
    layers = kept(frozen, ids, 0)
    keys, values = (np.stack([pair[side].numpy() for pair in layers]) for side in (0, 1))
    return DeepPrefix(keys, values, Card("Deep"))


def rows_of(frozen: TorchModel, ids: list[int]) -> Module:
    return Module(frozen.table[ids].float().numpy(), Card("Rows"))


def logits(frozen: TorchModel, stack: Stack) -> Tensor:
    """Return the logits behind a text behind ``stack``, as the engine computes them."""
    context = TorchContext(frozen)
    found = context.glance(MixedFront(stack.segments()), TEXT)
    context.close()
    return torch.from_numpy(found)


@pytest.mark.parametrize("kind", ROTATED)
def test_keys_moved_behind_others_are_those_of_their_new_positions(kind: str) -> None:
    from transformers import DynamicCache

    frozen = tiny(kind)
    deep, by = deep_of(frozen, [3, 4, 5, 6]), 3
    cache = DynamicCache(config=frozen.model.config)
    write_deep_prefix(frozen, cache, deep, by)
    for layer, (keys, values) in zip(cache.layers, kept(frozen, [3, 4, 5, 6], by), strict=True):
        assert torch.allclose(layer.keys[0], keys, atol=2e-5)
        assert torch.allclose(layer.values[0], values, atol=2e-5)


@pytest.mark.parametrize("kind", ROTATED)
def test_first_it_is_what_its_words_are(kind: str) -> None:
    frozen = tiny(kind)
    words = [3, 4, 5, 6]
    with_deep = logits(frozen, Stack().add(deep_of(frozen, words)).add(rows_of(frozen, [8, 7])))
    with_rows = logits(frozen, Stack().add(rows_of(frozen, words)).add(rows_of(frozen, [8, 7])))
    assert torch.allclose(with_deep, with_rows, atol=1e-4)


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma3_text"])
def test_behind_others_it_moves_and_what_follows_reads_both(kind: str) -> None:
    """The literal way: each part computed or written where it stands, position by position."""
    from transformers import DynamicCache

    frozen = tiny(kind)
    before, words, after = [20, 21], [3, 4, 5], [8, 7]
    stack = Stack().add(rows_of(frozen, before)).add(deep_of(frozen, words)).add(rows_of(frozen, after))
    cache = DynamicCache(config=frozen.model.config)
    with torch.no_grad():
        frozen.model(input_ids=torch.tensor([before]), cache=cache, use_cache=True)
        for number, (keys, values) in enumerate(kept(frozen, words, len(before))):
            cache.update(keys[None], values[None], number)
        rest = torch.tensor([[*after, *TEXT]])
        right = frozen.model(input_ids=rest, cache=cache, use_cache=True).logits[0, -1]
    found = logits(frozen, stack)
    assert torch.allclose(found, right, atol=1e-4)
    assert not torch.allclose(found, logits(frozen, Stack(tuple(reversed(stack.layers)))), atol=1e-3)
    loss = PromptLoss(frozen).deep()
    losses = loss.per_token(loss.behind(stack), torch.tensor([[*TEXT, 11]]))
    assert float(losses[0, -1]) == pytest.approx(float(-right.log_softmax(-1)[11]), abs=1e-4)


@pytest.mark.parametrize("kind", ["gpt2", "cohere", "glm"])
def test_a_model_that_turns_its_keys_otherwise_takes_one_only_at_the_front(kind: str) -> None:
    """GPT-2 does not turn them, Cohere and GLM pair each dimension with its neighbour."""
    frozen = tiny(kind)
    deep, rows = deep_of(frozen, [3, 4, 5]), rows_of(frozen, [8, 7])
    logits(frozen, Stack().add(deep).add(rows))
    with pytest.raises(WrongModel, match="cannot stand behind others"):
        logits(frozen, Stack().add(rows).add(deep))


def test_another_models_prefix_is_refused() -> None:
    deep = deep_of(tiny("llama", num_hidden_layers=3), [3, 4])
    with pytest.raises(WrongModel, match="3 layers"):
        logits(tiny("llama"), Stack().add(deep))
