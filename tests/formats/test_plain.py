"""One safetensors file, readable by the safetensors package and by us."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load, save

from kobold_modules.errors import BadModule
from kobold_modules.formats import plain
from kobold_modules.soft_prompt.module import Card, Module


def test_a_module_comes_back_whole(noir: Module, tmp_path: Path) -> None:
    plain.write(noir, tmp_path / "noir.safetensors")
    back = plain.read(tmp_path / "noir.safetensors")
    assert back.card == noir.card
    assert back.vectors.tobytes() == noir.vectors.tobytes()
    assert back.initial is not None
    assert noir.initial is not None
    assert back.initial.tobytes() == noir.initial.tobytes()


def test_the_safetensors_package_reads_what_we_write(noir: Module, tmp_path: Path) -> None:
    data = plain.pack(noir)
    tensors = load(data)
    assert set(tensors) == {"vectors", "initial"}
    assert np.array_equal(tensors["vectors"], noir.vectors)
    assert int.from_bytes(data[:8], "little") % 8 == 0
    plain.write(noir, tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", "np") as file:
        assert set(file.metadata()) == {"card", "format"}


def test_equal_modules_make_equal_files(noir: Module) -> None:
    assert plain.pack(noir) == plain.pack(Module(noir.vectors, Card.from_dict(noir.card.to_dict()), noir.initial))


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_a_strangers_single_table_is_a_module(kind: type) -> None:
    module = plain.unpack(save({"prompt_embeddings": np.ones((2, 3), kind)}), "noir.safetensors")
    assert (module.tokens, module.width) == (2, 3)
    assert module.card == Card("noir", "imported")


def test_a_malformed_card_is_set_aside() -> None:
    module = plain.unpack(save({"vectors": np.ones((2, 3), np.float32)}, metadata={"card": "{"}), "noir.safetensors")
    assert module.card.name == "noir"


def test_a_model_is_no_module() -> None:
    with pytest.raises(BadModule, match="2 tensors"):
        plain.unpack(save({"a": np.ones((2, 3), np.float32), "b": np.ones((2, 3), np.float32)}), "x.safetensors")
    with pytest.raises(BadModule, match="no table of soft tokens"):
        plain.unpack(save({"a": np.ones((4096, 3), np.float32)}), "x.safetensors")
