"""What transformers leaves out when it reads a GGUF file, put right.

It maps a dozen header fields and takes its own defaults for the rest: the model loads and computes something else than
llama.cpp. Some settings are needed before the weights are read (shapes), some after (frequencies). What is not known
here is found by the numbers: see parity.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NoModel
from .headers.gguf_settings import GgufSettings
from .rope import rope_of, rotated


# These read their rope themselves, have several kinds of it, or none.
_OWN_ROPE = ("gemma3n", "gemma4", "gpt-oss", "qwen35", "qwen35moe", "gpt2", "bloom", "mamba", "minimax-m2")
_EPSILONS = ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "norm_eps", "norm_epsilon")


def refuse(settings: GgufSettings, name: str) -> None:
    """Raise NoModel where ``settings`` alone shows that transformers would build another model than the file holds."""
    if settings.architecture == "llama" and settings.value("expert_count", 0):
        raise NoModel(
            f"{name} cannot be trained through as it is: it is a mixture of experts, which transformers reads from "
            "GGUF files as a plain Llama.",
            "Train through the same model as a Hugging Face folder; the module then fits this file too.",
        )


def amend_config(config: Any, settings: GgufSettings) -> None:
    """Put into transformers' ``config`` what must be there before weights are read: sizes and biases."""
    _set(config, "head_dim", settings.value("attention.key_length"), settings.architecture != "gemma4")
    _set(config, "moe_intermediate_size", settings.value("expert_feed_forward_length"))
    _set(config, "n_positions", settings.value("context_length"))
    epsilon = settings.value("attention.layer_norm_rms_epsilon") or settings.value("attention.layer_norm_epsilon")
    for key in _EPSILONS:
        _set(config, key, epsilon)
    if settings.architecture == "llama":
        _set(config, "attention_bias", "blk.0.attn_q.bias" in settings.shapes)
        _set(config, "mlp_bias", "blk.0.ffn_up.bias" in settings.shapes)
    if settings.architecture in ("gemma2", "gemma3"):
        config.query_pre_attn_scalar = _gemma_scalar(settings)
    pad = getattr(config, "pad_token_id", None)
    if pad is not None and pad >= config.vocab_size:
        config.pad_token_id = None
    _amend_partial_rope(config, settings)


def _set(config: Any, key: str, value: Any, wanted: bool = True) -> None:
    computed = isinstance(getattr(type(config), key, None), property)  # Falcon works its head_dim out itself
    if wanted and value is not None and hasattr(config, key) and not computed:
        setattr(config, key, value)


def _gemma_scalar(settings: GgufSettings) -> int:
    """Return the number whose root divides queries.

    The 27B models differ; llama.cpp knows them by their layer count.
    """
    biggest = {"gemma2": 46, "gemma3": 62}[settings.architecture]
    if settings.value("block_count") == biggest:
        return int(settings.value("embedding_length") // settings.value("attention.head_count"))
    return int(settings.value("attention.key_length", 256))


def _amend_partial_rope(config: Any, settings: GgufSettings) -> None:
    """Set the rotated part of heads that are rotated only in part (StableLM, Phi 4, Nemotron)."""
    parameters = getattr(config, "rope_parameters", None)
    if not isinstance(parameters, dict) or "rope_theta" not in parameters or settings.architecture in _OWN_ROPE:
        return
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if "partial_rotary_factor" in parameters or rotated(settings) != head:
        parameters["partial_rotary_factor"] = rotated(settings) / head


def amend_model(model: Any, settings: GgufSettings) -> tuple[str, ...]:
    """Put right what is set after loading; returns a few words for each thing that was."""
    if settings.architecture in _OWN_ROPE:
        return ()
    return tuple(dict.fromkeys(_amend_ropes(model, settings)))


def _amend_ropes(model: Any, settings: GgufSettings) -> list[str]:
    import torch

    rope = rope_of(settings)
    if rope is None:
        return []
    done = []
    for module in model.modules():
        # Gemma 3 keeps one rope for its sliding layers, which is never stretched, and one for the others.
        for prefix in ("", "full_attention_"):
            inverse = getattr(module, f"{prefix}inv_freq", None)
            if inverse is None or inverse.numel() != rope.inverse.size:
                continue
            scale = f"{prefix}attention_scaling"
            wanted = torch.from_numpy(rope.inverse).to(inverse.device, inverse.dtype)
            alike = np.isclose(float(getattr(module, scale, 1.0)), rope.scale)
            if alike and torch.allclose(inverse, wanted, rtol=1e-5, atol=0):
                continue
            inverse.copy_(wanted)
            original = getattr(module, f"{prefix}original_inv_freq", None)
            if original is not None:
                original.copy_(wanted)
            setattr(module, scale, rope.scale)
            done.append(rope.stretched or f"rope base {settings.value('rope.freq_base', 10000.0):g}")
    return done
