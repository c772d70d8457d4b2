"""Loading a model to train through: the weights, the ids and the logits are those of llama.cpp's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from kobold_modules.backends.tokenizer import load_vocabulary
from kobold_modules.backends.torch.load import TorchModel, load_torch_model
from kobold_modules.errors import EngineFailed
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve


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

    ours = load_vocabulary(resolve("starter")).tokenize(text)
    theirs = AutoTokenizer.from_pretrained(starter.parent, gguf_file=starter.name)

    assert theirs.decode(ours) == text
    # Unasked, transformers reads a mark as the special token; typed by a writer it is text.
    assert ours == theirs.encode(text, add_special_tokens=False, split_special_tokens=True)


@pytest.mark.parametrize(
    "how", [{"recompute": True}, {"weights": "streamed"}, {"weights": "disk"}], ids=["recompute", "streamed", "disk"]
)
def test_however_its_weights_are_kept_a_model_gives_the_same_gradient(stories: Path, how: dict[str, Any]) -> None:
    file = resolve(str(stories / "stories260K-F32.gguf"))
    plain, kept = load_torch_model(file, "cpu"), load_torch_model(file, "cpu", **how)

    def gradient(frozen: TorchModel) -> torch.Tensor:
        prompt = frozen.table[10:18].float().clone().requires_grad_(True)
        rows = torch.tensor([frozen.encode("Once upon a time there was a little girl. " * 4)])
        gradient: torch.Tensor = torch.autograd.grad(PromptLoss(frozen)(prompt, rows), prompt)[0]
        return gradient

    assert plain.whole
    assert not kept.whole
    assert torch.allclose(gradient(plain), gradient(kept), rtol=1e-3, atol=1e-7)


def test_a_missing_gpu_is_one_sentence(starter: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(EngineFailed, match="no CUDA device"):
        load_torch_model(resolve("starter"), "cuda")
