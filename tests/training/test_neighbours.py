"""Who stands beside a module in training: modules of the library that fit, or those that were named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.corpus import Corpus
from kobold_modules.errors import BadModule, WrongModel
from kobold_modules.forward.prefix_cache import prefix_shape
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.training import TrainingRequest
from kobold_modules.training.neighbours import OF_SHELF, Neighbours, company
from tests.tiny import tiny


SKETCH = tuple(float(i % 5) - 2 for i in range(16))


@pytest.fixture(scope="module")
def frozen() -> TorchModel:
    model = tiny()
    object.__setattr__(model, "fingerprint", Fingerprint(97, 32, SKETCH))
    return model


def put(name: str, fingerprint: Fingerprint | None = None, created: str = "2026-01-01", tokens: int = 5) -> None:
    vectors = np.full((tokens, fingerprint.width if fingerprint else 32), len(name), dtype=np.float32)
    fits = fingerprint or Fingerprint(97, 32, SKETCH)
    Library().add(Module(vectors, Card(name=name, model="llama", fingerprint=fits, created=created)))


def chosen(frozen: TorchModel, folder: Path, **settings: Any) -> Neighbours:
    given: dict[str, Any] = {"files": ("a",), "name": "mine", "tokens": 8, "minutes": 1.0}
    found = company([TrainingRequest(**given | settings)], [Corpus((), ())], PromptLoss(frozen), 24, folder)
    assert found is not None
    return found


def test_modules_made_for_this_model_are_taken_and_never_the_one_in_training(
    frozen: TorchModel, tmp_path: Path
) -> None:
    put("noir")
    put("Mine")
    put("another model's", Fingerprint(97, 32, tuple(-x for x in SKETCH)))
    put("wider", Fingerprint(97, 64, SKETCH))
    put("of no known model", Fingerprint(97, 32))

    found = chosen(frozen, tmp_path)

    assert found.names == ("noir",)
    assert found.modules[0].numbers.shape == (5, 32)
    assert float(found.modules[0].numbers[0, 0]) == len("noir")


def test_of_many_the_newest_are_taken(frozen: TorchModel, tmp_path: Path) -> None:
    for number in range(OF_SHELF + 3):
        put(f"module {number}", created=f"2026-01-{number + 1:02}")

    assert chosen(frozen, tmp_path).names == tuple(f"module {n}" for n in range(OF_SHELF + 2, 2, -1))


def test_who_stood_there_before_a_stop_stands_there_after_it(frozen: TorchModel, tmp_path: Path) -> None:
    put("noir")
    first = chosen(frozen, tmp_path)
    Library().remove("noir")
    put("gothic")

    again = chosen(frozen, tmp_path, resume=True)

    assert again.names == first.names == ("noir",)
    assert torch.equal(again.modules[0].numbers, first.modules[0].numbers)
    assert chosen(frozen, tmp_path).names == ("gothic",)


def test_where_steps_are_counted_only_those_named_are_taken(frozen: TorchModel, tmp_path: Path) -> None:
    """The same seed gives the same module, whatever else is in the library."""
    put("noir")
    put("gothic")

    assert chosen(frozen, tmp_path, minutes=None, steps=5).names == ()
    assert chosen(frozen, tmp_path, minutes=None, steps=5, beside=("gothic",)).names == ("gothic",)
    assert chosen(frozen, tmp_path, beside=("noir",)).names == ("noir",)


def put_deep(frozen: TorchModel, name: str, layers: int = 2, created: str = "2026-01-02") -> None:
    shape = prefix_shape(frozen)
    arrays = np.ones((2, layers, shape.kv_heads, 3, shape.head_dim), dtype=np.float32)
    card = Card(name=name, model="llama", fingerprint=frozen.fingerprint, created=created)
    Library().add(DeepPrefix(arrays[0], arrays[1] * len(name), card))


def test_beside_a_deep_prefix_stand_rows_and_deep_prefixes(frozen: TorchModel, tmp_path: Path) -> None:
    put("noir")
    put_deep(frozen, "deep")
    put_deep(frozen, "of other layers", layers=3)
    loss = PromptLoss(frozen).deep()
    request = TrainingRequest(files=("a",), name="mine", tokens=8, minutes=1.0, method="prefix")

    found = company([request], [Corpus((), ())], loss, 24, tmp_path)

    assert found is not None
    assert found.names == ("deep", "noir")
    assert loss.prefix is not None
    assert found.modules[0].deep
    assert found.modules[0].numbers.shape == (3, loss.prefix.features)
    assert not found.modules[1].deep
    again = company([replace(request, resume=True)], [Corpus((), ())], loss, 24, tmp_path)
    assert again is not None
    assert [held.deep for held in again.modules] == [True, False]
    assert torch.equal(again.modules[0].numbers, found.modules[0].numbers)
    beside = [found.at(1, step) for step in range(200)]
    assert any(held.deep for each in beside if each is not None for held in each.before)
    assert any(held.deep for each in beside if each is not None for held in each.behind)
    # rows in training have no place for one
    assert chosen(frozen, tmp_path).names == ("noir",)


def test_where_keys_are_not_turned_company_stands_behind(tmp_path: Path) -> None:
    """GPT-2 has a vector for every position: a prefix that stands elsewhere than at the front is another one."""
    loss = PromptLoss(tiny("gpt2")).deep()
    request = TrainingRequest(files=("a",), name="mine", tokens=8, minutes=1.0, method="prefix")
    found = company([request], [Corpus((), ())], loss, 24, tmp_path)
    assert found is not None
    drawn = [beside for step in range(100) if (beside := found.at(1, step)) is not None]
    assert drawn
    assert not any(beside.before for beside in drawn)


def test_no_layer_forgets_what_stands_before_the_text(tmp_path: Path) -> None:
    loss = PromptLoss(tiny("mistral-sliding")).deep()
    request = TrainingRequest(files=("a",), name="mine", tokens=4, minutes=1.0, method="prefix")
    found = company([request], [Corpus((), ())], loss, 24, tmp_path)
    assert found is not None
    assert found.room <= 4
    assert all(found.at(1, step) is None for step in range(100))


def test_one_that_is_named_must_be_there_and_fit(frozen: TorchModel, tmp_path: Path) -> None:
    put("wider", Fingerprint(97, 64, SKETCH))

    with pytest.raises(WrongModel):
        chosen(frozen, tmp_path, beside=("wider",))
    with pytest.raises(BadModule, match="nobody"):
        chosen(frozen, tmp_path, beside=("nobody",))


def test_without_it_nothing_stands_there(frozen: TorchModel, tmp_path: Path) -> None:
    put("noir")
    request = TrainingRequest(files=("a",), name="mine", stack_safe=False)

    assert company([request], [Corpus((), ())], PromptLoss(frozen), 24, tmp_path) is None


def test_company_leaves_room_for_the_text(frozen: TorchModel, tmp_path: Path) -> None:
    put("long", tokens=100)
    found = chosen(frozen, tmp_path)

    for step in range(200):
        beside = found.at(1, step)
        assert beside is None or beside.tokens <= found.room
    assert found.room == frozen.context - 8 - 32
