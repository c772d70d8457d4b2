"""How much of a graphics card a step uses: the operations that it needs, over those that the card promises."""

from __future__ import annotations

import time

import torch

from kobold_modules.backends.torch.load import TorchModel


# dense bfloat16 operations a second of the data sheet, by a part of the card's name
PROMISED = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12, "3090": 71e12}


def promised(device: str) -> float:
    """Return the operations a second that ``device`` promises in bfloat16, 0 for a CPU; measured where not known."""
    if device == "cpu":
        return 0.0
    name = torch.cuda.get_device_name(device)
    for part, operations in PROMISED.items():
        if part in name:
            return operations
    x = torch.ones(8192, 8192, dtype=torch.bfloat16, device=device)
    taken = []
    for _ in range(10):
        torch.cuda.synchronize()
        began = time.perf_counter()
        x @ x
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return 2 * 8192**3 / min(taken)


def operations_of(frozen: TorchModel, tokens: int, length: int, rows: int) -> float:
    """Return the operations that one token of ``rows`` rows of ``length`` needs behind ``tokens`` virtual ones.

    Products forward and back, none for weights, which are frozen. The prompt is counted once a step and nothing is
    counted that some way computes twice, so that ways can be compared.
    """
    decoder, config = frozen.model.get_decoder(), frozen.model.config
    layers = sum(each.numel() for each in decoder.layers.parameters() if each.dim() == 2)
    width = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    heads = len(decoder.layers) * config.num_attention_heads * width
    scores = 2 * (2 + 5) * heads * (tokens + length / 2)  # two products forward, five back
    once = 4 * layers * tokens / (rows * length)
    return float(4 * (layers + frozen.table.numel()) + scores + once)
