"""Tiny random models of any architecture that llama.cpp knows, grown by asking it what is missing.

Nothing here knows what a layer of an architecture looks like. A file with hardly anything in it is loaded again and
again; llama.cpp names the tensor that is missing, then the shape it should have, until it is content. What comes out
speaks nonsense through the very graph that a real model of that architecture runs through.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from kobold_modules.backends.llamacpp.binding import log
from kobold_modules.backends.llamacpp.features import LADDER
from kobold_modules.backends.llamacpp.model import NativeModel
from kobold_modules.errors import KoboldModulesError
from tests.backends.tiny_gguf import TOKENS, finish


WIDTH, LAYERS, HEADS, KV_HEADS, FEED, CONTEXT = 64, 2, 4, 2, 96, 256
HEAD = WIDTH // HEADS
MOST_TRIES = 400

# Keys without the architecture's name before them; an architecture's own in OWN.
KEYS: dict[str, Any] = {
    "context_length": CONTEXT,
    "embedding_length": WIDTH,
    "block_count": LAYERS,
    "feed_forward_length": FEED,
    "attention.head_count": HEADS,
    "attention.head_count_kv": KV_HEADS,
    "attention.key_length": HEAD,
    "attention.value_length": HEAD,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "attention.layer_norm_epsilon": 1e-5,
    "rope.dimension_count": HEAD,
    "rope.freq_base": 10000.0,
    "vocab_size": len(TOKENS),
    "attention.sliding_window": 16,
}
# What only some ask for; given when asked.
ASKED: dict[str, Any] = {
    "expert_count": 4,
    "expert_used_count": 2,
    "expert_feed_forward_length": 32,
    "expert_shared_feed_forward_length": 32,
    "expert_shared_count": 1,
    "expert_weights_scale": 1.0,
    "leading_dense_block_count": 1,
    "logit_scale": 0.25,
    "residual_scale": 0.5,
    "embedding_scale": 2.0,
    "attention.scale": 0.2,
    "attention.clamp_kqv": 8.0,
    "attention.max_alibi_bias": 8.0,
    "attention.group_norm_groups": 4,
    "rope.dimension_sections": [2, 3, 3, 0],
    "rope.scaling.attn_factor": 1.0,
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 2 * WIDTH,
    "ssm.state_size": 8,
    "ssm.time_step_rank": 4,
    "ssm.group_count": 2,
    "interleave_moe_layer_step": 1,
    "moe_every_n_layers": 1,
    "expert_gating_func": 1,
    "expert_group_scale": 1.0,
    "experts_per_group": 2,
    "expert_group_count": 1,
    "expert_group_used_count": 1,
    "attention.temperature_length": 64,
    "nextn_predict_layers": 0,
    "attention.q_lora_rank": 16,
    "attention.kv_lora_rank": 16,
    "wkv.head_size": HEAD,
    "time_mix_extra_dim": 8,
    "time_decay_extra_dim": 8,
    "shortconv.l_cache": 3,
    "attention.value_length_swa": HEAD,
    "rope.dimension_count_swa": HEAD,
    "rope.freq_base_swa": 10000.0,
    "attention.shared_kv_layers": 0,
    "embedding_length_per_layer_input": 0,
}
ONE_HEAD_EACH = frozenset(
    {"mpt", "gptneox", "phi2", "bloom", "olmo", "gpt2", "jais"}
)  # as many for keys as for queries
MIXTURES = frozenset(
    [
        *("afmoe", "arctic", "bailingmoe", "bailingmoe2", "dbrx", "deepseek", "deepseek2", "deepseek2-ocr", "dots1"),
        *("ernie4_5-moe", "exaone-moe", "glm4moe", "gpt-oss", "granitemoe", "grok", "grovemoe", "hunyuan-moe"),
        *("llada-moe", "llama4", "mimo2", "minimax-m2", "nemotron_h_moe", "olmoe", "phimoe", "qwen2moe", "qwen3moe"),
        *("qwen3next", "qwen35moe", "smallthinker", "lfm2moe", "jamba", "mellum"),
    ]
)
FUSED = frozenset({"phi3"})  # may have one tensor for all three, so llama.cpp misses none of them and crashes
OWN: dict[str, dict[str, Any]] = {
    "gptneox": {"use_parallel_residual": True, "rope.dimension_count": HEAD // 2},
    "falcon": {"attention.head_count_kv": 1},
    "phi3": {"attention.sliding_window": 0},
    "gemma4": {"attention.sliding_window_pattern": [True, False], "attention.key_length_swa": HEAD},
    **{name: {"attention.head_count_kv": [0, KV_HEADS]} for name in ("lfm2", "granitehybrid", "jamba", "plamo2")},
    **{
        name: {"rope.dimension_sections": [2, 3, 3, 0], "full_attention_interval": 2, "ssm.state_size": 16}
        for name in ("qwen35", "qwen35moe", "qwen3next")
    },
}


def grow(path: Path, architecture: str) -> np.ndarray:
    """Write a model of ``architecture`` to ``path``; returns its embedding table, float32 ``[257, 64]``.

    Raises:
        RuntimeError: llama.cpp wants something that this does not know.
    """
    keys = dict(KEYS)
    if architecture in ONE_HEAD_EACH:
        keys["attention.head_count_kv"] = HEADS
    if architecture in MIXTURES:
        keys |= {"expert_count": 4, "expert_used_count": 2, "expert_feed_forward_length": 32}
    keys |= OWN.get(architecture, {})
    tensors: dict[str, tuple[int, ...]] = {"token_embd.weight": (len(TOKENS), WIDTH)}
    if architecture in FUSED:
        tensors |= {f"blk.{layer}.attn_qkv.weight": (WIDTH + 2 * KV_HEADS * HEAD, WIDTH) for layer in range(LAYERS)}
    said = ""
    for _ in range(MOST_TRIES):
        _write(path, architecture, keys, tensors)
        try:
            # Features that are given are not probed: a child for each of the dozens of files that lack something.
            NativeModel(path, features=LADDER[0]).close()
        except KoboldModulesError:
            said = " / ".join(line for _, line in log._lines)
        else:
            return _values("token_embd.weight", tensors["token_embd.weight"])
        if found := re.search(r"tensor '([^']+)' not found", said):
            tensors[found[1]] = (1,)
        elif found := re.search(r"tensor '([^']+)' has wrong shape; expected\s+([\d, ]+), got", said):
            shape = tuple(int(size) for size in reversed(found[2].replace(" ", "").split(",")) if size)
            while len(shape) > 1 and shape[0] == 1:
                shape = shape[1:]
            if tensors.get(found[1]) == shape:
                raise RuntimeError(f"{architecture}: {said}")
            tensors[found[1]] = shape
        elif (found := re.search(r"key not found in model: ([\w.-]+)", said)) and (
            (name := found[1].removeprefix(architecture + ".")) in ASKED
        ):
            keys[name] = ASKED[name]
        else:
            break
    raise RuntimeError(f"{architecture}: {said}")


def _values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return random values, but for each tensor the same always; norms around one, decays below zero."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    values = rng.standard_normal(shape) * 0.2
    if "norm" in name and name.endswith(".weight"):
        values += 1
    if name.endswith("ssm_a"):
        values = -np.exp(values)
    return np.ascontiguousarray(values, dtype=np.float32)


def _write(path: Path, architecture: str, keys: dict[str, Any], tensors: dict[str, tuple[int, ...]]) -> None:
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in keys.items():
        name = f"{architecture}.{key}"
        if isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        else:
            writer.add_array(name, value)
    finish(writer, {name: _values(name, shape) for name, shape in tensors.items()})
