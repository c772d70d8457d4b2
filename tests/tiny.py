"""A tiny random model for tests of training: real transformers code, no download."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from kobold_modules.fingerprint import Fingerprint
from kobold_modules.models.torch_model import TorchModel


def tiny(kind: str = "llama", dtype: torch.dtype = torch.float32, **changes: Any) -> TorchModel:
    """A random two-layer model of ``kind`` whose norms and biases are not at their neutral values."""
    torch.manual_seed(3)
    common: dict[str, Any] = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.AutoConfig.for_model(kind, **(common | CONFIGS.get(kind, {}) | changes))
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        parameter.add_(torch.randn_like(parameter) * 0.05)
    table = model.get_input_embeddings().weight
    ids = torch.arange(4)
    scale = float(model.get_input_embeddings()(ids).norm() / table[ids].norm())
    return TorchModel(
        name=kind,
        model=model,
        encode=lambda text: [ord(c) % 97 for c in text],
        table=table,
        scale=scale,
        rms=float(table.float().pow(2).mean().sqrt()),
        context=128,
        fingerprint=Fingerprint(97, 32),
        device="cpu",
    )


CONFIGS: dict[str, dict[str, Any]] = {
    "llama": {"intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 128},
    "mistral": {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": None},
    "qwen2": {"intermediate_size": 48, "num_key_value_heads": 2},
    "qwen3": {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8},
    "gemma2": {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "gpt_neox": {"intermediate_size": 48},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32, "max_position_embeddings": 128},
    "phi": {"intermediate_size": 48},
}
