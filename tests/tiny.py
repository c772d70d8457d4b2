"""A tiny random model for tests of training: real transformers code, no download."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.soft_prompt.fingerprint import Fingerprint


def tiny(kind: str = "llama", dtype: torch.dtype = torch.float32, **changes: Any) -> TorchModel:
    """Return a random two-layer model of ``kind`` whose norms and biases are not at their neutral values."""
    torch.manual_seed(3)
    common: dict[str, Any] = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.AutoConfig.for_model(kind.partition("-")[0], **(common | CONFIGS.get(kind, {}) | changes))
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


_SMALL: dict[str, Any] = {"intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 128}
_HEADS = _SMALL | {"head_dim": 8}
_PLAIN_IDS: dict[str, Any] = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}

CONFIGS: dict[str, dict[str, Any]] = {
    "llama": _SMALL,
    "mistral": _HEADS | {"sliding_window": None},
    "mistral-sliding": _HEADS | {"sliding_window": 9},
    "qwen2": _SMALL,
    "qwen3": _HEADS,
    "gemma": _HEADS,
    "gemma2": _HEADS | {"sliding_window": 9},
    "gemma3_text": _HEADS | {"sliding_window": 9, "layer_types": ["sliding_attention", "full_attention"]},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "gpt_neo": {
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 9,
        "max_position_embeddings": 128,
    },
    "gptj": {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4, "n_positions": 128},
    "gpt_neox": {"intermediate_size": 48, "max_position_embeddings": 128},
    "gpt_bigcode": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "codegen": {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4, "n_positions": 128},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32, "max_position_embeddings": 128},
    "phi": {"intermediate_size": 48, "max_position_embeddings": 128},
    "phi3": _SMALL | _PLAIN_IDS,
    "falcon": {"new_decoder_architecture": False, "multi_query": True},
    "falcon-40b": {"new_decoder_architecture": True, "num_kv_heads": 2},
    "falcon-alibi": {"alibi": True, "multi_query": False, "parallel_attn": False},
    "bloom": {"n_layer": 2, "n_head": 4},
    "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 128, "expansion_ratio": 2},
    "stablelm": _SMALL,
    "starcoder2": _SMALL,
    "olmo": _SMALL | _PLAIN_IDS,
    "olmo2": _SMALL | _PLAIN_IDS,
    "olmo3": _SMALL | _PLAIN_IDS | {"sliding_window": 9},
    "granite": _SMALL
    | {"embedding_multiplier": 3.0, "residual_multiplier": 0.5, "logits_scaling": 2.0, "attention_multiplier": 0.2},
    "cohere": _SMALL | _PLAIN_IDS | {"logit_scale": 0.5},
    "cohere2": _SMALL | _PLAIN_IDS | {"logit_scale": 0.5, "sliding_window": 9},
    "smollm3": _SMALL | _PLAIN_IDS,
    "xglm": {"d_model": 32, "ffn_dim": 48, "num_layers": 2, "attention_heads": 4, "max_position_embeddings": 128},
    "biogpt": {"intermediate_size": 48, "max_position_embeddings": 128, "scale_embedding": True},
    "nemotron": _SMALL | {"head_dim": 8},
    "glm": _HEADS | _PLAIN_IDS,
    "glm4": _HEADS | _PLAIN_IDS,
    "ministral": _HEADS | {"sliding_window": 9, "layer_types": ["sliding_attention", "full_attention"]},
    "exaone4": _HEADS | {"sliding_window": 9, "layer_types": ["sliding_attention", "full_attention"]},
    "helium": _HEADS | _PLAIN_IDS,
    "arcee": _SMALL,
    "apertus": _SMALL | _PLAIN_IDS,
    "seed_oss": _HEADS,
    "hunyuan_v1_dense": _HEADS | _PLAIN_IDS,
    "ernie4_5": _HEADS | _PLAIN_IDS,
    "persimmon": {"intermediate_size": 48, "max_position_embeddings": 128},
    "qwen2_moe": _SMALL
    | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
    "qwen3_moe": _HEADS | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "mixtral": _SMALL | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
    "olmoe": _SMALL | _PLAIN_IDS | {"num_experts": 4, "num_experts_per_tok": 2},
    "gpt_oss": _HEADS | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 9},
    "lfm2": _SMALL | _PLAIN_IDS | {"layer_types": ["conv", "full_attention"]},
    "mamba": {"state_size": 4},
}
"""Settings of each family, by ``model_type``; what follows a dash only tells two of one family apart."""
