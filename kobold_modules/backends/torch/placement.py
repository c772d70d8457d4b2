"""How a frozen model's weights are kept while one trains through it, and which way suits a machine.

Whole on one card is fastest. A model that does not fit there is shared out over all cards where there are several, else
its layers wait in memory and stream by. Four bits is never chosen by itself: it is another model than the one that was
named, though one that modules fit.
"""

from __future__ import annotations

from typing import Literal

from ...errors import EngineFailed
from ...models.reference import ModelFile


# ``whole``: on the device as they are; ``split``: shared out over all CUDA cards; ``4-bit``: packed by bitsandbytes, on
# a CUDA card; ``streamed``: layers wait in memory, ``disk``: in files, and come to the device when they are needed.
Placement = Literal["whole", "split", "4-bit", "streamed", "disk"]
BESIDES = 1.5e9  # bytes of a card that a step wants beside the weights, at the least


def placement_for(file: ModelFile, device: str, cards: list[int] | None = None) -> Placement:
    """Choose the fastest way to keep ``file``'s own weights on ``device``.

    Args:
        cards: free bytes of each CUDA card; None asks torch.
    """
    if not device.startswith("cuda"):
        return "whole"
    cards = free_on_cards() if cards is None else cards
    facts = file.facts
    weights = 2 * facts.parameters  # bfloat16
    own = int(device.partition(":")[2] or 0)
    if own < len(cards) and weights + BESIDES <= cards[own]:
        return "whole"
    if device == "cuda" and len(cards) > 1 and weights + BESIDES * len(cards) <= sum(cards):
        return "split"
    return "streamed"


def check_split(device: str) -> None:
    """Raise EngineFailed where there are no cards to share a model out over."""
    if device != "cuda" or len(free_on_cards()) < 2:
        raise EngineFailed(
            "A model is split over several CUDA cards, and there are none or one was named.",
            "Leave out --weights split, or use --weights streamed.",
        )


def free_on_cards() -> list[int]:
    """Free bytes of each CUDA card that torch sees."""
    import torch

    return [int(torch.cuda.mem_get_info(index)[0]) for index in range(torch.cuda.device_count())]
