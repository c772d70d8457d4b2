"""Writing a Llama and its byte-level BPE as one GGUF file that transformers and llama.cpp both read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from .tokenizer import END_OF_TEXT


def write_gguf(state: dict[str, NDArray[np.float32]], config: dict[str, Any], tokenizer: Path, target: Path) -> None:
    """Write ``target`` in F16 (norms F32), atomically.

    Args:
        state: float32 tensors under transformers' LlamaForCausalLM names; embeddings are tied.
        config: the LlamaConfig as a dictionary.
        tokenizer: a ``tokenizer.json`` of a byte-level BPE.
        target: the ``.gguf`` to make.
    """
    partial = target.with_suffix(".gguf.partial")
    writer = gguf.GGUFWriter(partial, "llama")
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer.add_name("kobold_modules starter")
    writer.add_license("CC0-1.0")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(float(config["rope_parameters"]["rope_theta"]))
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _add_tokenizer(writer, tokenizer, config["vocab_size"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for name, tensor in state.items():
        if name == "lm_head.weight":
            continue  # tied to the embedding table
        target_name = names.get_name(name, try_suffixes=(".weight",))
        if "q_proj" in name:
            tensor = _interleave(tensor, heads)
        elif "k_proj" in name:
            tensor = _interleave(tensor, kv_heads)
        writer.add_tensor(target_name, tensor.astype(np.float16 if tensor.ndim > 1 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(partial, target)


def _interleave(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Put rows of q and k in the order llama.cpp rotates them: pairs side by side instead of half a head apart."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _add_tokenizer(writer: gguf.GGUFWriter, file: Path, vocabulary: int) -> None:
    model = json.loads(file.read_text(encoding="utf-8"))["model"]
    tokens = [""] * vocabulary
    for token, index in model["vocab"].items():
        tokens[index] = token
    types = [int(gguf.TokenType.CONTROL if token == END_OF_TEXT else gguf.TokenType.NORMAL) for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)
    writer.add_add_bos_token(False)
