"""What a world does to text that has nothing to do with it: measured while it trains, and held to a bound.

A step learns from pieces of neutral text, too, where the plain model is the teacher, a twentieth of its tokens. That
alone leaves other text 1.7 % worse behind rows and 13 % behind keys and values of every layer (SmolLM2, 128 virtual
tokens, 9 to 14 minutes), where 1 % is asked for. More of it for everybody costs fidelity (Cartridges++, Laguna et al.
2026), so what it counts follows the harm h that is measured at every look:

    w <- clip(w clip(h / bound, 1/2, 4), 1, MOST)

on pages that are neither learned from nor those that a card is measured on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...evaluation.bits import HeldOut
from ...evaluation.control_texts import TOKENS
from ...forward.distillation_loss import TeacherTargets


BOUND = 0.01  # how much worse other text may become, as a share of its bits per byte
FASTEST_FALL, FASTEST_RISE = 0.5, 4.0  # of the weight, from one look to the next
MOST = 64.0  # with a twentieth of the tokens, more than three quarters of a step
LOOKED_AT = 160  # tokens of each voice


@dataclass(frozen=True, slots=True)
class Neutral:
    """Other text of one world.

    Attributes:
        pages: what its harm is measured on.
        first, stop: which of the targets are those of neutral text.
    """

    pages: HeldOut
    first: int
    stop: int

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]], first: int, stop: int) -> Neutral:
        """Return it, measured on a stretch behind the pages that a card is measured on.

        Args:
            texts: ids of other voices.
        """
        pages = (tuple(ids[TOKENS : TOKENS + LOOKED_AT]) for ids in texts)
        return cls(HeldOut(tuple(page for page in pages if len(page) > 1), bytes=0), first, stop)


def weight_after(weight: float, harm: float, bound: float = BOUND) -> float:
    """Return what neutral text counts from here on.

    Args:
        harm: how much worse it is than without the module, as a share of its loss; negative where it is better.
    """
    change = min(FASTEST_RISE, max(FASTEST_FALL, harm / bound))
    return min(MOST, max(1.0, weight * change))


def weighted(targets: TeacherTargets, held: Sequence[Neutral | None], weights: Sequence[float]) -> TeacherTargets:
    """Return ``targets`` of which those of neutral text count so many times what they did."""
    if all(weight == 1 for weight in weights):
        return targets
    counts = targets.weighing.clone()
    for neutral, weight in zip(held, weights, strict=True):
        if neutral is not None:
            counts[neutral.first : neutral.stop] *= weight
    return targets.weighted(counts)
