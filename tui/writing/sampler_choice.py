"""What the writer set of the sampler: it goes with the story, and is shown by ``widgets/sampler_panel``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kobold_modules.errors import KoboldModulesError


if TYPE_CHECKING:
    from kobold_modules.sampling.settings import Sampler

LENGTH = 120
LONGEST = 4096


def presets() -> dict[str, Sampler]:
    """Return our presets and the writer's own; ours alone where their file makes no sense."""
    from kobold_modules.sampling.presets import load_presets
    from kobold_modules.sampling.settings import PRESETS

    try:
        return load_presets()
    except KoboldModulesError:
        return dict(PRESETS)


class Choice(NamedTuple):
    """What the writer set: a preset by name, a seed or None for a new one each time, tokens a take.

    A preset that is not there any more writes like ``balanced``; whether it is there is asked when it is needed.
    """

    preset: str = "balanced"
    seed: int | None = None
    length: int = LENGTH

    @property
    def sampler(self) -> Sampler:
        from kobold_modules.sampling.settings import PRESETS

        preset = presets().get(self.preset) or PRESETS["balanced"]
        return preset if self.seed is None else replace(preset, seed=self.seed)

    def to_dict(self) -> dict[str, Any]:
        return self._asdict()

    @classmethod
    def from_dict(cls, data: Any) -> Choice:
        """Read what :meth:`to_dict` made; anything else falls back to the defaults."""
        if not isinstance(data, dict):
            return cls()
        preset, seed, length = data.get("preset"), data.get("seed"), data.get("length")
        return cls(
            preset if isinstance(preset, str) else "balanced",
            seed if isinstance(seed, int) else None,
            min(LONGEST, max(1, length)) if isinstance(length, int) else LENGTH,
        )
