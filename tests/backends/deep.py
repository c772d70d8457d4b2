"""Deep prefixes made of what transformers computes of a text, and tiny models of several families to put them into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
import transformers

from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card
from tests.backends import tiny_gguf


LAYERS = 7  # of Gemma 3's, the sixth looks at everything; the others through a window


def tiny(folder: Path, architecture: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a tiny random model of ``architecture``: llama, qwen2, qwen3, gemma2 or gemma3."""
    path = folder / f"{architecture}.gguf"
    monkeypatch.setattr(tiny_gguf, "LAYERS", LAYERS)
    head = tiny_gguf.WIDTH // tiny_gguf.HEADS
    rng = np.random.default_rng(4)

    def more(writer: gguf.GGUFWriter) -> None:
        if architecture == "qwen3":
            for layer in range(LAYERS):
                for name in ("attn_q_norm", "attn_k_norm"):
                    norm = (1 + 0.2 * rng.standard_normal(head)).astype(np.float32)
                    writer.add_tensor(f"blk.{layer}.{name}.weight", norm)
        if architecture == "qwen2":
            for layer in range(LAYERS):
                for name, rows in (("q", tiny_gguf.WIDTH), ("k", tiny_gguf.KV_HEADS * head), ("v", 2 * head)):
                    writer.add_tensor(f"blk.{layer}.attn_{name}.bias", rng.standard_normal(rows).astype(np.float32) / 5)

    tiny_gguf.write(path, architecture, more=more)
    return path


def torch_model(path: Path) -> Any:
    """Return ``path`` as transformers computes it, float32; what its reader of GGUF leaves out is filled in."""
    transformers.logging.disable_progress_bar()
    config = transformers.AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
    if path.stem in ("qwen3", "gemma2", "gemma3"):
        config.head_dim = tiny_gguf.WIDTH // tiny_gguf.HEADS
        if path.stem != "qwen3":
            config.query_pre_attn_scalar = config.head_dim
    return transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, config=config, attn_implementation="eager"
    ).eval()


def deep_of(model: Any, ids: list[int], name: str = "deep") -> DeepPrefix:
    """Return the keys and values that ``model`` computes of ``ids``, as a module."""
    from transformers import DynamicCache

    cache = DynamicCache()  # plain in every layer: nothing falls out of a window
    with torch.no_grad():
        model(input_ids=torch.tensor([ids]), cache=cache, use_cache=True)
    keys, values = ([getattr(layer, which)[0].numpy() for layer in cache.layers] for which in ("keys", "values"))
    return DeepPrefix(np.stack(keys), np.stack(values), Card(name))


def reference(model: Any, prefix: DeepPrefix, ids: list[int], before: np.ndarray | None = None) -> np.ndarray:
    """Return log probabilities of ``ids[1:]`` behind ``prefix`` by transformers: float64 ``[n - 1]``.

    ``before``: rows, float32 ``[k, width]`` as transformers' inputs_embeds takes them, which the model reads behind it.
    """
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer in range(prefix.layers):
        cache.update(*(torch.from_numpy(array[layer].copy())[None] for array in (prefix.keys, prefix.values)), layer)
    with torch.no_grad():
        if before is not None:
            model(inputs_embeds=torch.from_numpy(before.copy())[None], cache=cache, use_cache=True)
        logits = model(input_ids=torch.tensor([ids]), cache=cache, use_cache=True).logits[0]
    logs = logits.double().log_softmax(-1).numpy()
    found: np.ndarray = logs[np.arange(len(ids) - 1), ids[1:]]
    return found
