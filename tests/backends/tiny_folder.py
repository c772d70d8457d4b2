"""A tiny random model as a Hugging Face folder: real files, real loading, no download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tests.tiny import CONFIGS


def byte_tokenizer(added_space: bool = False) -> Tokenizer:
    """Return a tokenizer of the 256 bytes, a few merged words, and an end: GPT-2's kind."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(alphabet)}
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ġ", "a")]
    for left, right in merges:
        vocabulary[left + right] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=added_space)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    return tokenizer


def write(folder: Path, kind: str = "llama", **changes: Any) -> Path:
    """Write a random model of ``kind`` with a byte tokenizer into ``folder``."""
    torch.manual_seed(5)
    tokenizer = byte_tokenizer()
    common = {"vocab_size": 272, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    context = {"max_position_embeddings": 512, "eos_token_id": 260, "bos_token_id": None, "pad_token_id": None}
    config = transformers.AutoConfig.for_model(kind, **(common | CONFIGS.get(kind, {}) | context | changes))
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder
