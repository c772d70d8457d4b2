"""Frozen weights in four bits, through bitsandbytes, where there is a CUDA card.

Gradients flow through packed weights as through any others, and they need none themselves, so a 7B model takes 4 GB
(Dettmers et al. 2023, "QLoRA", section 3: NF4 and double quantisation). Only for Hugging Face folders: a GGUF file is
trained through exactly as it will write, and packing it a second time would make another model of it.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from ...errors import BadUsage, EngineFailed
from ...models.reference import ModelFile


def four_bit_options(file: ModelFile, device: str) -> dict[str, Any]:
    """Return the arguments for ``from_pretrained`` with which the layers of ``file`` are packed on ``device``.

    Raises:
        BadUsage: ``file`` is a GGUF file.
        EngineFailed: there is no CUDA card, or bitsandbytes is not installed.
    """
    if file.kind == "gguf":
        raise BadUsage(
            f"{file.name} is a GGUF file, which is trained through with the weights it will write with.",
            "Leave out --weights 4-bit; if memory is short, use --weights streamed.",
        )
    if not device.startswith("cuda"):
        raise EngineFailed(
            "4-bit weights need an NVIDIA card.", "Leave out --weights 4-bit, or use --weights disk to save memory."
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise EngineFailed("4-bit weights need bitsandbytes.", "Install it: `pip install 'kobold-modules[cuda]'`.")
    import torch
    from transformers import BitsAndBytesConfig

    packing = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": packing, "device_map": {"": device}}
