"""Tiny random GGUF files of the families whose blocks are not Llama's, as llama.cpp's converter lays them out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np

from tests.backends.tiny_gguf import TOKENS, finish


WIDTH, LAYERS, HEADS, HEAD, CONTEXT = 32, 2, 4, 8, 512
# family: key/value heads, feed-forward width, tensors of a block as name -> rows (all are [rows, width] but ffn_down);
# a plus sign adds a bias, names with "norm" are vectors
_BLOCKS: dict[str, tuple[int, int, dict[str, int]]] = {
    "gpt2": (4, 128, {"attn_norm+": 0, "attn_qkv+": 96, "attn_output+": 32, "ffn_norm+": 0, "ffn_up+": 128}),
    "bloom": (4, 128, {"attn_norm+": 0, "attn_qkv+": 96, "attn_output+": 32, "ffn_norm+": 0, "ffn_up+": 128}),
    "starcoder2": (
        2,
        48,
        {
            "attn_norm+": 0,
            "attn_q+": 32,
            "attn_k+": 16,
            "attn_v+": 16,
            "attn_output+": 32,
            "ffn_norm+": 0,
            "ffn_up+": 48,
        },
    ),
    "phi3": (2, 48, {"attn_norm": 0, "attn_qkv": 64, "attn_output": 32, "ffn_norm": 0, "ffn_up": 96}),
    "stablelm": (
        2,
        48,
        {
            "attn_norm+": 0,
            "attn_q": 32,
            "attn_k": 16,
            "attn_v": 16,
            "attn_output": 32,
            "ffn_norm+": 0,
            "ffn_gate": 48,
            "ffn_up": 48,
        },
    ),
    "nemotron": (
        2,
        48,
        {
            "attn_norm+": 0,
            "attn_q": 32,
            "attn_k": 16,
            "attn_v": 16,
            "attn_output": 32,
            "ffn_norm+": 0,
            "ffn_up": 48,
        },
    ),
    "falcon": (1, 128, {"attn_norm+": 0, "attn_qkv": 48, "attn_output": 32, "ffn_up": 128}),
}
FAMILIES = tuple(_BLOCKS)


def write_family(
    path: Path, family: str, rotated: int = HEAD, base: float = 10000.0, more: Callable[[gguf.GGUFWriter], object] = id
) -> None:
    """Write ``family`` to ``path``, ``rotated`` of each head's dimensions turning."""
    rng = np.random.default_rng(5)

    def random(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.25).astype(np.float32)

    kv_heads, feed, block = _BLOCKS[family]
    tensors = {"token_embd.weight": random(len(TOKENS), WIDTH), "output_norm.weight": 1 + random(WIDTH)}
    if family != "phi3":
        tensors["output_norm.bias"] = random(WIDTH)
    if family == "gpt2":
        tensors["position_embd.weight"] = random(CONTEXT, WIDTH)
    elif family == "bloom":
        tensors |= {"token_embd_norm.weight": 1 + random(WIDTH), "token_embd_norm.bias": random(WIDTH)}
    else:
        tensors["output.weight"] = random(len(TOKENS), WIDTH)
    for layer in range(LAYERS):
        for entry, rows in block.items():
            name = f"blk.{layer}.{entry.removesuffix('+')}"
            tensors[f"{name}.weight"] = random(rows, WIDTH) if rows else 1 + random(WIDTH)
            if entry.endswith("+"):
                tensors[f"{name}.bias"] = random(rows or WIDTH)
        tensors[f"blk.{layer}.ffn_down.weight"] = random(WIDTH, feed)
        if "ffn_up+" in block:
            tensors[f"blk.{layer}.ffn_down.bias"] = random(WIDTH)

    writer = gguf.GGUFWriter(path, family)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_feed_forward_length(feed)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(kv_heads)
    if family == "phi3":
        writer.add_layer_norm_rms_eps(1e-5)
    else:
        writer.add_layer_norm_eps(1e-5)
    if family not in ("gpt2", "bloom"):
        writer.add_rope_dimension_count(rotated)
        writer.add_rope_freq_base(base)
    if family == "stablelm":
        writer.add_parallel_residual(False)
    finish(writer, tensors, more)
