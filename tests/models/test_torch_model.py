"""Loading a model to train through: the weights, the ids and the logits are those of llama.cpp's file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kobold_modules.errors import EngineFailed
from kobold_modules.models.find import resolve
from kobold_modules.models.tokens import load_tokenizer
from kobold_modules.models.torch_model import load_torch_model


def test_the_gguf_gives_the_logits_of_the_folder(stories: Path) -> None:
    from_gguf = load_torch_model(resolve(str(stories / "stories260K-F32.gguf")), "cpu")
    from_folder = load_torch_model(resolve(str(stories / "stories260K-hf")), "cpu")
    ids = torch.tensor([[1, 403, 407, 261, 378]])

    assert torch.allclose(from_gguf.model(ids).logits, from_folder.model(ids).logits, atol=1e-4)


def test_nothing_is_left_to_train(starter: Path) -> None:
    frozen = load_torch_model(resolve("starter"), "cpu")

    assert not any(parameter.requires_grad for parameter in frozen.model.parameters())
    assert frozen.scale == 1.0
    assert frozen.rms == pytest.approx(float(frozen.table.pow(2).mean().sqrt()), rel=1e-4)


@pytest.mark.parametrize(
    "text", ['He said: "No."\n\nThen—nothing.', " leading", "naïve 😀 Ж", "a  b\n\n\n\nc", "<|endoftext|>"]
)
def test_the_starter_reads_text_alike_in_llama_cpp_and_transformers(starter: Path, text: str) -> None:
    from transformers import AutoTokenizer

    ours = load_tokenizer(resolve("starter"))(text)
    theirs = AutoTokenizer.from_pretrained(starter.parent, gguf_file=starter.name)

    assert theirs.decode(ours) == text
    if "<|" not in text:  # transformers reads the mark as the special token; typed by a writer it is text
        assert ours == theirs.encode(text, add_special_tokens=False)


def test_a_missing_gpu_is_one_sentence(starter: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(EngineFailed, match="no CUDA device"):
        load_torch_model(resolve("starter"), "cuda")
