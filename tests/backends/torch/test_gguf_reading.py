"""A GGUF file read the quick way is the file that transformers reads by itself."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM

from kobold_modules.backends.llamacpp.quantise import quantise
from kobold_modules.backends.torch.gguf_reading import quick_gguf
from kobold_modules.models.starter import starter_path


def weights(path: Path) -> dict[str, torch.Tensor]:
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    return dict(model.state_dict())


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_1", "BF16"])
def test_the_weights_are_the_same_to_the_last_bit(tmp_path: Path, kind: str) -> None:
    quantise(starter_path(), tmp_path / "starter.gguf", kind)
    plain = weights(tmp_path / "starter.gguf")

    with quick_gguf():
        vocabulary = gguf.GGUFReader(tmp_path / "starter.gguf").fields["tokenizer.ggml.tokens"]
        quick = weights(tmp_path / "starter.gguf")

    assert len(vocabulary.data) == 0  # it was stepped over
    assert quick.keys() == plain.keys()
    assert all(torch.equal(quick[name], plain[name]) for name in plain)


def test_everything_is_as_it_was_afterwards() -> None:
    before = gguf.GGUFReader, gguf.get_tensor_name_map, gguf.dequantize

    with pytest.raises(RuntimeError), quick_gguf():
        raise RuntimeError

    assert (gguf.GGUFReader, gguf.get_tensor_name_map, gguf.dequantize) == before
