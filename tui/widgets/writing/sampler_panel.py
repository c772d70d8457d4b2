"""How the next token is chosen, in three small fields: preset, seed, length.

The seed is always in sight, because comparing two stacks means nothing unless both had the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.validation import Integer
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from kobold_modules.sampling.settings import Sampler

from ...rendering.stable_static import StableStatic
from ...writing.sampler_choice import LENGTH, LONGEST, Choice, presets
from ..panel import Titled


def preset_words(preset: Sampler) -> str:
    """Return ``temperature 0.8, min-p 0.05``: what a preset stands for."""
    words = [f"temperature {preset.temperature:g}"]
    if preset.temperature and preset.min_p:
        words.append(f"min-p {preset.min_p:g}")
    if preset.temperature and preset.top_p < 1:
        words.append(f"top-p {preset.top_p:g}")
    if preset.temperature and preset.top_k:
        words.append(f"top-k {preset.top_k}")
    if preset.repetition != 1:
        words.append(f"repetition {preset.repetition:g}")
    if preset.dry_multiplier:
        words.append(f"DRY {preset.dry_multiplier:g}")
    if preset.xtc_probability:
        words.append(f"XTC {preset.xtc_probability:g}")
    if preset.mirostat:
        words.append(f"mirostat {preset.mirostat_tau:g}")
    if preset.banned:
        words.append(f"{len(preset.banned)} banned")
    return ", ".join(words)


class Field(Horizontal):
    """A word and the control it names."""

    DEFAULT_CSS = """
    Field {
        height: 1;
        width: 1fr;
        & > .label { width: 8; color: $text-muted; }
        & > Input, & > Select { width: 1fr; }
    }
    """

    def __init__(self, label: str, control: Widget) -> None:
        super().__init__(Static(label, classes="label"), control)


class SamplerPanel(Vertical, Titled):
    """The fields, and in words what the preset does and which seed was rolled last."""

    HELP = """\
    ## The sampler

    *Preset*: how adventurous the next word is. *Seed*: leave it empty for a new one each take; the same number gives
    the same take, so two stacks can be compared fairly. **ctrl+l** locks the seed of the last take. *Length*: the most
    tokens in a take.
    """
    DEFAULT_CSS = """
    SamplerPanel {
        height: auto;
        #fields { height: auto; }
        #meaning, #rolled { color: $text-muted; height: auto; }
        Input:focus, SelectCurrent:focus { text-style: bold; }
    }
    """

    @dataclass
    class Changed(Message):
        """The writer chose something else."""

        choice: Choice

    def __init__(self, choice: Choice) -> None:
        super().__init__(id="sampler", classes="panel")
        self.set_titles("Sampler")
        self.presets = presets()
        self.choice = self._there(choice)
        self.rolled: int | None = None

    def _there(self, choice: Choice) -> Choice:
        """Return ``choice`` with a preset that is there."""
        return choice if choice.preset in self.presets else choice._replace(preset="balanced")

    def compose(self) -> ComposeResult:
        choice = self.choice
        with Vertical(id="fields"):
            options = [(name, name) for name in self.presets]
            yield Field("preset", Select(options, value=choice.preset, allow_blank=False, compact=True, id="preset"))
            seed = "" if choice.seed is None else str(choice.seed)
            yield Field(
                "seed",
                Input(
                    seed, placeholder="random", type="integer", valid_empty=True, compact=True, id="seed", max_length=10
                ),
            )
            length = Input(
                str(choice.length),
                placeholder=str(LENGTH),
                type="integer",
                valid_empty=True,
                compact=True,
                id="length",
                max_length=4,
            )
            length.validators.append(Integer(1, LONGEST))
            yield Field("length", length)
        yield StableStatic(id="meaning")
        yield StableStatic(id="rolled")

    def on_mount(self) -> None:
        self._say()

    def show_choice(self, choice: Choice) -> None:
        """Show what another story was written with."""
        self.query_one("#preset", Select).value = self._there(choice).preset
        self.query_one("#seed", Input).value = "" if choice.seed is None else str(choice.seed)
        self.query_one("#length", Input).value = str(choice.length)

    def hold(self) -> bool:
        """Fix the seed of the last take, or let go of a fixed one. Returns whether one is held now."""
        seed = self.query_one("#seed", Input)
        held = seed.value == "" and self.rolled is not None
        seed.value = str(self.rolled) if held else ""
        return held

    def next_preset(self) -> None:
        names = list(self.presets)
        select: Select[str] = self.query_one("#preset", Select)
        select.value = names[(names.index(self.choice.preset) + 1) % len(names)]

    def show_rolled(self, seed: int) -> None:
        """Show which seed the last take came from."""
        self.rolled = seed
        self._say()

    @on(Select.Changed, "#preset")
    @on(Input.Changed, "#seed")
    @on(Input.Changed, "#length")
    def _changed(self) -> None:
        seed, length = self.query_one("#seed", Input).value, self.query_one("#length", Input).value
        preset = self.query_one("#preset", Select).value
        choice = Choice(
            preset if isinstance(preset, str) else self.choice.preset,
            abs(int(seed)) if seed.lstrip("-").isdigit() else None,
            min(LONGEST, max(1, int(length))) if length.isdigit() else LENGTH,
        )
        if choice != self.choice:
            self.choice = choice
            self.post_message(self.Changed(choice))
        self._say()

    def _say(self) -> None:
        preset = self.presets.get(self.choice.preset, self.choice.sampler)
        self.query_one("#meaning", StableStatic).update(Content(preset_words(preset)))
        rolled = self.query_one("#rolled", StableStatic)
        rolled.display = self.rolled is not None
        held = self.choice.seed is not None
        said = "ctrl+l unlocks it" if held else "ctrl+l locks it"
        rolled.update(Content(f"last seed {self.rolled}, {said}"))
