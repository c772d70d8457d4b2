"""What is to be trained, as the form holds it, and what that will cost, in words.

The one dial stands for the budget; whoever opens the drawer may set minutes or steps instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from kobold_modules.answers import TrainingCost
from kobold_modules.byte_size import byte_size
from kobold_modules.duration import duration
from kobold_modules.errors import BadUsage
from kobold_modules.training.settings import DIALS as DIAL_MINUTES
from kobold_modules.training.settings import METHODS, TrainingRequest

from .phrases import counted


Dial = Literal["quick", "normal", "thorough"]
Objective = Literal["study", "text"]
DIALS: tuple[Dial, ...] = ("quick", "normal", "thorough")
TOKENS_A_WORD = 1.4  # of English prose in the vocabularies at hand; the worker's estimate replaces it


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the drawer: a field of TrainingRequest, its label, kind and what an empty field means."""

    name: str
    label: str
    kind: Literal["integer", "number", "text"]
    empty: str


ADVANCED = (
    Setting("tokens", "tokens", "integer", "100 virtual tokens; a world: what its lore needs"),
    Setting("minutes", "minutes", "number", "as set above"),
    Setting("steps", "steps", "integer", "as set above; a number gives the same result again"),
    Setting("seed", "seed", "integer", "1"),
    Setting("rate", "rate", "number", "chosen for the time; 0 searches for one"),
    Setting("row", "row", "integer", "512 tokens in a training row, or what fits"),
    Setting("batch", "batch", "integer", "2 rows per step"),
    Setting("start", "start", "text", "text; or vocabulary, words, module"),
    Setting("start_with", "with", "text", "the words, or the module, to start from"),
    Setting("template", "template", "text", "p-tuning: {prompt} a tale of the sea {prompt}"),
    Setting("encoder", "encoder", "text", "p-tuning: mlp; or lstm"),
    Setting("near", "near", "text", "nothing; a text to stay near to, for curiosity"),
    Setting("weights", "weights", "text", "whole; or 4-bit, streamed, disk for less memory"),
    Setting("device", "device", "text", "auto; or cpu, cuda, mps"),
)
BUDGET = ("minutes", "steps")  # what can be scaled without measuring again


@dataclass(frozen=True, slots=True)
class Recipe:
    """The form. ``advanced`` holds what was typed into the drawer, by field."""

    files: tuple[str, ...] = ()
    name: str = ""
    kind: Literal["style", "world"] = "style"
    model: str = "starter"
    author: str = ""
    dial: Dial = "normal"
    advanced: Mapping[str, str] = field(default_factory=dict)
    speaker: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    objective: Objective = "study"
    stack_safe: bool = True
    method: str = METHODS[0]

    def request(self) -> TrainingRequest:
        """Return the request. Raises BadUsage with a sentence where something is missing or makes no sense."""
        if not self.files:
            raise BadUsage("There is nothing to train on yet.", "Select texts with space, or type a path.")
        if not self.name.strip():
            raise BadUsage("The module needs a name.", "Type one into the form.")
        values: dict[str, Any] = {}
        for setting in ADVANCED:
            typed = self.advanced.get(setting.name, "").strip()
            if typed:
                values[setting.name] = _value(setting, typed)
        if self.kind == "world" or "near" in values:
            values.setdefault("tokens", 0)  # as many as the lore, or the text to stay near to, asks for
        if self.kind == "world":
            values["objective"] = "text" if self.objective == "text" else "auto"
        return TrainingRequest(
            files=self.files,
            name=" ".join(self.name.split()),
            model=self.model,
            kind=self.kind,
            author=self.author.strip(),
            dial=self.dial,
            speaker=self.speaker,
            keep=self.keep,
            stack_safe=self.stack_safe,
            method=self.method,
            **values,
        )

    @property
    def measured_by(self) -> tuple[object, ...]:
        """What decides how long a step takes. Recipes that agree in it share one measurement."""
        settings = tuple((name, value) for name, value in self.advanced.items() if name not in (*BUDGET, "seed"))
        way = self.kind, self.objective, self.stack_safe, self.method
        return self.files, self.model, self.speaker, self.keep, way, settings

    @property
    def studied(self) -> bool:
        """Whether lore among the files will be asked about, and not only read."""
        return self.kind == "world" and self.objective == "study"

    @property
    def minutes(self) -> float | None:
        """The budget by the clock; None where steps are given, or where what was typed is no number."""
        typed = self.advanced.get("minutes", "").strip()
        if self.steps is not None:
            return None
        try:
            return float(typed) if typed else DIAL_MINUTES[self.dial]
        except ValueError:
            return None

    @property
    def steps(self) -> int | None:
        typed = self.advanced.get("steps", "").strip()
        return int(typed) if typed.isdigit() else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a training will cost. None: not known (yet). ``exact`` when the worker has looked rather than we guessed."""

    words: int = 0
    tokens: int | None = None
    passes: float | None = None
    minutes: float | None = None
    steps: int | None = None
    memory: int | None = None
    disk: int | None = None
    seconds_per_step: float | None = None
    exact: bool = False
    virtual: int = 0  # tokens of the module, of the ``context`` tokens that the model reads; 0 where that is not known
    context: int = 0
    around: float = 0.0  # seconds before the first step and after the last

    @classmethod
    def of(cls, cost: TrainingCost) -> Estimate:
        """Read what the worker measured."""
        return cls(
            words=cost.words,
            tokens=cost.tokens,
            passes=cost.passes,
            minutes=cost.minutes,
            steps=cost.steps,
            memory=cost.memory_bytes,
            disk=cost.disk_bytes,
            seconds_per_step=cost.seconds_per_step,
            exact=True,
            around=cost.seconds_around,
            virtual=cost.virtual_tokens,
            context=cost.context,
        )

    def at(self, recipe: Recipe) -> Estimate:
        """Scale the same measurement to another budget: moving the dial need not measure again."""
        each = self.seconds_per_step
        if not each or not self.steps:
            return self
        steps = recipe.steps
        if steps is None:
            if recipe.minutes is None:
                return self
            steps = max(1, round(recipe.minutes * 60 / each))
        passes = None if self.passes is None else self.passes / self.steps * steps
        return replace(self, steps=steps, minutes=steps * each / 60, passes=passes)

    def lines(self) -> list[str]:
        """Describe the estimate to a writer, the most telling line first."""
        if not self.words:
            return ["Select texts to see time and memory."]
        about = "" if self.exact else "about "
        lines = []
        if self.minutes is not None:
            reads = "" if self.passes is None else f", reads your text {_times(self.passes)}"
            lines.append(f"{about}{duration(self.minutes * 60 + self.around)}{reads}".capitalize())
        text = counted(self.words, "word")
        if self.tokens is not None:
            text += f", {about}{counted(self.tokens, 'token')}"
        lines.append(text)
        if self.virtual and self.context:
            share = f"{self.virtual / self.context:.0%} of the {self.context:,} the model reads"
            lines.append(f"{counted(self.virtual, 'virtual token')}: {share}")
        takes = [f"{byte_size(self.memory)} of memory"] if self.memory else []
        takes += [f"{byte_size(self.disk)} on disk"] if self.disk else []
        takes += [counted(self.steps, "step")] if self.steps and self.exact else []
        if takes:
            lines.append(", ".join(takes))
        return lines


def guess(words: int, recipe: Recipe, memory: int | None = None) -> Estimate:
    """Estimate from the words alone, until the worker's own estimate comes."""
    steps = recipe.steps
    return Estimate(words, round(words * TOKENS_A_WORD), None, recipe.minutes, steps, memory)


def name_from(path: str) -> str:
    """Suggest a name for a module made of ``path``: ``the-long-drop.txt`` gives ``the long drop``."""
    stem = Path(path).stem if Path(path).suffix else Path(path).name
    return re.sub(r"[\s_\-]+", " ", stem).strip()[:60]


def _times(passes: float) -> str:
    if passes < 0.95:
        return f"in part ({passes:.0%})"
    if passes < 1.5:
        return "once"
    return f"{passes:.0f} times" if passes >= 2.5 else f"{passes:.1f} times"


def _value(setting: Setting, typed: str) -> int | float | str:
    try:
        return int(typed) if setting.kind == "integer" else float(typed) if setting.kind == "number" else typed
    except ValueError as error:
        wanted = "a whole number" if setting.kind == "integer" else "a number"
        raise BadUsage(f"{setting.label.capitalize()} should be {wanted}, not {typed!r}.") from error
