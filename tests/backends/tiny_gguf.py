"""Tiny models with random weights, written straight to GGUF: one for each way rows enter an architecture.

They speak nonsense, but typed tokens and their own rows injected must give the same logits in each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np


WIDTH, LAYERS, HEADS, KV_HEADS, FEED, CONTEXT = 32, 2, 4, 2, 48, 256


def byte_tokens() -> list[str]:
    """Return the 256 bytes as GPT-2 spells them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelled, more = {}, 0
    for byte in range(256):
        if byte in printable:
            spelled[byte] = chr(byte)
        else:
            spelled[byte] = chr(256 + more)
            more += 1
    return [spelled[byte] for byte in range(256)]


TOKENS = [*byte_tokens(), "<|end|>"]


def finish(
    writer: gguf.GGUFWriter,
    tensors: dict[str, np.ndarray],
    more: Callable[[gguf.GGUFWriter], object] = lambda writer: None,
) -> None:
    """Add a vocabulary of bytes and ``tensors``, let ``more`` add what it likes, and close the file."""
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([*[int(gguf.TokenType.NORMAL)] * 256, int(gguf.TokenType.CONTROL)])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(256)
    writer.add_bos_token_id(256)
    for name, tensor in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(tensor))
    more(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write(
    path: Path, architecture: str, seed: int = 1, more: Callable[[gguf.GGUFWriter], None] = lambda writer: None
) -> np.ndarray:
    """Write a model of ``architecture`` to ``path``; returns its embedding table, float32 ``[257, 32]``.

    ``more`` adds settings and tensors of its own before the file is closed.
    """
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.25).astype(np.float32)

    head = WIDTH // HEADS
    table = random(len(TOKENS), WIDTH)
    tensors = {"token_embd.weight": table, "output_norm.weight": 1 + random(WIDTH)}
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        tensors |= {block + "attn_norm.weight": 1 + random(WIDTH)}
        if architecture == "mamba":
            inner, state, conv, rank = 2 * WIDTH, 4, 4, 2
            tensors |= {
                block + "ssm_in.weight": random(2 * inner, WIDTH),
                block + "ssm_conv1d.weight": random(inner, conv),
                block + "ssm_conv1d.bias": random(inner),
                block + "ssm_x.weight": random(rank + 2 * state, inner),
                block + "ssm_dt.weight": random(inner, rank),
                block + "ssm_dt.bias": random(inner),
                block + "ssm_a": -np.exp(random(inner, state)),
                block + "ssm_d": random(inner),
                block + "ssm_out.weight": random(WIDTH, inner),
            }
            continue
        tensors |= {
            block + "attn_q.weight": random(WIDTH, WIDTH),
            block + "attn_k.weight": random(KV_HEADS * head, WIDTH),
            block + "attn_v.weight": random(KV_HEADS * head, WIDTH),
            block + "attn_output.weight": random(WIDTH, WIDTH),
            block + "ffn_norm.weight": 1 + random(WIDTH),
            block + "ffn_down.weight": random(WIDTH, FEED),
            block + "ffn_up.weight": random(FEED * (2 if architecture == "glm4" else 1), WIDTH),
        }
        if architecture != "glm4":
            tensors |= {block + "ffn_gate.weight": random(FEED, WIDTH)}
        if architecture in ("gemma2", "gemma3", "glm4"):
            tensors |= {
                block + "post_attention_norm.weight": 1 + random(WIDTH),
                block + "post_ffw_norm.weight": 1 + random(WIDTH),
            }
        if architecture == "gemma3":
            tensors |= {block + "attn_q_norm.weight": 1 + random(head), block + "attn_k_norm.weight": 1 + random(head)}
        if architecture == "qwen2vl":
            tensors |= {
                block + "attn_q.bias": random(WIDTH),
                block + "attn_k.bias": random(KV_HEADS * head),
                block + "attn_v.bias": random(KV_HEADS * head),
            }
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_layer_norm_rms_eps(1e-5)
    if architecture == "mamba":
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * WIDTH)
        writer.add_ssm_state_size(4)
        writer.add_ssm_time_step_rank(2)
    else:
        writer.add_feed_forward_length(FEED)
        writer.add_head_count(HEADS)
        writer.add_head_count_kv(KV_HEADS)
        writer.add_key_length(head)
        writer.add_value_length(head)
        writer.add_rope_dimension_count(head)
        writer.add_rope_freq_base(10000.0)
    if architecture in ("gemma2", "gemma3"):
        writer.add_sliding_window(16)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(50.0)
        writer.add_final_logit_softcapping(30.0)
    if architecture == "qwen2vl":
        writer.add_rope_dimension_sections([1, 1, 2, 0])
    finish(writer, tensors, more)
    return table
