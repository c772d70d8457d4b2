"""Llama models of well-known shapes with random weights: what a step costs does not depend on what was learned."""

from __future__ import annotations

import zlib

import torch

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.soft_prompt.fingerprint import Fingerprint


# vocabulary, width, inner width, layers, heads, key heads: those of Llama 3.2 1B, 3.2 3B and 3.1 8B, and one to try on
SHAPES = {
    "llama-1b": (128_256, 2048, 8192, 16, 32, 8),
    "llama-3b": (128_256, 3072, 8192, 28, 24, 8),
    "llama-8b": (128_256, 4096, 14336, 32, 32, 8),
    "llama-tiny": (512, 64, 128, 2, 4, 2),
}


def random_llama(name: str, device: str, dtype: torch.dtype) -> TorchModel:
    """Return the shape called ``name`` with random frozen weights on ``device``, made there."""
    from transformers import LlamaConfig, LlamaForCausalLM

    vocabulary, width, inner, layers, heads, key_heads = SHAPES[name]
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=name in ("llama-1b", "llama-3b"),
    )
    torch.manual_seed(3)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(dtype)
        with torch.device(device):
            model = LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    table = model.get_input_embeddings().weight
    return TorchModel(
        name=name,
        model=model,
        encode=lambda text: [zlib.crc32(word.encode()) % vocabulary for word in text.split()],
        table=table,
        scale=1.0,
        rms=float(table[:1024].float().square().mean().sqrt()),
        context=8192,
        fingerprint=Fingerprint(vocabulary, width),
        device=device,
    )
