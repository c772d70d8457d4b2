"""A Llama read straight from its GGUF file is, to the last bit of its weights, the one that transformers reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from kobold_modules.backends.llamacpp.quantise import quantise
from kobold_modules.backends.torch.gguf_llama import read_llama
from kobold_modules.backends.torch.load import TorchModel, load_torch_model
from kobold_modules.backends.torch.plain_llama import PlainLlama
from kobold_modules.forward import parity
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.reference import ModelFile
from kobold_modules.training.frozen import load_frozen
from kobold_modules.training.settings import TrainingRequest
from tests.backends.tiny_gguf import write
from tests.forward.test_parity import linear, rope_freqs, turned_up_yarn, yarn
from tests.models.gguf_surgery import split


TEXT = "It was a quiet evening, and the rain fell on the old grey town as it had for a week."


def both(path: Path, precision: str = "float32") -> tuple[TorchModel, TorchModel]:
    file = ModelFile.at(path)
    ours = load_torch_model(file, "cpu", precision=precision, plain=True)  # type: ignore[arg-type]
    theirs = load_torch_model(file, "cpu", precision=precision)  # type: ignore[arg-type]
    assert isinstance(ours.model, PlainLlama)
    assert not isinstance(theirs.model, PlainLlama)
    return ours, theirs


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q4_1", "Q4_K"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_its_weights_are_those_that_transformers_reads(
    tmp_path: Path, starter: Path, kind: str, precision: str
) -> None:
    path = starter
    if kind != "F16":
        path = tmp_path / "starter.gguf"
        quantise(starter, path, kind)
    ours, theirs = (model.model.state_dict() for model in both(path, precision))

    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("name", ["stories", "starter"])
def test_it_computes_what_transformers_computes(name: str, request: pytest.FixtureRequest) -> None:
    """stories260K shares each key head among two query heads, and its output matrix is the embedding table."""
    path = request.getfixturevalue(name)
    ours, theirs = both(path / "stories260K-F32.gguf" if path.is_dir() else path)
    ids = torch.tensor([ours.encode(TEXT)])

    assert torch.allclose(ours.model(ids).logits, theirs.model(ids).logits, atol=1e-4)
    rows = ours.table[5:15].float()
    assert torch.allclose(PromptLoss(ours)(rows, ids), PromptLoss(theirs)(rows, ids), atol=1e-5)


def test_what_is_read_in_pieces_is_read_the_same(stories: Path) -> None:
    model = load_torch_model(ModelFile.at(stories / "stories260K-F32.gguf"), "cpu", plain=True).model
    ids = torch.arange(3, 23).view(2, 10)
    whole = model(ids)

    first = model(ids[:, :4], use_cache=True)
    second = model(ids[:, 4:], cache=first.cache, use_cache=True)

    assert whole.cache is None
    assert torch.allclose(torch.cat([first.logits, second.logits], dim=1), whole.logits, atol=1e-4)


@pytest.mark.parametrize("settings", [lambda writer: None, rope_freqs, linear, yarn, turned_up_yarn])
def test_it_turns_positions_as_llama_cpp_does(tmp_path: Path, settings: Callable[[gguf.GGUFWriter], None]) -> None:
    write(tmp_path / "tiny.gguf", "llama", more=settings)
    file = ModelFile.at(tmp_path / "tiny.gguf")

    found = parity.compare(file, load_torch_model(file, "cpu", plain=True))

    assert found.mean < 1e-5


def test_a_model_in_several_files_is_read_whole(tmp_path: Path, stories: Path) -> None:
    first = split(stories / "stories260K-F32.gguf", tmp_path, 3)[0]

    ours, theirs = (model.model.state_dict() for model in both(first))

    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def with_bias(writer: gguf.GGUFWriter) -> None:
    for layer in range(2):
        writer.add_tensor(f"blk.{layer}.attn_q.bias", np.zeros(32, np.float32))


def half_turned(writer: gguf.GGUFWriter) -> None:
    writer.add_rope_dimension_count(4)


@pytest.mark.parametrize(
    ("architecture", "more"), [("qwen2", None), ("gemma2", None), ("llama", with_bias), ("llama", half_turned)]
)
def test_anything_but_a_plain_llama_is_left_to_transformers(
    tmp_path: Path, architecture: str, more: Callable[[gguf.GGUFWriter], None] | None
) -> None:
    write(tmp_path / "tiny.gguf", architecture, more=more or (lambda writer: None))

    assert read_llama(ModelFile.at(tmp_path / "tiny.gguf"), torch.float32) is None


def test_a_training_reads_it_so_unless_it_needs_caches_of_transformers(stories: Path) -> None:
    file = ModelFile.at(stories / "stories260K-F32.gguf")

    def model(**settings: str) -> object:
        return load_frozen(file, TrainingRequest(files=(), name="x", **settings), "cpu")[0].model  # type: ignore[arg-type]

    assert isinstance(model(), PlainLlama)
    assert not isinstance(model(method="prefix"), PlainLlama)
    assert not isinstance(model(imitate="another"), PlainLlama)
