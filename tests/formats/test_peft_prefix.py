"""PEFT's PREFIX_TUNING folders, both ways; against PEFT itself where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kobold_modules import formats
from kobold_modules.errors import BadModule
from kobold_modules.formats import peft
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card


LAYERS, HEADS, TOKENS, WIDTH = 2, 2, 3, 8
RNG = np.random.default_rng(8)
KEYS, VALUES = (RNG.normal(size=(LAYERS, HEADS, TOKENS, WIDTH)).astype(np.float32) for _ in range(2))
DEEP = DeepPrefix(KEYS, VALUES, Card("Deep", "world", model="tiny"))
CONFIG: dict[str, Any] = {
    "peft_type": "PREFIX_TUNING",
    "task_type": "CAUSAL_LM",
    "num_virtual_tokens": TOKENS,
    "num_layers": LAYERS,
    "num_attention_heads": HEADS,
    "token_dim": HEADS * WIDTH,
    "num_transformer_submodules": 1,
    "base_model_name_or_path": "somebody/tiny",
}


def flat() -> np.ndarray:
    """Return the table as the layout says, a number at a time."""
    table = np.zeros((TOKENS, LAYERS, 2, HEADS, WIDTH), np.float32)
    for layer, head, token, at in np.ndindex(LAYERS, HEADS, TOKENS, WIDTH):
        table[token, layer, 0, head, at] = KEYS[layer, head, token, at]
        table[token, layer, 1, head, at] = VALUES[layer, head, token, at]
    return table.reshape(TOKENS, -1)


def adapter(folder: Path, table: np.ndarray, **changes: Any) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG | changes))
    save_file({"prompt_embeddings": table}, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def test_an_adapter_of_theirs_is_a_deep_prefix(tmp_path: Path) -> None:
    found = formats.read(adapter(tmp_path / "my-prefix", flat()))
    assert isinstance(found, DeepPrefix)
    assert found.digest == DEEP.digest
    assert found.card == Card("my-prefix", "imported", model="somebody/tiny")


def test_ours_comes_back_whole_and_holds_what_peft_looks_for(tmp_path: Path) -> None:
    formats.write(DEEP, tmp_path / "out", "peft")
    back = formats.read(tmp_path / "out")
    assert isinstance(back, DeepPrefix)
    assert (back.digest, back.card) == (DEEP.digest, DEEP.card)
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    wanted = {key: value for key, value in CONFIG.items() if key != "base_model_name_or_path"}
    assert {key: config[key] for key in wanted} == wanted
    assert config["prefix_projection"] is False
    assert np.array_equal(load_file(tmp_path / "out" / "adapter_model.safetensors")["prompt_embeddings"], flat())


@pytest.mark.parametrize(
    "changes",
    [
        {"num_layers": None},
        {"num_layers": 3},
        {"num_layers": True},
        {"num_attention_heads": 0},
        {"num_attention_heads": 3},
        {"token_dim": 10**12},
        {"token_dim": "16"},
        {"num_virtual_tokens": 4},
        {"num_transformer_submodules": 2},
    ],
    ids=lambda changes: "-".join(f"{key} {value}" for key, value in changes.items()),
)
def test_a_config_that_does_not_fit_its_table_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadModule):
        peft.read(adapter(tmp_path / "a", flat(), **changes))


def test_values_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModule, match="not numbers"):
        peft.read(adapter(tmp_path / "a", flat() * np.float32("inf")))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers for a name that is on its way out
def test_peft_loads_ours_and_computes_what_a_cache_of_it_does(tmp_path: Path) -> None:
    """The real peft, where it is installed: ours in it, and what it saves read here."""
    installed = pytest.importorskip("peft")
    import torch
    from transformers import DynamicCache

    from tests.tiny import tiny

    frozen = tiny("llama")
    formats.write(DEEP, tmp_path / "ours", "peft")
    model = installed.PeftModel.from_pretrained(frozen.model, tmp_path / "ours").eval()
    ids = torch.arange(5, 15)[None]
    cache = DynamicCache(config=frozen.model.config)
    for layer in range(LAYERS):
        cache.update(torch.tensor(KEYS[layer])[None], torch.tensor(VALUES[layer])[None], layer)
    with torch.no_grad():
        theirs = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        right = model.get_base_model()(input_ids=ids, cache=cache, use_cache=True).logits
    assert torch.allclose(theirs, right, atol=1e-5)
    model.save_pretrained(tmp_path / "theirs", save_embedding_layers=False)
    back = formats.read(tmp_path / "theirs")
    assert isinstance(back, DeepPrefix)
    assert back.digest == DEEP.digest
