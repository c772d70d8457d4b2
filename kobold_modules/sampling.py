"""How the next token is chosen: settings in the words writers know, and named presets."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import BadUsage


@dataclass(frozen=True, slots=True)
class Sampler:
    """Settings of one generation. ``temperature`` 0 takes the likeliest token always (deterministic).

    Attributes:
        top_k: keep the k likeliest tokens; 0 keeps all.
        top_p: keep the likeliest tokens that together reach this probability; 1 keeps all.
        min_p: drop tokens less likely than this share of the likeliest; 0 drops none.
        repetition: divide the logits of tokens seen in the last ``repetition_range`` tokens; 1 is off.
        seed: the same seed gives the same text; None draws one, which the result reports.
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.05
    repetition: float = 1.05
    repetition_range: int = 256
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature", 0.0, 5.0),
            ("top_p", 0.0, 1.0),
            ("min_p", 0.0, 1.0),
            ("repetition", 0.5, 3.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadUsage(f"{name.replace('_', ' ')} is {value:g}; it goes from {low:g} to {high:g}.")
        if self.top_k < 0 or self.repetition_range < 0:
            raise BadUsage("top k and repetition range cannot be negative.")


PRESETS: dict[str, Sampler] = {
    "balanced": Sampler(),
    "careful": Sampler(temperature=0.5, min_p=0.1),
    "wild": Sampler(temperature=1.1, min_p=0.03),
    "deterministic": Sampler(temperature=0.0, repetition=1.1, seed=0),
}
