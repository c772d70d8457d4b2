"""Takes side by side, as values: what is compared, what each wrote, and which one was taken.

A module is judged by reading, and reading is fooled by names: so a comparison may be blind, its columns shuffled and
called by number until one has been chosen.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from kobold_modules.generation.limits import MOST_TOGETHER
from kobold_modules.soft_prompt.layer import Layer, layer_from_data

from ..state.entry_stack import EntryStack
from ..state.phrases import counted
from .takes_journal import mark_of


Lineup = Literal["stacks", "modules", "dice"]
LINEUPS: dict[Lineup, str] = {
    "stacks": "no module, then one more module each",
    "modules": "no module, then each module alone",
    "dice": "same stack, different seeds",
}
FEWEST, USUAL = 2, 3


@dataclass(frozen=True, slots=True)
class Column:
    """One of the takes. ``modules`` are the slugs of what stood before it; ``tokens`` counts as they come."""

    label: str
    stack: tuple[Layer[str], ...]
    modules: tuple[str, ...]
    seed: int
    text: str = ""
    tokens: int = 0
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Columns in the order they stand on the screen. ``after`` marks the text they go on from."""

    after: str
    lineup: Lineup
    columns: tuple[Column, ...]
    blind: bool = False
    chosen: int | None = None

    @property
    def hidden(self) -> bool:
        """Whether labels must not be shown yet."""
        return self.blind and self.chosen is None

    @property
    def ended(self) -> bool:
        return all(column.ended for column in self.columns)

    def name(self, index: int) -> str:
        """Return what stands over a column: its stack, its seed where only that differs, or nothing yet."""
        column = self.columns[index]
        if self.hidden:
            return f"take {index + 1}"
        return f"seed {column.seed}" if self.lineup == "dice" else column.label

    def votes(self, chosen: int) -> dict[str, bool]:
        """Return what a choice says about each module: whether a take through it won.

        One that stands in every column, or in none, was not distinguished and gets no vote.
        """
        stacks = [frozenset(column.modules) for column in self.columns]
        distinct = frozenset[str]().union(*stacks) - frozenset.intersection(*stacks)
        return {module: module in stacks[chosen] for module in sorted(distinct)}

    def goes_on(self, text: str) -> bool:
        """Return whether these are continuations of ``text``."""
        return self.after == mark_of(text)

    def with_column(self, index: int, **changes: Any) -> Comparison:
        columns = list(self.columns)
        columns[index] = replace(columns[index], **changes)
        return replace(self, columns=tuple(columns))

    def with_texts(self, texts: dict[int, str]) -> Comparison:
        """Return the comparison with what each column had written when it was cut short."""
        made = self
        for index, text in texts.items():
            if 0 <= index < len(self.columns):
                made = made.with_column(index, text=text)
        return made.stopped()

    def stopped(self) -> Comparison:
        """Return the comparison with no column waiting for more."""
        columns = tuple(c if c.ended else replace(c, ended="cancelled") for c in self.columns)
        return replace(self, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Comparison | None:
        """Read what :meth:`to_dict` made; None for anything else."""
        try:
            columns = tuple(
                Column(
                    str(column["label"]),
                    tuple(layer_from_data(item) for item in column["stack"]),
                    tuple(map(str, column["modules"])),
                    int(column["seed"]),
                    str(column["text"]),
                    int(column["tokens"]),
                    str(column["ended"]),
                )
                for column in data["columns"]
            )
            chosen = data["chosen"]
            if not columns or len(columns) > MOST_TOGETHER or data["lineup"] not in LINEUPS:
                return None
            made = cls(str(data["after"]), data["lineup"], columns, bool(data["blind"]))
            return replace(made, chosen=chosen if isinstance(chosen, int) and 0 <= chosen < len(columns) else None)
        except (TypeError, KeyError, ValueError):
            return None


def ladder(stack: EntryStack) -> list[EntryStack]:
    """Return the plain model, then the stack growing module by module: none, A, A+B."""
    active = stack.active
    return [EntryStack(active[:n]) for n in range(len(active) + 1)][-MOST_TOGETHER:]


def singles(stack: EntryStack) -> list[EntryStack]:
    """Return the plain model, then each module alone: none, A, B."""
    return [EntryStack(), *(EntryStack((layer,)) for layer in stack.active[: MOST_TOGETHER - 1])]


def set_out(
    text: str, stack: EntryStack, lineup: Lineup, seed: int | None, *, blind: bool = False, takes: int = USUAL
) -> Comparison:
    """Set out a comparison that has not begun. Columns share ``seed`` (drawn where None) unless only the seeds differ.

    Blind, they are shuffled, and never the order in which anything was computed shows.
    """
    if seed is None:
        seed = random.randrange(2**31)
    if lineup != "dice" and not stack.tokens:
        lineup = "dice"  # nothing to compare but seeds
    match lineup:
        case "stacks":
            stacks, seeds = ladder(stack), [seed] * (MOST_TOGETHER + 1)
        case "modules":
            stacks, seeds = singles(stack), [seed] * (MOST_TOGETHER + 1)
        case "dice":
            count = min(MOST_TOGETHER, max(FEWEST, takes))
            stacks, seeds = [stack] * count, [(seed + n) % 2**31 for n in range(count)]
    columns = [_column(stack, seed) for stack, seed in zip(stacks, seeds, strict=False)]
    if blind:
        random.shuffle(columns)
    return Comparison(mark_of(text), lineup, tuple(columns), blind)


def _column(stack: EntryStack, seed: int) -> Column:
    return Column(
        stack.label,
        stack.paths(),
        tuple(layer.module.slug for layer in stack.active),
        seed,
    )


def pace(columns: tuple[Column, ...], most: int) -> str:
    """Say ``Writing … 3 takes, 84 of 120 tokens``."""
    return f"Writing … {counted(len(columns), 'take')}, {max(c.tokens for c in columns):,} of {most:,} tokens."
